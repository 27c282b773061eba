"""A frozen network, with a branch that adds to it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake

if TYPE_CHECKING:
    from torch import Tensor


def inputs(draw: Draw) -> tuple[Any, ...]:
    """A network of three scales in place of the U-Net, a branch of two, and edges."""
    n_steps, scale = draw.pick((1000, 250)), draw.pick((1.0, 0.5, 0.0))
    stub = _system(draw.normal(3), draw.normal(2), n_steps)
    images, edges = draw.normal(2, 1, 4, 4), draw.normal(2, 1, 4, 4)
    return stub, images, draw.integers(0, n_steps, 2), draw.integers(0, 3, 2), edges, scale


def _system(base: Tensor, branch: Tensor, n_steps: int) -> Any:
    def net(x: Tensor, time: Tensor, label: Tensor, control: list[Tensor] | None = None) -> Tensor:
        y = base[0] * x + base[1] * time.view(-1, 1, 1, 1) / 1000 + base[2] * label.view(-1, 1, 1, 1)
        return y if control is None else y + control[0] + 2 * control[1]

    def beside(x: Tensor, time: Tensor, label: Tensor, edges: Tensor) -> list[Tensor]:
        late = time.view(-1, 1, 1, 1) / 1000
        return [branch[0] * edges * late, branch[1] * (x + edges)]

    def predict(x: Tensor, t: Tensor, label: Tensor) -> Tensor:
        return net(x, t.float() * (1000 / n_steps), label)

    parts = SimpleNamespace(net=net, predict=predict, config=SimpleNamespace(n_steps=n_steps), weight=base)
    return SimpleNamespace(base=parts, branch=beside, weight=branch)


def half_as_strong(predict: Function) -> tuple[Any, Any]:
    """A net that gives x, a branch that gives the edges as its first feature, scale 1/2: 1 + 4 / 2 = 3."""
    import torch

    stub = _system(torch.tensor([1.0, 0.0, 0.0]), torch.tensor([1.0, 0.0]), 1000)
    one, four, zero = torch.ones(1, 1, 1, 1), torch.full((1, 1, 1, 1), 4.0), torch.tensor([0])
    return predict(stub, one, torch.tensor([1000]), zero, four, 0.5).item(), 3.0


EXERCISE = Exercise(
    topic="controlnet",
    name="steer",
    title="add the branch to the frozen network",
    task="""
        Return the output of the frozen network with the branch's features added. `self.branch(x_t, time,
        label, edges)` gives a list of features, `self.base.net(x_t, time, label, features)` adds them to
        its skips and its middle. `scale` says how strongly.

        Both networks see time on a scale of 0 to 1000, whatever `self.base.config.n_steps` is.
        """,
    equation=r"y = F\left(x_t;\; s \cdot Z(x_t, c)\right)",
    hints=(
        "The branch sees the same x_t, the same time and the same class, and the edges besides.",
        "Time first: `t.float() * (1000 / self.base.config.n_steps)`. A network that was trained on that "
        "scale knows no other.",
        "`self.base.net(x_t, time, label, [scale * c for c in control])` with `control = self.branch(x_t, "
        "time, label, edges)`.",
    ),
    mistakes=(
        Mistake(
            "[scale * c for c in control]",
            "control",
            "you left out the scale: at 0 the frozen network would draw alone, at 1 it follows the edges in "
            "full",
        ),
        Mistake(
            "t.float() * (1000 / self.base.config.n_steps)",
            "t.float()",
            "you gave the networks the step's number: they were trained on a scale of 0 to 1000, whatever "
            "the number of steps",
        ),
        Mistake(
            "[scale * c for c in control]",
            "[scale * c for c in reversed(control)]",
            "you handed the features over in the wrong order: each belongs to the place from which the "
            "branch took it",
        ),
    ),
    inputs=inputs,
    by_hand=(half_as_strong,),
    place=20,
)
