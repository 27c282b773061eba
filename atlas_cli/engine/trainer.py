"""From a recipe to a judged run: build, train, evaluate, ablate, judge, sample, and write it all down."""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch

from atlas_cli import catalog, data
from atlas_cli.draws import stable_seed
from atlas_cli.engine import distributed
from atlas_cli.engine.device import autocast, choose_device, resolve_precision, set_threads
from atlas_cli.engine.loop import Fitted, Progress, fit
from atlas_cli.engine.signals import StopRequest
from atlas_cli.engine.system import SampleRequest, Setting, System
from atlas_cli.engine.verdict import Verdict, judge, met
from atlas_cli.errors import DivergedError, EnvironmentFault
from atlas_cli.present import show
from atlas_cli.present.artifact import Artifact
from atlas_cli.recipe import recipes as recipes_module
from atlas_cli.recipe.recipes import Recipe
from atlas_cli.runs import checkpoint
from atlas_cli.runs import folder as run_folder
from atlas_cli.runs.folder import RunFolder

ABLATION = "ablation"  # folder of the run without the idea, inside the run's own


@dataclass(frozen=True)
class Options:
    """What the command line adds to a recipe; none of it changes what is learned."""

    out: Path = field(default_factory=lambda: Path("runs"))
    data_dir: Path | None = None
    device: str = "auto"
    compile: bool = False
    offline: bool = False
    ablate: bool | None = None  # None: when a claim of the recipe needs it


class Reporter(Protocol):
    """Where the trainer's words go."""

    def say(self, line: str) -> None: ...

    def progress(self, title: str, system: System) -> AbstractContextManager[Progress]: ...


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
    artifact: Artifact | None = None
    files: list[Path] = field(default_factory=list)
    already_complete: bool = False

    @property
    def met(self) -> bool:
        return met(self.verdicts)

    def to_json(self) -> dict[str, Any]:
        return {
            "figures": self.figures,
            "ablated": self.ablated,
            "verdicts": [v.to_json() for v in self.verdicts],
            "met": self.met,
            "train_seconds": round(self.train_seconds, 1),
            "ablation_seconds": round(self.ablation_seconds, 1),
            "seconds": round(self.seconds, 1),
        }


def create(recipe: Recipe) -> System:
    """The recipe's system with fresh weights, not attached to data yet."""
    topic = catalog.resolve(recipe.system)
    module = importlib.import_module(catalog.system_module(topic))
    config = module.Config.model_validate_json(json.dumps(recipe.model))
    torch.manual_seed(stable_seed(recipe.train.seed, "weights"))
    system: System = getattr(module, str(topic.system))(config)
    return system


def build(recipe: Recipe, options: Options, reporter: Reporter, parent: System | None = None) -> System:
    """The system of a recipe on its device with its data, weights freshly drawn from the recipe's seed."""
    device = distributed.join(choose_device(options.device), recipe.train.batch_size)
    set_threads(recipe.train.threads)
    train = recipe.train.model_copy(update={"precision": resolve_precision(recipe.train.precision, device)})
    source = data.load(
        recipe.data, data_dir=options.data_dir, device=device, seed=train.seed, offline=options.offline,
        say=reporter.say,
    )  # fmt: skip
    system = create(recipe)
    rank, world_size = distributed.rank(), distributed.world_size()
    system.attach(Setting(source, train, device, rank, world_size, parent))
    if options.compile:
        system.compile_training()
    return system


def load_system(
    run: RunFolder,
    options: Options,
    reporter: Reporter,
    overrides: list[str] | None = None,
    best: bool = False,
) -> System:
    """A run's system with its trained (averaged, where there are) weights, ready to sample.

    The weights are those of the newest checkpoint, which the run was judged by, or of the best.
    """
    recipe = recipes_module.resolve(str(run.path / "recipe.yaml"), overrides or [])
    parent, _ = load_parent(recipe, options, reporter, beside=run.path.parent)
    system = build(recipe, options, reporter, parent)
    path, skipped = checkpoint.newest_valid(run.checkpoints)
    found = checkpoint.read_best(run.checkpoints) if best else None
    if found is not None:
        path = checkpoint.path_of(run.checkpoints, found[0])
    for line in skipped:
        reporter.say(line)
    state = checkpoint.load(path)
    system.restore_shapes({n: tuple(t.shape) for n, t in state.weights.items()})
    system.load_state_dict(state.weights)
    if state.ema is not None:
        averaged = {n: t for n, t in state.ema.items() if not n.startswith("__")}
        system.load_state_dict(averaged, strict=False)
    return system.eval()


def load_parent(
    recipe: Recipe, options: Options, reporter: Reporter, beside: Path | None = None
) -> tuple[System | None, str | None]:
    """The trained system that a recipe builds on, and its run's name: found by hash, or trained now.

    Args:
        beside: A folder of runs that is searched too, where the child's own run stands.
    """
    parent = recipes_module.parent_of(recipe)
    if parent is None:
        return None, None
    wanted = recipes_module.recipe_hash(parent)
    found = None
    if distributed.is_main():
        folders = [beside, options.out] if beside else [options.out]
        found = next(filter(None, (run_folder.find_by_hash(folder, wanted) for folder in folders)), None)
    path = distributed.share(found.path if found else None)
    if path is None:
        reporter.say(f"{recipe.name} builds on {parent.name}, which is trained first (once)")
        run = execute(parent, options, reporter).run
        path = distributed.share(run.path if run else None)
    else:
        reporter.say(f"{recipe.name} builds on {path}")
    system = load_system(RunFolder(path), options, reporter)
    return system.requires_grad_(False), RunFolder(path).name


def execute(recipe: Recipe, options: Options, reporter: Reporter, resume: RunFolder | None = None) -> Outcome:
    """Train a recipe to its verdict; `resume` continues a run that was stopped."""
    began = time.perf_counter()
    if distributed.is_main():
        run_folder.require_writable(options.out)
    parent, parent_name = load_parent(recipe, options, reporter)
    system = build(recipe, options, reporter, parent)  # what cannot be built leaves no run folder behind
    run = None
    if distributed.is_main():
        run = resume or _new_run(recipe, options, reporter, parent_name)
    with run.lock() if run else nullcontext(), StopRequest() as stop, _failure_noted(run):
        if run is not None:
            run.clear_result()
        fitted = _train(system, recipe, reporter, run, stop)
        ablate = bool(recipe.ablate) and _wants_ablation(recipe, options)
        figures = _evaluate(system, fitted, reporter) if recipe.expect or ablate else {}
        ablated, ablation_seconds = None, 0.0
        if ablate:
            ablated, ablation_seconds = _ablate(recipe, options, reporter, run, stop, system, fitted)
        verdicts = judge(recipe.expect, figures, ablated)
        outcome = Outcome(run, figures, ablated, verdicts, fitted.seconds, ablation_seconds, 0.0)
        if run is not None:
            outcome.artifact, outcome.files = _show(system, fitted, run)
            outcome.seconds = time.perf_counter() - began
            run.write_result(outcome.to_json())
    return outcome


@contextmanager
def _failure_noted(run: RunFolder | None) -> Iterator[None]:
    """A run that diverged is marked as failed, so that nothing builds on it."""
    try:
        yield
    except DivergedError as error:
        if run is not None:
            run.write_result({"status": "failed", "error": error.what})
        raise


def _wants_ablation(recipe: Recipe, options: Options) -> bool:
    return recipes_module.needs_ablation(recipe) if options.ablate is None else options.ablate


def _new_run(recipe: Recipe, options: Options, reporter: Reporter, parent: str | None) -> RunFolder:
    """A fresh run folder with the resolved recipe and the environment in it."""
    own_file = recipe.name.endswith((".yaml", ".yml"))
    name = f"{recipe.system}/{Path(recipe.name).stem}" if own_file else recipe.name
    run = RunFolder.create(options.out, name, recipes_module.recipe_hash(recipe), parent)
    run.write_recipe(recipes_module.to_yaml(recipe))
    run.write_environment()
    reporter.say(f"run folder {run.path}")
    return run


def _subrun(run: RunFolder, name: str) -> RunFolder:
    """The folder of a run inside another one's."""
    inner = RunFolder(run.path / name)
    for folder in (inner.path, inner.samples, inner.checkpoints):
        folder.mkdir(exist_ok=True)
    return inner


def _train(
    system: System, recipe: Recipe, reporter: Reporter, run: RunFolder | None, stop: StopRequest
) -> Fitted:
    """Fit, continuing from the newest valid checkpoint of `run` if it has one."""
    start = _newest_state(run, reporter)
    name = recipe.name.removesuffix("-ablated")
    title = name if name == recipe.name else f"{name} without the idea"
    try:
        with reporter.progress(title, system) as progress:
            return fit(
                system, run=run, recipe_hash=recipes_module.recipe_hash(recipe), progress=progress,
                stop=stop, start=start,
            )  # fmt: skip
    except torch.OutOfMemoryError as error:
        half = max(1, recipe.train.batch_size // 2)
        raise EnvironmentFault(
            f"out of memory on {system.setting.device}: {str(error).splitlines()[0]}",
            f"use a smaller batch: --set train.batch_size={half}, or --device cpu",
        ) from error


def _newest_state(run: RunFolder | None, reporter: Reporter) -> checkpoint.TrainState | None:
    """Rank 0's newest valid checkpoint, on every rank; metrics after it are cut."""
    path = None
    if run is not None:
        checkpoint.clear_leftovers(run.checkpoints)
    if run is not None and any(run.checkpoints.glob("step-*")):
        path, skipped = checkpoint.newest_valid(run.checkpoints)
        for line in skipped:
            reporter.say(line)
    path = distributed.share(path)
    if path is None:
        if run is not None:
            run.cut_metrics_after(0)
        return None
    state = checkpoint.load(path)
    if run is not None:
        run.cut_metrics_after(state.step)
        checkpoint.discard_after(run.checkpoints, state.step)
        reporter.say(f"continuing {run.path} after step {state.step}")
    return state


def _evaluate(system: System, fitted: Fitted, reporter: Reporter) -> dict[str, float]:
    """Rank 0's figures, with the averaged weights where there are any, on every rank."""
    figures = None
    if distributed.is_main():
        reporter.say("evaluating on held-out data")
        with inference(system, fitted):
            figures = {name: float(value) for name, value in system.evaluate().items()}
    shared: dict[str, float] = distributed.share(figures)
    return shared


class inference:  # noqa: N801 - a context manager that reads as a verb
    """Averaged weights, no gradients, the run's number format."""

    def __init__(self, system: System, fitted: Fitted | None = None) -> None:
        setting = system.setting
        ema = fitted.ema if fitted is not None else None
        self._contexts: list[AbstractContextManager[object]] = [
            ema.applied(system) if ema is not None else nullcontext(),
            torch.no_grad(),
            autocast(setting.train.precision, setting.device),
        ]

    def __enter__(self) -> None:
        for context in self._contexts:
            context.__enter__()

    def __exit__(self, *details: Any) -> None:
        for context in reversed(self._contexts):
            context.__exit__(*details)


def _ablate(
    recipe: Recipe, options: Options, reporter: Reporter, run: RunFolder | None, stop: StopRequest,
    system: System, fitted: Fitted,
) -> tuple[dict[str, float], float]:  # fmt: skip
    """The figures without the idea: the same weights sampled otherwise, or the same run trained otherwise."""
    without = recipes_module.ablated(recipe)
    changes = ", ".join(f"{k} = {v}" for k, v in recipe.ablate.items())
    reporter.say(f"without the idea: {changes}")
    if not recipes_module.ablation_needs_training(recipe):
        own, system.config = system.config, type(system.config).model_validate_json(json.dumps(without.model))
        try:
            return _evaluate(system, fitted, reporter), 0.0
        finally:
            system.config = own
    folder = _subrun(run, ABLATION) if run is not None else None
    if folder is not None:
        folder.write_recipe(recipes_module.to_yaml(without))
    parent = system.setting.parent
    other = build(without, options, reporter, parent)
    other_fitted = _train(other, without, reporter, folder, stop)
    return _evaluate(other, other_fitted, reporter), other_fitted.seconds


def _show(system: System, fitted: Fitted, run: RunFolder) -> tuple[Artifact, list[Path]]:
    """Samples and the loss curve, as files of the run."""
    with inference(system, fitted):
        artifact = system.sample(SampleRequest(n=system.sample_count, seed=system.setting.train.seed))
    files = show.save(artifact, run.samples, "samples")
    curve = [show.save_loss_curve(run)] if fitted.step else []  # of a run that trains nothing there is none
    return artifact, [*files, *curve]
