"""The guess of a page as a form; without scripts, and on paper, what was measured stands in a box to open."""

from __future__ import annotations

from atlas_cli.catalog import Family, Topic
from atlas_cli.pages import guess
from atlas_cli.pages.glossary import Marker
from atlas_cli.pages.guess import LETTERS, Guess
from atlas_cli.pages.html import HtmlRenderer


def form(subject: Topic | Family, marker: Marker | None = None) -> str:
    """The HTML of a page's guess, the glossary's words linked; nothing where it asks for none."""
    asked = guess.of(subject)
    if asked is None:
        return ""
    renderer = _renderer(subject, marker)
    kind, ask = '<span class="kind">Guess first</span>', renderer.inline(asked.ask)
    answer = f"<b>{asked.letter}</b> " if asked.letter else ""  # within: the summary is seen before a guess
    folded = _renderer(subject, marker and marker.aside())
    said = f"<p>{answer}{folded.inline(asked.told)}</p>"
    told = f"<details><summary>What was measured</summary>\n{said}\n</details>"
    if asked.figure is None:
        return f'<div class="guess">\n<p>{kind}\n{ask}</p>\n{told}\n</div>'
    return (
        f'<form class="guess" data-guess="{asked.id}" autocomplete="off"{_bounds(asked)}>\n<fieldset>\n'
        f"<legend>{kind}\n{ask}</legend>\n{_fields(asked, renderer)}\n</fieldset>\n"
        f'{told}\n<p class="score" role="status"></p>\n</form>'
    )


def _renderer(subject: Topic | Family, marker: Marker | None) -> HtmlRenderer:
    where = f"the guess on {subject.slug}"
    return HtmlRenderer(lambda name: "", lambda target: None, where, marker=marker)


def _bounds(asked: Guess) -> str:
    if asked.within is None:
        return ""
    return f' data-figure="{asked.figure}" data-within="{asked.within}"'


def _fields(asked: Guess, renderer: HtmlRenderer) -> str:
    if asked.within is not None:
        return (
            '<label class="number">Your guess '
            f'<input type="text" inputmode="decimal" name="guess" size="8"></label>\n'
            f'<p class="hint">A number or a percentage; right if it is {asked.within:g} off or less.</p>'
        )
    return "\n".join(
        f'<label class="choice"{_mark(choice.right)}><input type="radio" name="guess" value="{letter}">'
        f"<span><b>{letter}</b> {renderer.inline(choice.say)}</span></label>"
        for letter, choice in zip(LETTERS, asked.choices, strict=False)
    )


def _mark(right: bool) -> str:
    return ' data-right="1"' if right else ""
