"""A codebook learning its places: vector quantisation of points in the plane, the rule actually run.

Rule:    codes are moving averages of the points that choose them (van den Oord et al. 2017, appendix A.1,
         arXiv:1711.00937): N <- g N + (1 - g) n, m <- g m + (1 - g) sum, code = m / N.
Revival: a code that too few points choose is put on a point of the batch, as the random restarts of Jukebox
         (Dhariwal et al. 2020, arXiv:2005.00341).
Differs: g = 0.95, where 0.99 is usual, so that 300 steps are enough.
Shapes:  B points of a batch, K codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Group, Knob, LineStyle, Scatter, Series

if TYPE_CHECKING:
    from torch import Generator, Tensor

N_POINTS, BATCH, DECAY = 600, 64, 0.95
N_DRAWN = 200  # points that are drawn
SIZES = (2, 4, 8, 16, 32, 64, 128)
SHOWN = (0, 1, 2, 3, 5, 8, 12, 16, 20, 30, 40, 50, 60, 80, 100, 140, 180, 220, 260, 300)
REVIVAL = ("off", "on")
RARE = 0.1  # of an even share of the batch: below, a code counts as dead
PLANE = (-4.0, 4.0, -4.0, 4.0)


@dataclass(eq=False)
class Codebook:
    """Codes (K, 2) as running sums of their points over running counts (K,)."""

    sums: Tensor
    counts: Tensor

    @property
    def codes(self) -> Tensor:
        """(K, 2)."""
        return self.sums / self.counts[:, None]

    def choose(self, points: Tensor) -> Tensor:
        """The nearest code of each point, (B,)."""
        import torch

        return torch.cdist(points, self.codes).argmin(1)

    def update(self, batch: Tensor) -> None:
        """One step of the moving averages."""
        import torch

        chosen = torch.nn.functional.one_hot(self.choose(batch), len(self.counts)).float()  # (B, K)
        self.counts = DECAY * self.counts + (1 - DECAY) * chosen.sum(0)
        self.sums = DECAY * self.sums + (1 - DECAY) * chosen.T @ batch

    def revive(self, batch: Tensor, generator: Generator) -> None:
        """Put each dead code on a random point of the batch, with an even share to its name."""
        import torch

        even = len(batch) / len(self.counts)
        dead = self.counts < RARE * even
        picked = torch.randint(len(batch), (int(dead.sum()),), generator=generator)
        self.counts[dead] = even
        self.sums[dead] = even * batch[picked]


@cache
def points() -> Tensor:
    """A spiral of the project's toy densities, (N_POINTS, 2)."""
    from pathlib import Path

    from atlas_cli.data import Place, toy2d

    source = toy2d.load(toy2d.Toy2dConfig(density="spiral", std=None), Place(Path()))
    return source.held_out(N_POINTS, seed=3)


@cache
def codes_while_training(size: int, revival: str) -> dict[int, Tensor]:
    """The codes (K, 2) at each of the SHOWN steps; they start close together in the middle."""
    import torch

    data, generator = points(), torch.Generator().manual_seed(5)
    counts = torch.full((size,), BATCH / size)
    start = 0.3 * torch.randn(max(SIZES), 2, generator=generator)[:size]
    book, shown = Codebook(counts[:, None] * start, counts), {}
    for step in range(max(SHOWN) + 1):
        if step in SHOWN:
            shown[step] = book.codes
        batch = data[torch.randint(len(data), (BATCH,), generator=generator)]
        book.update(batch)
        if revival == "on":
            book.revive(batch, generator)
    return shown


@cache
def judged(size: int, revival: str, step: int) -> tuple[float, float, Tensor]:
    """Mean squared error, perplexity, and which codes are in use (K,), over all points."""
    import torch

    data, codes = points(), codes_while_training(size, revival)[step]
    chosen = torch.cdist(data, codes).argmin(1)
    share = torch.bincount(chosen, minlength=size) / len(data)
    perplexity = float(torch.special.entr(share).sum().exp())
    return float((data - codes[chosen]).square().sum(1).mean()), perplexity, share > 0


def codebook(size: int, revival: str, step: int) -> Frame:
    """The codes among the points at a step of training."""
    codes = codes_while_training(size, revival)[step]
    error, perplexity, used = judged(size, revival, step)
    groups = [Group("points", points()[:N_DRAWN]), Group("codes in use", codes[used])]
    if not used.all():
        groups.append(Group("dead codes", codes[~used]))
    styles: dict[str, LineStyle] = {name: "line" if name == revival else "dashed" for name in REVIVAL}
    effective, errors = (
        tuple(
            Series(f"revival {name}", SHOWN, tuple(judged(size, name, s)[i] for s in SHOWN), styles[name])
            for name in REVIVAL
        )
        for i in (1, 0)
    )
    return Frame(
        (
            (
                Scatter("Points and codes", tuple(groups), PLANE),
                Curves(
                    "Codes that count (perplexity)",
                    effective,
                    "step of training",
                    "",
                    marker=step,
                    drag="step",
                ),
            ),
            (
                Curves(
                    "Error of a point",
                    errors,
                    "step of training",
                    "",
                    log_y=True,
                    marker=step,
                    drag="step",
                ),
            ),
        ),
        f"At step {step}, {int(used.sum())} of {size} codes are in use, and they count for {perplexity:.2g} "
        "that all points share evenly. Every point takes its nearest code, and a code moves to the mean of "
        "the points that took it; one that nobody takes cannot move.",
        {
            "error of a point": error,
            "perplexity": perplexity,
            "share of codes in use": float(used.float().mean()),
        },
    )


EXPLORABLE = Explorable(
    "codebook", "autoencoder", ("vq-vae", "image-tokenizer"), "Codes that live and codes that die",
    "Which codes die, and where do they lie? What does revival do to the error that steps never did?",
    (
        Knob("size", "codes", SIZES, 64, "slider"),
        Knob("revival", "revival of dead codes", REVIVAL, "off", "choice"),
        Knob("step", "step of training", SHOWN, 300, "play"),
    ),
    codebook,
    place=30,
)  # fmt: skip
