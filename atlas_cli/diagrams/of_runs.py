"""Diagrams of the reader's own trained runs: the same knobs, the frames from the weights of a run.

A run is found and told apart without torch; its weights are read when the first frame is computed that is
not in the cache.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from atlas_cli import files
from atlas_cli.diagrams.frames import Explorable, Frame, Value
from atlas_cli.errors import UsageError
from atlas_cli.runs.find import find_run, list_runs
from atlas_cli.runs.folder import RunFolder

if TYPE_CHECKING:
    from atlas_cli.engine.system import System

LATEST = "latest"


def of_run(shown: Explorable, reference: str | None, root: Path) -> Explorable:
    """The diagram as a run draws it; as its pinned run does, where it has one and no run is named.

    Args:
        shown: What is drawn.
        reference: A run's name, path or topic, or "latest" for the newest that fits; None: the newest where
            the diagram needs one, else none.
        root: The folder of the runs.

    Raises:
        UsageError: there is no such run, it is of another system, or the diagram is not drawn from runs.
    """
    if shown.from_run is None:
        if reference is None:
            return shown
        raise UsageError(
            f"{shown.name} is computed without a trained run",
            f"atlas diagram {shown.topics[0]} {shown.name}",
        )
    if reference is None and not shown.needs_run:
        return shown
    run = _chosen(shown, reference or LATEST, root)
    return replace(
        shown.unpinned or shown,
        title=f"{shown.title} · {run.name}",
        compute=_compute(shown.from_run, run, root),
        run=run.name,
        network="",
        fingerprint=fingerprint(run),
    )


def fingerprint(run: RunFolder) -> str:
    """Of a run's newest checkpoint, whose manifest holds a hash of every file, and of its recipe."""
    manifests = sorted(run.checkpoints.glob("step-*/manifest.json"))
    known = [files.read(path) for path in manifests[-1:]]
    return hashlib.sha256(b"".join([run.recipe_text.encode(), *known])).hexdigest()[:24]


def _chosen(shown: Explorable, reference: str, root: Path) -> RunFolder:
    wanted = " or ".join(shown.systems)
    if reference == LATEST:
        fitting = [run for run in list_runs(root) if run.topic in shown.systems and run.has_weights]
        if fitting:
            return fitting[-1]
        raise UsageError(
            f"{shown.name} is drawn from a trained run of {wanted}, and there is none in {root} yet",
            f"atlas train {shown.systems[0]} --recipe smoke",
        )
    run = find_run(reference, root, of="run (--run)")
    if run.topic not in shown.systems:
        raise UsageError(
            f"{shown.name} is drawn from a run of {wanted}, and {run.name} is one of {run.topic}",
            f"atlas diagram {shown.topics[0]} {shown.name} --run {LATEST}",
        )
    return run


def _compute(from_run: Callable[..., Frame], run: RunFolder, root: Path) -> Callable[..., Frame]:
    @cache
    def system() -> System:
        from atlas_cli.engine.build import Options
        from atlas_cli.engine.loading import load_system
        from atlas_cli.present.reporter import reporter

        return load_system(run, Options(out=root, device="cpu"), reporter())

    def compute(**setting: Value) -> Frame:
        from atlas_cli.engine.build import inference

        with inference(system()):
            return from_run(system(), **setting)

    return compute
