"""A small image-tokenizer over an untrained tokenizer, for tests."""

from __future__ import annotations

import torch

from atlas_cli.data.images import ImageSource
from atlas_cli.engine.system import Setting
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.autoencoder import vq_vae
from atlas_cli.systems.autoencoder.image_tokenizer import Config, ImageTokenizer
from atlas_cli.systems.autoencoder.tokenizer import Tokenizer

TRAIN = TrainConfig(steps=5, batch_size=8, lr=1e-2, precision="fp32")


def source(n: int = 24, size: int = 8, channels: int = 1, n_classes: int = 2) -> ImageSource:
    """Noise of a few classes, no two images alike."""
    draws = torch.Generator().manual_seed(7)
    images = torch.randint(0, 256, (n, channels, size, size), generator=draws, dtype=torch.uint8)
    labels = torch.arange(n) % n_classes
    return ImageSource(
        "noise", images, labels, images.flip(0), labels.flip(0), list("abcdefghij"[:n_classes])
    )


def parent(data: ImageSource, **fields: object) -> Tokenizer:
    """An untrained tokenizer of six codes, the same at every call."""
    torch.manual_seed(0)
    shape = {"image_size": data.train_images.shape[-1], "channels": data.train_images.shape[1]}
    own = vq_vae.VQVAE(
        vq_vae.Config(**{**shape, "width": 8, "codes": 6, "dim": 4, "n_classes": data.n_classes, **fields})
    )
    own.attach(Setting(data, TRAIN))
    return own.eval().requires_grad_(False)


def system(
    data: ImageSource | None = None, tokenizer: Tokenizer | None = None, **fields: object
) -> ImageTokenizer:
    data = data or source()
    tokenizer = tokenizer or parent(data)
    torch.manual_seed(1)
    shape = {"image_size": data.train_images.shape[-1], "channels": data.train_images.shape[1]}
    small = {"d_model": 16, "n_layer": 2, "n_head": 2, "n_classes": data.n_classes}
    own = ImageTokenizer(Config(**{**shape, **small, **fields}))
    own.attach(Setting(data, TRAIN, parent=tokenizer))
    with torch.no_grad():  # far enough from the first weights for places and classes to count
        for table in (own.prior.token, own.prior.place, own.prior.label):
            table.weight.mul_(50)
    return own
