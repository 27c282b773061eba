"""Two towers, one for pictures and one for captions, that end in vectors of one space and of length one.

Source:  Radford et al. 2021, arXiv:2103.00020, sections 2.4 (the encoders) and figure 3 (what joins them).
Shapes:  B batch, C channels, H height, W width, L tokens of a caption, T width of a token, D of the space.
Differs: three convolutions in the place of a ResNet or a ViT. A sentence is the mean of its words' vectors
         and not the state of its last one; every word reads all others, not only those before it.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.distributed as dist
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, UInt8
from pydantic import Field, model_validator
from torch import Tensor, nn

from atlas_cli.config import DEEPEST, WIDEST, SystemConfig
from atlas_cli.data.captions import PADDING
from atlas_cli.data.images import to_float

AT_ONCE = 500  # pictures or captions that are embedded at once


class TowersConfig(SystemConfig):
    """The fields of `model:` that say how the towers are built; the data give the first four."""

    data_kinds: ClassVar[tuple[str, ...]] = ("scenes",)

    image_size: int = Field(32, ge=8, multiple_of=8, le=WIDEST)  # px
    channels: int = Field(3, gt=0, le=WIDEST)
    vocab_size: int = Field(14, gt=0, le=WIDEST)
    caption_length: int = Field(10, gt=0, le=WIDEST)  # tokens
    width: int = Field(32, gt=0, multiple_of=4, le=WIDEST)  # channels after the first convolution
    d_text: int = Field(64, gt=0, le=WIDEST)  # width of a token
    text_layers: int = Field(2, ge=0, le=DEEPEST)  # of the transformer that reads captions
    n_head: int = Field(4, gt=0, le=WIDEST)  # of each of its layers
    word_order: bool = True  # false: words have no positions, a caption is a bag of them
    d_embed: int = Field(64, gt=0, le=WIDEST)  # D

    @model_validator(mode="after")
    def _fits(self) -> TowersConfig:
        if self.d_text % self.n_head:
            raise ValueError(f"d_text = {self.d_text} cannot be shared by n_head = {self.n_head} heads")
        return self


class ImageTower(nn.Module):
    """A picture in, a vector out: convolutions that halve the picture, then all places side by side."""

    def __init__(self, c: TowersConfig) -> None:
        super().__init__()
        w, side = c.width, c.image_size // 8
        self.body = nn.Sequential(
            *_halved(c.channels, w), *_halved(w, 2 * w), *_halved(2 * w, 4 * w), nn.Flatten()
        )  # (B, 4w H/8 W/8): flat, so that it is known where a thing stands
        self.project = nn.Linear(4 * w * side * side, c.d_embed)

    def forward(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D"]:
        return self.project(self.body(images))


def _halved(n_in: int, n_out: int) -> list[nn.Module]:
    return [nn.Conv2d(n_in, n_out, 4, stride=2, padding=1), nn.GroupNorm(4, n_out), nn.GELU()]


class TextTower(nn.Module):
    """A caption in, a vector out: words read each other, and their mean speaks for all."""

    def __init__(self, c: TowersConfig) -> None:
        super().__init__()
        self.token = nn.Embedding(c.vocab_size, c.d_text)
        self.position = nn.Parameter(torch.randn(c.caption_length, c.d_text)) if c.word_order else None
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                c.d_text, c.n_head, 4 * c.d_text, dropout=0.0, activation="gelu", batch_first=True,
                norm_first=True,
            )
            for _ in range(c.text_layers)
        )  # fmt: skip
        self.norm = nn.LayerNorm(c.d_text)
        self.project = nn.Linear(c.d_text, c.d_embed)

    def forward(self, tokens: Int[Tensor, "B L"]) -> Float[Tensor, "B D"]:
        empty: Bool[Tensor, "B L"] = tokens == PADDING
        h = self.token(tokens)  # (B, L, T)
        if self.position is not None:
            h = h + self.position[: tokens.shape[1]]
        for layer in self.layers:
            h = layer(h, src_key_padding_mask=empty)
        said = (~empty)[..., None]  # (B, L, 1)
        return self.project((self.norm(h) * said).sum(1) / said.sum(1))


class Towers(nn.Module):
    """The two encoders; what they say of a picture and of a caption can be compared."""

    def __init__(self, c: TowersConfig) -> None:
        super().__init__()
        self.image, self.text = ImageTower(c), TextTower(c)

    def see(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D"]:
        """Pictures in [-1, 1] as vectors of length one."""
        return F.normalize(self.image(images).float(), dim=1)

    def read(self, tokens: Int[Tensor, "B L"]) -> Float[Tensor, "B D"]:
        """Captions as vectors of length one."""
        return F.normalize(self.text(tokens).float(), dim=1)

    def see_all(self, images: UInt8[Tensor, "N C H W"]) -> Float[Tensor, "N D"]:
        """Any number of pictures, in parts that fit the memory."""
        return torch.cat([self.see(to_float(part)) for part in images.split(AT_ONCE)])

    def read_all(self, tokens: Int[Tensor, "N L"]) -> Float[Tensor, "N D"]:
        """Any number of captions."""
        return torch.cat([self.read(part) for part in tokens.split(AT_ONCE)])


# --- over ranks ----------------------------------------------------------------------------------------


class _Gather(torch.autograd.Function):
    """All ranks' rows, in their order; backwards every rank collects what all of them ask of its rows."""

    @staticmethod
    def forward(ctx: Any, x: Float[Tensor, "B D"]) -> Float[Tensor, "N D"]:
        parts = [torch.empty_like(x) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, x.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Float[Tensor, "N D"]) -> Float[Tensor, "B D"]:
        whole = gradients[0].contiguous().clone()
        dist.all_reduce(whole)
        return whole.chunk(dist.get_world_size())[dist.get_rank()]


def of_all_ranks(x: Float[Tensor, "B D"]) -> Float[Tensor, "N D"]:
    """The rows of all ranks, in their order, with gradients to where they came from; of one rank its own."""
    if not (dist.is_available() and dist.is_initialized()):
        return x
    return _Gather.apply(x)
