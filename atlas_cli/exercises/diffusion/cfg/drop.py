"""A training batch in which some images have lost their class."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake

if TYPE_CHECKING:
    from torch import Tensor

NOBODY, STEPS = 3, 8  # classes are 0 to 2; "no class" comes after them


def _drawn(coins: Tensor, t: Tensor, noise: Tensor) -> Any:
    """The draws of a step, the same in whatever order they are asked for."""
    from atlas_cli.draws import BatchRandom

    class Drawn(BatchRandom):
        def uniform(self, *shape: int) -> Tensor:
            return coins.view(-1, *[1] * len(shape)).expand(-1, *shape)

        def integers(self, low: int, high: int, *shape: int) -> Tensor:
            return (low + t % (high - low)).view(-1, *[1] * len(shape)).expand(-1, *shape)

        def normal(self, *shape: int) -> Tensor:
            return noise.view(-1, *shape)

    return Drawn(seed=0, step=0, batch_size=len(coins))


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Images and their classes, the step's draws, and how often a class is left out."""
    drawn = _drawn(draw.uniform(0.0, 1.0, 6), draw.integers(0, STEPS, 6), draw.normal(6, 1, 4, 4))
    stub = _ddpm(draw.pick((0.15, 0.5, 0.8)))
    return stub, draw.normal(6, 1, 4, 4), draw.integers(0, NOBODY, 6), drawn


def _ddpm(dropout: float) -> Any:
    return SimpleNamespace(config=SimpleNamespace(label_dropout=dropout, n_classes=NOBODY, n_steps=STEPS))


def two_coins(noised: Function) -> tuple[Any, Any]:
    """Coins 0.05 and 0.5, classes 2 and 1, dropout 0.15: the first is left out, so 3 and 1."""
    import torch

    drawn = _drawn(torch.tensor([0.05, 0.5]), torch.tensor([0, 1]), torch.zeros(2, 1, 1, 1))
    batch = noised(_ddpm(0.15), torch.zeros(2, 1, 1, 1), torch.tensor([2, 1]), drawn)
    return batch.label, torch.tensor([3, 1])


EXERCISE = Exercise(
    topic="cfg",
    name="drop",
    title="train with and without the class",
    task="""
        Guidance asks one network two questions: with the class, and without one. Make the training batch from
        which it learns both: return a `Batch` of the images as they are, their labels with some of them left
        out, a time `t` and the `noise` of each image.

        `random.uniform()` is a number from 0 to 1 for each image, `random.integers(0, n)` a whole number from
        0 to n - 1, and `random.normal(C, H, W)` noise for each image. A label is left out with the
        probability `self.config.label_dropout`; an image without a class has the label
        `self.config.n_classes`.
        """,
    equation=r"y' = \emptyset \quad \text{where } u < p, \qquad y' = y \quad \text{elsewhere}",
    hints=(
        "One coin for each image: most keep their class, a few get the label of nobody. The images "
        "themselves are all kept.",
        "`random.uniform() < self.config.label_dropout` is true for the few. `torch.where(dropped, a, b)` "
        "takes a where it is true, and b elsewhere.",
        "`label=torch.where(dropped, self.config.n_classes, label)`, "
        "`t=random.integers(0, self.config.n_steps)`, `noise=random.normal(*data.shape[1:])`.",
    ),
    mistakes=(
        Mistake(
            "random.uniform() < ",
            "random.uniform() > ",
            "you kept the class of the few and left out that of the many: the network would hardly learn "
            "what a class looks like",
        ),
        Mistake(
            "random.uniform() < ",
            "random.uniform()[:1] < ",
            "you tossed one coin for the whole batch: then no step learns both, and each image needs its own",
        ),
        Mistake(
            "torch.where(dropped, self.config.n_classes, label)",
            "torch.where(dropped, 0, label)",
            "you gave class 0 to those without a class: that is a class of the data, and the network would "
            "learn that it looks like all of them. Nobody's label is n_classes",
        ),
    ),
    inputs=inputs,
    by_hand=(two_coins,),
    source="systems.diffusion.ddpm",
    place=5,
    trains="ddpm/ci",
)
