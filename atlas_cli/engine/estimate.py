"""`--dry-run`: what a few real steps say that a recipe will cost here; nothing of them is kept."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from atlas_cli.engine.build import Options, build, fingerprint, open_data
from atlas_cli.engine.loading import frozen, parents_of
from atlas_cli.engine.system import System
from atlas_cli.metrics.timing import wall_clock
from atlas_cli.present.reporter import SilentReporter
from atlas_cli.recipe.model import Recipe
from atlas_cli.runs.find import find_by_hash
from atlas_cli.runs.folder import RunFolder

WARMUP_STEPS, TIMED_SECONDS, CHECKPOINTS = 2, 2.0, 4


@dataclass(frozen=True)
class Estimate:
    """What a run will cost here."""

    parameters: int
    steps: int
    seconds_a_step: float  # median of the steps timed now, on this machine
    train_seconds: float
    ablation_seconds: float
    disk_bytes: int  # the newest three checkpoints and the best, of the parents that are missing as well
    disk_free_bytes: int
    precision: str
    device: str
    parents: dict[str, float] = field(default_factory=dict)  # recipe -> seconds to train; 0: there already


def estimate(recipe: Recipe, options: Options, resume: RunFolder | None = None) -> Estimate:
    """Build the system and time real steps for about two seconds; a parent that is missing likewise.

    Args:
        recipe: Settled for this device.
        options: Where runs, data and the device are.
        resume: The run that goes on, over the weights that it was built on; what it has done costs nothing.

    Raises:
        DataError: those weights are nowhere.
    """
    over = parents_of(resume, recipe, options, SilentReporter()) if resume is not None else None
    system = untrained(recipe, options, over)
    a_step = seconds_a_step(system)
    missing = [(parent, untrained(parent, options)) for parent in _missing(recipe, options)]
    parents = {parent.name: 0.0 for parent in recipe.ancestors}
    for parent, its_system in missing:  # two may have one name, and differ in what `from:` changes of it
        parents[parent.name] += seconds_a_step(its_system) * parent.train.steps
    folder = options.out if options.out.is_dir() else Path()
    trains_again = recipe.ablation is not None and recipe.ablation_trains
    return Estimate(
        parameters=sum(p.numel() for p in system.parameters()),
        steps=recipe.train.steps,
        seconds_a_step=a_step,
        train_seconds=a_step * (recipe.train.steps - (resume.steps_done if resume is not None else 0)),
        ablation_seconds=a_step * recipe.train.steps if trains_again else 0.0,
        disk_bytes=sum(map(_disk_bytes, (system, *(its_system for _, its_system in missing)))),
        disk_free_bytes=shutil.disk_usage(folder).free,
        precision=system.setting.train.precision,
        device=str(system.setting.device),
        parents=parents,
    )


def untrained(recipe: Recipe, options: Options, parents: Mapping[str, System] | None = None) -> System:
    """The system of a recipe with fresh weights.

    Args:
        recipe: Settled for this device.
        options: Where the data and the device are.
        parents: What it builds on, by role; None: parents that have learned nothing, a step takes as long.
    """
    if parents is None:
        parents = {role: frozen(untrained(parent, options)) for role, parent in recipe.parents.items()}
    return build(recipe, options, SilentReporter(), parents)


def seconds_a_step(system: System) -> float:
    """Median seconds of real steps, timed for about two seconds after two that warm up."""
    optimizers, train = system.optimizers(), system.setting.train
    if train.steps == 0:
        return 0.0
    times: list[float] = []
    step, end = 0, time.perf_counter() + TIMED_SECONDS
    while step < WARMUP_STEPS + 1 or (time.perf_counter() < end and step < train.steps):
        began = wall_clock(system.setting.device)  # a step that is only launched is not done yet
        system.step(system.batch(step), optimizers)
        times.append(wall_clock(system.setting.device) - began)
        step += 1
    return median(times[WARMUP_STEPS:])


def _missing(recipe: Recipe, options: Options) -> list[Recipe]:
    """The ancestors of which no complete run is there, each once."""
    missing = []
    for parent in {parent.hash: parent for parent in recipe.ancestors}.values():
        run = find_by_hash(
            options.out, parent.hash, fingerprint(open_data(parent, options, SilentReporter()))
        )
        if run is None or run.status != "complete":
            missing.append(parent)
    return missing


def _disk_bytes(system: System) -> int:
    weights = sum(p.numel() * p.element_size() for p in system.parameters())
    copies = 3 + bool(system.setting.train.ema)  # weights, two moments of Adam, the average
    return CHECKPOINTS * copies * weights
