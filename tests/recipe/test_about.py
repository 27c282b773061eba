"""The minutes that a recipe announces are those that it took where it was timed."""

from __future__ import annotations

import re

import pytest

from atlas_cli import documents, paths

_WORDS = {"a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8}
_MINUTES = re.compile(r"\b(?:(\w+) to )?(\w+) minutes?\b")


def announced(about: str) -> tuple[int, int] | None:
    """From how many minutes to how many, if it says."""
    found = _MINUTES.search(about)
    if not found or found[2] not in _WORDS:
        return None
    return _WORDS[found[1] or found[2]], _WORDS[found[2]]


def timed() -> dict[str, tuple[str, list[float]]]:
    recipes = {}
    for path in sorted(paths.recipes_dir().glob("*/*.yaml")):
        recipe = documents.parse(path.read_text(encoding="utf-8"))
        clock = (recipe.get("measured") or {}).get("timed")
        if clock and announced(recipe["about"]):
            seconds = [value for name, value in clock.items() if name != "threads"]
            recipes[f"{path.parent.name}/{path.stem}"] = (recipe["about"], seconds)
    return recipes


@pytest.mark.parametrize("name", timed())
def test_a_recipe_takes_as_long_as_it_says(name: str) -> None:
    about, seconds = timed()[name]
    least, most = announced(about) or (0, 0)
    assert all(least * 40 <= value <= most * 80 for value in seconds), f"{about} But: {seconds} seconds"


def test_what_is_announced_is_read() -> None:
    assert announced("in three to four minutes on two cores") == (3, 4)
    assert announced("in about a minute on one core") == (1, 1)
    assert announced("in days on one GPU") is None
    assert len(timed()) >= 8
