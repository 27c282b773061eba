"""Step size, B and C of each token."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """A block of eight inner channels and three states, and two sequences of five steps."""
    block = _block()
    for tensor in block.parameters():
        tensor.data = draw.normal(*tensor.shape) / 2
    return block, draw.normal(2, 5, 8)


def _block() -> Any:
    from atlas_cli.systems.ssm.mamba import Config, MambaBlock

    return MambaBlock(Config.model_validate({"d_model": 4, "d_state": 3, "vocab_size": 4, "context_len": 5}))


def at_zero(select: Function) -> tuple[Any, Any]:
    """All weights zero: delta is softplus(0) = 0.693, A is -e^0 = -1, B and C are 0."""
    import torch

    block = _block()
    for tensor in block.parameters():
        tensor.data.zero_()
    delta, A, B, C = select(block, torch.ones(1, 1, 8))
    got = torch.stack([value.flatten()[0] for value in (delta, A, B, C)])
    return got, torch.tensor([0.693147, -1.0, 0.0, 0.0])


EXERCISE = Exercise(
    topic="mamba",
    name="select",
    title="what each token decides",
    task="""
        Return delta, A, B and C for the tokens x, (B, L, D). `self.s_delta`, `self.s_B` and `self.s_C` are
        the selection functions; a step size must be positive, so delta goes through a softplus.
        `self.A_log` is a parameter, (D, N): A itself is negative, whatever is learned.
        """,
    equation=r"\Delta = \mathrm{softplus}(s_\Delta(x)) \qquad A = -e^{A_{\mathrm{log}}} "
    r" \qquad B = s_B(x) \qquad C = s_C(x)",
    hints=(
        "Time runs forward: what makes a number of any sign positive, smoothly?",
        "A state fades if e^(delta A) is below one, so A is below zero: minus the exponential of the "
        "parameter.",
        "`delta = F.softplus(self.s_delta(x)).expand_as(x)`, and return it with `-torch.exp(self.A_log)`, "
        "`self.s_B(x)` and `self.s_C(x)`.",
    ),
    mistakes=(
        Mistake(
            "F.softplus(self.s_delta(x))",
            "self.s_delta(x)",
            "you left out the softplus: a negative step runs time backwards, and the state grows",
        ),
        Mistake(
            "-torch.exp(self.A_log)",
            "torch.exp(self.A_log)",
            "your A is positive: e^(delta A) is above one, and the state explodes",
        ),
        Mistake(
            "self.s_B(x), self.s_C(x)",
            "self.s_C(x), self.s_B(x)",
            "you exchanged B and C: B says what is written to the state, C what is read from it",
        ),
    ),
    inputs=inputs,
    by_hand=(at_zero,),
    place=20,
    trains="mamba/ci",
)
