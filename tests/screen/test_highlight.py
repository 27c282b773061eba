"""Light colouring of code."""

from __future__ import annotations

import pytest

from atlas_cli.screen.highlight import highlight


def styles(code: str, language: str) -> dict[str, str]:
    text = highlight(code, language)
    return {text.plain[span.start : span.end]: str(span.style) for span in text.spans}


def test_python():
    found = styles('def f(x):  # "why"\n    return x + 1.5e-3 if y2 else "a # b"\n', "python")
    assert found == {
        "def": "atlas.keyword", "f": "atlas.accent", '# "why"': "atlas.comment", "return": "atlas.keyword",
        "1.5e-3": "atlas.number", "if": "atlas.keyword", "else": "atlas.keyword", '"a # b"': "atlas.code",
    }  # fmt: skip


def test_a_docstring_is_one_string_over_lines():
    assert styles('"""One.\n\nTwo: for x."""', "py") == {'"""One.\n\nTwo: for x."""': "atlas.code"}


def test_commands_and_yaml():
    assert styles("atlas train ddpm --seed 1  # go", "bash")["--seed"] == "atlas.keyword"
    assert styles("lr: 1\nname: strokes", "yaml") == {
        "lr": "atlas.accent",
        "1": "atlas.number",
        "name": "atlas.accent",
    }


@pytest.mark.parametrize("language", ["", "text", "rust"])
def test_an_unknown_language_is_one_colour(language: str):
    assert styles("fn main()", language) == {"fn main()": "atlas.code"}


@pytest.mark.parametrize("language", ["python", "bash", "yaml", "text"])
def test_no_character_is_changed(language: str):
    code = 'a = \'x\n\t"""# \\ y'
    assert highlight(code, language).plain == code
