"""Small GANs on points and on images, and how they move."""

from __future__ import annotations

import torch
from torch import nn

from atlas_cli import data
from atlas_cli.data.images import ImageSource
from atlas_cli.engine.system import Setting
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.gan.gan import (
    GAN,
    Config,
)

TRAIN = TrainConfig(steps=4, batch_size=8, lr=1e-2, betas=(0.0, 0.99))


def on_points(rank: int = 0, world_size: int = 1, **fields: object) -> GAN:
    torch.manual_seed(0)
    gan = GAN(Config(**{"dim": 2, "z_dim": 2, "width": 8, **fields}))
    gan.attach(Setting(data.load({"name": "modes25"}), TRAIN, rank=rank, world_size=world_size))
    return gan


def on_images(source: ImageSource, precision: str = "fp32", **fields: object) -> GAN:
    torch.manual_seed(0)
    gan = GAN(Config(**{"image_size": 8, "width": 8, "z_dim": 4, **fields}))
    gan.attach(Setting(source, TRAIN.model_copy(update={"precision": precision})))
    return gan


def descent(gan: GAN, discriminator_lr: float = 1.0, generator_lr: float = 1.0) -> dict:
    """Plain gradient descent, whose moves show the gradients."""
    return {
        "discriminator": torch.optim.SGD(gan.discriminator.parameters(), lr=discriminator_lr),
        "generator": torch.optim.SGD(gan.generator.parameters(), lr=generator_lr),
    }


def weights(module: nn.Module) -> list[torch.Tensor]:
    return [p.detach().clone() for p in module.parameters()]


def gradients(module: nn.Module) -> list[torch.Tensor]:
    return [p.grad.clone() for p in module.parameters()]  # type: ignore[union-attr]


def equal(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))
