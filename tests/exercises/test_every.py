"""Every exercise: solved by the project's own lines, failed by each of its mistakes, and hinted."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from atlas_cli import catalog
from atlas_cli.exercises import find, judge, work
from atlas_cli.exercises.cut import HOLE, cut
from atlas_cli.exercises.model import Exercise
from atlas_cli.mathematics import text as formulas
from atlas_cli.recipe import recipes

EVERY = find.every()


@pytest.fixture(params=EVERY, ids=lambda exercise: exercise.full_name)
def exercise(request: pytest.FixtureRequest) -> Exercise:
    return request.param


def test_the_project_s_own_lines_solve_it(exercise: Exercise) -> None:
    part = cut(exercise)
    found = judge.judge(exercise, part.filled(part.lines), "own.py")
    assert found["right"], found
    assert found["mistake"] is None
    names = [check["name"] for check in found["checks"]]
    assert names.count("by hand") == len(exercise.by_hand) > 0
    assert {"shapes", "numbers"} <= set(names)


def test_each_mistake_fails_with_its_own_words(exercise: Exercise) -> None:
    part = cut(exercise)
    for mistake in exercise.mistakes:
        found = judge.judge(exercise, part.mistaken(mistake), "mistaken.py")
        assert not found["right"], mistake.new
        assert found["mistake"] == mistake.says, (mistake.new, found)
    assert len({mistake.says for mistake in exercise.mistakes}) == 3


def test_what_is_handed_out_holds_a_hole_and_no_answer(exercise: Exercise) -> None:
    text = work.text_of(exercise)
    ast.parse(text)
    assert text.count(HOLE) == 1
    assert "# exercise:" not in text
    assert "# end\n" not in text
    assert judge.judge(exercise, text, "fresh.py")["empty"]
    part = cut(exercise)
    for line in part.lines.splitlines():
        stripped = line.partition("#")[0].strip()
        assert len(stripped) < 20 or stripped not in text.partition('"""\n\nfrom __future__')[2], stripped


def test_it_is_told_in_words_that_fit(exercise: Exercise) -> None:
    assert len(exercise.hints) == 3
    assert all(hint.strip() for hint in exercise.hints)
    assert formulas.block(exercise.equation, 74)
    assert max(map(len, work.text_of(exercise).partition('"""\n\n')[0].splitlines())) <= 90
    for words in (*exercise.hints, *(mistake.says for mistake in exercise.mistakes)):
        assert words == words.strip()
        assert "  " not in words
    for mistake in exercise.mistakes:
        assert mistake.says[0].islower()
        assert not mistake.says.endswith(".")


def test_what_trains_is_a_short_recipe_without_parents(exercise: Exercise) -> None:
    if exercise.trains:
        recipe = recipes.resolve(exercise.trains)
        assert recipe.expect
        assert not recipe.parents


def test_each_mark_in_the_source_has_its_exercise() -> None:
    root = Path(catalog.__file__).parent
    marks = [
        (path, row.strip().removeprefix("# exercise: "))
        for room in ("systems", "nets")
        for path in (root / room).rglob("*.py")
        for row in path.read_text(encoding="utf-8").splitlines()
        if row.strip().startswith("# exercise: ")
    ]
    known = sorted((cut(exercise).path, exercise.name) for exercise in EVERY)
    assert sorted(marks) == known
