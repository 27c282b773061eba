"""Digits that need no download: `strokes`, drawn by a program, and `digits`, real ones of 8x8 pixels."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from atlas_cli import files
from atlas_cli.config import DataConfig
from atlas_cli.data import Place
from atlas_cli.data.images import ImageSource, Split, image_source
from atlas_cli.paths import cache_dir
from atlas_cli.runs.durable import write_atomically

MOST_DRAWN = 1_000_000  # images: 0.8 GB
TRAIN_SEED, TEST_SEED = 0, 1  # streams of drawn digits


class StrokesConfig(DataConfig):
    """28x28 grey digits drawn from stroke skeletons with random pose, width and wobble."""

    kind: ClassVar[str] = "images"

    n_train: int = Field(20_000, ge=2, le=MOST_DRAWN)
    n_test: int = Field(2_000, ge=2, le=MOST_DRAWN)  # two at least have a spread

    def facts(self) -> dict[str, Any]:
        """Shape and classes."""
        return {"image_size": 28, "channels": 1, "n_classes": 10}


class DigitsConfig(DataConfig):
    """The 1,797 real 8x8 digits of the UCI test set, as scikit-learn ships them."""

    kind: ClassVar[str] = "images"

    def facts(self) -> dict[str, Any]:
        """Shape and classes."""
        return {"image_size": 8, "channels": 1, "n_classes": 10}


def load(config: StrokesConfig | DigitsConfig, place: Place) -> ImageSource:
    """The images of a config."""
    names = [str(digit) for digit in range(10)]
    if isinstance(config, StrokesConfig):
        train = _drawn(config.n_train, TRAIN_SEED, place)
        test = _drawn(config.n_test, TEST_SEED, place)
        return image_source("strokes", train, test, names, place)
    train, test = _real_digits()
    return image_source("digits", train, test, names, place)


def _drawn(n: int, seed: int, place: Place) -> Split:
    """Drawn digits, from the cache if they have been drawn before by the same program."""
    path = cache_dir() / "strokes" / f"{_program_version()}-{n}-{seed}.npz"
    cached = _read(path, n)
    if cached is not None:
        return cached

    from atlas_cli.data.strokes import draw

    place.say(f"drawing {n:,} digits; later runs use them too")
    images, labels = draw(n, seed)
    write_atomically(path, lambda file: np.savez_compressed(file, images=images, labels=labels))
    return images, labels


def _read(path: Path, n: int) -> Split | None:
    """The split in a cache file; None if there is none or it is damaged: drawing again gives the same."""
    try:
        # Opened here: numpy leaves a file open that turns out to be no archive.
        with files.opened(path) as opened, np.load(opened, allow_pickle=False) as file:
            images, labels = file["images"], file["labels"]
    except Exception:  # a damaged archive raises whatever its garbage leads to
        return None
    whole = (images.shape, images.dtype, labels.shape) == ((n, 28, 28), np.uint8, (n,))
    return (images, labels) if whole and labels.dtype == np.int64 else None


def _program_version() -> str:
    """A hash of the drawing program's text: another program, another cache file."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("stroke*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _real_digits() -> tuple[Split, Split]:
    """A fixed shuffle, 1,497 for training and 300 for the test."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)  # the data set counts ink from 0 to 16
    order = np.random.default_rng(0).permutation(len(images))
    train, test = order[:-300], order[-300:]
    return (images[train], bunch.target[train]), (images[test], bunch.target[test])
