"""The data sources by name. Importing this package imports neither torch nor pydantic."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from atlas_cli import paths
from atlas_cli.errors import UsageError

if TYPE_CHECKING:
    import torch
    from pydantic import ValidationError

    from atlas_cli.config import DataConfig
    from atlas_cli.data.images import ImageSource
    from atlas_cli.data.scenes import SceneSource
    from atlas_cli.data.tasks import SequenceSource
    from atlas_cli.data.text import TextSource
    from atlas_cli.data.toy2d import PointSource

    Source: TypeAlias = ImageSource | SceneSource | PointSource | SequenceSource | TextSource

#: Source -> "module.Class" of its config, below this package. The module's `load(config, place)` makes it.
SOURCES: dict[str, str] = {
    "strokes": "digits.StrokesConfig",
    "digits": "digits.DigitsConfig",
    "mnist": "torchvision.MnistConfig",
    "fashion_mnist": "torchvision.FashionMnistConfig",
    "cifar10": "torchvision.Cifar10Config",
    "shapes": "scenes.ShapesConfig",
    "text": "text.TextConfig",
    "toy2d": "toy2d.Toy2dConfig",
    "modes25": "toy2d.Modes25Config",
    "selective_copying": "tasks.SelectiveCopyingConfig",
    "induction_heads": "tasks.InductionHeadsConfig",
    "associative_recall": "tasks.AssociativeRecallConfig",
}


def _quiet(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class Place:
    """Where a source is loaded from and to.

    Attributes:
        data_dir: The folder of downloaded data sets.
        device: Where the data live, and where batches are made.
        seed: Seed of the held-out draws of generated sources.
        offline: Never touch the network.
        say: Receives progress messages, one line each.
    """

    data_dir: Path
    device: torch.device | str = "cpu"
    seed: int = 0
    offline: bool = False
    say: Callable[[str], None] = _quiet


def config_of(name: str) -> type[DataConfig]:
    """The config class of a source, read without importing torch.

    Raises:
        UsageError: there is no such source.
    """
    from atlas_cli.config import config_class

    stem, class_name = _entry(name)
    return config_class(f"atlas_cli.data.{stem}", class_name)


def load(
    data: dict[str, Any],
    *,
    data_dir: Path | None = None,
    device: torch.device | str = "cpu",
    seed: int = 0,
    offline: bool = False,
    say: Callable[[str], None] = _quiet,
) -> Source:
    """Load the source that a recipe's `data:` section describes: `name`, and fields of its config.

    Raises:
        UsageError: unknown source or bad field.
        DataError: a file is broken; it is named.
        EnvironmentFault: the data are not on disk and cannot be downloaded.
    """
    from pydantic import ValidationError

    fields = {key: value for key, value in data.items() if key != "name"}
    stem, class_name = _entry(data.get("name", ""))
    module = importlib.import_module(f"atlas_cli.data.{stem}")
    try:
        config = getattr(module, class_name).model_validate(fields)
    except ValidationError as error:
        raise _bad_fields(data["name"], error) from error
    place = Place(paths.data_dir(data_dir), device, seed, offline, say)
    source: Source = module.load(config, place)
    return source


def _entry(name: str) -> tuple[str, str]:
    if name not in SOURCES:
        near = difflib.get_close_matches(name, SOURCES, n=1)
        hint = f"did you mean {near[0]}?" if near else f"choose one of: {', '.join(SOURCES)}"
        raise UsageError(f"there is no data source {name!r}", hint)
    stem, _, class_name = SOURCES[name].partition(".")
    return stem, class_name


def _bad_fields(name: str, error: ValidationError) -> UsageError:
    details = [f"data.{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
    return UsageError(f"data source {name} does not take these fields", "correct the data: section", details)
