"""A page's Markdown as a notebook shows it: running text changes, code and formulas do not."""

from __future__ import annotations

import pytest

from atlas_cli.notebook.prose import Links, changed, plain


@pytest.mark.parametrize(
    "kept",
    [
        "`a b`", "``a ` b``", "$a\nb$", "$$a\n\nb$$", "```python\na `b` $c\n```", "~~~\n```\na\n~~~",
    ],
)  # fmt: skip
def test_code_and_formulas_stay(kept: str) -> None:
    assert changed(f"begin\n\n{kept}\n\nend", str.upper) == f"BEGIN\n\n{kept}\n\nEND"


@pytest.mark.parametrize("text", ["it costs $5 and $6 now", "a ` alone", "a $ b $ c", "$a\n\nb$"])
def test_what_only_looks_like_code_or_a_formula_is_text(text: str) -> None:
    assert changed(text, str.upper) == text.upper()


def test_a_link_to_a_page_is_the_command_that_shows_it_said_once() -> None:
    links = Links("diffusion")
    told = links("[DDIM](ddim.md) and [flow](../flow/index.md), [this family](index.md#top), [it](ddim.md)")
    assert told == (
        "DDIM (`atlas explain ddim`) and flow (`atlas explain flow`), "
        "this family (`atlas explain diffusion`), it"
    )
    assert links("[it](ddim.md)") == "it"


def test_a_link_to_the_world_stays() -> None:
    text = "[arXiv:2006.11239](https://arxiv.org/abs/2006.11239)"
    assert Links("diffusion")(text) == text


def test_nothing_is_taken_for_html() -> None:
    assert plain("a <b> c, x < y, `<b>` and $a <b$") == "a &lt;b> c, x < y, `<b>` and $a <b$"
