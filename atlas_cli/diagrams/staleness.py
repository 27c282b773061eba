"""Whether what is pinned is still what recipes, code and diagrams give today; read without torch."""

from __future__ import annotations

from pathlib import Path

from atlas_cli import paths
from atlas_cli.diagrams import gallery, networks, pinned
from atlas_cli.diagrams.frames import Explorable
from atlas_cli.diagrams.origins import FOLDER, Origin
from atlas_cli.diagrams.pinned import Pin, drawing, fits
from atlas_cli.engine.staleness import code_hash
from atlas_cli.errors import UsageError
from atlas_cli.recipe import recipes


def found() -> list[Path]:
    """The files of everything pinned: frames of diagrams, and networks."""
    return sorted(paths.content_dir().glob(f"*/{FOLDER}/*.json"))


def stale() -> list[tuple[Path, list[str]]]:
    """Those that are old, each with why."""
    reasons = ((file, why(file)) for file in found())
    return [(file, why) for file, why in reasons if why]


def why(file: Path) -> list[str]:
    """Why a pin is old; empty where it is not."""
    reasons = of_origin(origin(file))
    pin = None if file.name.endswith(networks.ENDING) else pinned.read(file)
    if pin is None:
        return reasons
    shown = gallery.anywhere(file.stem)
    if not isinstance(shown, Explorable):
        return [*reasons, f"there is no diagram {file.stem} any more"]
    return [*reasons, *of_drawing(shown, pin)]


def origin(file: Path) -> Origin:
    """The network that a pin is from.

    Raises:
        UsageError: there is no such pin.
    """
    if not file.is_file():
        name = file.name.removesuffix(networks.ENDING).removesuffix(".json")
        raise UsageError(f"{name} has no pin yet, and so no recipe", f"name one: {name} --recipe gpt/small")
    if file.name.endswith(networks.ENDING):
        return networks.read(file).origin
    pin = pinned.read(file)
    assert pin is not None  # of a file that is there
    return pin.origin


def of_origin(origin: Origin) -> list[str]:
    """Why a network is not what its recipe gives today."""
    since = f"has changed since the run of {origin.date}"
    try:
        recipe = recipes.resolve(origin.recipe, [f"train.seed={origin.seed}"])
    except UsageError as error:
        return [f"its recipe {origin.recipe} cannot be read: {error.what}"]
    reasons = [] if recipe.hash == origin.hash else [f"its recipe {origin.recipe} {since}"]
    if code_hash(recipe) != origin.code:
        reasons.append(f"the code of {recipe.system} or what it imports {since}")
    return reasons


def of_drawing(explorable: Explorable, pin: Pin) -> list[str]:
    """Why a pin's frames are not what the explorable draws today."""
    whole = explorable.unpinned or explorable
    if not fits(whole, pin):
        return ["the knobs of the diagram are others now"]
    if drawing(whole) != pin.drawn_by:
        return [f"what draws it has changed since the run of {pin.origin.date}"]
    return []
