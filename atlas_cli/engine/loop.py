"""The training loop: one plain function that knows a system only by its verbs."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import torch
from torch import Tensor

from atlas_cli.draws import stable_seed
from atlas_cli.engine import distributed
from atlas_cli.engine.descent import NotFinite, guard
from atlas_cli.engine.ema import Ema
from atlas_cli.engine.glimpses import Glimpses
from atlas_cli.engine.restoring import restore, restore_shapes
from atlas_cli.engine.signals import StopRequest
from atlas_cli.engine.system import Metrics, Optimizers, System
from atlas_cli.errors import DivergedError, InterruptedRun
from atlas_cli.nets import kernels
from atlas_cli.present.progress import Progress
from atlas_cli.recipe.model import TrainConfig
from atlas_cli.runs import checkpoint
from atlas_cli.runs.folder import RunFolder


@dataclass
class Fitted:
    """A trained system's state that does not live in its parameters."""

    step: int
    seconds: float  # spent training, over all resumes
    ema: Ema | None


def fit(
    system: System,
    *,
    run: RunFolder | None = None,
    recipe_hash: str = "",
    progress: Progress | None = None,
    stop: StopRequest | None = None,
    start: checkpoint.TrainState | None = None,
    glimpses: Glimpses | None = None,
    until: int | None = None,
) -> Fitted:
    """Train `system` for `train.steps` steps from `start`, or from scratch.

    Args:
        system: Attached to its setting; `setting.train` says how long and how fast.
        run: Where metrics and checkpoints go; None on ranks other than 0, and in tests.
        recipe_hash: Recorded in each checkpoint.
        progress: Told the metrics of each step.
        stop: Asked after each step whether a signal wants the run to end.
        start: The checkpoint to continue from.
        glimpses: Looks at what is learned now and then; None on ranks other than 0, and where nobody watches.
        until: End early at this step, as an interruption would (tests).

    Raises:
        DivergedError: a loss, a gradient or a weight that is NaN or infinite, on any rank. No optimizer has
            stepped on it and no checkpoint holds it.
        InterruptedRun: a signal came; the checkpoint of this step is on disk.
    """
    train, setting = system.setting.train, system.setting
    restore_shapes(system, start)  # before the optimizers, which hold the parameters of what has grown
    optimizers = system.optimizers()
    ema = Ema(system, train.ema) if train.ema and optimizers else None
    step, seconds = restore(system, optimizers, ema, start)
    _prepare(optimizers, train.grad_clip)
    save_every = train.checkpoint_every or math.ceil(train.steps / 5)
    window: list[float] = []

    def save(metrics: dict[str, float]) -> None:
        _require_finite_weights(system, ema, step, run)
        if run is not None:
            state = _snapshot(system, optimizers, ema, step, metrics | {"seconds": seconds}, recipe_hash)
            _keep(run, state, _best_metric(system, metrics, window))
            window.clear()

    system.train()
    if start is None:
        _look(glimpses, step, seconds, ema)
    while step < (until or train.steps):
        started = time.perf_counter()
        _set_learning_rates(optimizers, learning_rate_factor(step, train))
        torch.manual_seed(stable_seed(train.seed, "torch", step, setting.rank))
        metrics = _step(system, optimizers, step, run)
        if ema is not None:
            ema.update(system)
        figures = _to_floats(metrics)
        _require_finite(figures, step, run)
        step += 1
        seconds += time.perf_counter() - started
        window.append(figures.get("loss", math.nan))
        _report(run, progress, step, figures, seconds, train)
        _look(glimpses, step, seconds, ema)  # before the checkpoint: what comes before it stays on resume
        stopping = distributed.any_rank(stop is not None and stop.requested)
        if stopping or step % save_every == 0 or step == train.steps:
            save(figures)
        if stopping and step < train.steps:
            raise _interrupted(run, step, stop)
    if step == 0:  # nothing to train: the run is its parent's weights, and a checkpoint says that it is done
        save({})
    system.eval()
    return Fitted(step, seconds, ema)


def _prepare(optimizers: Optimizers, grad_clip: float) -> None:
    """Remember the full learning rates, which the schedule scales, and guard every step."""
    for optimizer in optimizers.values():
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        guard(optimizer, grad_clip)


def _look(glimpses: Glimpses | None, step: int, seconds: float, ema: Ema | None) -> None:
    if glimpses is not None:
        glimpses.look(step, seconds, ema)


def _step(system: System, optimizers: Optimizers, step: int, run: RunFolder | None) -> Metrics:
    try:
        return system.step(system.batch(step), optimizers)
    except NotFinite as found:
        raise _diverged(f"{found.name} is {found.value} at step {step}", run) from None


def _set_learning_rates(optimizers: Optimizers, factor: float) -> None:
    for optimizer in optimizers.values():
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor


def learning_rate_factor(step: int, train: TrainConfig) -> float:
    """Share of the full learning rate at a step: linear warm-up, a plateau, then decay to `final_lr`."""
    if step < train.warmup:
        return (step + 1) / train.warmup
    begin = max(train.warmup, round(train.decay_from * train.steps))
    if train.lr_schedule == "constant" or step < begin:
        return 1.0
    done = (step - begin) / max(1, train.steps - begin)  # 0 .. 1
    left = (1 + math.cos(math.pi * done)) / 2 if train.lr_schedule == "cosine" else 1 - done
    return train.final_lr + (1 - train.final_lr) * left


def _snapshot(
    system: System, optimizers: Optimizers, ema: Ema | None, step: int, metrics: dict[str, float],
    recipe_hash: str,
) -> checkpoint.TrainState:  # fmt: skip
    return checkpoint.TrainState(
        step=step,
        weights=system.state_dict(),
        ema=ema.state_dict() if ema is not None else None,
        optimizers={name: o.state_dict() for name, o in optimizers.items()},
        rng=checkpoint.capture_rng(),
        info={"metrics": metrics, "recipe_hash": recipe_hash, "kernels": dict(kernels.choices)},
    )


def _keep(run: RunFolder, state: checkpoint.TrainState, metric: float | None) -> None:
    """Save; note if it is the best so far; remove all but the newest three and the best."""
    checkpoint.save(run.checkpoints, state)
    if metric is not None:
        checkpoint.update_best(run.checkpoints, state.step, metric)
    best = checkpoint.read_best(run.checkpoints)
    kept = checkpoint.path_of(run.checkpoints, best[0]).name if best else None
    checkpoint.prune(run.checkpoints, best=kept)


def _best_metric(system: System, metrics: dict[str, float], window: list[float]) -> float | None:
    """The figure that ranks checkpoints, lower is better; the loss is averaged since the last one."""
    if system.best_by is None:
        return None
    if system.best_by == "loss" and window:
        return sum(window) / len(window)
    return metrics.get(system.best_by)


def _to_floats(metrics: Metrics) -> dict[str, float]:
    return {n: float(v.detach()) if isinstance(v, Tensor) else float(v) for n, v in metrics.items()}


def _require_finite(figures: dict[str, float], step: int, run: RunFolder | None) -> None:
    bad = next((n for n, v in figures.items() if not math.isfinite(v)), None)
    if distributed.any_rank(bad is not None):
        what = f"{bad} is {figures[bad]}" if bad else "a figure of another rank is not finite"
        raise _diverged(f"{what} at step {step}", run)


def _require_finite_weights(system: System, ema: Ema | None, step: int, run: RunFolder | None) -> None:
    bad = checkpoint.not_finite(system.state_dict())
    if bad is None and ema is not None:
        averaged = checkpoint.not_finite(ema.state_dict())
        bad = averaged and f"the average of {averaged}"
    if distributed.any_rank(bad is not None):
        raise _diverged(f"{bad or 'a weight of another rank'} is not finite after step {step}", run)


def _diverged(what: str, run: RunFolder | None) -> DivergedError:
    last = checkpoint.newest_step(run.checkpoints) if run is not None else None
    kept = (
        "nothing was saved"
        if last is None or run is None
        else f"step {last}, the last good one, is kept in {run.path}"
    )
    return DivergedError(
        f"{what}; {kept}",
        "try a smaller learning rate: --set train.lr=..., or clip: --set train.grad_clip=1",
    )


def _report(
    run: RunFolder | None, progress: Progress | None, step: int, figures: dict[str, float], seconds: float,
    train: TrainConfig,
) -> None:  # fmt: skip
    if step % train.log_every == 0 or step == train.steps:
        figures = distributed.mean_over_ranks(figures)
        if run is not None:
            run.append_metrics({"step": step, **figures, "seconds": round(seconds, 3)})
    if progress is not None:
        progress.update(step, figures, seconds)


def _interrupted(run: RunFolder | None, step: int, stop: StopRequest | None) -> InterruptedRun:
    code = stop.exit_code if stop is not None and stop.requested else 143
    name = run.reference if run is not None else "latest"
    what = f"stopped after step {step}; its checkpoint is written"
    return InterruptedRun(what, f"go on with: atlas train --resume {name}", code)
