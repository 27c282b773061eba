"""The network of image-tokenizer: a causal transformer over the tokens of a picture, given its class.

Source:  Esser, Rombach, Ommer 2020, arXiv:2012.09841, section 3.2.
Shapes:  B batch, L tokens of a picture, V tokens that there are.
Differs: the class is added at every place, where the paper writes it before the codes; RMSNorm, SwiGLU and
         rotary positions as in gpt.py, beside a learned vector of each place.
"""

from __future__ import annotations

from typing import cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from atlas_cli.nets.attention import Attention, KVCache
from atlas_cli.nets.feed_forward import SwiGLU


class Layer(nn.Module):
    """Places look at those before them, then each thinks for itself; both are added to what was there."""

    def __init__(self, d_model: int, n_head: int) -> None:
        super().__init__()
        self.attention_norm = nn.RMSNorm(d_model, eps=1e-5)
        self.attention = Attention(d_model, n_head)
        self.feed_forward_norm = nn.RMSNorm(d_model, eps=1e-5)
        self.feed_forward = SwiGLU(d_model, round(d_model * 8 / 3 / 32) * 32 or 32)

    def forward(self, x: Float[Tensor, "B L d_model"]) -> Float[Tensor, "B L d_model"]:
        x = x + self.attention(self.attention_norm(x))
        return x + self.feed_forward(self.feed_forward_norm(x))

    def extend(
        self, x: Float[Tensor, "B L d_model"], cache: KVCache
    ) -> tuple[Float[Tensor, "B L d_model"], KVCache]:
        """The same for places that come after those in the cache."""
        y, cache = self.attention.extend(self.attention_norm(x), cache)
        x = x + y
        return x + self.feed_forward(self.feed_forward_norm(x)), cache


class Prior(nn.Module):
    """A causal transformer: at each place the logits of its token, given the class and the tokens before.

    Attributes:
        no_class: Given in place of a class, it asks for a picture of any.
    """

    def __init__(
        self, vocab_size: int, length: int, n_classes: int, d_model: int, n_layer: int, n_head: int
    ) -> None:
        super().__init__()
        d = d_model
        self.vocab_size, self.length, self.no_class = vocab_size, length, n_classes
        self.token = nn.Embedding(vocab_size + 1, d)  # the last: nothing is written yet
        self.place = nn.Embedding(length, d)
        self.label = nn.Embedding(n_classes + 1, d)  # the last: none
        for table in (self.token, self.place, self.label):
            nn.init.normal_(table.weight, std=0.02)
        self.layers = nn.ModuleList(Layer(d, n_head) for _ in range(n_layer))
        self.final_norm = nn.RMSNorm(d, eps=1e-5)
        self.head = nn.Linear(d, vocab_size, bias=False)

    def read(self, tokens: Int[Tensor, "B L"]) -> Int[Tensor, "B L"]:
        """What stands before each token: the start, then every token but the last."""
        start = torch.full_like(tokens[:, :1], self.vocab_size)
        return torch.cat([start, tokens[:, :-1]], dim=1)

    def forward(self, read: Int[Tensor, "B L"], label: Int[Tensor, "B"]) -> Float[Tensor, "B L V"]:
        """Logits of the token that follows each of those read."""
        x = self._vectors(read, label, 0)
        for layer in self.layers:
            x = layer(x)
        return self.head(self.final_norm(x))

    def extend(
        self, read: Int[Tensor, "B L"], label: Int[Tensor, "B"], state: list[KVCache]
    ) -> tuple[Float[Tensor, "B L V"], list[KVCache]]:
        """The same for tokens after those in the state; nothing is read twice."""
        x, caches = self._vectors(read, label, state[0].length), []
        for layer, cache in zip(self.layers, state, strict=True):
            x, cache = cast(Layer, layer).extend(x, cache)
            caches.append(cache)
        return self.head(self.final_norm(x)), caches

    def first_state(self, batch_size: int) -> list[KVCache]:
        """Nothing read yet."""
        return [cast(Layer, layer).attention.first_state(batch_size) for layer in self.layers]

    def _vectors(
        self, read: Int[Tensor, "B L"], label: Int[Tensor, "B"], first: int
    ) -> Float[Tensor, "B L d_model"]:
        """What was read, the place that is to be filled, and the class."""
        place = torch.arange(first, first + read.shape[1], device=read.device)
        return self.token(read) + self.place(place) + self.label(label)[:, None]


def guided(
    given: Float[Tensor, "*shape V"], without: Float[Tensor, "*shape V"], weight: float
) -> Float[Tensor, "*shape V"]:
    """Logits of P(s_i | c)^w P(s_i)^(1 - w), over its sum: what the class changes, w times.

    Args:
        given: Logits under the class.
        without: Those under "no class".
        weight: w; at 1 the class is given and not exaggerated.
    """
    return without + weight * (given - without)
