"""Compositions: small scenes of two coloured shapes and a sentence, some sentences kept for the examination.

The things, colours, words and grammar are those of `shapes`; the canvas is a quarter of its area, both things
are of one size, and there are always two. A sentence is a thing, a relation and a thing:

    train, test    things and sentences of the training
    regrouped      every thing is one of the training, the sentence is not
    unseen         one thing is of a colour and a shape that the training never shows together

Shapes:  N scenes, L tokens of a caption, H = W = 16 pixels. Points are x, y in pixels, y down.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from atlas_cli.config import DataConfig
from atlas_cli.data import Place, captions
from atlas_cli.data.captions import VOCAB_SIZE, Ints
from atlas_cli.data.scenes import MOST_DRAWN, Scenes
from atlas_cli.data.shapes import DARKEST, HELD_OUT, LIGHTEST, PALETTE, TINT, coverage
from atlas_cli.draws import BatchRandom

SIDE = 16  # px
RADIUS = (2.7, 3.3)  # px, half the side of a thing's box
BORDER, GAP = 0.5, 1.0  # px that stay free at the rim, and between two boxes
CLEAR = 2.0  # px by which the axis of a relation outweighs the other one
WORDS = 8  # L: two things of three words, a relation of two
KEPT = 5  # every fifth sentence is kept from the training
BATCH = 2048  # scenes drawn at once
EXAMPLE = "a red circle left of a blue square"

Array = NDArray[np.float32]


class CompositionsConfig(DataConfig):
    """16x16 scenes of two coloured shapes and a sentence; some sentences and pairs are kept for tests."""

    kind: ClassVar[str] = "compositions"

    n_train: int = Field(40_000, gt=0, le=MOST_DRAWN)
    n_test: int = Field(1_000, gt=0, le=MOST_DRAWN)  # of each of the three kinds of test scenes
    kept_pairs: int = Field(len(HELD_OUT), gt=0, le=len(HELD_OUT))  # of colour and shape, never trained on

    def facts(self) -> dict[str, Any]:
        """Shape of the images, words of the captions."""
        return {"image_size": SIDE, "channels": 3, "vocab_size": VOCAB_SIZE, "caption_length": WORDS}


@dataclass(eq=False)
class CompositionSource:
    """Scenes to learn from, and three kinds to be judged on (see the top of this file)."""

    name: str
    train: Scenes
    test: Scenes
    regrouped: Scenes
    unseen: Scenes

    @cached_property
    def checksum(self) -> str:
        """SHA-256 over all scenes: equal scenes, equal checksum."""
        digest = hashlib.sha256()
        for scenes in (self.train, self.test, self.regrouped, self.unseen):
            for tensor in (scenes.images, scenes.tokens, scenes.things, scenes.boxes):
                digest.update(str(tuple(tensor.shape)).encode() + tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def batch(self, random: BatchRandom) -> Scenes:
        """Training scenes, drawn with replacement."""
        return self.train[random.integers(0, len(self.train))]

    def test_batch(self, random: BatchRandom) -> Scenes:
        """Test scenes of the training's sentences, drawn like a training batch."""
        return self.test[random.integers(0, len(self.test))]


def load(config: CompositionsConfig, place: Place) -> CompositionSource:
    """The scenes of a config."""
    place.say(f"drawing {config.n_train + 3 * config.n_test:,} scenes")
    sizes = {"train": config.n_train, **dict.fromkeys(("test", "regrouped", "unseen"), config.n_test)}
    drawn = {
        split: Scenes(
            *(torch.from_numpy(a).to(place.device) for a in draw(n, seed, split, config.kept_pairs))
        )
        for seed, (split, n) in enumerate(sizes.items())
    }
    return CompositionSource("compositions", **drawn)


def draw(
    n: int, seed: int, split: str = "train", kept_pairs: int = len(HELD_OUT)
) -> tuple[NDArray[np.uint8], Ints, Ints, Array]:
    """Draw n scenes whose sentences belong to a split; equal arguments give equal arrays.

    Returns:
        Images (N, 3, H, W), tokens (N, L), things (N, 2, 3) as in `shapes`, boxes (N, 2, 4).
    """
    rng = np.random.default_rng((seed, n))
    allowed = sentences("train" if split == "test" else split, kept_pairs)
    pairs = allowed[rng.integers(0, len(allowed), n)]  # (N, 3) thing, relation, thing
    relation = pairs[:, 1]
    kinds = pairs[:, [0, 2]]  # (N, 2)
    things = np.stack([0 * kinds, kinds // len(captions.SHAPES), kinds % len(captions.SHAPES)], 2)
    radius = rng.uniform(*RADIUS, (n, 2)).astype(np.float32)
    centre = _places(radius, relation, rng)
    tint = rng.standard_normal((n, 2, 3)).clip(-2, 2)
    colour = (PALETTE[things[..., 1]] + TINT * tint).astype(np.float32)
    ground = rng.uniform(DARKEST, LIGHTEST, n).astype(np.float32)
    rows = (slice(start, start + BATCH) for start in range(0, n, BATCH))
    images = np.concatenate(
        [_paint(things[r, :, 2], centre[r], radius[r], colour[r], ground[r]) for r in rows]
    )
    boxes = np.concatenate([centre - radius[..., None], centre + radius[..., None]], 2)
    tokens = captions.encode(things, np.zeros((n, 2), bool), relation)[:, :WORDS]
    return images, tokens, things, boxes


def sentences(split: str, kept_pairs: int = len(HELD_OUT)) -> Ints:
    """The sentences of a split, (K, 3): a thing (colour times shapes, plus shape), a relation, a thing."""
    n_things, n_relations = len(captions.COLOURS) * len(captions.SHAPES), len(captions.RELATIONS)
    grid = np.indices((n_things, n_relations, n_things)).reshape(3, -1).T
    new = [
        captions.COLOURS.index(c) * len(captions.SHAPES) + captions.SHAPES.index(s)
        for c, s in HELD_OUT[:kept_pairs]
    ]
    new_things = np.isin(grid[:, [0, 2]], new).sum(1)  # (K,)
    kept = (grid[:, 0] + 2 * grid[:, 2] + grid[:, 1]) % KEPT == 0
    if split == "unseen":
        return grid[new_things == 1]
    return grid[(new_things == 0) & (kept == (split == "regrouped"))]


def _places(radius: Array, relation: Ints, rng: np.random.Generator) -> Array:
    """Centres (N, 2, 2) that make the relation true beyond doubt."""
    n = len(radius)
    low, high = BORDER + radius, SIDE - BORDER - radius  # (N, 2)
    apart = radius.sum(1) + GAP  # (N,) along the relation's axis
    first = rng.uniform(low[:, 0], high[:, 1] - apart)
    second = rng.uniform(first + apart, high[:, 1])
    across = rng.uniform(low[:, 0], high[:, 0])
    reach = second - first - CLEAR  # how far the second may stand aside
    aside = rng.uniform(np.maximum(low[:, 1], across - reach), np.minimum(high[:, 1], across + reach))
    along, athwart = np.stack([first, second], 1), np.stack([across, aside], 1)  # (N, 2)
    left = (relation == captions.RELATIONS.index("left of"))[:, None]
    centre = np.stack([np.where(left, along, athwart), np.where(left, athwart, along)], 2)
    return centre.reshape(n, 2, 2).astype(np.float32)


def _paint(shape: Ints, centre: Array, radius: Array, colour: Array, ground: Array) -> NDArray[np.uint8]:
    """Images (B, 3, H, W): the background, and over it each thing in its colour."""
    b = len(shape)
    canvas = coverage(shape.reshape(-1), centre.reshape(-1, 2), radius.reshape(-1))
    covered = canvas[:, :SIDE, :SIDE].reshape(b, 2, SIDE, SIDE)
    change = colour - ground[:, None, None]  # (B, 2, 3)
    image = ground[:, None, None, None] + np.einsum("bkc,bkhw->bchw", change, covered)
    painted: NDArray[np.uint8] = np.rint(255 * image.clip(0, 1)).astype(np.uint8)
    return painted
