"""Every finished page as a notebook: valid, the same each time, nothing lost; nothing is executed here."""

from __future__ import annotations

import ast
import re
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from atlas_cli import catalog
from atlas_cli.diagrams.web import page as web_page
from atlas_cli.exercises import find
from atlas_cli.exercises.cut import cut
from atlas_cli.notebook import build
from atlas_cli.pages import guess, quiz, source
from atlas_cli.site import figures
from tests.notebook.house import finished, notebook, programs, texts

ROOT = Path(__file__).resolve().parents[2]
_FORMULA = re.compile(r"\$\$.+?\$\$", re.DOTALL)
_ROW = re.compile(r"^\|.*\|$", re.MULTILINE)
Made = Callable[[str], NotebookNode]


@pytest.fixture(scope="module")
def made(common_home: Path) -> Iterator[Made]:
    """The notebook of a topic, made once; its diagrams turn no knob, as all frames of all take a minute."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATLAS_HOME", str(common_home))
        patch.setattr(web_page, "page", lambda shown, *given, **more: f"<!doctype html>{shown.title}")
        yield cache(notebook)


@pytest.mark.parametrize("slug", finished())
def test_it_is_valid_and_names_no_place_of_this_machine(made: Made, slug: str) -> None:
    text = build.content(made(slug)).decode()
    nbformat.validate(nbformat.reads(text, 4))
    for place in (ROOT, Path.home(), tempfile.gettempdir()):
        assert str(place) not in text


@pytest.mark.parametrize("slug", finished()[::4])
def test_a_second_writing_gives_the_same_bytes(made: Made, slug: str) -> None:
    assert build.content(notebook(slug)) == build.content(made(slug))


@pytest.mark.parametrize("slug", finished())
def test_nothing_of_the_page_is_lost(made: Made, slug: str) -> None:
    topic = catalog.resolve(slug)
    page, told = source.read_page(topic), texts(made(slug))
    written = "\n".join([page.opening, *(section.markdown for section in page.sections)])
    assert [formula for formula in _FORMULA.findall(written) if formula not in told] == []
    rows = {row for row in _ROW.findall(written) if "](" not in row}
    assert rows <= set(_ROW.findall(told))
    assert [s.title for s in page.sections if f"## {s.title}\n" not in f"{told}\n"] == []
    assert "{{" not in told
    assert ".md)" not in told
    assert told.count("**Guess first.**") == int(guess.of(topic) is not None)
    asked = [q for q in quiz.load(catalog.family_of(topic)).questions if q.topic == slug]
    assert told.count("<summary>Answer</summary>") == len(asked)


@pytest.mark.parametrize("slug", finished())
def test_its_cells_draw_ask_and_train(made: Made, slug: str) -> None:
    code = programs(made(slug))
    for program in code:
        ast.parse(program)
    drawn = {cell.source: cell.outputs for cell in made(slug).cells if cell.source.startswith("api.diagram(")}
    assert {f'api.diagram("{slug}", "{name}")' for name in figures.own(catalog.resolve(slug))} <= set(drawn)
    assert all("text/html" in outputs[0].data for outputs in drawn.values())
    for exercise in find.of(catalog.resolve(slug)):
        part = cut(exercise)
        assert part.filled(part.hole).strip() in code
        assert f'api.check("{exercise.full_name}", {part.function})' in code
    assert f'result = api.train("{slug}/small")\nresult' in code
    assert "api.sample(result, seed=1)" in code


def test_a_training_says_what_it_takes_and_what_it_must_reach(made: Made) -> None:
    told = next(text for text in texts(made("lora")).split("\n\n## ") if text.startswith("Train it"))
    assert "`lora/small`" in told
    assert re.search(r"It took \d+ (seconds|minutes) when it was measured", told)
    assert "It builds on `gpt/small`, which is trained first" in told
    assert told.count("\n|") > 2


def test_a_shorter_training_is_named_where_it_is_shorter(made: Made) -> None:
    shorter = '`api.train("gan/ci")` makes do with'
    assert shorter in texts(made("gan"))
    assert shorter not in texts(notebook("gan", "ci"))
