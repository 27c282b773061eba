"""Scenes with captions and boxes: `shapes`, drawn by a program; nothing is downloaded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Int, UInt8
from pydantic import Field
from torch import Tensor

from atlas_cli.config import DataConfig
from atlas_cli.data import Place
from atlas_cli.data.captions import LENGTH, VOCAB_SIZE, detokenize
from atlas_cli.data.images import to_float
from atlas_cli.draws import BatchRandom

MOST_DRAWN = 300_000  # scenes: 1 GB
TRAIN_SEED, TEST_SEED, UNSEEN_SEED = 0, 1, 2  # streams of drawn scenes


class ShapesConfig(DataConfig):
    """32x32 scenes of one or two coloured shapes, with captions, boxes and pairs never shown in training."""

    kind: ClassVar[str] = "scenes"

    n_train: int = Field(20_000, gt=0, le=MOST_DRAWN)
    n_test: int = Field(
        2_000, gt=0, le=MOST_DRAWN
    )  # of scenes like those of the training, and of unseen ones

    def facts(self) -> dict[str, Any]:
        """Shape of the images, words of the captions."""
        return {"image_size": 32, "channels": 3, "vocab_size": VOCAB_SIZE, "caption_length": LENGTH}


@dataclass(eq=False)
class Scenes:
    """Images and the truth about them.

    Shapes: N scenes, H height, W width, L tokens of a caption. `captions.SIZES`, `COLOURS` and `SHAPES` name
    the numbers of a thing; -1 stands where there is no second thing, and zeros stand for its box.
    """

    images: UInt8[Tensor, "N 3 H W"]
    tokens: Int[Tensor, "N L"]
    things: Int[Tensor, "N 2 3"]  # size, colour, shape, in the order of the caption
    boxes: Float[Tensor, "N 2 4"]  # left, top, right, bottom in pixels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: Tensor | slice) -> Scenes:
        return Scenes(self.images[index], self.tokens[index], self.things[index], self.boxes[index])

    @property
    def data(self) -> Float[Tensor, "N 3 H W"]:
        """The images in [-1, 1]."""
        return to_float(self.images)

    @property
    def captions(self) -> list[str]:
        """The captions in words."""
        return [detokenize(row) for row in self.tokens.tolist()]


@dataclass(eq=False)
class SceneSource:
    """Scenes to learn from, scenes to be judged on, and scenes of pairs that the training never shows.

    Attributes:
        name: The source.
        train: Training scenes.
        test: Further scenes of the same kind.
        unseen: Scenes of which one thing is of a pair of colour and shape that `train` and `test` lack.
    """

    name: str
    train: Scenes
    test: Scenes
    unseen: Scenes

    @cached_property
    def checksum(self) -> str:
        """SHA-256 over all scenes: equal scenes, equal checksum."""
        digest = hashlib.sha256()
        for scenes in (self.train, self.test, self.unseen):
            for tensor in (getattr(scenes, field.name) for field in fields(scenes)):
                digest.update(str(tuple(tensor.shape)).encode() + tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def batch(self, random: BatchRandom) -> Scenes:
        """Training scenes, drawn with replacement."""
        return self.train[random.integers(0, len(self.train))]

    def test_batch(self, random: BatchRandom) -> Scenes:
        """Test scenes, drawn like a training batch."""
        return self.test[random.integers(0, len(self.test))]


def load(config: ShapesConfig, place: Place) -> SceneSource:
    """The scenes of a config."""
    place.say(f"drawing {config.n_train + 2 * config.n_test:,} scenes")
    train, test = (_drawn(n, s, place) for n, s in ((config.n_train, TRAIN_SEED), (config.n_test, TEST_SEED)))
    return SceneSource("shapes", train, test, _drawn(config.n_test, UNSEEN_SEED, place, unseen=True))


def _drawn(n: int, seed: int, place: Place, unseen: bool = False) -> Scenes:
    from atlas_cli.data.shapes import draw

    return Scenes(*(torch.from_numpy(array).to(place.device) for array in draw(n, seed, unseen)))
