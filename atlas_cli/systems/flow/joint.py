"""The transformer of mmdit: two streams of tokens with weights of their own that meet in one attention.

Source:  Esser et al. 2024, arXiv:2403.03206, section 4 and figure 2 (b). adaLN-Zero: Peebles, Xie 2022,
         arXiv:2212.09748, section 3.2. An implementation: SD3Transformer2DModel in
         github.com/huggingface/diffusers.
Names:   knobs are the shifts, scales and gates by which the condition c turns a stream (adaLN); rows are
         queries, keys and values.
Shapes:  B batch, N patches, L words, S = N + L tokens in all, D width of a token, H heads, Dh width of one.
Differs: nothing in a block; tests hold it against the one of Diffusers, with the same weights. What is read
         out of the last block is the image alone, so there its text has keys and values and no more.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from atlas_cli.nets.caption_encoder import CaptionEncoder
from atlas_cli.nets.patches import grid_positions, to_image, to_patches
from atlas_cli.nets.unet import timestep_embedding

EPS = 1e-6
D_TIME = 64  # sines and cosines of the time


class Rows(NamedTuple):
    """What the tokens of one kind look for, are found by, and give."""

    q: Float[Tensor, "B H Q Dh"]  # as many as tokens, or none where they only listen for the others' sake
    k: Float[Tensor, "B H S Dh"]
    v: Float[Tensor, "B H S Dh"]


def attention_weights(q: Float[Tensor, "B H Q Dh"], k: Float[Tensor, "B H S Dh"]) -> Float[Tensor, "B H Q S"]:
    """How much each token takes of each other one: rows sum to one. Nothing is hidden from anyone."""
    return (q @ k.mT / q.shape[-1] ** 0.5).softmax(dim=-1)


def attend(
    q: Float[Tensor, "B H Q Dh"], k: Float[Tensor, "B H S Dh"], v: Float[Tensor, "B H S Dh"]
) -> Float[Tensor, "B Q D"]:
    """The weighted values, heads side by side: `attention_weights(q, k) @ v` without holding the weights."""
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


def meet(image: Rows, text: Rows) -> tuple[Float[Tensor, "B N D"], Float[Tensor, "B L D"]]:
    """Joint attention: patches and words in one row, in which each reads all; then each kind for itself."""
    # exercise: meet
    q, k, v = (torch.cat(both, dim=2) for both in zip(image, text, strict=True))  # (B, H, S, Dh) each
    read = attend(q, k, v)  # (B, S, D)
    n = image.q.shape[2]
    return read[:, :n], read[:, n:]
    # end


def modulate(
    x: Float[Tensor, "B S D"], shift: Float[Tensor, "B 1 D"], scale: Float[Tensor, "B 1 D"]
) -> Float[Tensor, "B S D"]:
    """(1 + scale) x + shift: a normed token as the condition wants it."""
    return torch.addcmul(x + shift, x, scale)


class Stream(nn.Module):
    """What one kind of token has for itself in a block: norms with their knobs, projections, an MLP.

    Args:
        d_model: D.
        n_head: H.
        mlp_ratio: Hidden units of the MLP over D.
        heard_only: It has keys and values for the others, and no queries, MLP or output.
    """

    def __init__(self, d_model: int, n_head: int, mlp_ratio: int = 4, heard_only: bool = False) -> None:
        super().__init__()
        self.n_head, self.heard_only = n_head, heard_only
        self.norm = nn.LayerNorm(d_model, eps=EPS, elementwise_affine=False)
        self.knobs = nn.Linear(d_model, (2 if heard_only else 6) * d_model)
        nn.init.zeros_(self.knobs.weight)  # adaLN-Zero: every block starts as the identity
        nn.init.zeros_(self.knobs.bias)
        d_head = d_model // n_head
        self.k, self.v = nn.Linear(d_model, d_model), nn.Linear(d_model, d_model)
        self.norm_k = nn.RMSNorm(d_head, eps=EPS)  # scores cannot grow with the weights
        if heard_only:
            return
        self.q, self.out = nn.Linear(d_model, d_model), nn.Linear(d_model, d_model)
        self.norm_q = nn.RMSNorm(d_head, eps=EPS)
        self.mlp = nn.Sequential(
            nn.Linear(d_model, mlp_ratio * d_model), nn.GELU("tanh"), nn.Linear(mlp_ratio * d_model, d_model)
        )

    def project(self, x: Float[Tensor, "B S D"], c: Float[Tensor, "B D"]) -> tuple[Rows, list[Tensor]]:
        """Queries, keys and values under the condition, and the knobs of what follows."""
        shift, scale, *rest = self.knobs(F.silu(c))[:, None].chunk(2 if self.heard_only else 6, dim=-1)
        x = modulate(self.norm(x), shift, scale)
        k, v = self.norm_k(self._heads(self.k(x))), self._heads(self.v(x))
        q = k[:, :, :0] if self.heard_only else self.norm_q(self._heads(self.q(x)))
        return Rows(q, k, v), rest

    def finish(
        self, x: Float[Tensor, "B S D"], read: Float[Tensor, "B S D"], knobs: list[Tensor]
    ) -> Float[Tensor, "B S D"]:
        """The tokens with what they have read, and after their MLP."""
        gate, shift, scale, mlp_gate = knobs  # (B, 1, D) each
        x = x + gate * self.out(read)
        return x + mlp_gate * self.mlp(modulate(self.norm(x), shift, scale))

    def _heads(self, x: Float[Tensor, "B S D"]) -> Float[Tensor, "B H S Dh"]:
        return x.unflatten(-1, (self.n_head, -1)).transpose(1, 2)


class JointBlock(nn.Module):
    """One block: both streams are normed and projected apart, attend as one row, and go on apart.

    Args:
        d_model: D.
        n_head: H.
        mlp_ratio: Hidden units of an MLP over D.
        last: Nobody reads its text any more.
        one_way: Its text is read, reads nothing, and passes unchanged.
        shared: One set of weights for both kinds of token.
        words: Whether there are words at all.
    """

    def __init__(
        self, d_model: int, n_head: int, mlp_ratio: int = 4, last: bool = False, shared: bool = False,
        words: bool = True, one_way: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.last, self.one_way = last, one_way
        self.image = Stream(d_model, n_head, mlp_ratio)
        if words:
            self.text = (
                self.image if shared else Stream(d_model, n_head, mlp_ratio, heard_only=last or one_way)
            )

    def forward(
        self, image: Float[Tensor, "B N D"], text: Float[Tensor, "B L D"] | None, c: Float[Tensor, "B D"]
    ) -> tuple[Float[Tensor, "B N D"], Float[Tensor, "B L D"] | None]:
        """Image and text tokens after this block, under the condition c."""
        rows, knobs = self.image.project(image, c)
        if text is None:
            return self.image.finish(image, attend(*rows), knobs), None
        text_rows, text_knobs = self.text.project(text, c)
        seen, heard = meet(rows, text_rows)
        image = self.image.finish(image, seen, knobs)
        if self.one_way:
            return image, text
        return image, None if self.last else self.text.finish(text, heard, text_knobs)


class Transformer(nn.Module):
    """Patches and a caption in, a number for every pixel out.

    Args:
        image_size: Pixels a side.
        channels: Of the image.
        patch: Pixels a side of a patch.
        vocab_size: Words of captions.
        length: Of a caption, in tokens.
        d_model: D.
        n_layer: Blocks.
        n_head: H.
        mlp_ratio: Hidden units of an MLP over D.
        words: Whether patches can read the words; else the sentence is one vector in the condition.
        sentence: Whether the condition holds a vector of the whole sentence, beside the time.
        shared: Whether both kinds of token have the same weights.
        one_way: Whether words are only read, and read nothing themselves, as in cross-attention.
        text_layers: Of the encoder, in which words read each other before any patch reads them.
    """

    place: Tensor  # (N, D) where each patch is

    def __init__(
        self, image_size: int, channels: int, patch: int, vocab_size: int, length: int, d_model: int,
        n_layer: int, n_head: int, mlp_ratio: int = 4, words: bool = True, sentence: bool = True,
        shared: bool = False, one_way: bool = False, text_layers: int = 1,
    ) -> None:  # fmt: skip
        super().__init__()
        self.patch, self.image_size, self.words = patch, image_size, words
        numbers, side = channels * patch**2, image_size // patch
        self.embed = nn.Linear(numbers, d_model)
        self.register_buffer("place", grid_positions(side, side, d_model), persistent=False)
        self.time = nn.Sequential(nn.Linear(D_TIME, d_model), nn.SiLU(), nn.Linear(d_model, d_model))
        self.caption = CaptionEncoder(vocab_size, length, d_model, d_model if sentence else 0, text_layers)
        lasts = [i == n_layer - 1 for i in range(n_layer)]
        self.blocks = nn.ModuleList(
            JointBlock(d_model, n_head, mlp_ratio, last, shared, words, one_way) for last in lasts
        )
        self.norm = nn.LayerNorm(d_model, eps=EPS, elementwise_affine=False)
        self.knobs = nn.Linear(d_model, 2 * d_model)
        self.read_out = nn.Linear(d_model, numbers)
        for linear in (self.knobs, self.read_out):
            nn.init.zeros_(linear.weight)
            nn.init.zeros_(linear.bias)

    def start(
        self, x_t: Float[Tensor, "B C H W"], t: Float[Tensor, "B"], tokens: Int[Tensor, "B L"]
    ) -> tuple[Float[Tensor, "B N D"], Float[Tensor, "B L D"] | None, Float[Tensor, "B D"]]:
        """Tokens of both kinds before the first block, and the condition of all blocks."""
        image = self.embed(to_patches(x_t, self.patch)) + self.place  # (B, N, D)
        text, sentence = self.caption(tokens)
        c = self.time(timestep_embedding(t * 1000, D_TIME))  # (B, D)
        return image, text if self.words else None, c if sentence is None else c + sentence

    def forward(
        self, x_t: Float[Tensor, "B C H W"], t: Float[Tensor, "B"], tokens: Int[Tensor, "B L"]
    ) -> Float[Tensor, "B C H W"]:
        image, text, c = self.start(x_t, t, tokens)
        for block in self.blocks:
            image, text = block(image, text, c)
        shift, scale = self.knobs(F.silu(c))[:, None].chunk(2, dim=-1)
        rows = self.read_out(modulate(self.norm(image), shift, scale))  # (B, N, C*P*P)
        return to_image(rows, self.patch, self.image_size)
