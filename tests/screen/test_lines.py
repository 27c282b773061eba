"""Breaking text into lines."""

from __future__ import annotations

import pytest
from rich.text import Text

from atlas_cli.screen.lines import hang, indent, pairs, wrap

SENTENCE = "A layer reads a sequence once and keeps a memory of fixed size, which is cheap."


def plain(lines: list[Text]) -> list[str]:
    return [line.plain for line in lines]


@pytest.mark.parametrize("width", [1, 3, 7, 20, 200])
def test_no_line_is_wider_and_no_letter_is_lost(width: int):
    lines = plain(wrap(Text(SENTENCE), width))
    assert max(map(len, lines)) <= width
    assert "".join(lines).replace(" ", "") == SENTENCE.replace(" ", "")


@pytest.mark.parametrize("width", [0, -1, -8])
def test_a_width_that_there_is_not_comes_to_an_end(width: int):
    assert "".join(line.plain for line in wrap(Text("ab cde"), width)) == "abcde"


def test_words_stay_whole_where_they_fit():
    assert plain(wrap(Text("one two three"), 8)) == ["one two", "three"]


def test_a_word_wider_than_a_line_is_broken():
    assert plain(wrap(Text("ab abcdefgh c"), 4)) == ["ab", "abcd", "efgh", "c"]


def test_blanks_at_the_beginning_are_kept_and_line_ends_are_kept():
    assert plain(wrap(Text("if x:\n    return y\n\nz"), 20)) == ["if x:", "    return y", "", "z"]


def test_styles_survive_a_break():
    text = Text("one ")
    text.append("two three", "bold")
    first, second = wrap(text, 8)
    assert [(s.start, s.end, s.style) for s in first.spans] == [(4, 7, "bold")]
    assert [(s.start, s.end, s.style) for s in second.spans] == [(0, 5, "bold")]


def test_indent_leaves_empty_lines_empty():
    assert plain(indent([Text("a"), Text()], 2)) == ["  a", ""]


def test_a_mark_hangs_before_the_first_line():
    assert plain(hang(Text("1."), wrap(Text("one two three"), 8), 4)) == ["1.  one two", "    three"]


def test_pairs_stand_side_by_side_or_one_below_the_other():
    rows = [(Text("Idea"), Text("one two three four")), (Text("By"), Text("me"))]
    assert plain(pairs(rows, 20)) == ["Idea  one two three", "      four", "By    me"]
    assert plain(pairs(rows, 16)) == ["Idea", "  one two three", "  four", "By", "  me"]


def test_the_marks_colour_ends_with_the_mark():
    (line,) = hang(Text("mark", "red"), [Text("plain")], 8)
    assert line.plain == "mark    plain"
    assert not line.style
    assert [(span.start, span.end, str(span.style)) for span in line.spans] == [(0, 4, "red")]
