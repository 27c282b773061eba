"""Every finished page as a notebook: valid, the same each time, nothing lost; nothing is executed here."""

from __future__ import annotations

import ast
import html
import re
import tempfile
from base64 import b64decode
from pathlib import Path

import nbformat
import pytest

from atlas_cli import catalog, reading
from atlas_cli.diagrams.web import page as web_page
from atlas_cli.exercises import find
from atlas_cli.exercises.cut import cut
from atlas_cli.notebook import build
from atlas_cli.pages import quiz, source
from atlas_cli.pages.directives import NOT_MEASURED
from atlas_cli.site import figures
from tests.notebook.house import finished, notebook, programs, texts

ROOT = Path(__file__).resolve().parents[2]
_FRAME = re.compile(r"srcdoc='([^']*)'")
_STILL = re.compile(r'<img [^>]*src="data:image/svg\+xml;base64,([^"]+)"')
_FORMULA = re.compile(r"\$\$.+?\$\$", re.DOTALL)
_ROW = re.compile(r"^\|.*\|$", re.MULTILINE)


@pytest.fixture
def _blank_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Diagrams turn no knob: all frames of all of them take a minute, and tests of their own look at them."""
    monkeypatch.setattr(web_page, "page", lambda shown, *given, **more: f"<!doctype html>{shown.title}")


@pytest.mark.usefixtures("_blank_pages", "at_common_home")
@pytest.mark.parametrize("slug", finished())
def test_it_is_valid_and_the_same_each_time(slug: str) -> None:
    made = notebook(slug)
    text = build.content(made)
    nbformat.validate(nbformat.reads(text.decode(), 4))
    assert build.content(notebook(slug)) == text
    for place in (ROOT, Path.home(), tempfile.gettempdir()):
        assert str(place) not in text.decode()


@pytest.mark.usefixtures("_blank_pages", "at_common_home")
@pytest.mark.parametrize("slug", finished())
def test_nothing_of_the_page_is_lost(slug: str) -> None:
    topic = catalog.resolve(slug)
    page, made = source.read_page(topic), notebook(slug)
    written, told = "\n".join([page.opening, *(s.markdown for s in page.sections)]), texts(made)
    for formula in _FORMULA.findall(written):
        assert formula in told
    rows = [row for row in _ROW.findall(written) if "](" not in row]
    assert set(rows) <= set(_ROW.findall(told))
    assert [f"## {section.title}" for section in page.sections if f"## {section.title}\n" not in told] == []
    assert "{{" not in told
    assert NOT_MEASURED not in told
    assert ".md)" not in told
    asked = [q for q in quiz.load(catalog.family_of(topic)).questions if q.topic == slug]
    assert told.count("<summary>Answer</summary>") == len(asked)


@pytest.mark.usefixtures("_blank_pages", "at_common_home")
@pytest.mark.parametrize("slug", finished())
def test_its_cells_draw_ask_and_train(slug: str) -> None:
    topic, made = catalog.resolve(slug), notebook(slug)
    code = programs(made)
    for program in code:
        ast.parse(program)
    drawn = {cell.source: cell.outputs for cell in made.cells if cell.source.startswith("api.diagram(")}
    assert {f'api.diagram("{slug}", "{name}")' for name in figures.own(topic)} <= set(drawn)
    assert all("text/html" in outputs[0].data for outputs in drawn.values())
    for exercise in find.of(topic):
        part = cut(exercise)
        assert part.filled(part.hole).strip() in code
        assert f'api.check("{exercise.full_name}", {part.function})' in code
    assert f'result = api.train("{slug}/small")\nresult' in code
    assert "api.sample(result, seed=1)" in code


@pytest.mark.usefixtures("at_common_home")
def test_a_diagram_stands_there_before_anything_has_run() -> None:
    made = notebook("rope", "smoke")
    (outputs,) = (cell.outputs for cell in made.cells if cell.source == 'api.diagram("rope", "rope")')
    shown, drawing = outputs[0].data["text/html"], reading.diagram("rope", "rope")
    assert html.unescape(_FRAME.search(shown)[1]) == drawing.html()  # type: ignore[index]
    assert b64decode(_STILL.search(shown)[1]).decode() == drawing.svg()  # type: ignore[index]
    assert shown == drawing._repr_html_()  # as when the cell has run


def test_a_training_says_what_it_takes_and_what_it_must_reach() -> None:
    told = next(text for text in texts(notebook("cfg")).split("\n\n## ") if text.startswith("Train it"))
    assert "`cfg/small`" in told
    assert re.search(r"It took \d+ (seconds|minutes) when it was measured", told)
    assert "It builds on `ddpm/small`, which is trained first" in told
    assert told.count("\n|") > 2


def test_a_shorter_training_is_named_where_it_is_shorter() -> None:
    shorter = '`api.train("gan/ci")` makes do with'
    assert shorter in texts(notebook("gan", "small"))
    assert shorter not in texts(notebook("gan", "ci"))
