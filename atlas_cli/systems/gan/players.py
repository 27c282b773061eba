"""The players of the GAN: generators and discriminators of images and of points.

Source:  Convolutional nets after DCGAN, Radford et al. 2015, arXiv:1511.06434; `plain`, the fully connected
         ones of 2014, after Goodfellow et al., arXiv:1406.2661, section 5: rectifiers in the generator and
         maxout (arXiv:1302.4389) in the discriminator.
Shapes:  B batch, C channels, H height, W width, Z latent dimensions; images (B C H W), points (B dim).
Differs: Pixel norm (arXiv:1710.10196) in the generator and no norm in the discriminator replace DCGAN's batch
         norm. `plain` has neither norm nor dropout; its images end in tanh, since they lie in [-1, 1].
"""

from __future__ import annotations

from typing import Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


@runtime_checkable
class Config(Protocol):
    """What the players need to know of the recipe's `model:`; see gan.Config."""

    image_size: int
    channels: int
    dim: int
    z_dim: int
    width: int
    nets: Literal["convolutional", "plain"]

    @property
    def given_classes(self) -> int: ...


class PixelNorm(nn.Module):
    """Scale the channels of every pixel to mean square one."""

    def forward(self, x: Float[Tensor, "B *shape"]) -> Float[Tensor, "B *shape"]:
        return x * (x.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()


class Generator(nn.Module):
    """z, and the class if there is one -> a sample; images in [-1, 1]."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        n_in = c.z_dim * (2 if c.given_classes else 1)
        self.body = _generator_body(n_in, c)
        self.embed = nn.Embedding(c.given_classes, c.z_dim) if c.given_classes else None

    def forward(self, z: Float[Tensor, "B Z"], label: Int[Tensor, "B"] | None) -> Float[Tensor, "B *shape"]:
        if self.embed is not None:
            z = torch.cat([z, self.embed(label)], dim=1)  # (B, 2Z)
        return self.body(z)


class Discriminator(nn.Module):
    """A sample, and the class it should be of -> the logit of being real."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        n_features = 128
        self.body = _discriminator_body(n_features, c)
        self.head = nn.Linear(n_features, 1)
        self.embed = nn.Embedding(c.given_classes, n_features) if c.given_classes else None

    def forward(self, x: Float[Tensor, "B *shape"], label: Int[Tensor, "B"] | None) -> Float[Tensor, "B"]:
        h = self.body(x)  # (B, n_features)
        logit = self.head(h).squeeze(1)
        if self.embed is not None:
            logit = logit + (self.embed(label) * h).sum(1)  # real, and also of its class?
        return logit.float()


def _generator_body(n_in: int, c: Config) -> nn.Sequential:
    if c.dim:
        return _point_generator(n_in, c)
    return _plain_generator(n_in, c) if c.nets == "plain" else _image_generator(n_in, c)


def _discriminator_body(n_features: int, c: Config) -> nn.Sequential:
    if c.dim:
        return _point_discriminator(n_features, c)
    return _plain_discriminator(n_features, c) if c.nets == "plain" else _image_discriminator(n_features, c)


def _image_generator(n_in: int, c: Config) -> nn.Sequential:
    """From a quarter of the image size: twice, convolve to more channels and unfold four into 2x2 pixels."""
    w, s = c.width, c.image_size // 4
    return nn.Sequential(
        nn.Linear(n_in, 128), PixelNorm(), nn.LeakyReLU(0.2),
        nn.Linear(128, w * s * s), nn.Unflatten(1, (w, s, s)), PixelNorm(), nn.LeakyReLU(0.2),
        nn.Conv2d(w, 2 * w, 3, padding=1), nn.PixelShuffle(2),  # (B, w/2, H/2, W/2)
        PixelNorm(), nn.LeakyReLU(0.2),
        nn.Conv2d(w // 2, w, 3, padding=1), nn.PixelShuffle(2),  # (B, w/4, H, W)
        PixelNorm(), nn.LeakyReLU(0.2),
        nn.Conv2d(w // 4, c.channels, 3, padding=1), nn.Tanh(),
    )  # fmt: skip


def _image_discriminator(n_features: int, c: Config) -> nn.Sequential:
    """Fold 2x2 pixels into channels (cheaper than a full-size convolution), then halve the size twice."""
    w, s = c.width, -(-c.image_size // 8)  # rounded up
    return nn.Sequential(
        nn.PixelUnshuffle(2), nn.Conv2d(4 * c.channels, w // 2, 3, padding=1), nn.LeakyReLU(0.2),
        nn.Conv2d(w // 2, w, 4, stride=2, padding=1), nn.LeakyReLU(0.2),  # (B, w, H/4, W/4)
        nn.Conv2d(w, 2 * w, 3, stride=2, padding=1), nn.LeakyReLU(0.2),  # (B, 2w, H/8, W/8)
        nn.Flatten(), nn.Linear(2 * w * s * s, n_features), nn.LeakyReLU(0.2),
    )  # fmt: skip


def _point_generator(n_in: int, c: Config) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(n_in, c.width), PixelNorm(), nn.LeakyReLU(0.2),
        nn.Linear(c.width, c.width), PixelNorm(), nn.LeakyReLU(0.2),
        nn.Linear(c.width, c.width), PixelNorm(), nn.LeakyReLU(0.2),
        nn.Linear(c.width, c.dim),
    )  # fmt: skip


def _point_discriminator(n_features: int, c: Config) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(c.dim, c.width), nn.LeakyReLU(0.2),
        nn.Linear(c.width, c.width), nn.LeakyReLU(0.2),
        nn.Linear(c.width, n_features), nn.LeakyReLU(0.2),
    )  # fmt: skip


class Maxout(nn.Module):
    """Of two linear layers, number by number, the larger."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.linear = nn.Linear(n_in, 2 * n_out)

    def forward(self, x: Float[Tensor, "B N"]) -> Float[Tensor, "B M"]:
        return self.linear(x).unflatten(1, (-1, 2)).amax(2)


def _plain_generator(n_in: int, c: Config) -> nn.Sequential:
    """No layer knows which pixels are neighbours; about as many weights as the convolutional one."""
    units, shape = 6 * c.width, (c.channels, c.image_size, c.image_size)
    return nn.Sequential(
        nn.Linear(n_in, units), nn.ReLU(),
        nn.Linear(units, units), nn.ReLU(),
        nn.Linear(units, c.channels * c.image_size**2), nn.Unflatten(1, shape), nn.Tanh(),
    )  # fmt: skip


def _plain_discriminator(n_features: int, c: Config) -> nn.Sequential:
    units = 3 * c.width
    return nn.Sequential(
        nn.Flatten(), Maxout(c.channels * c.image_size**2, units), Maxout(units, units),
        Maxout(units, n_features),
    )  # fmt: skip
