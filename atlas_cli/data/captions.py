"""The language of `shapes`: a small grammar that says what a scene holds, word by word.

    caption = thing | thing relation thing
    thing   = "a" [size] colour shape
    relation = "left of" | "above"

Shapes:  N captions, L tokens a caption. Token 0 is padding; a row of nothing else is no caption at all.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from atlas_cli.errors import UsageError

SIZES = ("small", "large")
COLOURS = ("red", "green", "blue", "yellow")
SHAPES = ("circle", "square", "triangle")
RELATIONS = ("left of", "above")
WORDS = ("a", *SIZES, *COLOURS, *SHAPES, "left", "of", "above")
PADDING = 0  # token k > 0 is WORDS[k - 1]
VOCAB_SIZE = 1 + len(WORDS)
LENGTH = 10  # L: two things of four words, a relation of two
EXAMPLE = "a red circle left of a large blue square"

_THING = rf"a (?:({'|'.join(SIZES)}) )?({'|'.join(COLOURS)}) ({'|'.join(SHAPES)})"
_CAPTION = re.compile(rf"{_THING}(?: ({'|'.join(RELATIONS)}) {_THING})?")

Ints = NDArray[np.int64]


class Thing(NamedTuple):
    """What a caption says of one object: indices into SIZES, COLOURS and SHAPES."""

    size: int | None  # None: the caption leaves it open
    colour: int
    shape: int


class Claim(NamedTuple):
    """What a caption says: its things in their order, and how the first stands to the second."""

    things: tuple[Thing, ...]
    relation: int | None  # index into RELATIONS; None with a single thing


def tokenize(caption: str) -> list[int]:
    """The L tokens of a caption.

    Raises:
        UsageError: a word that no caption has, or too many words.
    """
    words = _words(caption)
    unknown = next((word for word in words if word not in WORDS), None)
    if unknown is not None:
        near = difflib.get_close_matches(unknown, WORDS, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UsageError(f"no caption has the word {unknown!r}", f"{hint}the words are: {', '.join(WORDS)}")
    if len(words) > LENGTH:
        raise UsageError(f"the caption has {len(words)} words", f"say it in at most {LENGTH}: {EXAMPLE}")
    return [1 + WORDS.index(word) for word in words] + [PADDING] * (LENGTH - len(words))


def detokenize(tokens: Iterable[int]) -> str:
    """The words of a row of tokens; the empty text of no caption."""
    return " ".join(WORDS[token - 1] for token in tokens if token != PADDING)


def parse(caption: str) -> Claim:
    """What a caption says.

    Raises:
        UsageError: the words are unknown, or do not make a caption.
    """
    tokenize(caption)  # a wrong word is named before the grammar is blamed
    found = _CAPTION.fullmatch(" ".join(_words(caption)))
    if found is None:
        raise UsageError(f"{caption!r} is no caption", f"say it like this: {EXAMPLE}")
    size, colour, shape, relation, *second = found.groups()
    things = [_thing(size, colour, shape)]
    if relation is None:
        return Claim((things[0],), None)
    return Claim((things[0], _thing(*second)), RELATIONS.index(relation))


def holds(relation: int, first: tuple[float, float], second: tuple[float, float]) -> bool:
    """Whether the first point (x, y; y down) stands so to the second, more than it stands aside."""
    dx, dy = second[0] - first[0], second[1] - first[1]
    return dx > abs(dy) if RELATIONS[relation] == "left of" else dy > abs(dx)


def encode(things: Ints, said: NDArray[np.bool_], relation: Ints) -> Ints:
    """Tokens (N, L) of many captions at once.

    Args:
        things: (N, 2, 3) size, colour and shape; the second row is -1 where there is one thing.
        said: (N, 2) whether the caption names the thing's size.
        relation: (N,) of the first thing to the second.
    """
    two = things[:, 1, 0] >= 0  # (N,)
    word = {name: 1 + i for i, name in enumerate(WORDS)}
    slots = np.zeros((len(things), LENGTH), np.int64)
    for i, start in enumerate((0, 6)):
        size, colour, shape = things[:, i].T  # (N,) each
        slots[:, start] = word["a"]
        slots[:, start + 1] = np.where(said[:, i], word[SIZES[0]] + size, PADDING)
        slots[:, start + 2] = word[COLOURS[0]] + colour
        slots[:, start + 3] = word[SHAPES[0]] + shape
    left = relation == RELATIONS.index("left of")
    slots[:, 4] = np.where(left, word["left"], word["above"])
    slots[:, 5] = np.where(left, word["of"], PADDING)
    slots[~two, 4:] = PADDING
    order = np.argsort(slots == PADDING, axis=1, kind="stable")  # words first, in their order
    return np.take_along_axis(slots, order, 1)


def _words(caption: str) -> list[str]:
    return caption.lower().replace(".", " ").split()


def _thing(size: str | None, colour: str, shape: str) -> Thing:
    return Thing(SIZES.index(size) if size else None, COLOURS.index(colour), SHAPES.index(shape))
