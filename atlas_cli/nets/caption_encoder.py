"""A small encoder of captions: a vector for every word, and one for the sentence.

Source:  Vaswani et al. 2017, arXiv:1706.03762, section 3.1 (the encoder's layer), with the norms first.
Shapes:  B batch, L tokens of a caption, E width of a token, D width of the sentence's vector.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


class CaptionEncoder(nn.Module):
    """Words at their places, and transformer layers in which each reads all others.

    Args:
        vocab_size: Tokens that captions consist of.
        length: Tokens of a caption, padding included.
        d_token: E.
        d_sentence: D; 0: no vector for the sentence.
        n_layer: Of the transformer.
        n_head: Of each of its layers.
    """

    def __init__(
        self, vocab_size: int, length: int, d_token: int, d_sentence: int, n_layer: int = 1, n_head: int = 4
    ) -> None:
        super().__init__()
        self.token = nn.Embedding(vocab_size, d_token)
        self.position = nn.Parameter(torch.randn(length, d_token))
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                d_token,
                n_head,
                4 * d_token,
                dropout=0.0,
                activation="gelu",
                batch_first=True,
                norm_first=True,
            )
            for _ in range(n_layer)
        )
        self.norm = nn.LayerNorm(d_token)
        self.sentence = nn.Linear(length * d_token, d_sentence) if d_sentence else None

    def forward(
        self, tokens: Int[Tensor, "B L"]
    ) -> tuple[Float[Tensor, "B L E"], Float[Tensor, "B D"] | None]:
        """A vector for each token, and one for all of them side by side."""
        h = self.token(tokens) + self.position  # (B, L, E)
        for layer in self.layers:
            h = layer(h)
        h = self.norm(h)
        return h, self.sentence(h.flatten(1)) if self.sentence is not None else None
