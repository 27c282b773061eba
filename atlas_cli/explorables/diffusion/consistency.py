"""Consistency: one call that lands where the whole walk would end, beside a denoiser's few steps.

Source:  Song, Dhariwal, Chen, Sutskever 2023, arXiv:2303.01469; sampling in several steps is Algorithm 1.
On a line the flow of probability never lets paths overtake one another, so a point keeps its rank: the end of
the path from x at time t is the datum of the same rank, f(x, t) = F_0^-1(F_t(x)), exactly.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Knob, Series
from atlas_cli.diagrams.sketch import Shape, Sketch
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
    from collections.abc import Sequence

    from torch import Tensor

STEPS = (1, 2, 3, 4, 5, 6, 8, 10, 13, 16)
BLURS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4)
GRID = (-6.0, 6.0, 1201)  # of x, on which f is tabulated
N_NODES = 61  # of the normal distribution, by which f is blurred
N_DRAWN = 161  # points of a map from noise to sample
N_PATHS = 8  # noises whose ways are drawn
N_FINE = 40  # steps of a path that is drawn as if it had been walked without end
PILE = 0.3  # of the walk's width: how far the data's highest mode reaches


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
def jumps(steps: int, blur: float) -> Tensor:
    """Of that many calls: the noise, where the first call lands, the way back, where the next one lands ...

    (2 steps, N_ENDS): x before each call and after it.
    """
    import torch

    ddpm = process("cosine")
    generator = torch.Generator().manual_seed(START_SEED)
    x = torch.randn(N_ENDS, 1, generator=generator)[:, 0].double()
    way = []
    for i, t in enumerate(times_of(steps)):
        if i:
            a = float(ddpm.alpha_bar[t])
            x = a**0.5 * x + (1 - a) ** 0.5 * torch.randn(x.shape, generator=generator, dtype=x.dtype)
        way.append(x)
        x = consistency_function(x, t, blur)
        way.append(x)
    return torch.stack(way)


def sampled(steps: int, blur: float) -> Tensor:
    """Samples of that many calls: jump to the data, go back to a smaller noise, jump again; (N_ENDS,)."""
    return jumps(steps, blur)[-1]


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
            (_denoiser_ways(steps), _consistency_ways(steps, blur)),
            (
                Curves("From one noise to one sample", _maps(steps, blur), "noise", "sample"),
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
        f"With {_calls(steps)} and a blur of {blur:g}, {between(jumped):.0%} "
        f"of the consistency function's samples and {between(stepped):.0%} of the denoiser's lie between the "
        "modes. Asked once, a perfect denoiser says the mean of all data, whatever the noise: all arrows "
        "meet there. A consistency function says where the whole path would end, so that neighbours part: a "
        "steep curve, and no net is that steep. Each further call starts from a smaller noise.",
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
    return (
        Series(f"denoiser, {_calls(steps)}", noise[order], ends[order]),
        Series("consistency, 1 call", once, consistency_function(once, N_STEPS - 1, blur), "dashed"),
    )


def _denoiser_ways(steps: int) -> Sketch:
    """Each step goes towards the mean of all data that may have led there."""
    way = walk(line(), times_of(steps), 0.0)[..., 0]
    at = [_place(t) for t in times_of(steps)] + [1.0]
    arrows, of = [], []
    for i in _drawn():
        points = list(zip(at, way[:, i].tolist(), strict=True))
        arrows += [*pairwise(points)]
        of += [i] * steps
    steps_drawn = Shape("a step", arrows, "arrow", 0, _numbers(of))
    return _ways(f"A denoiser, {_calls(steps)}", (steps_drawn,), way[-1])


def _consistency_ways(steps: int, blur: float) -> Sketch:
    """Each call jumps to the end of a path; between two of them it goes back to a smaller noise."""
    way = jumps(steps, blur)
    at = [_place(t) for t in times_of(steps)]
    calls, back, of = [], [], []
    for i in _drawn():
        before, after = way[::2, i].tolist(), way[1::2, i].tolist()
        calls += [((x, a), (1.0, b)) for x, a, b in zip(at, before, after, strict=True)]
        back += [((1.0, b), (x, a)) for x, a, b in zip(at[1:], before[1:], after, strict=False)]
        of += [i] * steps
    again = Shape(
        "back to a smaller noise", back, "dashed", None, _numbers([i for i in _drawn() for _ in at[1:]])
    )
    shapes = (*((again,) if back else ()), Shape("a call", calls, "arrow", 1, _numbers(of)))
    return _ways(f"A consistency function, {_calls(steps)}", shapes, way[-1])


def _ways(title: str, shapes: tuple[Shape, ...], ends: Tensor) -> Sketch:
    """On the exact paths from left to right; and where all samples end, piled up along the same axis."""
    import torch

    times = times_of(N_FINE)
    path = walk(line(), times, 0.0)[..., 0]
    at = [_place(t) for t in times] + [1.0]
    drawn = _drawn()
    grid = torch.linspace(-3, 3, 61)
    width = float(grid[1] - grid[0])
    truth = line().density(grid[:, None])
    counts = torch.histc(ends.float(), len(grid), float(grid[0]) - width / 2, float(grid[-1]) + width / 2)
    high = float(truth.max())
    piled, wanted = (
        [(1 + PILE * min(1.25, v / high), x) for x, v in zip(grid.tolist(), values.tolist(), strict=True)]
        for values in (counts / (len(ends) * width), truth)
    )
    ground = (
        Shape("where samples end", [[(1, -3), *piled, (1, 3)]], "area", 4),
        Shape("where the data are", [wanted], "dashed", 2),
        Shape("exact paths", [list(zip(at, path[:, i].tolist(), strict=True)) for i in drawn], "line", None,
              _numbers(drawn)),
    )  # fmt: skip
    return Sketch(
        title, (*ground, *shapes), (0, 1 + 1.28 * PILE, -3, 3), ratio=0.75,
        x_ticks=(("noise", 0.0), ("data", 1.0)), links="noise",
    )  # fmt: skip


@cache
def _drawn() -> tuple[int, ...]:
    """Places of a few noises, spread evenly from the lowest to the highest."""
    order = denoised(1)[0].argsort()
    return tuple(int(order[round((k + 0.5) * N_ENDS / N_PATHS)]) for k in range(N_PATHS))


def _numbers(drawn: Sequence[int]) -> list[int]:
    """Of noises by their places, their numbers among the drawn ones."""
    return [_drawn().index(i) for i in drawn]


def _place(t: int) -> float:
    """Where a time lies between noise and data."""
    return 1 - t / (N_STEPS - 1)


def _calls(steps: int) -> str:
    return "1 call" if steps == 1 else f"{steps} calls"


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
