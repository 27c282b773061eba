"""A decoder that sees what it has drawn: each pixel by the code and by the pixels before it.

Source:  masked convolutions: van den Oord, Kalchbrenner, Kavukcuoglu 2016, arXiv:1601.06759. A window, so
         that what lies farther away is left to the code: Chen et al. 2016, arXiv:1611.02731, section 3.
Shapes:  B batch, C channels, D features, H height, W width; r pixels of reach.
Differs: one masked convolution, and two layers at each pixel; channels of one pixel are independent.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


class Window(nn.Module):
    """Features of the code, and pixels -> logits, each by the r rows above it and the r pixels before it."""

    mask: Tensor

    def __init__(self, channels: int, features: int, reach: int) -> None:
        super().__init__()
        self.reach = reach
        self.before = nn.Conv2d(channels, features, (reach + 1, 2 * reach + 1))
        mask = torch.ones(reach + 1, 2 * reach + 1)
        mask[-1, reach:] = 0  # of its own row, what lies to the left
        self.register_buffer("mask", mask, persistent=False)
        self.head = nn.Sequential(
            nn.SiLU(), nn.Conv2d(features, features, 1), nn.SiLU(), nn.Conv2d(features, channels, 1)
        )

    def forward(
        self, decoded: Float[Tensor, "B D H W"], x: Float[Tensor, "B C H W"]
    ) -> Float[Tensor, "B C H W"]:
        r = self.reach
        padded = F.pad(x, (r, r, r, 0))  # zero, the background, beyond the border
        seen = F.conv2d(padded, self.before.weight * self.mask, self.before.bias)  # (B, D, H, W)
        return self.head(decoded + seen)

    def draw(
        self, decoded: Float[Tensor, "B D H W"], noise: Float[Tensor, "B C H W"]
    ) -> Float[Tensor, "B C H W"]:
        """Pixel after pixel, as one reads; returns the probabilities with which they were drawn."""
        r, (height, width) = self.reach, decoded.shape[2:]
        canvas = F.pad(torch.zeros_like(noise), (r, r, r, 0))
        weight, chances = self.before.weight * self.mask, torch.zeros_like(noise)
        for i in range(height):
            for j in range(width):
                patch = canvas[:, :, i : i + r + 1, j : j + 2 * r + 1]
                seen = F.conv2d(patch, weight, self.before.bias)  # (B, D, 1, 1)
                chance = self.head(decoded[:, :, i : i + 1, j : j + 1] + seen)[:, :, 0, 0].sigmoid()
                chances[:, :, i, j] = chance
                canvas[:, :, i + r, j + r] = (noise[:, :, i, j] < chance).to(canvas.dtype)
        return chances
