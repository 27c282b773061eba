"""The loss of flow matching."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake

if TYPE_CHECKING:
    from torch import Tensor


def inputs(draw: Draw) -> tuple[Any, ...]:
    """A net that heeds place, time and class, and a batch."""
    by_class = draw.normal(3, 1, 1, 1)

    def predict(x_t: Tensor, t: Tensor, label: Tensor) -> Tensor:
        return x_t * by_class[label] + t.view(-1, 1, 1, 1)

    return _flow(predict, draw.pick(("straight", "cosine"))), _batch(
        draw.normal(4, 1, 3, 3), draw.integers(0, 3, 4), draw.uniform(0.1, 0.9, 4, 1, 1, 1),
        draw.normal(4, 1, 3, 3),
    )  # fmt: skip


def _flow(predict: Any, path: str) -> Any:
    from atlas_cli.systems.flow.paths import PATHS

    return SimpleNamespace(path=PATHS[path], predict=predict)


def _batch(data: Tensor, label: Tensor, t: Tensor, noise: Tensor) -> Any:
    from atlas_cli.systems.flow.cfm import Batch

    return Batch(data=data, label=label, t=t, noise=noise)


def a_quarter_of_the_way(loss: Function) -> tuple[Any, Any]:
    """data 2, noise -2, t = 1/4: x_t = -1, the target 2 - (-2) = 4. A net that says x_t errs by 5: 25."""
    import torch

    one = torch.ones(1, 1, 1, 1)
    batch = _batch(2 * one, torch.tensor([0]), 0.25 * one, -2 * one)
    return loss(_flow(lambda x_t, t, label: x_t, "straight"), batch)[0], torch.tensor(25.0)


EXERCISE = Exercise(
    topic="cfm",
    name="loss",
    title="regress on the velocity of a pair",
    task="""
        Write the loss of flow matching: put each pair where it stands at its time, ask the net, and return
        the mean squared error of its answer, and an empty dictionary of further figures.

        `mix(self.path, data, noise, t)` gives x_t and `velocity(self.path, data, noise, t)` its speed, on
        whichever path. `self.predict(x_t, t, label)` is the net; it takes times of the shape (B,), while
        `batch.t` is shaped to multiply images.
        """,
    equation=r"L = \mathrm{E}\, \| f(x_t, t, y) - (x_1 - x_0) \|^2 \qquad x_t = t\, x_1 + (1 - t)\, x_0",
    hints=(
        "Three lines: where the pair stands, what the net says there, and how far that is from where the "
        "pair is going.",
        "The net must not see the ends, only x_t, the time and the class: `self.predict(x_t, "
        "batch.t.flatten(), batch.label)`.",
        "`F.mse_loss(output.float(), velocity(self.path, batch.data, batch.noise, batch.t))`, and `{}`.",
    ),
    mistakes=(
        Mistake(
            "velocity(self.path, batch.data, batch.noise, batch.t)",
            "batch.data",
            "you regressed on the data: the net is to say where the pair is going, which is data minus noise "
            "on the straight path",
        ),
        Mistake(
            "mix(self.path, batch.data, batch.noise, batch.t)",
            "mix(self.path, batch.noise, batch.data, batch.t)",
            "you exchanged the ends: t = 0 is noise here, and t = 1 the data",
        ),
        Mistake(
            "self.predict(x_t, batch.t.flatten(), batch.label)",
            "self.predict(batch.noise, batch.t.flatten(), batch.label)",
            "you showed the net the noise and not x_t: on the way nobody knows which noise it was",
        ),
    ),
    inputs=inputs,
    by_hand=(a_quarter_of_the_way,),
    place=10,
    trains="cfm/plane",
)
