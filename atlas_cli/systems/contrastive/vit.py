"""A small vision transformer whose last layer can be asked where its [CLS] token looks.

Source:  Dosovitskiy et al. 2020, arXiv:2010.11929, eq. 1 to 4; a stem of convolutions in the place of one
         projection of patches: Xiao et al. 2021, arXiv:2106.14881.
Shapes:  N images, C channels, H height, W width, D width of a token, P patches of 4x4 pixels, L = 1 + P
         tokens, the first of them [CLS]; h heads of Dh numbers each.
Differs: answers of the first convolution count by size, not by sign, and its filters sum to nothing at
         first: white ink on dark and black ink on light look alike. Few steps are too few to learn that.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

PATCH = 4  # px
PLACES = 0.5  # sd of what is added to a token to say where it is


class Block(nn.Module):
    """Every token looks at all tokens, then thinks for itself."""

    def __init__(self, d_model: int, n_head: int) -> None:
        super().__init__()
        self.n_head = n_head
        self.norm_1, self.norm_2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.qkv = nn.Linear(d_model, 3 * d_model)
        self.out = nn.Linear(d_model, d_model)
        self.feed_forward = nn.Sequential(
            nn.Linear(d_model, 2 * d_model), nn.GELU(), nn.Linear(2 * d_model, d_model)
        )

    def forward(self, x: Float[Tensor, "N L D"]) -> Float[Tensor, "N L D"]:
        q, k, v = self._heads(x)
        y = F.scaled_dot_product_attention(q, k, v)  # (N, h, L, Dh)
        x = x + self.out(y.transpose(1, 2).flatten(2))
        return x + self.feed_forward(self.norm_2(x))

    def weights(self, x: Float[Tensor, "N L D"]) -> Float[Tensor, "N h L L"]:
        """Who looks at whom, written out: rows sum to one."""
        q, k, _ = self._heads(x)
        return (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1)

    def _heads(self, x: Float[Tensor, "N L D"]) -> tuple[Tensor, ...]:
        qkv = self.qkv(self.norm_1(x)).unflatten(2, (3, self.n_head, -1))  # (N, L, 3, h, Dh)
        return tuple(part.transpose(1, 2) for part in qkv.unbind(2))  # (N, h, L, Dh) each


class Edges(nn.Module):
    """How strongly an image changes at each place, in several ways; light and dark may change places."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        filters = torch.randn(n_out, n_in, 3, 3) / (27 * n_in) ** 0.5
        self.weight = nn.Parameter(filters - filters.mean((1, 2, 3), keepdim=True))  # blind to plain paper
        self.norm = nn.BatchNorm2d(n_out)

    def forward(self, x: Float[Tensor, "N A H W"]) -> Float[Tensor, "N B H W"]:
        return self.norm(F.conv2d(x, self.weight, padding=1).abs())


class ViT(nn.Module):
    """Images to features: what the [CLS] token holds after the last layer.

    Args:
        channels: Of an image.
        image_size: Side, px, for which there are positions; those of other sizes are interpolated.
        d_model: Width of a token.
        n_layer: Blocks.
        n_head: Heads of each.
        stem: Channels of the first convolution.
    """

    def __init__(
        self, channels: int, image_size: int, d_model: int, n_layer: int, n_head: int, stem: int
    ) -> None:
        super().__init__()
        side, d = image_size // PATCH, d_model
        self.stem = nn.Sequential(
            nn.PixelUnshuffle(2), Edges(4 * channels, stem),  # (N, stem, H/2, W/2)
            nn.Conv2d(stem, d, 3, 2, padding=1, bias=False), nn.BatchNorm2d(d), nn.ReLU(),  # (N, D, H/4, W/4)
            nn.Conv2d(d, d, 3, padding=1, bias=False), nn.BatchNorm2d(d), nn.ReLU(), nn.Conv2d(d, d, 1),
        )  # fmt: skip
        self.cls = nn.Parameter(0.02 * torch.randn(1, 1, d))
        self.position = nn.Parameter(PLACES * torch.randn(1, d, side, side))
        self.blocks = nn.ModuleList(Block(d, n_head) for _ in range(n_layer))
        self.norm = nn.LayerNorm(d)

    def forward(self, images: Float[Tensor, "N C H W"]) -> Float[Tensor, "N D"]:
        x = self.tokens(images)
        for block in self.blocks:
            x = block(x)
        return self.norm(x[:, 0])

    def tokens(self, images: Float[Tensor, "N C H W"]) -> Float[Tensor, "N L D"]:
        """[CLS] and the patches, each with its place."""
        x = self.stem(images)  # (N, D, H/4, W/4)
        place: Tensor = self.position
        if x.shape[2:] != place.shape[2:]:
            place = F.interpolate(place, list(x.shape[2:]), mode="bicubic", align_corners=False)
        x = (x + place).flatten(2).mT  # (N, P, D)
        return torch.cat([self.cls.expand(len(x), -1, -1), x], 1)

    def attention(self, images: Float[Tensor, "N C H W"]) -> Float[Tensor, "N h P"]:
        """What [CLS] takes of each patch in the last layer, by heads; what it takes of itself left out."""
        x = self.tokens(images)
        for block in list(self.blocks)[:-1]:
            x = block(x)
        last = self.blocks[-1]
        assert isinstance(last, Block)
        looks = last.weights(x)[:, :, 0, 1:]  # (N, h, P)
        return looks / looks.sum(2, keepdim=True)
