"""From a run to the file beside a diagram."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atlas_cli import paths
from atlas_cli.diagrams import worked
from atlas_cli.errors import UsageError
from atlas_cli.worked.example import Example, Telling

if TYPE_CHECKING:
    from atlas_cli.engine.system import System
    from atlas_cli.recipe.recipes import Recipe
    from atlas_cli.runs.folder import RunFolder

_HERE = Path(__file__).parent
_DAY = 10  # characters of a date


def examples() -> dict[str, Example]:
    """Every example by its diagram: "transformer/decoder-block"."""
    found = {}
    for file in sorted(_HERE.glob("*/[!_]*.py")):
        module = importlib.import_module(f"atlas_cli.worked.{file.parent.name}.{file.stem}")
        found[f"{file.parent.name}/{file.stem.replace('_', '-')}"] = module.EXAMPLE
    return found


def write(name: str, example: Example, run: RunFolder | None, root: Path) -> Path:
    """Compute an example and put it beside its diagram.

    Args:
        name: "transformer/decoder-block".
        example: What it shows.
        run: Of its recipe; None where the example trains a fresh network itself.
        root: Where the runs are that others build on.

    Raises:
        UsageError: the run is of another recipe, or of one that has changed since.
    """
    import torch

    system, of = _fresh(example, root) if run is None else _trained(example, run, root)
    with torch.set_grad_enabled(example.fresh):
        told: Telling = example.tell(system)
    family, _, diagram = name.partition("/")
    path = paths.content_dir() / family / "diagrams" / f"{diagram}{worked.ENDING}"
    document: dict[str, Any] = {
        "of": of | {"drawn_by": worked.mark_of(worked.drawn_by(path))},
        "given": told.given,
        "nodes": told.nodes,
        "seen": {str(step): seen for step, seen in sorted(told.seen.items())},
    }
    text = json.dumps(document | {"digest": worked.digest(document)}, indent=0, ensure_ascii=False)
    path.write_text(f"{text}\n", encoding="utf-8")
    return path


def _trained(example: Example, run: RunFolder, root: Path) -> tuple[System, dict[str, Any]]:
    """The system of a run, and where its weights are from."""
    from atlas_cli.engine.build import Options
    from atlas_cli.engine.loading import load_system, recipe_of
    from atlas_cli.engine.staleness import code_hash
    from atlas_cli.present.reporter import reporter
    from atlas_cli.recipe import recipes
    from atlas_cli.runs import checkpoint

    own = recipe_of(run)
    recipe = recipes.resolve(example.recipe, [f"train.seed={own.train.seed}"])
    if as_trained(recipe, own.train.precision).hash != run.info["hash"]:
        raise UsageError(
            f"{run.name} is no run of {example.recipe} as it is now", f"atlas train {example.recipe}"
        )
    path, _ = checkpoint.newest_valid(run.checkpoints)
    system = load_system(run, Options(out=root, device="cpu"), reporter(), own)
    origin = _origin(example, recipe, code_hash(recipe))
    date = str(run.info["started"])[:_DAY]
    return system, origin | {"date": date, "weights": checkpoint.weights_hash(path)}


def as_trained(recipe: Recipe, precision: str) -> Recipe:
    """The recipe as it ran where "auto" was this precision; what it builds on may have said its own."""
    return recipe.settled(lambda said: precision if said == "auto" else said)


def _fresh(example: Example, root: Path) -> tuple[System, dict[str, Any]]:
    """The system as its training begins."""
    from atlas_cli.engine.build import Options, build, settled
    from atlas_cli.engine.staleness import code_hash
    from atlas_cli.present.reporter import reporter
    from atlas_cli.recipe import recipes

    recipe, options = recipes.resolve(example.recipe), Options(out=root, device="cpu")
    return build(settled(recipe, options), options, reporter()), _origin(example, recipe, code_hash(recipe))


def _origin(example: Example, recipe: Recipe, code: str) -> dict[str, Any]:
    return {"recipe": example.recipe, "seed": recipe.train.seed, "hash": recipe.hash, "code": code}
