"""What StyleGAN is held against: a generator that hears of z at the bottom alone, as that of `gan` does.

Shapes:  B batch, D latent dimensions, I channels, h and w the size at which the image starts.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from atlas_cli.systems.gan.gan import PixelNorm


class Bottom(nn.Module):
    """Where z enters at the bottom: a map of it, of as many channels as `spare` weights pay for."""

    def __init__(self, n_in: int, width: int, size: int, spare: int) -> None:
        super().__init__()
        channels = max(1, round((spare - width) / ((n_in + 1) * size**2 + width)))
        self.body = nn.Sequential(
            nn.Linear(n_in, channels * size**2), nn.Unflatten(1, (channels, size, size)), nn.LeakyReLU(0.2),
            nn.Conv2d(channels, width, 1), PixelNorm(),
        )  # fmt: skip

    def forward(self, z: Float[Tensor, "B D"]) -> Float[Tensor, "B I h w"]:
        return self.body(z)
