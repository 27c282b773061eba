"""Low-rank adaptation, solved in closed form on real digits: how much of a change fits through a narrow door.

Source:  Hu et al. 2021, arXiv:2106.09685. Here: W + B A, with B (out, r) and A (r, in).
Task:    the lower half of an 8x8 digit from its upper half, by least squares, 32 numbers from 32. The model
         is fitted to one kind of picture and adapted to another; B A is the best update of its rank, found
         by reduced-rank regression and not by descent.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from atlas_cli.diagrams.frames import Bars, Curves, Explorable, Frame, Images, Knob, Series

if TYPE_CHECKING:
    from numpy.typing import NDArray

HALF = 32  # pixels of half a digit
RIDGE = 1.0  # keeps the weights of pixels that are always blank at zero
RANKS = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
CHANGES = ("other digits", "mirrored", "inverted")
SHOWN = 3  # of the new pictures


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

    from atlas_cli.data import load

    source: Any = load({"name": "digits"})
    pictures = source.train_images.numpy().reshape(-1, 8, 8) / 255.0
    labels = source.train_labels.numpy()
    old = pictures[labels < 5]
    new = {"other digits": pictures[labels >= 5], "mirrored": old[:, :, ::-1], "inverted": 1 - old}[change]
    (x, y), (upper, lower) = _halves(old), _halves(new)
    return Task(np.linalg.solve(x.T @ x + RIDGE * np.eye(HALF), x.T @ y).T, upper, lower)


def _halves(pictures: NDArray) -> tuple[NDArray, NDArray]:
    flat = pictures.reshape(len(pictures), 2 * HALF)
    return flat[:, :HALF], flat[:, HALF:]


@cache
def best_updates(change: str) -> tuple[tuple[NDArray, ...], NDArray]:
    """The update of the least loss for every rank 0 .. HALF, and the singular values of the full one.

    With S = L L', the loss of an update D is |(D - full) L|^2 and a constant, so that the best D of a rank is
    the truncated SVD of full L, times L^-1 (Eckart and Young).
    """
    import numpy as np

    S, cross = task_of(change).moments()
    L = np.linalg.cholesky(S)
    back = np.linalg.inv(L)
    left, strengths, right = np.linalg.svd(cross @ back.T)  # full L = cross S^-1 L = cross L'^-1
    return tuple((left[:, :r] * strengths[:r]) @ right[:r] @ back for r in range(HALF + 1)), strengths


@cache
def random_updates(change: str) -> tuple[NDArray, ...]:
    """The same with A fixed to random directions, and only B fitted."""
    import numpy as np

    S, cross = task_of(change).moments()
    A = np.random.default_rng(0).standard_normal((HALF, HALF))
    return tuple(cross @ A[:r].T @ np.linalg.solve(A[:r] @ S @ A[:r].T, A[:r]) for r in range(HALF + 1))


def gain(change: str, update: NDArray) -> float:
    """Share of the full update's gain: 0 for none, 1 for the full one."""
    task = task_of(change)
    none, full = (task.loss(best_updates(change)[0][r]) for r in (0, HALF))
    return (none - task.loss(update)) / (none - full)


def parameters(rank: int) -> int:
    """Of B and A."""
    return rank * 2 * HALF


def lora_rank(rank: int, change: str) -> Frame:
    """The update at a rank, what it gains, and what it draws."""
    updates, _ = best_updates(change)
    task, reached = task_of(change), gain(change, updates[rank])
    share = parameters(rank) / HALF**2
    needed = next(r for r, update in enumerate(updates) if gain(change, update) >= 0.9)
    matrices = (_weights(updates[HALF], updates[HALF]), _weights(updates[rank], updates[HALF]))
    stages = ("true", "before", f"rank {rank}", "full update")
    counts = ("B and A", "full update")
    return Frame(
        (
            (Images("The update, grey where it is zero", matrices, 2, ("all 1024", f"rank {rank}: B A")),),
            (Images("A new picture, its lower half guessed", _guesses(task, updates, rank), 4, stages),),
            _curves(rank, change),
            (Bars("Numbers that are trained, of all", counts, (share, 1.0), max(1.0, share)),),
        ),
        f"At rank {rank}, {100 * share:.3g}% of the numbers bring {reached:.0%} of the gain; rank {needed} "
        "is the first to bring 90% for this change. Inverting the ink is one direction, new digits are "
        "many.",
        {
            "share of the gain": reached,
            "share of the parameters": share,
            "rank for 90% of the gain": needed,
            "loss before": task.loss(updates[0]),
            "loss now": task.loss(updates[rank]),
            "loss of the full update": task.loss(updates[HALF]),
        },
    )


def _curves(rank: int, change: str) -> tuple[Curves, Curves]:
    """The gain by rank, and how much each further direction adds."""
    (updates, strengths), ranks = best_updates(change), tuple(range(HALF + 1))
    gains = (
        Series("best B A", ranks, tuple(gain(change, update) for update in updates)),
        Series("A at random", ranks, tuple(gain(change, d) for d in random_updates(change)), "dashed"),
    )
    values = Series("singular values", ranks[1:], tuple(strengths / strengths[0]), "points")
    return (
        Curves("Share of the full update's gain", gains, "rank", "share", marker=rank, drag="rank"),
        Curves(
            "Strength of each direction",
            (values,),
            "direction",
            "to the first",
            marker=rank,
            drag="rank",
        ),
    )


def _weights(update: NDArray, full: NDArray) -> NDArray:
    """As greys; the middle is zero, both ends the most of the full update's usual weights."""
    import numpy as np

    most = np.quantile(np.abs(full), 0.98)
    return (0.5 + 0.5 * (update / most).clip(-1, 1)).round(2)


def _guesses(task: Task, updates: tuple[NDArray, ...], rank: int) -> tuple[NDArray, ...]:
    """One picture: true, and its lower half guessed by three models; each pixel twice as large."""
    import numpy as np

    upper = task.upper[SHOWN]
    lowers = [task.lower[SHOWN], *((task.W + updates[r]) @ upper for r in (0, rank, HALF))]
    whole = [np.concatenate([upper, lower]).reshape(8, 8).clip(0, 1).round(2) for lower in lowers]
    return tuple(np.kron(picture, np.ones((2, 2))) for picture in whole)


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
