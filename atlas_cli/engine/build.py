"""From a recipe to its system on its device: fresh weights, data attached, parents beside it."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from atlas_cli import catalog, data
from atlas_cli.config import PARENT
from atlas_cli.draws import stable_seed
from atlas_cli.engine import distributed, kernels
from atlas_cli.engine.device import (
    autocast,
    choose_device,
    require_compiler,
    resolve_precision,
    set_threads,
)
from atlas_cli.engine.ema import Ema
from atlas_cli.engine.memory import require_memory
from atlas_cli.engine.system import Deferred, Setting, System
from atlas_cli.present.reporter import Reporter
from atlas_cli.recipe.model import Recipe
from atlas_cli.runs.folder import Labels


@dataclass(frozen=True)
class Options:
    """What the command line adds to a recipe; none of it changes what is learned."""

    out: Path = field(default_factory=lambda: Path("runs"))
    data_dir: Path | None = None
    device: str = "auto"
    compile: bool = False
    offline: bool = False
    ablate: bool | None = None  # None: when a claim of the recipe needs it
    varied: bool = False  # measure the rows of `vary` as well
    watched: bool = False  # a person follows: samples and held-out figures while it trains
    weights_only: bool = False  # train, and neither judge nor show: another run wants the weights
    tensorboard: bool = False  # write event files while it trains
    labels: Labels = field(default_factory=Labels)  # what the user calls the run


def settled(recipe: Recipe, options: Options) -> Recipe:
    """The recipe with the number format that `auto` means on this device, its parents' likewise."""
    device = choose_device(options.device)
    return recipe.settled(lambda wanted: resolve_precision(wanted, device))


def create(recipe: Recipe) -> System:
    """The recipe's system with fresh weights, not attached to data yet."""
    topic = catalog.resolve(recipe.system)
    module = importlib.import_module(catalog.system_module(topic))
    config = module.Config.model_validate_json(json.dumps(recipe.model))
    torch.manual_seed(stable_seed(recipe.train.seed, "weights"))
    system: System = getattr(module, str(topic.system))(config)
    return system


class _NothingDrawn(TorchFunctionMode):
    """Weights without values are not filled; PyTorch would load its compiler for it, which takes seconds."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func.__name__ in ("normal_", "uniform_", "trunc_normal_"):
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


def build(
    recipe: Recipe, options: Options, reporter: Reporter, parents: Mapping[str, System] | None = None,
    later: Callable[[Any], None] | None = None,
) -> System:  # fmt: skip
    """The system of a recipe on its device with its data, weights freshly drawn from the recipe's seed.

    Args:
        recipe: Settled or not.
        options: Device, and where data are found.
        reporter: Told what is drawn or downloaded.
        parents: The trained systems that it builds on, by role.
        later: The data are opened when they are first asked for, and then shown to it; None: at once.
    """
    device = distributed.join(choose_device(options.device), recipe.train.batch_size)
    with torch.device("meta"), _NothingDrawn():  # shapes alone
        require_memory(recipe, create(recipe), device)
    set_threads(recipe.train.threads)
    kernels.remember()
    train = recipe.train.model_copy(update={"precision": resolve_precision(recipe.train.precision, device)})
    opening = partial(open_data, recipe, options, reporter, device)
    source = opening() if later is None else _deferred(recipe, opening, later)
    system = create(recipe)
    parents = parents or {}
    rank, world_size = distributed.rank(), distributed.world_size()
    system.attach(Setting(source, train, device, rank, world_size, parents.get(PARENT), parents))
    if options.compile:
        require_compiler()
        system.compile_training()
    return system


def _deferred(recipe: Recipe, opening: Callable[[], Any], later: Callable[[Any], None]) -> Deferred:
    def opened() -> Any:
        source = opening()
        later(source)
        return source

    return Deferred(data.config_of(recipe.data["name"]).kind, opened)


def open_data(
    recipe: Recipe, options: Options, reporter: Reporter, device: torch.device | None = None
) -> Any:
    """The data source of a recipe."""
    return data.load(
        recipe.data, data_dir=options.data_dir, device=device or choose_device(options.device),
        seed=recipe.train.seed, offline=options.offline, say=reporter.say,
    )  # fmt: skip


def fingerprint(source: Any) -> str:
    """16 hex digits of what a source holds; "" where its recipe says all, as of tasks made on the spot."""
    return str(getattr(source, "checksum", ""))[:16]


@contextmanager
def inference(system: System, ema: Ema | None = None) -> Iterator[None]:
    """Averaged weights, no gradients, the run's number format."""
    setting = system.setting
    averaged = ema.applied(system) if ema is not None else nullcontext()
    with averaged, torch.no_grad(), autocast(setting.train.precision, setting.device):
        yield
