"""One arm of a comparison: trained from where it stands, and evaluated.

A run has at least one. `ablate:` adds the arm without the idea, and each row of `vary:` one more; all of them
see the same data, seed and parents, and differ in what the recipe says.
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial

import torch

from atlas_cli.engine import distributed
from atlas_cli.engine.announcing import announced
from atlas_cli.engine.build import Options, build, inference
from atlas_cli.engine.glimpses import Glimpses
from atlas_cli.engine.loop import Fitted, fit
from atlas_cli.engine.restoring import require_fitting
from atlas_cli.engine.signals import StopRequest
from atlas_cli.engine.system import System
from atlas_cli.errors import EnvironmentFault, is_out_of_memory
from atlas_cli.present import board
from atlas_cli.present.progress import Progress, Training
from atlas_cli.present.reporter import Reporter
from atlas_cli.recipe.model import Recipe
from atlas_cli.recipe.text import to_yaml
from atlas_cli.runs import checkpoint
from atlas_cli.runs.folder import RunFolder


@dataclass(frozen=True)
class Arms:
    """What is compared with a trained run."""

    system: System
    fitted: Fitted
    options: Options
    reporter: Reporter
    run: RunFolder | None  # None on ranks other than 0
    stop: StopRequest

    def figures(self, arm: Recipe, folder: str, trains: bool) -> tuple[dict[str, float], float]:
        """The figures of an arm: the same weights sampled otherwise, or the same run trained otherwise.

        Args:
            arm: Its recipe.
            folder: Of its run, inside the run's own.
            trains: Whether it needs weights of its own.

        Returns:
            The figures, and the seconds in its training loop.
        """
        if not trains:
            own = self.system.config
            self.system.config = type(own).model_validate_json(json.dumps(arm.model))
            try:
                return evaluated(self.system, self.fitted, self.reporter), 0.0
            finally:
                self.system.config = own
        run = _subrun(self.run, folder) if self.run is not None else None
        if run is not None:
            run.write_recipe(to_yaml(arm))
        other = build(arm, self.options, self.reporter, self.system.setting.parents)
        fitted = trained(other, arm, self.options, self.reporter, run, self.stop)
        return evaluated(other, fitted, self.reporter), fitted.seconds


def trained(
    system: System, recipe: Recipe, options: Options, reporter: Reporter, run: RunFolder | None,
    stop: StopRequest,
) -> Fitted:  # fmt: skip
    """Fit, continuing from the newest valid checkpoint of `run` if it has one.

    Raises:
        DivergedError, InterruptedRun: as `fit`.
        EnvironmentFault: the device has no memory for a step.
    """
    start = _newest_state(run, reporter, system)
    training = announced(system, recipe, options, run)
    if options.tensorboard and run is not None and run.name == run.resume_name:
        reporter.say(f"curves in a browser: tensorboard --logdir {board.place(run).parent}")
    try:
        with (
            reporter.progress(training) as shown,
            _logged(shown, training, recipe, options, run) as progress,
            stop.between_steps(),
        ):
            watched = Glimpses(system, run, progress) if options.watched and run is not None else None
            return fit(
                system, run=run, recipe_hash=recipe.hash, progress=progress,
                stop=stop, start=start, glimpses=watched,
            )  # fmt: skip
    except (RuntimeError, MemoryError) as error:
        if not isinstance(error, torch.OutOfMemoryError) and not is_out_of_memory(error):
            raise
        half = max(1, recipe.train.batch_size // 2)
        raise EnvironmentFault(
            f"out of memory on {system.setting.device}: {str(error).splitlines()[0]}",
            f"use a smaller batch: --set train.batch_size={half}, or --device cpu",
        ) from error


def _logged(
    progress: Progress, training: Training, recipe: Recipe, options: Options, run: RunFolder | None
) -> AbstractContextManager[Progress]:
    """The progress, which on rank 0 writes for TensorBoard as well where that is wanted."""
    if run is None or not options.tensorboard:
        return nullcontext(progress)
    return board.logged(progress, training, board.place(run), recipe.train.log_every)


def _newest_state(run: RunFolder | None, reporter: Reporter, system: System) -> checkpoint.TrainState | None:
    """Rank 0's newest valid checkpoint, on every rank; metrics after it are cut."""
    path = None
    if run is not None:
        checkpoint.clear_leftovers(run.checkpoints)
    if run is not None and any(run.checkpoints.glob("step-*")):
        path, skipped = checkpoint.newest_valid(run.checkpoints, partial(require_fitting, system))
        for line in skipped:
            reporter.say(line)
    path = distributed.share(path)
    if path is None:
        if run is not None:
            run.cut_metrics_after(-1)  # what was seen before the first step is seen again
        return None
    state = checkpoint.load(path)
    if run is not None:
        run.cut_metrics_after(state.step)
        checkpoint.discard_after(run.checkpoints, state.step)
        reporter.say(f"continuing {run.path} after step {state.step}")
    return state


def evaluated(system: System, fitted: Fitted, reporter: Reporter) -> dict[str, float]:
    """Rank 0's figures, with the averaged weights where there are any, on every rank."""
    figures = None
    if distributed.is_main():
        with reporter.phase("evaluating on held-out data"), inference(system, fitted.ema):
            figures = {name: float(value) for name, value in system.evaluate().items()}
    shared: dict[str, float] = distributed.share(figures)
    return shared


def _subrun(run: RunFolder, name: str) -> RunFolder:
    """The folder of a run inside another one's."""
    inner = RunFolder(run.path / name)
    for folder in (inner.path, inner.samples, inner.checkpoints):
        folder.mkdir(exist_ok=True)
    return inner
