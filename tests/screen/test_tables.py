"""Tables as lines."""

from __future__ import annotations

import pytest
from rich.text import Text

from atlas_cli.screen.tables import table


def draw(rows: list[list[str]], aligned: list[str], width: int) -> list[str]:
    header, *body = [[Text(cell) for cell in row] for row in rows]
    return [line.plain for line in table(header, body, aligned, width)]


def test_columns_are_as_wide_as_they_need_and_aligned():
    lines = draw([["a", "number", "mid"], ["long cell", "1", "x"]], ["", "right", "center"], 40)
    assert lines == ["a           number   mid", "────────────────────────", "long cell        1    x"]


def test_a_wide_column_is_wrapped_and_narrow_ones_keep_their_width():
    lines = draw([["name", "about"], ["one", "some words that do not fit"], ["two", "x"]], ["", ""], 24)
    assert lines == [
        "name   about", "────────────────────────",
        "one    some words that", "       do not fit", "", "two    x",
    ]  # fmt: skip


@pytest.mark.parametrize("width", range(10, 60, 7))
def test_no_line_is_wider_than_asked(width: int):
    rows = [["model", "time", "memory"], ["attention", "quadratic in the length", "grows with the length"]]
    assert max(map(len, draw(rows, ["", "", ""], width))) <= width


def test_too_narrow_for_columns_it_is_one_block_a_row():
    lines = draw([["model", "time"], ["attention", "long"], ["mamba", "short"]], ["", ""], 22)
    assert lines == ["attention", "  time  long", "", "mamba", "  time  short"]
