"""From noise to data in few steps or many.

The way back is walked with the exact denoiser of a mixture of Gaussians, so that what is seen is the
sampler's doing and not a network's.
"""

from __future__ import annotations

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Knob, Series
from atlas_cli.explorables.diffusion._denoising import between, distance, line, process, walk

N_PATHS = 14  # paths that are drawn


def sampler(steps: int, eta: float) -> Frame:
    """Paths from noise to a mixture on a line, with the exact denoiser."""
    import torch

    mixture = line()
    path = walk(mixture, process("cosine", steps).timesteps(), eta)
    times = torch.linspace(0, 1, steps + 1)
    ends = path[-1]
    paths = tuple(Series(f"path {i + 1}", times, path[:, i, 0]) for i in range(N_PATHS))
    grid = torch.linspace(-3, 3, 61)
    truth = Series("data", grid, mixture.density(grid[:, None]), "dashed")
    width = grid[1] - grid[0]
    counts = torch.histc(ends, len(grid), float(grid[0] - width / 2), float(grid[-1] + width / 2))
    drawn = Series("samples", grid, counts / (len(ends) * width))
    return Frame(
        (
            (
                Curves("Paths from noise (left) to data (right)", paths, "share of the walk", "x"),
                Curves("Where they end", (drawn, truth), "x", "density"),
            ),
        ),
        f"With {'1 step' if steps == 1 else f'{steps} steps'} and eta {eta:g}, {between(ends[:, 0]):.0%} of "
        "the samples end between the modes, where there is no data. The denoiser is perfect here, and still "
        "one step lands there: the best guess from pure noise is the mean of all data.",
        {"distance to the data": distance(ends[:, 0]), "between the modes": between(ends[:, 0])},
    )


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
