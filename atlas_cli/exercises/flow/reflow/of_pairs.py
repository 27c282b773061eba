"""A batch of the flow's own pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake

if TYPE_CHECKING:
    from torch import Tensor


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Pairs with their classes, and the draws of a batch."""
    pairs = draw.normal(9, 1, 2, 2), draw.normal(9, 1, 2, 2), draw.integers(0, 3, 9)
    return pairs, _draws(draw.integers(0, 9, 4), draw.uniform(0.0, 1.0, 4, 1, 1, 1))


def _draws(places: Tensor, times: Tensor) -> Any:
    """The random numbers of a batch, which are given here."""
    from atlas_cli.draws import BatchRandom

    class Given(BatchRandom):
        def integers(self, low: int, high: int, *shape: int) -> Tensor:
            return places

        def uniform(self, *shape: int) -> Tensor:
            return times

    return Given(seed=0, step=0, batch_size=len(places))


def the_third_pair(of_pairs: Function) -> tuple[Any, Any]:
    """Noises 0.4, -0.6, 1.4 led to 1, -1, 1; the third is drawn: the line to learn is from 1.4 to 1."""
    import torch

    pairs = (
        torch.tensor([[0.4], [-0.6], [1.4]]),
        torch.tensor([[1.0], [-1.0], [1.0]]),
        torch.tensor([0, 0, 0]),
    )
    batch = of_pairs(pairs, _draws(torch.tensor([2]), torch.tensor([[0.5]])))
    return torch.cat([batch.noise, batch.data, batch.t]).flatten(), torch.tensor([1.4, 1.0, 0.5])


EXERCISE = Exercise(
    topic="reflow",
    name="of_pairs",
    title="noise and its own end",
    task="""
        The trained flow led each `noise` to the `data` of the same place, and was asked for the `label`
        there. `chosen`, (B,), says which pairs are drawn, and `t` holds a time for each. Return the batch:
        `Batch(data=..., label=..., t=..., noise=...)`. Nothing else differs from flow matching.
        """,
    equation=r"z_1 = z_0 + \int_0^1 v(z_t, t)\, dt \qquad L = \mathrm{E}\, \| f(t z_1 + (1 - t) z_0,\, t)"
    r" - (z_1 - z_0) \|^2",
    hints=(
        "All of the idea is in who goes with whom.",
        "One index for all three: a pair that is drawn is drawn whole, with the class that it was made for.",
        "`Batch(data=data[chosen], label=label[chosen], t=t, noise=noise[chosen])`",
    ),
    mistakes=(
        Mistake(
            "noise=noise[chosen]",
            "noise=noise[: len(chosen)]",
            "you joined data to other noise than led to them: that is flow matching on samples, whose lines "
            "cross as before",
        ),
        Mistake(
            "label=label[chosen]",
            "label=label[: len(chosen)]",
            "you gave the pairs other classes than they were made for: asked for one, the student would draw "
            "another",
        ),
        Mistake(
            "data=data[chosen]",
            "data=data[chosen] - noise[chosen]",
            "you put the velocity in the place of the data: the loss subtracts the noise itself",
        ),
    ),
    inputs=inputs,
    by_hand=(the_third_pair,),
    place=10,
)
