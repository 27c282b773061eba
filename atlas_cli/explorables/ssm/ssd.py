"""State-space duality: one matrix, of which a part is multiplied out and the rest goes through states."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Heatmap, Knob, Series
from atlas_cli.explorables._ranges import by_ratio

if TYPE_CHECKING:
    from torch import Tensor

TEXT = "abcdacbdabdcadbc"  # one letter a token: a letter asks for itself
LENGTH = len(TEXT)
OTHERS = 0.25  # what a letter finds in another one, against 1 in itself
CHUNKS = (1, 2, 4, 8, 16)
N, P = 32, 16  # states and channels of a head of mamba2/small, for the work
INSIDE, BY_STATE, LATER = 1.0, 0.4, 0.0


def coefficients(keeps: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """delta, A, B, C of one head over the text; a token's step leaves the share `keeps` of the state."""
    import math

    import torch

    letters = sorted(set(TEXT))
    alike = torch.full((len(letters), len(letters)), OTHERS) + (1 - OTHERS) * torch.eye(len(letters))
    asked = torch.eye(len(letters))  # C is the letter itself, B what it looks like to each
    order = [letters.index(letter) for letter in TEXT]
    delta, A = torch.ones(1, LENGTH, 1), torch.tensor([math.log(keeps)])
    return delta, A, alike[order][None], asked[order][None]


def weights(keeps: float, chunk: int) -> Tensor:
    """What token s, a column, weighs in output t, a row: (L, L), read off the layer by impulses."""
    import torch

    from atlas_cli.nets.ssd import ssd

    impulses = torch.eye(LENGTH).view(1, LENGTH, 1, LENGTH)  # channel s is 1 at token s
    y, _ = ssd(impulses, *coefficients(keeps), chunk=chunk)
    return y.view(LENGTH, LENGTH)


def difference(keeps: float, chunk: int) -> float:
    """The largest between the chunks' outputs and the recurrence's."""
    import torch

    from atlas_cli.nets.ssd import ssd_recurrence

    impulses = torch.eye(LENGTH).view(1, LENGTH, 1, LENGTH)
    y, _ = ssd_recurrence(impulses, *coefficients(keeps))
    return float((y.view(LENGTH, LENGTH) - weights(keeps, chunk)).abs().max())


def way(t: int, s: int, chunk: int) -> float:
    """How what token s says reaches token t."""
    if s > t:
        return LATER
    return INSIDE if t // chunk == s // chunk else BY_STATE


def work(chunk: float) -> dict[str, float]:
    """Multiplications a token and head, of N states and P channels, scores shared by heads left out."""
    return {"inside": chunk * P, "by the state": 2 * N * P + N * P / chunk}


def ssd_chunks(chunk: int, keeps: float) -> Frame:
    """The matrix, which of its entries take which way, and the work of both."""
    matrix = weights(keeps, chunk)
    ways = [[way(t, s, chunk) for s in range(LENGTH)] for t in range(LENGTH)]
    counted = [entry for row in ways for entry in row]
    sizes = by_ratio(1, 256, 17)
    inside, by_state = (tuple(work(size)[name] for size in sizes) for name in ("inside", "by the state"))
    both = tuple(a + b for a, b in zip(inside, by_state, strict=True))
    ends = (TEXT[0], TEXT[-1])
    return Frame(
        (
            (
                Heatmap("What each token weighs in each output", matrix, 0, 1, "token", "output", ends, ends,
                        links=("token", "output")),
                Heatmap("Which way a token takes to an output", ways, 0, 1, "token", "output", ends, ends,
                        names=(("multiplied out", INSIDE), ("by a state", BY_STATE)),
                        links=("token", "output")),
            ),
            (
                Curves(
                    f"Multiplications a token: {N} states, {P} channels a head",
                    (
                        Series("inside", sizes, inside, "dashed"),
                        Series("by the state", sizes, by_state, "points"),
                        Series("both", sizes, both),
                    ),
                    "chunk", "", True, True, chunk,
                ),
            ),
        ),
        f"In chunks of {chunk}, {counted.count(INSIDE)} pairs are multiplied out, queries by keys, in blocks "
        f"along the diagonal; the {counted.count(BY_STATE)} below them meet through {_states(chunk)} handed "
        f"on from chunk to chunk. Each letter asks for its like, and a step keeps {keeps:.0%}, so that what "
        "is far back has faded: attention without a softmax. A chunk of 1 is the recurrence, one chunk for "
        "all is attention.",
        {
            "pairs multiplied out": counted.count(INSIDE),
            "pairs by a state": counted.count(BY_STATE),
            "states handed on": LENGTH // chunk - 1,
            "multiplications a token": sum(work(chunk).values()),
            "largest difference from the recurrence": difference(keeps, chunk),
        },
    )  # fmt: skip


def _states(chunk: int) -> str:
    n = LENGTH // chunk - 1
    return f"{n} state" if n == 1 else f"{n} states"


EXPLORABLE = Explorable(
    "ssd", "ssm", ("mamba2",), "One matrix, in chunks",
    "Turn the chunk: what happens to the left picture, and what to the steps that must wait?",
    (
        Knob("chunk", "chunk", CHUNKS, 4, "slider", "tokens"),
        Knob("keeps", "share a step keeps", (0.5, 0.7, 0.8, 0.9, 0.95, 1.0), 0.9, "slider"),
    ),
    ssd_chunks,
    heavy=True,
    place=40,
)  # fmt: skip
