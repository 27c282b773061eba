"""`--dry-run`: the resolved recipe, its parameters, and what a few real steps say it will cost."""

from __future__ import annotations

import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from rich.text import Text

from atlas_cli.engine.device import autocast
from atlas_cli.engine.system import System
from atlas_cli.engine.trainer import Options, build, load_parent
from atlas_cli.present.progress import clock
from atlas_cli.present.reporter import SilentReporter
from atlas_cli.recipe import recipes as recipes_module
from atlas_cli.recipe.recipes import Recipe
from atlas_cli.screen.terminal import emit_json, out

WARMUP_STEPS, TIMED_SECONDS, CHECKPOINTS = 2, 2.0, 4


@dataclass(frozen=True)
class Estimate:
    """What a run will cost here."""

    parameters: int
    steps: int
    seconds_a_step: float  # median of the steps timed now, on this machine
    train_seconds: float
    ablation_seconds: float
    disk_bytes: int  # the newest three checkpoints and the best
    disk_free_bytes: int


def estimate(recipe: Recipe, options: Options) -> Estimate:
    """Build the system and time real steps for about two seconds."""
    system = build(recipe, options, SilentReporter(), load_parent(recipe, options, SilentReporter())[0])
    a_step = _seconds_a_step(system)
    ablate = recipe.ablate and recipes_module.ablation_needs_training(recipe)
    weights = sum(p.numel() * p.element_size() for p in system.parameters())
    copies = 3 + bool(recipe.train.ema)  # weights, two moments of Adam, the average
    folder = options.out if options.out.is_dir() else Path()
    return Estimate(
        parameters=sum(p.numel() for p in system.parameters()),
        steps=recipe.train.steps,
        seconds_a_step=a_step,
        train_seconds=a_step * recipe.train.steps,
        ablation_seconds=a_step * recipe.train.steps if ablate else 0.0,
        disk_bytes=CHECKPOINTS * copies * weights,
        disk_free_bytes=shutil.disk_usage(folder).free,
    )


def _seconds_a_step(system: System) -> float:
    optimizers, train = system.optimizers(), system.setting.train
    if train.steps == 0:
        return 0.0
    times: list[float] = []
    step, end = 0, time.perf_counter() + TIMED_SECONDS
    while step < WARMUP_STEPS + 1 or (time.perf_counter() < end and step < train.steps):
        began = time.perf_counter()
        with autocast(train.precision, system.setting.device):
            system.step(system.batch(step), optimizers)
        times.append(time.perf_counter() - began)
        step += 1
    return float(torch.tensor(times[WARMUP_STEPS:]).median())


def print_estimate(recipe: Recipe, options: Options, json: bool) -> None:
    """Show the resolved recipe and the estimate."""
    cost = estimate(recipe, options)
    if json:
        emit_json({"recipe": recipe.model_dump(mode="json"), "estimate": asdict(cost)})
        return
    out.print(recipes_module.to_yaml(recipe), highlight=False, markup=False, soft_wrap=True)
    lines = [
        f"parameters  {cost.parameters:,}",
        f"steps       {cost.steps:,} at {cost.seconds_a_step * 1000:.0f} ms",
        f"training    about {clock(cost.train_seconds)}"
        + (f", and {clock(cost.ablation_seconds)} without the idea" if cost.ablation_seconds else ""),
        f"disk        {cost.disk_bytes / 1e6:,.0f} MB of {cost.disk_free_bytes / 1e9:,.0f} GB free",
    ]
    for line in lines:
        out.print(Text(line), soft_wrap=True)
