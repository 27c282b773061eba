"""One width, several heads."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """A layer of three heads, and two texts of five tokens."""
    from atlas_cli.systems.transformer.gpt import PlainAttention

    layer = PlainAttention(12, 3)
    for projection in (layer.q_proj, layer.k_proj, layer.v_proj, layer.out_proj):
        projection.weight.data = draw.normal(12, 12) / 3
    return layer, draw.normal(2, 5, 12)


def one_head_each(forward: Function) -> tuple[Any, Any]:
    """One token: it listens to itself alone, and identity layers give it back as it is."""
    import torch

    from atlas_cli.systems.transformer.gpt import PlainAttention

    layer, x = PlainAttention(4, 2), torch.tensor([[[1.0, 2.0, 3.0, 4.0]]])
    for projection in (layer.q_proj, layer.k_proj, layer.v_proj, layer.out_proj):
        projection.weight.data = torch.eye(4)
    return forward(layer, x).flatten(), x.flatten()


EXERCISE = Exercise(
    topic="gpt",
    name="heads",
    title="split a width into heads",
    task="""
        Make queries, keys and values of x with `self.q_proj`, `self.k_proj` and `self.v_proj`, and split
        their width into H heads of Dh neighbouring channels: (B, L, d_model) becomes (B, H, L, Dh). Leave
        them in q, k and v.
        """,
    equation=r"(B, L, H D_h) \to (B, L, H, D_h) \to (B, H, L, D_h)",
    hints=(
        "A head is a run of Dh neighbouring channels of every token. First split the last dimension, then "
        "bring the heads forward.",
        "`view` only renames what lies in memory, it moves nothing: splitting is a view, bringing the heads "
        "before the tokens is a transpose.",
        "`q = self.q_proj(x).view(B, L, H, Dh).transpose(1, 2)`, and likewise k and v.",
    ),
    mistakes=(
        Mistake(
            "    q = self.q_proj(x).view(B, L, H, Dh).transpose(1, 2)  # (B, H, L, Dh)\n"
            "    k = self.k_proj(x).view(B, L, H, Dh).transpose(1, 2)  # (B, H, L, Dh)\n"
            "    v = self.v_proj(x).view(B, L, H, Dh).transpose(1, 2)  # (B, H, L, Dh)\n",
            "    q, k, v = (p(x).view(B, H, L, Dh) for p in (self.q_proj, self.k_proj, self.v_proj))\n",
            "you viewed (B, L, d_model) as (B, H, L, Dh): the shape is right, and a head now holds pieces of "
            "different tokens. View as (B, L, H, Dh), then transpose",
        ),
        Mistake(
            "    q = self.q_proj(x).view(B, L, H, Dh).transpose(1, 2)  # (B, H, L, Dh)\n"
            "    k = self.k_proj(x).view(B, L, H, Dh).transpose(1, 2)  # (B, H, L, Dh)\n"
            "    v = self.v_proj(x).view(B, L, H, Dh).transpose(1, 2)  # (B, H, L, Dh)\n",
            "    q, k, v = (\n"
            "        p(x).view(B, L, Dh, H).permute(0, 3, 1, 2)\n"
            "        for p in (self.q_proj, self.k_proj, self.v_proj)\n"
            "    )\n",
            "you split the width as Dh times H: a head then takes every H-th channel. Here its channels are "
            "neighbours, H times Dh",
        ),
        Mistake(
            "self.k_proj(x)",
            "self.q_proj(x)",
            "your keys are the queries: what a token asks for and what it offers are two things, and k_proj "
            "makes the second",
        ),
    ),
    inputs=inputs,
    by_hand=(one_head_each,),
    place=20,
)
