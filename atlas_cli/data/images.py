"""Image data sets: one uint8 tensor on the training device; a batch is an index and a cast."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from atlas_cli.data import Place
from atlas_cli.draws import BatchRandom
from atlas_cli.errors import DataError


def to_float(images: UInt8[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Bytes 0..255 to floats in [-1, 1]."""
    return images.float() / 127.5 - 1.0


@dataclass(eq=False)
class ImageSource:
    """Labelled images, split into train and test.

    Shapes: N images, C channels, H height, W width.
    """

    name: str
    train_images: UInt8[Tensor, "N C H W"]
    train_labels: Int[Tensor, "N"]
    test_images: UInt8[Tensor, "M C H W"]
    test_labels: Int[Tensor, "M"]
    class_names: list[str]

    @property
    def n_classes(self) -> int:
        """How many classes there are."""
        return len(self.class_names)

    def batch(self, random: BatchRandom) -> tuple[Float[Tensor, "B C H W"], Int[Tensor, "B"]]:
        """Training images in [-1, 1] and their labels, drawn with replacement."""
        index = random.integers(0, len(self.train_images))
        return to_float(self.train_images[index]), self.train_labels[index]

    def require_class(self, label: int) -> None:
        """Refuse a class of which no test image is there.

        Raises:
            DataError: there is none.
        """
        if not bool((self.test_labels == label).any()):
            raise DataError(
                f"{self.name} here has no test image of class {label}",
                "choose another --label, or name more data",
            )

    def test_batch(self, random: BatchRandom) -> tuple[Float[Tensor, "B C H W"], Int[Tensor, "B"]]:
        """Test images in [-1, 1] and their labels, drawn like a training batch."""
        index = random.integers(0, len(self.test_images))
        return to_float(self.test_images[index]), self.test_labels[index]

    def test(self, n: int | None = None) -> tuple[Float[Tensor, "n C H W"], Int[Tensor, "n"]]:
        """The first n test images in [-1, 1] and their labels; None: all."""
        return to_float(self.test_images[:n]), self.test_labels[:n]

    @cached_property
    def checksum(self) -> str:
        """SHA-256 over both splits: equal data, equal checksum, wherever they came from."""
        digest = hashlib.sha256()
        for tensor in (self.train_images, self.train_labels, self.test_images, self.test_labels):
            digest.update(str(tuple(tensor.shape)).encode())
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()


Split = tuple[np.ndarray, np.ndarray]  # images (N, H, W) or (N, C, H, W) uint8, labels (N,)


def image_source(name: str, train: Split, test: Split, class_names: list[str], place: Place) -> ImageSource:
    """Move arrays to the device; grey images get their channel.

    Raises:
        DataError: there are too few to be judged by.
    """
    for part, (images, _) in (("training", train), ("test", test)):
        if len(images) < 2:
            what = f"{name} has too few {part} images ({len(images)}): from two on they have a spread"
            raise DataError(what, "name a folder with more of them: --data-dir FOLDER")
    return ImageSource(name, *_tensors(train, place), *_tensors(test, place), class_names)


def _tensors(split: Split, place: Place) -> tuple[Tensor, Tensor]:
    images, labels = split
    if images.ndim == 3:
        images = images[:, None]  # (N, 1, H, W)
    # Copies: torch must own writable memory, and a file's bytes are neither.
    pixels = torch.tensor(images, dtype=torch.uint8, device=place.device)
    return pixels, torch.tensor(labels, dtype=torch.int64, device=place.device)
