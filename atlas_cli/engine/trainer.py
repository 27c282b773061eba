"""From a recipe to a judged run: build, train, evaluate, ablate, judge, sample, and write it all down."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from atlas_cli.engine import distributed
from atlas_cli.engine.announcing import ablates
from atlas_cli.engine.arms import Arms, evaluated, trained
from atlas_cli.engine.build import Options, build, fingerprint, inference, open_data, settled
from atlas_cli.engine.device import choose_device, load, resolve_precision
from atlas_cli.engine.loading import frozen, load_checkpoint, parents_of, recipe_of
from atlas_cli.engine.loop import Fitted
from atlas_cli.engine.signals import StoppedAtOnce, StopRequest
from atlas_cli.engine.system import SampleRequest, System
from atlas_cli.engine.verdict import Verdict, judge, met, usual
from atlas_cli.errors import DataError, DivergedError, InterruptedRun
from atlas_cli.present import curves
from atlas_cli.present.artifacts.base import Artifact
from atlas_cli.present.reporter import Reporter
from atlas_cli.recipe.model import Recipe
from atlas_cli.recipe.text import to_yaml
from atlas_cli.runs import checkpoint
from atlas_cli.runs.find import find_by_hash
from atlas_cli.runs.folder import ABLATION, Base, Labels, RunFolder
from atlas_cli.runs.naming import require_writable


@dataclass
class Outcome:
    """What a run came to."""

    run: RunFolder | None  # None on ranks other than 0
    figures: dict[str, float]
    ablated: dict[str, float] | None
    verdicts: list[Verdict]
    train_seconds: float  # in the training loop of the run itself
    ablation_seconds: float
    seconds: float  # everything of this command: data, judge, both trainings, evaluation, samples
    varied: dict[str, dict[str, float]] = field(default_factory=dict)  # row of `vary` -> its figures
    measured: dict[str, dict[str, float]] = field(default_factory=dict)  # by the atlas: see verdict.usual
    load: dict[str, float] | None = None  # processes that wanted a core when the run was judged, and cores
    judging_seconds: float = 0.0  # evaluation of both, and the judge's training where that was due
    artifact: Artifact | None = None
    files: list[Path] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)  # seed, device, precision, steps, parameters, loss

    @property
    def met(self) -> bool | None:
        """Whether all claims hold; None where none was judged."""
        return met(self.verdicts)

    def to_json(self) -> dict[str, Any]:
        return {
            **self.facts,
            "figures": self.figures,
            "ablated": self.ablated,
            **({"varied": self.varied} if self.varied else {}),
            "verdicts": [v.to_json() for v in self.verdicts],
            "met": self.met,
            "measured": self.measured,
            "load": self.load,
            "train_seconds": round(self.train_seconds, 1),
            "ablation_seconds": round(self.ablation_seconds, 1),
            "judging_seconds": round(self.judging_seconds, 1),
            "seconds": round(self.seconds, 1),
        }


def execute(recipe: Recipe, options: Options, reporter: Reporter, resume: RunFolder | None = None) -> Outcome:
    """Train a recipe to its verdict; `resume` continues a run that was stopped.

    Raises:
        DataError: the run to go on with was built on other weights or learned from other data.
    """
    began = time.perf_counter()
    if distributed.is_main():
        require_writable(options.out)
        if resume is not None:
            resume.require_folders()
    recipe = settled(recipe, options)
    _warn_of_slow_format(recipe, options, reporter)
    if resume is not None:
        bases, parents = resume.bases or {}, parents_of(resume, recipe, options, reporter)
    else:
        bases, parents = trained_parents(recipe, options, reporter)
    system = build(recipe, options, reporter, parents)  # what cannot be built leaves no run folder behind
    run = None
    if distributed.is_main():
        if resume is not None:
            _require_same_data(resume, system)
        run = resume or _new_run(recipe, options, reporter, fingerprint(system.setting.data), bases)
    with run.lock() if run else nullcontext(), StopRequest() as stop, _end_noted(run):
        if run is not None:
            _note_changes(run, recipe, options)
            run.clear_result()
        fitted = trained(system, recipe, options, reporter, run, stop)
        artifact: Artifact | None = None
        files: list[Path] = []
        if run is not None and not options.weights_only:  # what it makes is seen before it is judged
            artifact, files = _show(system, fitted, run, options, reporter)
        outcome = _judged(recipe, options, reporter, run, stop, system, fitted)
        if run is not None:
            outcome.artifact, outcome.files = artifact, files
            if fitted.step and not options.weights_only:  # of a run that trains nothing there is no curve
                outcome.files.append(curves.save_loss_curve(run))
            outcome.facts = _facts(system, fitted, run)
            outcome.seconds = time.perf_counter() - began
            run.write_result(outcome.to_json())
    return outcome


def _judged(
    recipe: Recipe, options: Options, reporter: Reporter, run: RunFolder | None, stop: StopRequest,
    system: System, fitted: Fitted,
) -> Outcome:  # fmt: skip
    """The figures with the idea and without it, held against the bars."""
    if options.weights_only:
        return Outcome(run, {}, None, [], fitted.seconds, 0.0, 0.0)
    without = recipe.ablation if ablates(recipe, options) else None
    began = time.perf_counter()
    figures = evaluated(system, fitted, reporter) if recipe.expect or without else {}
    ablated, ablation_seconds = None, 0.0
    arms = Arms(system, fitted, options, reporter, run, stop)
    if without is not None:
        changes = ", ".join(f"{k} = {v}" for k, v in recipe.ablate.items())
        reporter.say(f"without the idea: {changes}")
        ablated, ablation_seconds = arms.figures(without, ABLATION, recipe.ablation_trains)
    varied, varied_seconds = _varied(recipe, arms, options, reporter)
    verdicts = judge(recipe.expect, figures, ablated)
    judging = max(0.0, time.perf_counter() - began - ablation_seconds - varied_seconds)
    return Outcome(
        run, figures, ablated, verdicts, fitted.seconds, ablation_seconds, 0.0, varied=varied,
        measured=usual(recipe), load=load() if verdicts else None, judging_seconds=judging,
    )  # fmt: skip


def _varied(
    recipe: Recipe, arms: Arms, options: Options, reporter: Reporter
) -> tuple[dict[str, dict[str, float]], float]:
    """The figures of each row of `vary`, and how long they took; none where nobody asked for them."""
    began = time.perf_counter()
    found: dict[str, dict[str, float]] = {}
    for row, variant in recipe.variants.items() if options.varied else ():
        reporter.say(f"varied: {row}")
        folder = f"vary-{len(found)}"
        found[row], _ = arms.figures(variant, folder, recipe.trains_anew(recipe.vary[row]))
    return found, time.perf_counter() - began


def trained_parents(
    recipe: Recipe, options: Options, reporter: Reporter
) -> tuple[dict[str, Base], dict[str, System]]:
    """What a new run builds on, by role: found among the runs by recipe and data, or trained now.

    Returns:
        The weights by name, for the run's folder, and the systems that hold them.
    """
    bases, systems = {}, {}
    for role, parent in recipe.parents.items():
        run = trained_parent(recipe, parent, options, reporter)
        path, _ = checkpoint.newest_valid(run.checkpoints)
        bases[role] = Base(run.name, parent.name, checkpoint.weights_hash(path))
        systems[role] = frozen(load_checkpoint(run, path, options, reporter))
    return bases, systems


def trained_parent(recipe: Recipe, parent: Recipe, options: Options, reporter: Reporter) -> RunFolder:
    """A complete run of the parent; one that was interrupted is gone on with. On every rank the same."""
    found = None
    if distributed.is_main():
        held = fingerprint(open_data(parent, options, reporter))
        found = find_by_hash(options.out, parent.hash, held)
    run: RunFolder | None = distributed.share(found)
    if run is not None and run.status == "complete":
        reporter.say(f"{recipe.name} builds on {run.path}")
        return run
    doing = (
        "which is trained first and kept for later runs"
        if run is None
        else f"which {run.name} began: it goes on"
    )
    reporter.say(f"{recipe.name} builds on {parent.name}, {doing}")
    trained = execute(parent, replace(options, weights_only=True, labels=Labels()), reporter, run).run
    shared: RunFolder = distributed.share(trained)
    return shared


@contextmanager
def _end_noted(run: RunFolder | None) -> Iterator[None]:
    """A run that diverged is marked as failed, so that nothing builds on it; one that was stopped says so."""
    try:
        yield
    except DivergedError as error:
        if run is not None:
            run.write_result({"status": "failed", "error": error.what})
        raise
    except StoppedAtOnce as stopped:
        name = run.reference if run is not None else "latest"
        step = checkpoint.newest_step(run.checkpoints) if run is not None else None
        kept = "nothing was trained yet" if step is None else f"the weights of step {step} are kept"
        what = f"stopped before the run was judged; {kept}"
        raise InterruptedRun(what, f"go on with: atlas train --resume {name}", stopped.code) from None


def _warn_of_slow_format(recipe: Recipe, options: Options, reporter: Reporter) -> None:
    """A processor without bf16 units computes in it all the same, up to fifty times slower than in fp32."""
    device = choose_device(options.device)
    if recipe.train.precision == "bf16" and resolve_precision("auto", device) != "bf16":
        reporter.say(f"the {device.type} here has no bf16 units, and is far slower so: --precision fp32")


def _note_changes(run: RunFolder, recipe: Recipe, options: Options) -> None:
    """A run that goes on with other settings is a run of another recipe, for all who look for one."""
    if recipe.hash != run.info["hash"] and recipe.hash != settled(recipe_of(run), options).hash:
        run.change_recipe(to_yaml(recipe), recipe.hash)


def _require_same_data(run: RunFolder, system: System) -> None:
    """A run goes on with what it began to learn from, or not at all."""
    if run.data is not None and run.data != fingerprint(system.setting.data):
        raise DataError(
            f"the data of {run.name} have changed since it began",
            "put them back as they were, or start a new run without --resume",
        )


def _new_run(
    recipe: Recipe, options: Options, reporter: Reporter, data: str, bases: Mapping[str, Base]
) -> RunFolder:
    """A fresh run folder with the resolved recipe and the environment in it."""
    own_file = recipe.name.endswith((".yaml", ".yml"))
    name = f"{recipe.system}/{Path(recipe.name).stem}" if own_file else recipe.name
    run = RunFolder.create(options.out, name, recipe.hash, data, bases, options.data_dir, options.labels)
    run.write_recipe(to_yaml(recipe))
    run.write_environment()
    reporter.say(f"run folder {run.path}")
    return run


def _facts(system: System, fitted: Fitted, run: RunFolder) -> dict[str, Any]:
    """What was trained, on what, and the last loss that was logged."""
    rows = [row["loss"] for row in run.read_metrics() if "loss" in row]
    return {
        "seed": system.setting.train.seed, "device": str(system.setting.device),
        "precision": system.setting.train.precision, "steps": fitted.step,
        "parameters": sum(p.numel() for p in system.parameters()), "loss": rows[-1] if rows else None,
    }  # fmt: skip


def _show(
    system: System, fitted: Fitted, run: RunFolder, options: Options, reporter: Reporter
) -> tuple[Artifact, list[Path]]:
    """Samples, as files of the run and to whoever watches."""
    with reporter.phase("sampling"), inference(system, fitted.ema):
        request = SampleRequest(n=system.samples_shown(), seed=system.setting.train.seed)
        artifact = system.sample(request)
    files = artifact.save(run.samples, "samples")
    if options.watched:
        reporter.show(artifact)
    return artifact, files
