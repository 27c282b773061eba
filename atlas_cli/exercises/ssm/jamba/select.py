"""Norms on what a token decides."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """A block with norms, and two sequences of five steps."""
    block = _block()
    for tensor in block.parameters():
        tensor.data = draw.normal(*tensor.shape) / 2
    return block, draw.normal(2, 5, 8)


def _block() -> Any:
    from atlas_cli.systems.ssm.jamba import Config, NormedMamba

    return NormedMamba(
        Config.model_validate(
            {"d_model": 4, "n_head": 2, "n_kv_head": 1, "d_state": 3, "vocab_size": 4, "context_len": 5}
        )
    )


def of_unit_size(select: Function) -> tuple[Any, Any]:
    """However large the token is, B and C have mean square one."""
    import torch

    block, x = inputs(Draw(0))
    for norm in (block.B_norm, block.C_norm):
        norm.weight.data.fill_(1.0)
    _, _, B, C = select(block, 1000 * x)
    return torch.stack([value.square().mean(-1) for value in (B, C)]), torch.ones(2, 2, 5)


EXERCISE = Exercise(
    topic="jamba",
    name="select",
    title="norms on what is selected",
    task="""
        As Mamba's selection, with an RMSNorm on each of its three parts: `self.B_norm` and `self.C_norm` on
        B and C, and `self.delta_norm` on delta while it is narrow. `self.s_delta` consists of two layers,
        down to the rank and up again. Return delta, A, B and C.
        """,
    equation=r"\Delta = \mathrm{softplus}(W_{\uparrow}\, \mathrm{norm}(W_{\downarrow} x)) \qquad"
    r" B = \mathrm{norm}(s_B(x)) \qquad C = \mathrm{norm}(s_C(x))",
    hints=(
        "B and C are normed as they come. delta is normed between its two layers, where it has the rank's "
        "width.",
        "`down, up = self.s_delta` takes the two layers apart.",
        "`F.softplus(up(self.delta_norm(down(x))))`, `-torch.exp(self.A_log)`, `self.B_norm(self.s_B(x))` "
        "and `self.C_norm(self.s_C(x))`.",
    ),
    mistakes=(
        Mistake(
            "up(self.delta_norm(down(x)))",
            "up(down(x))",
            "you left delta without its norm: it stands between the two layers, and is what kept the loss "
            "from spiking",
        ),
        Mistake(
            "self.B_norm(self.s_B(x)), self.C_norm(self.s_C(x))",
            "self.s_B(x), self.s_C(x)",
            "you left B and C without their norms",
        ),
        Mistake(
            "-torch.exp(self.A_log)",
            "torch.exp(self.A_log)",
            "your A is positive: e^(delta A) is above one, and the state explodes",
        ),
    ),
    inputs=inputs,
    by_hand=(of_unit_size,),
    place=10,
)
