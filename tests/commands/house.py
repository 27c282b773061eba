"""The command line within the tests' own process, and runs that were never trained."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from atlas_cli import app, catalog
from atlas_cli.recipe import recipes
from atlas_cli.recipe.text import to_yaml
from atlas_cli.runs.folder import Labels, RunFolder
from atlas_cli.screen import flags as house


class Said(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


def without_recipes(monkeypatch: pytest.MonkeyPatch, slug: str) -> None:
    """A topic of which there are diagrams and nothing to train."""
    every = catalog.recipes_of
    monkeypatch.setattr(catalog, "recipes_of", lambda topic: () if topic.slug == slug else every(topic))


class CommandLine:
    """Calls `atlas ARGUMENTS` in a folder of its own."""

    def __init__(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self.capsys, self.folder = capsys, folder

    def __call__(self, *arguments: str) -> Said:
        vars(house.flags).update(vars(house.Flags()))
        self.capsys.readouterr()
        try:
            code = app._run(house.take(app._resume_latest([*arguments])))
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            vars(house.flags).update(vars(house.Flags()))
        return Said(code, *self.capsys.readouterr())


def verdict(metric: str = "accuracy", passed: bool | None = True, **more: Any) -> dict[str, Any]:
    """One as result.json holds it."""
    return {"metric": metric, "claim": f"{metric} is high", "bar": ">= 0.9", "figure": 0.95, "ablated": 0.2,
            "passed": passed, "speed": False, **more}  # fmt: skip


def made_run(
    root: Path,
    reference: str = "mamba/induction",
    overrides: Sequence[str] = (),
    verdicts: Sequence[dict[str, Any]] | None = (),
    labels: Labels = Labels(),
    losses: Sequence[float] = (3.0, 2.0, 1.0),
) -> RunFolder:
    """A run folder as a training leaves it, checkpoints aside; of a stopped one where `verdicts` is None."""
    recipe = recipes.resolve(reference, overrides)
    changes = tuple(recipes.difference(recipes.resolve(reference), recipe))
    run = RunFolder.create(root, recipe.name, recipe.hash, "data", labels=labels._replace(changes=changes))
    run.write_recipe(to_yaml(recipe))
    (run.path / "environment.json").write_text('{"atlas": "0", "python": "3.11", "torch": "2.9"}')
    for step, loss in enumerate(losses, start=1):
        run.append_metrics({"step": step, "loss": loss})
    if verdicts is not None:
        figures = {v["metric"]: v["figure"] for v in verdicts}
        run.write_result({
            "seed": recipe.train.seed, "device": "cpu", "precision": "fp32", "steps": 3, "parameters": 10,
            "loss": losses[-1] if losses else None, "figures": figures, "ablated": None,
            "verdicts": [*verdicts], "met": all(v["passed"] for v in verdicts) if verdicts else None,
            "train_seconds": 1.5, "ablation_seconds": 0.0, "seconds": 2.0,
        })  # fmt: skip
    return run
