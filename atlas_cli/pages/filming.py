"""Record trainings for the diagrams that play them: `make films`.

    python -m atlas_cli.pages.filming              those that are stale or were never recorded
    python -m atlas_cli.pages.filming gan/modes    one, by family and name

`_films.py` among a family's explorables says what to film (TAKES), and what is noted of it (`still`).
The training is that of the recipe, with its seed, on one thread, up to the last round of the film.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from atlas_cli.diagrams import films
from atlas_cli.diagrams.films import Film
from atlas_cli.engine.build import Options, build, settled
from atlas_cli.engine.ema import Ema
from atlas_cli.engine.glimpses import unnoticed
from atlas_cli.engine.loop import fit
from atlas_cli.engine.staleness import code_hash
from atlas_cli.present.reporter import reporter
from atlas_cli.recipe import recipes
from atlas_cli.screen import messages

ROOM = Path(__file__).resolve().parents[1] / "explorables"


class Camera:
    """Looks at a training after the rounds that it is told, where the glimpses of a run would be taken."""

    def __init__(self, system: Any, steps: Sequence[int], still: Any) -> None:
        self.system, self.steps, self.still = system, set(steps), still
        self.stills: list[dict[str, Any]] = []

    def look(self, step: int, seconds: float, ema: Ema | None) -> None:
        """Note what is seen of the system and of the average of its weights."""
        if step in self.steps:
            with unnoticed(self.system):
                self.stills.append({"step": step, **self.still(self.system, ema)})


def main(given: Sequence[str] | None = None) -> None:
    """Record the films that the command line names, or those that are stale."""
    parser = argparse.ArgumentParser(prog="python -m atlas_cli.pages.filming")
    parser.add_argument("names", nargs="*", help="family/name; none: those that are stale or missing")
    names = parser.parse_args(given).names
    for family, name in takes():
        file = films.path(family, name)
        if f"{family}/{name}" in names if names else not file.is_file() or films.why(file):
            file.parent.mkdir(exist_ok=True)
            text = shoot(family, name).as_text()
            file.write_text(text, encoding="utf-8")
            messages.say(f"wrote {file}, {len(text) / 1000:.0f} kB")


def takes() -> Iterator[tuple[str, str]]:
    """Family and name of all that there is to film."""
    for file in sorted(ROOM.glob("*/_films.py")):
        yield from ((file.parent.name, name) for name in _room(file.parent.name).TAKES)


def shoot(family: str, name: str, until: int | None = None) -> Film:
    """Train, and note what is seen; of `until` rounds at most.

    Raises:
        KeyError: the family films nothing of that name.
    """
    room = _room(family)
    take = room.TAKES[name]
    options = Options(device="cpu")
    recipe = recipes.resolve(take.recipe, list(take.changes))
    system = build(settled(recipe, options), options, reporter())
    steps = [step for step in take.steps if until is None or step <= until]
    camera: Any = Camera(system, steps, room.still)
    with messages.hushed():  # who watches the film needs no warnings
        fit(system, glimpses=camera, until=steps[-1])
    today = datetime.now(UTC).date().isoformat()
    return Film(
        take.recipe, list(take.changes), steps[-1], recipe.train.seed, today, recipe.hash, code_hash(recipe),
        room.facts(system), camera.stills,
    )  # fmt: skip


def _room(family: str) -> Any:
    return importlib.import_module(f"atlas_cli.explorables.{family}._films")


if __name__ == "__main__":
    main()
