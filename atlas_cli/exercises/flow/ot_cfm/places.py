"""Noise changes place within the class."""

from __future__ import annotations

from types import MethodType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake

if TYPE_CHECKING:
    from torch import Tensor


def inputs(draw: Draw) -> tuple[Any, ...]:
    """A flow that pairs, a batch of three classes in any order, the classes, and a number for each."""
    batch = _batch(draw.normal(12, 2), draw.normal(12, 2))
    return _flow(), batch, draw.integers(0, 3, 12), draw.uniform(0.0, 1.0, 12)


def _batch(data: Tensor, noise: Tensor) -> Any:
    import torch

    from atlas_cli.systems.flow.cfm import Batch

    label = torch.zeros(len(data), dtype=torch.long)
    return Batch(data=data, label=label, t=torch.zeros(len(data), 1), noise=noise)


def _flow() -> Any:
    from atlas_cli.systems.flow.ot_cfm import OTCFM

    flow = SimpleNamespace(config=SimpleNamespace(pairing="exact", blur=0.05))
    flow.choose = MethodType(OTCFM.choose, flow)
    return flow


def two_of_each(places: Function) -> tuple[Any, Any]:
    """Classes 0 1 0 1, data 1, 1, -1, -1, noises -0.7, -0.2, 0.5, 0.3: both classes exchange their two."""
    import torch

    def column(*numbers: float) -> Tensor:
        return torch.tensor(numbers, dtype=torch.float32)[:, None]

    batch = _batch(column(1, 1, -1, -1), column(-0.7, -0.2, 0.5, 0.3))
    return places(_flow(), batch, torch.tensor([0, 1, 0, 1]), torch.zeros(4)), torch.tensor([2, 3, 0, 1])


EXERCISE = Exercise(
    topic="ot-cfm",
    name="places",
    title="whose noise an image gets",
    task="""
        Noises may change places, but only among images of one class: asked for a class, the sampler starts
        from any noise. Fill `chosen`, (B,): for each place of the batch, the place whose noise it gets.

        `group`, (B,), holds the classes. `self.choose(data, noise, chance)` pairs the members of one group
        and says for each which of *them* has its noise, counted from 0 within the group.
        """,
    equation=r"\min_\pi \sum_i \| x_1^i - x_0^{\pi(i)} \|^2 \qquad y_{\pi(i)} = y_i",
    hints=(
        "Go through the classes that occur, `group.unique()`, and handle the members of each as a batch of "
        "its own.",
        "`members = (group == name).nonzero().flatten()` are the places of a class in the batch; index data, "
        "noise and chance with them.",
        "What `choose` says counts within the group. `members[...]` of it counts within the batch: "
        "`chosen[members] = members[self.choose(...)]`.",
    ),
    mistakes=(
        Mistake(
            "members[self.choose(batch.data[members], batch.noise[members], chance[members])]",
            "self.choose(batch.data[members], batch.noise[members], chance[members])",
            "you took a place within the class for one within the batch: index the members with it",
        ),
        Mistake(
            "(group == name).nonzero().flatten()",
            "torch.arange(len(group))",
            "you paired the whole batch at once: then the noise of a class is no longer Gaussian, and the "
            "sampler, who starts from any noise, sees what training never did",
        ),
        Mistake(
            "batch.data[members], batch.noise[members], chance",
            "batch.noise[members], batch.data[members], chance",
            "you exchanged data and noise: that says which datum a noise gets, the pairing read backwards",
        ),
    ),
    inputs=inputs,
    by_hand=(two_of_each,),
    place=10,
)
