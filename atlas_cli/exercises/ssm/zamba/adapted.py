"""One block of weights, a little different at each of its uses."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """A use with adapters of rank two, and a shared block."""
    from atlas_cli.systems.ssm.zamba import ADAPTED, Config, SharedBlock

    sizes = {"d_model": 8, "n_head": 2, "n_kv_head": 1, "vocab_size": 4, "context_len": 5}
    block, up, down = SharedBlock(Config.model_validate(sizes)), {}, {}
    for weight in block.parameters():
        weight.data = draw.normal(*weight.shape)
    for name in ADAPTED:
        weight = block.get_parameter(name)
        up[name.replace(".", "_")] = draw.normal(weight.shape[0], 2)
        down[name.replace(".", "_")] = draw.normal(2, weight.shape[1])
    return SimpleNamespace(up=up, down=down), block


def in_numbers(adapted: Function) -> tuple[Any, Any]:
    """W is 1, up is 3, down is 2 everywhere, at rank 2: each number becomes 1 + 2 · 3 · 2 = 13."""
    import torch

    use, block = inputs(Draw(0))
    for tensors, value in ((block.parameters(), 1.0), (use.up.values(), 3.0), (use.down.values(), 2.0)):
        for tensor in tensors:
            tensor.data.fill_(value)
    weights = adapted(use, block).values()
    return torch.cat([weight.flatten() for weight in weights]).unique(), torch.tensor([13.0])


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
    by_hand=(in_numbers,),
    place=10,
)
