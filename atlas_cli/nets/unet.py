"""A small U-Net for images on a patch grid: the denoiser that diffusion and flow systems share.

Source:  Ronneberger et al. 2015, arXiv:1505.04597 (the U); Ho et al. 2020, arXiv:2006.11239 (embedded time,
         coarse attention); Dhariwal & Nichol 2021, arXiv:2105.05233 (the norm's scale and shift).
Shapes:  B batch, C channels, H height, W width, D embedding.
Differs: the image is first folded into patch x patch blocks (space to depth), so that a 28x28 digit is
         worked on at 14x14 and 7x7: three times the images a second of the same net at full resolution.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn

Multipliers = Annotated[tuple[Annotated[int, Field(gt=0, le=64)], ...], Field(min_length=1, max_length=10)]


def require_whole_levels(image_size: int, patch: int, multipliers: Sequence[int]) -> None:
    """Refuse an image that cannot be folded into patches and halved from level to level.

    Raises:
        ValueError: a level would have half a pixel.
    """
    side = patch * 2 ** (len(multipliers) - 1)
    if image_size % side:
        raise ValueError(
            f"images of {image_size} x {image_size} cannot be folded by patch = {patch} and halved "
            f"{len(multipliers) - 1} times, once for each of the multipliers after the first: "
            f"{image_size} is no multiple of {side}"
        )


def timestep_embedding(t: Float[Tensor, "B"], d: int, max_period: float = 10_000.0) -> Float[Tensor, "B D"]:
    """Sines and cosines of t at geometrically spaced frequencies (Vaswani et al. 2017, section 3.5)."""
    half = d // 2
    frequencies = torch.exp(-math.log(max_period) * torch.arange(half, device=t.device) / half)
    angles = t[:, None] * frequencies[None]  # (B, D/2)
    return torch.cat([angles.cos(), angles.sin()], dim=1)


class ResBlock(nn.Module):
    """Two 3x3 convolutions; the embedding scales and shifts the second norm; the last one starts at zero."""

    def __init__(self, c_in: int, c_out: int, d_embed: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(_groups(c_in), c_in)
        self.conv1 = nn.Conv2d(c_in, c_out, 3, padding=1)
        self.embed = nn.Linear(d_embed, 2 * c_out)
        self.norm2 = nn.GroupNorm(_groups(c_out), c_out)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)  # type: ignore[arg-type]
        self.skip = nn.Conv2d(c_in, c_out, 1) if c_in != c_out else nn.Identity()

    def forward(self, x: Float[Tensor, "B Cin H W"], e: Float[Tensor, "B D"]) -> Float[Tensor, "B Cout H W"]:
        h = self.conv1(F.silu(self.norm1(x)))
        scale, shift = self.embed(e)[:, :, None, None].chunk(2, dim=1)  # (B, Cout, 1, 1) each
        h = self.conv2(F.silu(self.norm2(h) * (1 + scale) + shift))
        return self.skip(x) + h


class SelfAttention2d(nn.Module):
    """Every position attends to every other one; the output projection starts at zero."""

    def __init__(self, channels: int, n_head: int = 4) -> None:
        super().__init__()
        self.n_head = n_head
        self.norm = nn.GroupNorm(_groups(channels), channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        b, c, h, w = x.shape
        qkv = self.qkv(self.norm(x)).reshape(b, 3, self.n_head, c // self.n_head, h * w)
        q, k, v = qkv.transpose(-1, -2).unbind(1)  # (B, n_head, H*W, C/n_head) each
        y = F.scaled_dot_product_attention(q, k, v)  # (B, n_head, H*W, C/n_head)
        return x + self.out(y.transpose(-1, -2).reshape(b, c, h, w))


class UNet(nn.Module):
    """Noisy image, time and class in; an image of the same shape out.

    Args:
        channels: Channels of the image.
        n_classes: Classes; index n_classes is "no class" (for guidance).
        width: Channels at the finest level.
        multipliers: Channels of each level over `width`; each further level halves the resolution.
        patch: Side of the blocks that are folded into channels first.
        d_embed: Size of the embedding of time and class.
    """

    def __init__(
        self, channels: int, n_classes: int, width: int = 64, multipliers: Sequence[int] = (1, 1),
        patch: int = 2, d_embed: int = 128,
    ) -> None:  # fmt: skip
        super().__init__()
        self.d_time, self.d_embed = width, d_embed
        self.embed_time = nn.Sequential(nn.Linear(width, d_embed), nn.SiLU(), nn.Linear(d_embed, d_embed))
        self.embed_class: nn.Module = nn.Embedding(n_classes + 1, d_embed)  # or what reads another condition
        self.levels = levels = [width * m for m in multipliers]
        self.fold, self.unfold = nn.PixelUnshuffle(patch), nn.PixelShuffle(patch)
        self.conv_in = nn.Conv2d(channels * patch**2, levels[0], 3, padding=1)
        self.down = nn.ModuleList(ResBlock(c, c, d_embed) for c in levels)
        self.shrink = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(levels))
        self.mid1 = ResBlock(levels[-1], levels[-1], d_embed)
        self.attention = SelfAttention2d(levels[-1])
        self.mid2 = ResBlock(levels[-1], levels[-1], d_embed)
        self.up = nn.ModuleList(ResBlock(2 * c, c, d_embed) for c in levels)
        self.grow = nn.ModuleList(nn.Conv2d(b, a, 3, padding=1) for a, b in pairwise(levels))
        self.norm_out = nn.GroupNorm(_groups(levels[0]), levels[0])
        self.conv_out = nn.Conv2d(levels[0], channels * patch**2, 3, padding=1)

    def forward(
        self, x: Float[Tensor, "B C H W"], t: Float[Tensor, "B"], label: Int[Tensor, "B *L"],
        control: Sequence[Tensor] | None = None,
    ) -> Float[Tensor, "B C H W"]:  # fmt: skip
        """The net's output.

        Args:
            x: Noisy images.
            t: Their times, on a scale of 0 to about 1000.
            label: Their classes, or whatever `embed_class` reads.
            control: Added to what the encoder found: one tensor for each skip, finest first, and one for the
                middle, each of the shape of what it is added to.
        """
        e = self.embed(t, label)
        h, skips = self.encode(x, e)
        if control is not None:
            *aside, middle = control
            h, skips = h + middle, [skip + c for skip, c in zip(skips, aside, strict=True)]
        return self.decode(h, skips, e)

    def embed(self, t: Float[Tensor, "B"], label: Int[Tensor, "B *L"]) -> Float[Tensor, "B D"]:
        """Time and class as one vector."""
        return F.silu(self.embed_time(timestep_embedding(t, self.d_time)) + self.embed_class(label))

    def encode(
        self, x: Float[Tensor, "B C H W"], e: Float[Tensor, "B D"], hint: Tensor | None = None
    ) -> tuple[Tensor, list[Tensor]]:
        """The middle's features and the skips, finest first; a hint is added behind the first convolution."""
        h = self.conv_in(self.fold(x))  # (B, width, H/patch, W/patch)
        if hint is not None:
            h = h + hint
        skips = []
        for level, block in enumerate(self.down):
            h = block(h, e)
            skips.append(h)
            if level < len(self.shrink):
                h = self.shrink[level](h)  # half the height and width
        return self.mid2(self.attention(self.mid1(h, e)), e), skips

    def decode(self, h: Tensor, skips: Sequence[Tensor], e: Float[Tensor, "B D"]) -> Float[Tensor, "B C H W"]:
        """The image that the features stand for."""
        for level in reversed(range(len(self.up))):
            h = self.up[level](torch.cat([h, skips[level]], dim=1), e)
            if level > 0:
                h = self.grow[level - 1](F.interpolate(h, scale_factor=2.0, mode="nearest"))
        return self.unfold(self.conv_out(F.silu(self.norm_out(h))))


def _groups(channels: int) -> int:
    """At most 16 groups of at least four channels: alone in its group, a channel would lose its bias."""
    return math.gcd(max(1, channels // 4), 16)
