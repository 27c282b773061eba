"""From noise to data in few steps or many.

The way back is walked with the exact denoiser of a mixture of Gaussians, so that what is seen is the
sampler's doing and not a network's.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Explorable, Frame, Knob
from atlas_cli.diagrams.sketch import Shape, Sketch
from atlas_cli.explorables.diffusion._denoising import between, distance, line, process, walk

if TYPE_CHECKING:
    from torch import Tensor

N_PATHS = 14  # paths that are drawn
PILE = 0.35  # of the walk's width: how far the data's highest mode reaches


def sampler(steps: int, eta: float) -> Frame:
    """Paths from noise to a mixture on a line, with the exact denoiser."""
    ends = _walked(steps, eta)[-1, :, 0]
    return Frame(
        ((_paths(steps, eta),),),
        f"With {'1 step' if steps == 1 else f'{steps} steps'} and eta {eta:g}, {between(ends):.0%} of "
        "the samples end between the modes, where there is no data. The denoiser is perfect here, and still "
        "one step lands there: the best guess from pure noise is the mean of all data.",
        {"distance to the data": distance(ends), "between the modes": between(ends)},
    )


@cache
def _walked(steps: int, eta: float) -> Tensor:
    return walk(line(), process("cosine", steps).timesteps(), eta)


def _paths(steps: int, eta: float) -> Sketch:
    """Paths from left to right, and where all of them end, piled up along the same axis."""
    import torch

    path = _walked(steps, eta)
    times = torch.linspace(0, 1, steps + 1)
    paths = [list(zip(times.tolist(), path[:, i, 0].tolist(), strict=True)) for i in range(N_PATHS)]
    grid = torch.linspace(-3, 3, 61)
    truth = line().density(grid[:, None])
    width = float(grid[1] - grid[0])
    counts = torch.histc(path[-1], len(grid), float(grid[0]) - width / 2, float(grid[-1]) + width / 2)
    samples, high = counts / (len(path[-1]) * width), float(truth.max())
    piled, wanted = (
        [(1 + PILE * min(1.25, v / high), x) for x, v in zip(grid.tolist(), values.tolist(), strict=True)]
        for values in (samples, truth)
    )
    shapes = (
        Shape("where they end", [[(1, -3), *piled, (1, 3)]], "area", 1),
        Shape("where the data are", [wanted], "dashed", 2),
        Shape(f"{N_PATHS} of the paths", paths, "line", 0, range(N_PATHS)),
        Shape(
            "a step",
            [[point for way in paths for point in way]],
            "dots",
            0,
            [i for i, way in enumerate(paths) for _ in way],
        ),
    )
    return Sketch(
        "Paths from noise to data, and where they end", shapes, (0, 1 + 1.28 * PILE, -3, 3), ratio=0.62,
        x_ticks=(("noise", 0.0), ("data", 1.0)), links="path",
    )  # fmt: skip


EXPLORABLE = Explorable(
    "sampler", "diffusion", ("ddim", "ddpm", "consistency"), "From noise to data in few steps or many",
    "How many steps until both peaks stand? What does eta do to a path, and what to its end?",
    (
        Knob("steps", "sampler steps", (1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 32), 5, "slider"),
        Knob("eta", "fresh noise (eta)", (0.0, 0.25, 0.5, 0.75, 1.0), 0.0, "slider"),
    ),
    sampler,
    place=20,
)  # fmt: skip
