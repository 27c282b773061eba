"""One block of weights, a little different at each of its uses."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """A use with adapters of rank two, and a shared block."""
    from atlas_cli.systems.ssm.zamba import ADAPTED

    weights = {name: draw.normal(5, 6) for name in ADAPTED}
    keys = [name.replace(".", "_") for name in ADAPTED]
    use = SimpleNamespace(
        up={key: draw.normal(5, 2) for key in keys}, down={key: draw.normal(2, 6) for key in keys}
    )
    return use, SimpleNamespace(get_parameter=weights.__getitem__, weights=weights)


def one_number(adapted: Function) -> tuple[Any, Any]:
    """W = 1, up = 3, down = 2: 1 + 3 · 2 = 7."""
    import torch

    from atlas_cli.systems.ssm.zamba import ADAPTED

    keys = [name.replace(".", "_") for name in ADAPTED]
    use = SimpleNamespace(
        up={key: torch.tensor([[3.0]]) for key in keys}, down={key: torch.tensor([[2.0]]) for key in keys}
    )
    block = SimpleNamespace(get_parameter=lambda name: torch.tensor([[1.0]]))
    return adapted(use, block)[ADAPTED[0]].item(), 7.0


EXERCISE = Exercise(
    topic="zamba",
    name="adapted",
    title="one block, used in several ways",
    task="""
        All uses share one block; each has thin matrices of its own that change some of its weights. Inside
        the loop, put the weight of this use into `weights[name]`. `block.get_parameter(name)` is the shared
        weight, (d_out, d_in); `self.up[key]` is (d_out, r), `self.down[key]` is (r, d_in).
        """,
    equation=r"W_{\mathrm{use}} = W + U D",
    hints=(
        "It is LoRA once more: a shared matrix, and a product of two thin ones added to it.",
        "Which of the two products has the shape of W?",
        "`weights[name] = block.get_parameter(name) + self.up[key] @ self.down[key]`",
    ),
    mistakes=(
        Mistake(
            "block.get_parameter(name) + ",
            "",
            "you left out the shared weight: each use would be a thin matrix and nothing more",
        ),
        Mistake(
            "self.up[key] @ self.down[key]",
            "self.down[key] @ self.up[key]",
            "you multiplied down by up: the product that goes down first is up @ down, (d_out, d_in)",
        ),
        Mistake(
            "block.get_parameter(name) + ",
            "block.get_parameter(name).detach() + ",
            "you detached the shared weight: it must learn from all of its uses",
        ),
    ),
    inputs=inputs,
    by_hand=(one_number,),
    place=10,
)
