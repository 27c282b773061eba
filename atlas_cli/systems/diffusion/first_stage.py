"""The autoencoder of latent diffusion: images to a Gaussian over small grids of vectors, and back.

Shapes:  B batch, C channels, H height, W width of the image; Z latent channels; h = H/4, w = W/4; D features.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn


class Block(nn.Module):
    """Two 3x3 convolutions beside an identity; the last one starts at zero."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.GroupNorm(channels // 8, channels), nn.SiLU(), nn.Conv2d(channels, channels, 3, padding=1),
            nn.GroupNorm(channels // 8, channels), nn.SiLU(), nn.Conv2d(channels, channels, 3, padding=1),
        )  # fmt: skip
        last = self.body[-1]
        nn.init.zeros_(last.weight)  # type: ignore[arg-type]
        nn.init.zeros_(last.bias)  # type: ignore[arg-type]

    def forward(self, x: Float[Tensor, "B D H W"]) -> Float[Tensor, "B D H W"]:
        return x + self.body(x)


class Autoencoder(nn.Module):
    """Image -> a Gaussian over latents; latent -> image.

    The first halving folds 2x2 pixels into channels and the last doubling unfolds them, so that no
    convolution runs at full resolution.
    """

    def __init__(self, channels: int, latent_channels: int, width: int) -> None:
        super().__init__()
        fine, coarse = width, 2 * width
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(2), nn.Conv2d(4 * channels, fine, 3, padding=1),
            Block(fine),  # (B, fine, H/2, W/2)
            nn.Conv2d(fine, coarse, 3, stride=2, padding=1), Block(coarse),  # (B, coarse, h, w)
            nn.GroupNorm(coarse // 8, coarse), nn.SiLU(), nn.Conv2d(coarse, 2 * latent_channels, 1),
        )  # fmt: skip
        self.decoder = nn.Sequential(
            nn.Conv2d(latent_channels, coarse, 3, padding=1), Block(coarse),
            nn.Conv2d(coarse, 4 * fine, 1), nn.PixelShuffle(2),
            Block(fine),  # (B, fine, H/2, W/2)
            nn.GroupNorm(fine // 8, fine), nn.SiLU(), nn.Conv2d(fine, 4 * channels, 3, padding=1),
            nn.PixelShuffle(2),  # (B, C, H, W)
        )  # fmt: skip

    def encode(
        self, images: Float[Tensor, "B C H W"]
    ) -> tuple[Float[Tensor, "B Z h w"], Float[Tensor, "B Z h w"]]:
        """Mean and log-variance of q(z | x)."""
        mean, log_var = self.encoder(images).float().chunk(2, dim=1)
        return mean, log_var.clamp(-30, 20)  # e^20 is still finite when squared

    def decode(self, z: Float[Tensor, "B Z h w"]) -> Float[Tensor, "B C H W"]:
        return self.decoder(z).float()
