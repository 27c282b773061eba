"""The grammar of captions: words to tokens and back, what they say, and what is refused."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from atlas_cli.data import captions
from atlas_cli.data.captions import COLOURS, RELATIONS, SHAPES, SIZES, Claim, Thing, parse
from atlas_cli.errors import UsageError


def test_a_caption_is_read_as_what_it_says() -> None:
    two = parse("A small red circle left of a blue square.")
    assert two == Claim((Thing(0, 0, 0), Thing(None, 2, 1)), RELATIONS.index("left of"))
    assert parse("a large yellow triangle") == Claim((Thing(1, 3, 2),), None)
    assert parse(captions.EXAMPLE).relation == 0


def test_every_caption_of_the_grammar_comes_back_from_its_tokens() -> None:
    things = [f"a {c} {s}" for c in COLOURS for s in SHAPES]
    things += [f"a {size} {c} {s}" for size in SIZES for c in COLOURS for s in SHAPES]
    pairs = [f"{a} {r} {b}" for a, r, b in itertools.product(things, RELATIONS, things)]
    tokens = {}
    for caption in things + pairs:
        row = captions.tokenize(caption)
        assert len(row) == captions.LENGTH
        assert max(row) < captions.VOCAB_SIZE
        assert captions.detokenize(row) == caption
        tokens[tuple(row)] = parse(caption)
    assert len(set(tokens.values())) == len(tokens) == len(things) + len(pairs)


def test_many_at_once_are_written_as_one_by_one() -> None:
    things = np.array([[[0, 0, 0], [1, 2, 1]], [[1, 3, 2], [-1, -1, -1]], [[0, 1, 1], [0, 1, 1]]])
    said = np.array([[True, False], [False, True], [True, True]])
    rows = captions.encode(things, said, np.array([0, 1, 1]))
    assert [captions.detokenize(row) for row in rows] == [
        "a small red circle left of a blue square",
        "a yellow triangle",
        "a small green square above a small green square",
    ]
    assert [row.tolist() for row in rows] == [captions.tokenize(captions.detokenize(row)) for row in rows]


def test_an_unknown_word_is_named_with_those_that_are_known() -> None:
    with pytest.raises(UsageError) as caught:
        captions.tokenize("a purple circle")
    assert "'purple'" in caught.value.what
    assert all(word in caught.value.hint for word in captions.WORDS)
    with pytest.raises(UsageError, match="sqare") as caught:
        parse("a red sqare")
    assert "did you mean square?" in caught.value.hint


@pytest.mark.parametrize(
    "text", ["", "red circle", "a circle red", "a red circle above", "a red circle of a blue square"]
)
def test_known_words_in_no_order_of_the_grammar_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no caption"):
        parse(text)


def test_a_caption_that_is_too_long_is_refused() -> None:
    with pytest.raises(UsageError, match="has 11 words"):
        captions.tokenize("a " * 11)


def test_a_relation_is_the_longer_of_the_two_ways() -> None:
    left, above = RELATIONS.index("left of"), RELATIONS.index("above")
    assert captions.holds(left, (5, 5), (20, 12))
    assert not captions.holds(left, (20, 12), (5, 5))
    assert not captions.holds(above, (5, 5), (20, 12))
    assert captions.holds(above, (5, 5), (1, 10))
    assert not captions.holds(left, (5, 5), (10, 10))
    assert not captions.holds(above, (5, 5), (10, 10))
