"""Markdown for the terminal."""

from __future__ import annotations

import pytest
from rich.text import Text

from atlas_cli.pages.text import Renderer


def render(markdown: str, width: int = 40) -> list[str]:
    return [
        line.plain for line in Renderer(width, lambda name, room: [Text(f"<{name} {room}>")]).render(markdown)
    ]


def styles(markdown: str) -> dict[str, str]:
    """Style by text of the first line."""
    line = Renderer(80, lambda name, room: []).render(markdown)[0]
    return {line.plain[span.start : span.end]: str(span.style) for span in line.spans}


def test_blocks_stand_one_blank_line_apart():
    assert render("# Title\n\nSome text.\n\n---\n") == ["Title", "", "Some text.", "", "─" * 24]


def test_emphasis_becomes_style():
    assert styles("*a* **b** `c` ~~d~~ ***e***") == {
        "a": "italic", "b": "bold", "c": "atlas.code", "d": "strike", "e": "italic bold",
    }  # fmt: skip


def test_lists_hang_and_nest():
    assert render("- one two three four\n  - inner\n- last\n", 16) == [
        "  • one two", "    three four", "      • inner", "  • last",
    ]  # fmt: skip


def test_a_loose_list_keeps_its_blank_lines_and_numbers_line_up():
    assert render("9. nine\n\n10. ten\n") == ["   9. nine", "", "  10. ten"]


def test_code_that_goes_on_below_has_a_mark_before_it():
    row = "    scores = query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5"
    shown = render(f"```python\n{row}\nshort = 1\n```\n", 40)
    assert shown == [
        "        scores = query @",
        "    ↪ key.transpose(-2, -1) /",
        "    ↪ query.shape[-1] ** 0.5",
        "    short = 1",
    ]


def test_code_keeps_its_indentation_and_is_not_read_as_markdown():
    assert render("```python\nif *x*:\n    y = 1\n```\n") == ["    if *x*:", "        y = 1"]


def test_a_quote_has_a_bar():
    assert render("> one two three\n", 10) == ["│ one two", "│ three"]


def test_a_table_is_drawn():
    assert render("| a | b |\n|---|--:|\n| x | 12 |\n") == ["a    b", "──────", "x   12"]


def test_the_address_of_a_link_is_listed_once_by_letter():
    renderer = Renderer(60, lambda name, room: [])
    (line,) = renderer.render("[here](https://a.org) and [there](https://a.org), [b](https://b.org)")
    assert line.plain == "here[a] and there[a], b[b]"
    assert [line.plain for line in renderer.references()] == ["[a] https://a.org", "[b] https://b.org"]


def test_a_link_that_says_where_it_leads_is_not_listed():
    renderer = Renderer(60, lambda name, room: [])
    (line,) = renderer.render("[arXiv:2312.00752](https://arxiv.org/abs/2312.00752) [x](#section)")
    assert line.plain == "arXiv:2312.00752 x"
    assert renderer.references() == []


@pytest.mark.parametrize(
    ("address", "command"), [("ddim.md", "ddim"), ("../flow/cfm.md#x", "cfm"), ("../ssm/index.md", "ssm")]
)
def test_a_link_to_a_page_is_a_command(address: str, command: str):
    renderer = Renderer(60, lambda name, room: [])
    renderer.render(f"[that page]({address})")
    assert [line.plain for line in renderer.references()] == [f"[a] atlas explain {command}"]


def test_more_links_than_letters_go_on_with_two():
    renderer = Renderer(60, lambda name, room: [])
    renderer.render(" ".join(f"[x](https://a.org/page{i}/)" for i in range(28)))
    assert [line.plain.split()[0] for line in renderer.references()[25:]] == ["[z]", "[aa]", "[ab]"]


def test_a_diagram_stands_in_its_place_with_the_room_there_is():
    assert render("Before.\n\n{{ diagram mamba-block }}\n\nAfter.", 44) == [
        "Before.", "", "<mamba-block 44>", "", "After.",
    ]  # fmt: skip


def test_html_is_shown_and_not_hidden():
    assert render("<b>x</b>\n\n<div>\ny\n</div>") == ["<b>x</b>", "", "<div> y </div>"]


def test_tex_is_not_read_as_emphasis():
    (line,) = render(r"$\bar{A}_t h_{t-1} * x_*$ and $a_b$")
    assert line.count("*") + line.count("∗") + line.count("⁎") == 2  # two stars, and nothing set in italics
    assert "$" not in line
    assert " and " in line


@pytest.mark.parametrize("text", ["It costs $5 and $6.", r"\$a\$ b", "a $ b $ c", "$", "5$"])
def test_a_dollar_may_be_money(text: str):
    assert render(text) == [text.replace("\\", "")]


@pytest.mark.parametrize("markdown", ["$$x_t^2$$", "$$\nx_t^2\n$$", "$$ x_t^2\n$$"])
def test_a_displayed_formula_is_a_block(markdown: str):
    assert render(f"Text\n{markdown}\nmore") == ["Text", "", "    xₜ²", "", "more"]


def test_an_unclosed_formula_is_text():
    assert render("$$ x\ny") == ["$$ x y"]


def test_hard_breaks_break():
    assert render("one\\\ntwo\nthree") == ["one", "two three"]
