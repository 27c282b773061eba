"""How a block of Mamba-2 ends."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """A block of two heads of four channels, and what comes out of its mixing."""
    from atlas_cli.systems.ssm.mamba2 import Config, Mamba2Block

    block = Mamba2Block(
        Config.model_validate({"d_model": 4, "d_state": 3, "d_head": 4, "vocab_size": 4, "context_len": 5})
    )
    for tensor in block.parameters():
        tensor.data = draw.normal(*tensor.shape)
    return block, draw.normal(2, 5, 8), draw.normal(2, 5, 8), draw.normal(2, 5, 8)


def a_closed_gate(out: Function) -> tuple[Any, Any]:
    """z = 0 closes the gate: whatever y and x are, nothing comes out."""
    import torch

    block, y, x, z = inputs(Draw(0))
    return out(block, y, x, torch.zeros_like(z)), torch.zeros(2, 5, 4)


EXERCISE = Exercise(
    topic="mamba2",
    name="gate",
    title="skip, gate, norm, project",
    task="""
        End the block: y came out of the mixing, x went into it, z is the gate, (B, L, D) each. Add the
        skip, `self.D` times x (one number a head of `self.config.d_head` channels), close the gate by SiLU
        of z, norm what is left with `self.norm`, and go back to d_model by `self.out_proj`.
        """,
    equation=r"W_{\mathrm{out}}\, \mathrm{norm}\left( (y + D x) \odot \mathrm{silu}(z) \right)",
    hints=(
        "The order is the lesson: Mamba-2 norms behind the gate.",
        "`self.D` is (H,). `repeat_interleave` makes each head's number one for each of its channels.",
        "`y = y + self.D.repeat_interleave(self.config.d_head) * x`, then `self.out_proj(self.norm(y * "
        "F.silu(z)))`.",
    ),
    mistakes=(
        Mistake(
            "self.norm(y * F.silu(z))",
            "self.norm(y) * F.silu(z)",
            "you normed before the gate: Mamba-2 norms what the gate lets through, which keeps its size in "
            "check",
        ),
        Mistake(
            " + self.D.repeat_interleave(self.config.d_head) * x",
            "",
            "you left out the skip D x: what a token says now would have to pass through the state",
        ),
        Mistake(
            "F.silu(z)",
            "torch.sigmoid(z)",
            "you gated by the sigmoid: Mamba gates by silu(z) = z sigmoid(z), which can also grow and "
            "change sign",
        ),
    ),
    inputs=inputs,
    by_hand=(a_closed_gate,),
    place=20,
)
