"""Going on from a checkpoint: whether it fits the system, and putting it in place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from atlas_cli.engine.ema import Ema
from atlas_cli.engine.system import Optimizers, System
from atlas_cli.errors import DataError, UsageError
from atlas_cli.nets import kernels
from atlas_cli.runs import checkpoint
from atlas_cli.runs.checkpoint import TrainState


def restore_shapes(system: System, start: TrainState | None) -> None:
    """Give the parameters the shapes of the checkpoint: they may grow and shrink while a system trains."""
    if start is not None:
        system.restore_shapes({n: tuple(t.shape) for n, t in start.weights.items()})


def restore(
    system: System, optimizers: Optimizers, ema: Ema | None, start: TrainState | None
) -> tuple[int, float]:
    """Put a checkpoint in place; returns the steps done and the seconds that they took.

    The settings of the optimizers stay those of the recipe, which a resume may have changed.

    Raises:
        UsageError: the recipe asks for other optimizers or averaged weights.
    """
    if start is None:
        return 0, 0.0
    if start.optimizers.keys() != optimizers.keys() or (start.ema is None) != (ema is None):
        raise UsageError(
            "the checkpoint has other optimizers or averaged weights than the recipe asks for",
            "resume with the recipe of the run: leave train.ema as it was",
        )
    system.load_state_dict(start.weights)
    for name, optimizer in optimizers.items():
        own = [_settings(group) for group in optimizer.param_groups]
        optimizer.load_state_dict(start.optimizers[name])
        for group, settings in zip(optimizer.param_groups, own, strict=True):
            group.update(settings)
            group["initial_lr"] = group["lr"]
    if ema is not None and start.ema is not None:
        ema.load_state_dict(start.ema)
    checkpoint.restore_rng(start.rng)
    kernels.choices.update(start.info.get("kernels", {}))  # others round differently
    return start.step, float(start.info.get("metrics", {}).get("seconds", 0.0))


def require_fitting(system: System, path: Path, state: TrainState) -> None:
    """Raise a DataError where the optimizers of a checkpoint cannot be those of this system.

    Its hashes may be right and its values wrong all the same; torch would notice in the middle of a step.
    """
    restore_shapes(system, state)
    for name, optimizer in system.optimizers().items():
        if name not in state.optimizers:
            continue  # another recipe's, which `restore` says in its own words
        what = _misfit(optimizer, state.optimizers[name])
        if what is not None:
            raise DataError(f"{path / 'state.json'} holds no state of the optimizer {name}: {what}", "")


def _settings(group: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in group.items() if name != "params"}


def _misfit(optimizer: torch.optim.Optimizer, saved: Any) -> str | None:
    """What a saved state has that this optimizer has not, or the other way round."""
    groups = saved.get("param_groups") if isinstance(saved, dict) else None
    if not isinstance(groups, list) or len(groups) != len(optimizer.param_groups):
        return "it has other groups of parameters"
    for own, other in zip(optimizer.param_groups, groups, strict=True):
        if not isinstance(other, dict) or not isinstance(other.get("params"), list):
            return "a group of parameters is none"
        if len(own["params"]) != len(other["params"]):
            return f"a group of {len(own['params'])} parameters has {len(other['params'])}"
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    places = [place for group in groups for place in group["params"]]
    return _misfit_moments(dict(zip(places, parameters, strict=True)), saved.get("state"))


def _misfit_moments(parameters: Mapping[int, Tensor], moments: Any) -> str | None:
    """Moments stand for one parameter each: of its shape, or one number."""
    if not isinstance(moments, dict):
        return "it has no moments"
    for place, values in moments.items():
        if place not in parameters or not isinstance(values, dict):
            return f"moments of a parameter {place}, which there is not"
        for name, value in values.items():
            if not isinstance(value, Tensor):
                return f"{name} is no tensor"
            if value.numel() != 1 and value.shape != parameters[place].shape:
                return f"{name} has the shape {list(value.shape)}"
            if value.isnan().any():
                return f"{name} holds NaN"
    return None
