"""A grid of mixtures: rows give the lower layers their style, columns the upper ones."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Literal

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Images, Knob, Series
from atlas_cli.explorables._grey import shades

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.systems.gan.stylegan import StyleGAN

N_PAIRS = 200  # of styles, behind the curves
N_LAYERS = 5  # with a style
CROSSOVERS = tuple(range(N_LAYERS + 1))  # layers from the bottom that have the row's style
NAMES = {"slant": "slant", "stroke": "stroke width", "class": "digit"}
LOOKS: tuple[Literal["line", "dashed", "points"], ...] = ("line", "dashed", "points")
DIGITS = {"different": ((3, 8), (0, 4, 7)), "one": ((3, 3), (3, 3, 3))}  # rows, columns


def style_mixing(system: StyleGAN, crossover: int, digits: str) -> Frame:
    """The grid, and over all crossovers what of a mixture follows the row."""
    rows, columns = DIGITS[digits]
    strips = _grid(system, crossover, digits)
    titles = ("Alone, as columns", *(f"A {digit}: alone, then as the row of mixtures" for digit in rows))
    grid = (Images(title, strip, len(strip)) for title, strip in zip(titles, strips, strict=True))
    curves = [_shares(system, at) for at in CROSSOVERS]
    follows = Curves(
        "Share of a mixture that is from the row",
        tuple(
            Series(NAMES[name], CROSSOVERS, tuple(shares[name] for shares in curves), look)
            for name, look in zip(curves[0], LOOKS, strict=False)
        ),
        "layers that have the row's style", "share", marker=crossover, drag="crossover",
    )  # fmt: skip
    here = {NAMES[name]: share for name, share in curves[crossover].items()}
    layers = f"{crossover} {'layer' if crossover == 1 else 'layers'}"
    told = ", ".join(f"{share:.0%} of the {name}" for name, share in here.items())
    return Frame(
        (*((panel,) for panel in grid), (follows,)),
        f"Rows are of the digits {_listed(rows)}, columns of {_listed(columns)}. The row gives the {layers} "
        f"nearest to the bottom their style, the column the other {N_LAYERS - crossover}; the noise is the "
        f"same. From the row is, over {N_PAIRS} pairs: {told}.",
        {f"{name} from the row": share for name, share in here.items()},
    )


def _listed(digits: tuple[int, ...]) -> str:
    return f"{', '.join(map(str, digits[:-1]))} and {digits[-1]}"


@cache
def _grid(system: StyleGAN, crossover: int, digits: str) -> tuple[tuple[Tensor, ...], ...]:
    """Strips: an empty picture and the columns alone; then each row alone, and its mixtures."""
    import torch

    random, (rows, columns) = system.setting.generator("grid", 0), DIGITS[digits]
    z = torch.randn(len(rows) + len(columns), system.config.z_dim, generator=random)
    label = torch.tensor([digit % system.config.n_classes for digit in (*rows, *columns)])
    with torch.no_grad():
        w = system.styles(z, label if system.classes else None)
        noise = system.noise(1, random).expand(len(w), -1)
        alone = system.images(w, noise).mean(1)
        strips, fine = [torch.cat([torch.full_like(alone[:1], -1), alone[len(rows) :]])], w[len(rows) :]
        for i, coarse in enumerate(w[: len(rows)]):
            mixtures = system.images(coarse.expand_as(fine), noise[: len(fine)], fine, crossover).mean(1)
            strips.append(torch.cat([alone[i : i + 1], mixtures]))
    return tuple(tuple(shades(picture) for picture in strip) for strip in strips)


@cache
def _shares(system: StyleGAN, crossover: int) -> dict[str, float]:
    """Measured as the recipe's figures are, on fewer pairs."""
    import torch

    from atlas_cli.metrics.judge import Judge
    from atlas_cli.screen import messages
    from atlas_cli.systems.gan.style_figures import mixture_shares

    with torch.no_grad():
        judge = Judge.load_or_train(system.setting.data, messages.say)
        return mixture_shares(system, judge, crossover, N_PAIRS)


EXPLORABLE = Explorable(
    "style-mixing", "gan", ("stylegan",), "Styles of two digits, layer by layer",
    "Up to which layer is it the row's digit, and which layers set how thick it is written?",
    (
        Knob("crossover", "layers from the row", CROSSOVERS, 3, "slider"),
        Knob("digits", "digits", tuple(DIGITS), "different", "choice"),
    ),
    None, from_run=style_mixing, systems=("stylegan",), place=35,
)  # fmt: skip
