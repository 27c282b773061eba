"""Recorded trainings: what was seen of one round by round, kept with the atlas so that a diagram plays it.

content/<family>/films/<name>.json holds the stills of one training of a recipe of the atlas, and what it is
from. `make films` (pages/filming.py) writes it. A film whose recipe or code has changed since is still shown,
as of its date, and `atlas recipe stale` names it.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from atlas_cli import files, paths
from atlas_cli.errors import DataError

FOLDER = "films"  # of a family's content


class Film(NamedTuple):
    """One training, filmed.

    Attributes:
        recipe: Its name, "gan/modes".
        changes: Of the recipe, as `--set` takes them.
        rounds: That were played; the recipe may have more.
        seed: Of the training.
        date: When it was filmed.
        hash: Of the recipe with its changes, resolved.
        code: Of the code that it was trained with; see engine/staleness.py.
        facts: What holds for all stills.
        stills: One for each step of the film, by what is seen of it.
    """

    recipe: str
    changes: list[str]
    rounds: int
    seed: int
    date: str
    hash: str
    code: str
    facts: dict[str, Any]
    stills: list[dict[str, Any]]

    def as_text(self) -> str:
        """As its file holds it, a still a line."""
        document = self._asdict()
        stills = ",\n".join(json.dumps(still, separators=(",", ":")) for still in document.pop("stills"))
        head = json.dumps(document, indent=0)[:-2]
        return f'{head},\n"stills": [\n{stills}\n]\n}}\n'

    @property
    def steps(self) -> tuple[int, ...]:
        """Rounds after which there is a still."""
        return tuple(still["step"] for still in self.stills)

    def at(self, step: int) -> dict[str, Any]:
        """The still after so many rounds."""
        return self.stills[self.steps.index(step)]


def path(family: str, name: str) -> Path:
    """Where a film lies."""
    return paths.content_dir() / family / FOLDER / f"{name}.json"


@cache
def read(file: Path) -> Film:
    """The film of a file.

    Raises:
        DataError: it is not there, or holds something else.
    """
    try:
        return Film(**json.loads(files.read(file)))
    except (OSError, ValueError, KeyError, TypeError) as error:
        hint = "install the atlas again, or record it anew: make films"
        raise DataError(f"{file} is damaged: {error}", hint) from error


def found() -> list[Path]:
    """All that there are."""
    return sorted(paths.content_dir().glob(f"*/{FOLDER}/*.json"))


def why(file: Path) -> list[str]:
    """Why a film is not what its recipe gives today; empty where it is."""
    from atlas_cli.engine.staleness import code_hash
    from atlas_cli.recipe import recipes

    film = read(file)
    recipe = recipes.resolve(film.recipe, film.changes)
    reasons = [] if recipe.hash == film.hash else [f"its recipe {film.recipe} has changed since {film.date}"]
    if code_hash(recipe) != film.code:
        reasons.append(f"the code of {recipe.system} or what it imports has changed since {film.date}")
    return reasons
