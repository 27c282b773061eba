"""A digit drowns in noise, as fast as the schedule says."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Images, Knob, Series
from atlas_cli.explorables.diffusion._denoising import N_STEPS, process

if TYPE_CHECKING:
    from torch import Tensor

DIGIT_SEED = 12  # of a digit that stays readable for long


def noising(t: int, schedule: str) -> Frame:
    """A digit at time t, and the share of its variance that is left."""
    import torch

    ddpm = process(schedule)
    data, noise = _digit()
    x_t = ddpm.add_noise(data, noise, torch.tensor([t]))[0, 0]
    left, other = float(ddpm.alpha_bar[t]), "linear" if schedule == "cosine" else "cosine"
    pictures = [(x.clamp(-1, 1) + 1) / 2 for x in (data[0, 0], x_t)]
    every = torch.arange(0, N_STEPS, 5)
    curves = tuple(
        Series(name, every, process(name).alpha_bar[every], "line" if name == schedule else "dashed")
        for name in ("cosine", "linear")
    )
    return Frame(
        (
            (
                Images("The digit, and the digit at time t", tuple(pictures), 2, ("data", f"x_t, t = {t}")),
                Curves("Share of the image left in x_t", curves, "t", "share", marker=t, drag="t"),
            ),
        ),
        f"At t = {t} of {N_STEPS}, {left:.3g} of the image's variance is left in x_t, and the rest is noise; "
        f"the {other} schedule would leave {float(process(other).alpha_bar[t]):.3g}. One jump mixes image "
        "and noise: no step before t is needed.",
        {"image variance left": left, "noise variance": 1 - left, "signal to noise": left / (1 - left)},
    )


@cache
def _digit() -> tuple[Tensor, Tensor]:
    """One stroke digit in [-1, 1] and its noise, (1, 1, 28, 28) each."""
    import torch

    from atlas_cli.data import strokes

    images, _ = strokes.draw(1, DIGIT_SEED)
    data = torch.from_numpy(images).float().div(127.5).sub(1)[:, None]
    return data, torch.randn(data.shape, generator=torch.Generator().manual_seed(0))


def given() -> dict[str, object]:
    """What the page needs to compute it: the digit, the noise, and what each schedule leaves at each time."""
    (data, noise), names = _digit(), ("cosine", "linear")
    left = {name: process(name).alpha_bar for name in names}
    return {"digit": data[0, 0], "noise": noise[0, 0], "left": left, "steps": N_STEPS}


EXPLORABLE = Explorable(
    "noising", "diffusion", ("ddpm", "ddim", "latent-diffusion"), "A digit drowns in noise",
    "Find the t at which you can no longer name the digit. How much of each schedule is spent beyond it?",
    (
        Knob("t", "time", (*range(0, N_STEPS, 2), N_STEPS - 1), 72, "slider"),
        Knob("schedule", "schedule", ("cosine", "linear"), "cosine", "choice"),
    ),
    noising,
    given=given,
    place=10,
)  # fmt: skip
