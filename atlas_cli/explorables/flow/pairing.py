"""How much shorter lines get when a batch of noise and data is paired, by its size and by the dimension.

Source:  minibatch optimal transport: Tong et al. 2023, arXiv:2302.00482.
Here:    noise and data are both standard normal, so that with endless batches no line need have any length.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Knob, Series
from atlas_cli.explorables._ranges import evenly

if TYPE_CHECKING:
    from torch import Tensor

BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
DIMENSIONS = (2, 4, 8, 16, 32, 64, 256, 784)
N_PAIRS = 1024  # in all: small batches are drawn more often
EDGES = evenly(0, 4, 41)  # of the histogram, in units of the mean squared distance


@cache
def lengths(batch: int, dimension: int) -> tuple[Tensor, Tensor]:
    """Squared lengths of all lines of all batches, and of those that pairing keeps, over the first's mean."""
    import torch

    from atlas_cli.systems.flow.of_points import pairing, squared_distances

    random = torch.Generator().manual_seed(dimension)
    every, kept = [], []
    for _ in range(N_PAIRS // batch):
        noise, data = torch.randn(2, batch, dimension, generator=random)
        cost = squared_distances(data, noise)
        every.append(cost.flatten())
        kept.append(cost.gather(1, pairing(cost)[:, None]).flatten())
    mean = torch.cat(every).mean()
    return torch.cat(every) / mean, torch.cat(kept) / mean


@cache
def left(batch: int, dimension: int) -> float:
    """How much of the mean squared length is left."""
    return float(lengths(batch, dimension)[1].mean())


def shares(values: Tensor) -> list[float]:
    """The share of the values in each cell of the histogram; few lie beyond it."""
    return (values.histc(len(EDGES) - 1, EDGES[0], EDGES[-1]) / len(values)).tolist()


def pairing(batch: int, dimension: int) -> Frame:
    """The lengths there are to choose from, the chosen ones, and what that saves."""
    every, kept = lengths(batch, dimension)
    middles = [(low + high) / 2 for low, high in pairwise(EDGES)]
    histogram = Curves(
        "Squared lengths, in units of their mean",
        (Series("all lines", middles, shares(every), "dashed"), Series("those kept", middles, shares(kept))),
        "squared length", "share of the lines",
    )  # fmt: skip
    curves = tuple(
        Series(f"in {d} dimensions", BATCHES, tuple(left(n, d) for n in BATCHES),
               "line" if d == dimension else "dashed")
        for d in dict.fromkeys((2, 16, 784, dimension))
    )  # fmt: skip
    saved = Curves(
        "What is left of the mean", curves, "batch", "", log_x=True, marker=batch, drag="batch"
    )  # fmt: skip
    spread = float(every.std())
    return Frame(
        ((histogram, saved),),
        f"Of {_lines(batch)} in {dimension} dimensions, pairing leaves {left(batch, dimension):.0%} of the "
        f"mean squared length. The lengths that it may choose from stray by {spread:.0%} of their mean. "
        "With the dimension a squared length becomes a sum of more and more terms, and such sums stray less "
        "and less: where all lines are equally long, there is nothing to choose.",
        {
            "squared length left": left(batch, dimension), "spread of all lengths": spread,
            "lines to choose from": batch * batch, "lines kept": batch,
        },
    )  # fmt: skip


def _lines(batch: int) -> str:
    return "the 1 line of a pair" if batch == 1 else f"the {batch * batch:,} lines of a batch of {batch}"


EXPLORABLE = Explorable(
    "pairing", "flow", ("ot-cfm",), "What a batch saves by pairing, and why less in many dimensions",
    "How large must the batch be to save half in 2 dimensions? In 16? In the 784 of a small image?",
    (
        Knob("batch", "batch", BATCHES, 64, "slider"),
        Knob("dimension", "dimension", DIMENSIONS, 2, "slider"),
    ),
    pairing,
    place=25,
)  # fmt: skip
