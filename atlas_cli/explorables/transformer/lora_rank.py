"""Low-rank adaptation, solved in closed form on digits: how much of a change fits through a narrow door.

Source:  Hu et al. 2021, arXiv:2106.09685. Here: W + B A, with B (out, r) and A (r, in).
Task:    the lower half of a 14x14 digit from its upper half, by least squares, 98 numbers from 98. The model
         is fitted to one kind of picture and adapted to another; B A is the best update of its rank, found
         by reduced-rank regression and not by descent.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from atlas_cli.diagrams.frames import Bars, Curves, Explorable, Frame, Images, Knob, Series
from atlas_cli.explorables._digits import PIXELS, SIDE, digits, picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_PICTURES = 4000  # of all ten digits
HALF = PIXELS // 2
RIDGE = 30.0  # keeps the weights of pixels that are always blank at zero
RANKS = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 49, 64, 98)
N_DIRECTIONS = 6  # that are drawn
CHANGES = ("other digits", "mirrored", "inverted")
SHOWN = (3, 4)  # of the new pictures


@dataclass(frozen=True, eq=False)
class Task:
    """A model of the old pictures, and the new ones.

    Attributes:
        W: Fitted to the digits 0 to 4, (HALF, HALF).
        upper: Upper halves of the new pictures, (N, HALF).
        lower: Their lower halves.
    """

    W: NDArray
    upper: NDArray
    lower: NDArray

    def loss(self, update: NDArray) -> float:
        """Squared error a picture with W + update; the ridge on the update is part of it."""
        errors = self.lower - self.upper @ (self.W + update).T
        return float((errors**2).sum() + RIDGE * (update**2).sum()) / len(self.upper)

    def moments(self) -> tuple[NDArray, NDArray]:
        """S = X'X + ridge, and R'X of what the old model leaves over; the full update is R'X S^-1."""
        import numpy as np

        left_over = self.lower - self.upper @ self.W.T
        return self.upper.T @ self.upper + RIDGE * np.eye(HALF), left_over.T @ self.upper


@cache
def task_of(change: str) -> Task:
    """Fitted to the digits 0 to 4; the new pictures are 5 to 9, or the old ones mirrored or inverted."""
    import numpy as np

    images, labels = digits(N_PICTURES)
    pictures = images.reshape(-1, SIDE, SIDE)
    old = pictures[labels < 5]
    new = {"other digits": pictures[labels >= 5], "mirrored": old[:, :, ::-1], "inverted": 1 - old}[change]
    (x, y), (upper, lower) = _halves(old), _halves(new)
    return Task(np.linalg.solve(x.T @ x + RIDGE * np.eye(HALF), x.T @ y).T, upper, lower)


def _halves(pictures: NDArray) -> tuple[NDArray, NDArray]:
    flat = pictures.reshape(len(pictures), 2 * HALF)
    return flat[:, :HALF], flat[:, HALF:]


class Factors(NamedTuple):
    """The full update as a sum of directions, the strongest first: B A."""

    B: NDArray  # (HALF, HALF): a column for what each direction writes
    A: NDArray  # (HALF, HALF): a row for what each reads
    strengths: NDArray  # (HALF,)


@cache
def factors(change: str) -> Factors:
    """Those of which the first r are the update of the least loss for every rank r.

    With S = L L', the loss of an update D is |(D - full) L|^2 and a constant, so that the best D of a rank is
    the truncated SVD of full L, times L^-1 (Eckart and Young).
    """
    import numpy as np

    S, cross = task_of(change).moments()
    back = np.linalg.inv(np.linalg.cholesky(S))
    left, strengths, right = np.linalg.svd(cross @ back.T)  # full L = cross S^-1 L = cross L'^-1
    return Factors(left * strengths, right @ back, strengths)


@cache
def best_updates(change: str) -> tuple[NDArray, ...]:
    """The update of the least loss for every rank 0 .. HALF."""
    B, A, _ = factors(change)
    return tuple(B[:, :r] @ A[:r] for r in range(HALF + 1))


@cache
def random_updates(change: str) -> tuple[NDArray, ...]:
    """The same with A fixed to random directions, and only B fitted."""
    import numpy as np

    S, cross = task_of(change).moments()
    A = np.random.default_rng(0).standard_normal((HALF, HALF))
    return tuple(cross @ A[:r].T @ np.linalg.solve(A[:r] @ S @ A[:r].T, A[:r]) for r in range(HALF + 1))


def gain(change: str, update: NDArray) -> float:
    """Share of the full update's gain: 0 for none, 1 for the full one."""
    none, full = _worst_and_best(change)
    return (none - task_of(change).loss(update)) / (none - full)


@cache
def _worst_and_best(change: str) -> tuple[float, float]:
    """The loss without an update, and with the full one."""
    none, *_, full = best_updates(change)
    return task_of(change).loss(none), task_of(change).loss(full)


@cache
def gains(change: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """By rank: of the best updates, and of those that read at random."""
    best, chance = (
        tuple(gain(change, update) for update in updates)
        for updates in (best_updates(change), random_updates(change))
    )
    return best, chance


def parameters(rank: int) -> int:
    """Of B and A."""
    return rank * 2 * HALF


def lora_rank(rank: int, change: str) -> Frame:
    """The update at a rank, what it gains, and what it draws."""
    updates = best_updates(change)
    task, reached = task_of(change), gains(change)[0][rank]
    share = parameters(rank) / HALF**2
    needed = next(r for r, found in enumerate(gains(change)[0]) if found >= 0.9)
    counts = ("B and A", "full update")
    return Frame(
        (
            (_directions(rank, change),),
            (
                Images("New pictures, their lower halves guessed", _guesses(task, updates, rank), 4,
                       ("true", "before", f"rank {rank}", "full update") * len(SHOWN)),
            ),
            _curves(rank, change),
            (Bars("Numbers that are trained, of all", counts, (share, 1.0), max(1.0, share)),),
        ),
        f"At rank {rank}, {100 * share:.3g}% of the numbers bring {reached:.0%} of the gain; rank {needed} "
        "is the first to bring 90% for this change. Each direction reads one pattern of the upper half, and "
        "adds as much of another to the lower half. Inverting the ink takes few directions, new digits many.",
        {
            "share of the gain": reached,
            "share of the parameters": share,
            "rank for 90% of the gain": needed,
            "loss before": task.loss(updates[0]),
            "loss now": task.loss(updates[rank]),
            "loss of the full update": task.loss(updates[HALF]),
        },
    )  # fmt: skip


def _directions(rank: int, change: str) -> Images:
    """The first few as pictures, grey where they do nothing: the upper half is read, the lower written."""
    import numpy as np

    B, A, _ = factors(change)
    pictures: list[NDArray] = []
    captions: list[str] = []
    for i in range(N_DIRECTIONS):
        parts = np.sign(B[:, i].sum()) * np.stack([A[i], B[:, i]])  # a pair of signs that cancel
        parts = parts / np.abs(parts).max(1, keepdims=True)
        pictures.append(picture(0.5 + 0.5 * parts.reshape(PIXELS) * (i < rank)))
        captions.append(f"{i + 1}" if i < rank else f"{i + 1}: not yet")
    title = "Directions that B A adds up: each reads the upper half and writes the lower"
    return Images(title, tuple(pictures), N_DIRECTIONS, tuple(captions))


def _curves(rank: int, change: str) -> tuple[Curves, Curves]:
    """The gain by rank, and how much each further direction adds."""
    (best, chance), strengths, ranks = gains(change), factors(change).strengths, tuple(range(HALF + 1))
    lines = (
        Series("best B A", ranks, best),
        Series("A at random", ranks, chance, "dashed"),
    )
    values = Series("singular values", ranks[1:], tuple(strengths / strengths[0]), "points")
    return (
        Curves("Share of the full update's gain", lines, "rank", "share", marker=rank, drag="rank"),
        Curves(
            "Strength of each direction",
            (values,),
            "direction",
            "to the first",
            marker=rank,
            drag="rank",
        ),
    )


def _guesses(task: Task, updates: tuple[NDArray, ...], rank: int) -> tuple[NDArray, ...]:
    """Some pictures: each true, and its lower half guessed by three models."""
    import numpy as np

    guessed: list[NDArray] = []
    for i in SHOWN:
        upper = task.upper[i]
        lowers = [task.lower[i], *((task.W + updates[r]) @ upper for r in (0, rank, HALF))]
        guessed += [picture(np.concatenate([upper, lower])) for lower in lowers]
    return tuple(guessed)


EXPLORABLE = Explorable(
    "lora-rank", "transformer", ("lora",), "A change through a narrow door",
    "Which rank does each change need, and from which rank on would training all weights be cheaper?",
    (
        Knob("rank", "rank", RANKS, 2, "slider"),
        Knob("change", "new pictures", CHANGES, CHANGES[0], "choice"),
    ),
    lora_rank,
    place=60,
)  # fmt: skip
