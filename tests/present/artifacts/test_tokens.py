"""Tokens: every one on its line with its number, whatever bytes it has."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

from atlas_cli.present.artifacts.tokens import Tokens
from atlas_cli.present.spelling import shown
from tests.present.artifacts.house import printed

EXAMPLE = (
    Tokens([[(b"the", 258), (b" cat", 1301)], [(b"\xe2", 158), (b"\x82\xac", 400)]], facts={"n": 3}),
    ["x.txt"],
)


@pytest.mark.parametrize(
    ("spelling", "seen"),
    [
        (b" a b", "·a·b"), (b"\n\t", "\\n\\t"), ("é".encode(), "é"), (b"\xc3", "\\xc3"), (b"\x1b", "␛"),
        (b"ok\xff", "ok\\xff"),
    ],
)  # fmt: skip
def test_every_byte_of_a_token_is_seen(spelling: bytes, seen: str) -> None:
    assert shown(spelling) == seen


def test_in_ascii_nothing_else_is_printed() -> None:
    assert shown("é 語".encode(), ascii_only=True) == "\\xe9_\\u8a9e"


def test_each_number_stands_below_its_token_and_no_line_is_too_long() -> None:
    words = [f"word{i}".encode() for i in range(40)]
    lines = printed(Tokens([[(word, 1000 + i) for i, word in enumerate(words)]]), width=50).splitlines()
    assert max(map(cell_len, lines)) <= 50
    for pieces, numbers in zip(lines[::2], lines[1::2], strict=True):
        for found in re.finditer(r"word(\d+)", pieces):
            end = pieces.index("│", found.start())
            assert numbers[:end].endswith(str(1000 + int(found[1])))


def test_a_token_wider_than_the_screen_is_cut() -> None:
    lines = printed(Tokens([[(b"=" * 90, 999), (b"a", 3)]]), width=40).splitlines()
    assert max(map(cell_len, lines)) <= 40
    assert lines[0].startswith("=" * 39)


def test_as_lines_it_can_be_read_back() -> None:
    assert EXAMPLE[0].lines() == ["the|·cat", "258 1301", "\\xe2|\\x82\\xac", "158 400"]
