"""SwiGLU: the feed-forward network of a modern transformer block.

Source:  Shazeer 2020, arXiv:2002.05202, eq. 6 (no biases).
Names:   gate, up, down as in Llama (arXiv:2302.13971); the paper's W, V, W_2.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


class SwiGLU(nn.Module):
    """Each token on its own: down(silu(gate(x)) * up(x))."""

    def __init__(self, d_model: int, d_ff: int) -> None:
        super().__init__()
        self.gate = nn.Linear(d_model, d_ff, bias=False)
        self.up = nn.Linear(d_model, d_ff, bias=False)
        self.down = nn.Linear(d_ff, d_model, bias=False)

    def forward(self, x: Float[Tensor, "... d_model"]) -> Float[Tensor, "... d_model"]:
        """One gate, one value, one way back."""
        return self.down(F.silu(self.gate(x)) * self.up(x))
