"""What lists, comparisons and exports say of a run, from its files alone. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from atlas_cli.runs import claims
from atlas_cli.runs.folder import ABLATION, RunFolder

FACTS = ("seed", "device", "precision", "steps", "parameters", "loss")


def summary(run: RunFolder) -> dict[str, Any]:
    """A run in one object: what it is, how it was changed, what it came to."""
    result = run.result or {}
    verdicts = result.get("verdicts", [])
    return {
        "name": run.name, "path": str(run.path), "recipe": run.info["recipe"], "hash": run.info["hash"],
        "tags": run.tags, "changes": run.changes, "imported": run.imported,
        "bases": {role: base.run for role, base in (run.bases or {}).items()},
        "started": run.info["started"], "status": run.status, "claims": claims.summary(verdicts),
        "held": sum(bool(v["passed"]) for v in verdicts), "judged": len(verdicts), "met": result.get("met"),
        **{name: result.get(name) for name in FACTS},
        "train_seconds": result.get("train_seconds"), "figures": result.get("figures", {}),
    }  # fmt: skip


def short_changes(changes: Sequence[str]) -> str:
    """ "model.d_state: 16 -> 2" and "train.seed: 0 -> 1" as "d_state=2 seed=1"."""
    told = []
    for change in changes:
        field, _, values = change.partition(": ")
        told.append(f"{field.rpartition('.')[2]}={values.rpartition(' -> ')[2]}")
    return " ".join(told)


def curve(run: RunFolder, metric: str) -> list[tuple[int, float]]:
    """A logged metric over the steps; empty where the run logged none of that name."""
    return [(int(row["step"]), float(row[metric])) for row in run.read_metrics() if metric in row]


def curves(runs: Sequence[RunFolder], metric: str) -> dict[str, list[tuple[int, float]]]:
    """A metric of each run by name, and of the run without its idea beside it where there is one."""
    found = {}
    for run in runs:
        found[run.name] = curve(run, metric)
        found[f"{run.name} without the idea"] = curve(RunFolder(run.path / ABLATION), metric)
    return {name: points for name, points in found.items() if points}
