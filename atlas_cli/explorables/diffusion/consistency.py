"""Consistency: one call that lands where the whole walk would end, beside a denoiser's few steps.

Source:  Song, Dhariwal, Chen, Sutskever 2023, arXiv:2303.01469; sampling in several steps is Algorithm 1.
On a line the flow of probability never lets paths overtake one another, so a point keeps its rank: the end of
the path from x at time t is the datum of the same rank, f(x, t) = F_0^-1(F_t(x)), exactly.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Knob, Series
from atlas_cli.explorables.diffusion._denoising import (
    N_ENDS,
    N_STEPS,
    START_SEED,
    between,
    datum_of_rank,
    distance,
    line,
    process,
    ranks,
    walk,
)

if TYPE_CHECKING:
    from torch import Tensor

STEPS = (1, 2, 3, 4, 5, 6, 8, 10, 13, 16)
BLURS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4)
GRID = (-6.0, 6.0, 1201)  # of x, on which f is tabulated
N_NODES = 61  # of the normal distribution, by which f is blurred
BIN = 0.2
N_DRAWN = 161


@cache
def ends_of(t: int, blur: float) -> tuple[Tensor, Tensor]:
    """A grid of x, and where the paths from there at time t end; blurred over `blur` widths of the noise.

    The blur stands for what a net of limited sharpness does to the steep part of f.
    """
    import torch

    a = float(process("cosine").alpha_bar[t])
    sigma, mixture = (1 - a) ** 0.5, line()
    if not blur:
        grid = torch.linspace(*GRID[:2], int(GRID[2]), dtype=torch.float64)
        return grid, datum_of_rank(mixture, ranks(mixture, grid, a**0.5, sigma))
    grid, ends = ends_of(t, 0.0)
    nodes = torch.special.ndtri((torch.arange(N_NODES, dtype=torch.float64) + 0.5) / N_NODES)
    return grid, torch.stack([_read(grid, ends, grid + blur * sigma * node) for node in nodes]).mean(0)


def consistency_function(x: Tensor, t: int, blur: float = 0.0) -> Tensor:
    """f(x, t), (B,): the datum at the end of the path through x at time t."""
    return _read(*ends_of(t, blur), x)


def _read(grid: Tensor, values: Tensor, x: Tensor) -> Tensor:
    """A table between its entries, by straight lines; beyond its ends, the last entry."""
    import torch

    place = ((x - grid[0]) / (grid[1] - grid[0])).clamp(0, len(grid) - 1.001)
    left = place.long()
    return torch.lerp(values[left], values[left + 1], (place - left).to(values.dtype))


def times_of(steps: int) -> list[int]:
    """From T - 1 down, evenly spaced, and none without noise, where a call would change nothing."""
    return [round((N_STEPS - 1) * (1 - i / steps)) for i in range(steps)]


@cache
def sampled(steps: int, blur: float) -> Tensor:
    """Samples of that many calls: jump to the data, go back to a smaller noise, jump again; (N_ENDS,)."""
    import torch

    ddpm = process("cosine")
    generator = torch.Generator().manual_seed(START_SEED)
    x = torch.randn(N_ENDS, 1, generator=generator)[:, 0].double()
    for i, t in enumerate(times_of(steps)):
        if i:
            a = float(ddpm.alpha_bar[t])
            x = a**0.5 * x + (1 - a) ** 0.5 * torch.randn(x.shape, generator=generator, dtype=x.dtype)
        x = consistency_function(x, t, blur)
    return x


@cache
def denoised(steps: int) -> tuple[Tensor, Tensor]:
    """Noise, and the samples that DDIM's steps with the exact denoiser make of it; (N_ENDS,) each."""
    path = walk(line(), times_of(steps), 0.0)
    return path[0, :, 0], path[-1, :, 0]


@cache
def fresh_distance() -> float:
    """The distance of as many fresh data, on average: no sampler can be told from the data below it."""
    draws = 20
    return sum(distance(line().draw(N_ENDS, seed)[:, 0]) for seed in range(draws)) / draws


def consistency(steps: int, blur: float) -> Frame:
    """Both ways from the same noise with the same number of calls."""
    jumped, (_, stepped) = sampled(steps, blur), denoised(steps)
    distances = (
        Series("denoiser", STEPS, tuple(distance(denoised(n)[1]) for n in STEPS)),
        Series("consistency", STEPS, tuple(distance(sampled(n, blur)) for n in STEPS), "dashed"),
        Series("fresh data", STEPS, (fresh_distance(),) * len(STEPS), "points"),
    )
    return Frame(
        (
            (
                Curves("From one noise to one sample", _maps(steps, blur), "noise", "sample"),
                Curves("Where samples land", _histograms(stepped, jumped), "x", "share"),
            ),
            (
                Curves(
                    "Distance to the data",
                    distances,
                    "calls of the net",
                    "",
                    log_y=True,
                    marker=steps,
                    drag="steps",
                ),
            ),
        ),
        f"With {'1 call' if steps == 1 else f'{steps} calls'} and a blur of {blur:g}, {between(jumped):.0%} "
        f"of the consistency function's samples and {between(stepped):.0%} of the denoiser's lie between the "
        "modes. Asked once, a perfect denoiser says the mean of all data, whatever the noise: a flat line. A "
        "consistency function says where the whole path would end: a steep curve. No net is that steep.",
        {
            "distance, denoiser": distance(stepped),
            "distance, consistency": distance(jumped),
            "distance, fresh data": fresh_distance(),
            "between the modes, denoiser": between(stepped),
            "between the modes, consistency": between(jumped),
        },
    )


def _maps(steps: int, blur: float) -> tuple[Series, ...]:
    """What becomes of a noise: by DDIM's steps, and by one call of the consistency function."""
    import torch

    noise, ends = denoised(steps)
    order = noise.argsort()[:: N_ENDS // N_DRAWN]
    once = torch.linspace(-3, 3, N_DRAWN)
    calls = "1 call" if steps == 1 else f"{steps} calls"
    return (
        Series(f"denoiser, {calls}", noise[order], ends[order]),
        Series("consistency, 1 call", once, consistency_function(once, N_STEPS - 1, blur), "dashed"),
    )


def _histograms(stepped: Tensor, jumped: Tensor) -> tuple[Series, ...]:
    import torch

    middles = torch.arange(-3, 3 + BIN / 2, BIN)
    edges = torch.cat([middles - BIN / 2, middles[-1:] + BIN / 2])
    truth = ranks(line(), edges).diff()
    shares = [torch.histogram(x.float(), edges).hist / N_ENDS for x in (stepped, jumped)]
    return (
        Series("denoiser", middles, shares[0]),
        Series("consistency", middles, shares[1], "dashed"),
        Series("data", middles, truth, "points"),
    )


EXPLORABLE = Explorable(
    "consistency", "diffusion", ("consistency", "ddim"), "One call that knows where the path ends",
    "Blur the net: what do more calls, each from a smaller noise, put right?",
    (
        Knob("steps", "calls of the net", STEPS, 1, "slider"),
        Knob("blur", "blur of the net", BLURS, 0.0, "slider"),
    ),
    consistency,
    place=30,
)  # fmt: skip
