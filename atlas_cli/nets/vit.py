"""Blocks of a vision transformer: every patch looks at all others, then thinks for itself.

Source:  Dosovitskiy et al. 2020, arXiv:2010.11929, eq. 2 and 3 (norms before, GELU).
Shapes:  N images, L tokens, D width of a token, h heads of D / h numbers each.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

FEED_FORWARD = 4  # width of the hidden layer, in widths of a token


class Block(nn.Module):
    """Attention of all tokens to all, and two layers for each by itself; both beside an identity."""

    def __init__(self, d_model: int, n_head: int) -> None:
        super().__init__()
        self.n_head, d_ff = n_head, FEED_FORWARD * d_model
        self.norm_1, self.norm_2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.qkv, self.out = nn.Linear(d_model, 3 * d_model), nn.Linear(d_model, d_model)
        self.feed_forward = nn.Sequential(nn.Linear(d_model, d_ff), nn.GELU(), nn.Linear(d_ff, d_model))

    def forward(self, x: Float[Tensor, "N L D"]) -> Float[Tensor, "N L D"]:
        q, k, v = self._heads(self.norm_1(x))
        y = F.scaled_dot_product_attention(q, k, v)  # (N, h, L, D/h)
        x = x + self.out(y.transpose(1, 2).flatten(2))
        return x + self.feed_forward(self.norm_2(x))

    def _heads(self, x: Float[Tensor, "N L D"]) -> tuple[Tensor, ...]:
        qkv = self.qkv(x).unflatten(2, (3, self.n_head, -1))  # (N, L, 3, h, D/h)
        return tuple(part.transpose(1, 2) for part in qkv.unbind(2))  # (N, h, L, D/h) each


class Stack(nn.Module):
    """Blocks one after another, and a norm at the end."""

    def __init__(self, d_model: int, n_head: int, n_layer: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(d_model, n_head) for _ in range(n_layer))
        self.norm = nn.LayerNorm(d_model)

    def forward(self, x: Float[Tensor, "N L D"]) -> Float[Tensor, "N L D"]:
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


def multiply_adds(n_tokens: int, d_model: int, n_layer: int) -> int:
    """Multiply-adds of a stack's products for one image: the four maps, the two layers, scores and sums."""
    maps = (4 + 2 * FEED_FORWARD) * d_model * d_model * n_tokens
    attention = 2 * n_tokens * n_tokens * d_model
    return n_layer * (maps + attention)
