"""The data sources, found by their files. Importing this package imports neither torch nor pydantic."""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from atlas_cli import paths
from atlas_cli.errors import MOST_LETTERS, UsageError, cut, quoted

if TYPE_CHECKING:
    import torch
    from pydantic import ValidationError

    from atlas_cli.config import DataConfig

_CONFIG = re.compile(r"^class (\w+)Config\(\w*Config\):", re.MULTILINE)
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")  # where fashionMnist becomes fashion_mnist


class Entry(NamedTuple):
    """Where a source is: a module of this package, whose `load(config, place)` makes it, and its config."""

    module: str
    config: str


@cache
def sources() -> dict[str, Entry]:
    """Source -> where it is. A class `FashionMnistConfig` in any file of this package is `fashion_mnist`.

    The files are read, not imported: recipes are checked without torch.

    Raises:
        LookupError: two files hold a source of one name.
    """
    found: dict[str, Entry] = {}
    for folder in __path__:
        for path in sorted(Path(folder).glob("*.py")):
            for stem in _CONFIG.findall(path.read_text(encoding="utf-8")):
                name, entry = _WORD.sub("_", stem).lower(), Entry(f"{__name__}.{path.stem}", f"{stem}Config")
                if name in found:
                    raise LookupError(f"{entry.module} and {found[name].module} both hold the source {name}")
                found[name] = entry
    return found


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

    return config_class(*_entry(name))


def load(
    data: dict[str, Any],
    *,
    data_dir: Path | None = None,
    device: torch.device | str = "cpu",
    seed: int = 0,
    offline: bool = False,
    say: Callable[[str], None] = _quiet,
) -> Any:
    """Load the source that a recipe's `data:` section describes: `name`, and fields of its config.

    What comes is the kind's own: an ImageSource, a TextSource ...

    Raises:
        UsageError: unknown source or bad field.
        DataError: a file is broken; it is named.
        EnvironmentFault: the data are not on disk and cannot be downloaded.
    """
    from pydantic import ValidationError

    fields = {key: value for key, value in data.items() if key != "name"}
    entry = _entry(data.get("name", ""))
    module = importlib.import_module(entry.module)
    try:
        config = getattr(module, entry.config).model_validate(fields)
    except ValidationError as error:
        raise _bad_fields(data["name"], error) from error
    place = Place(paths.data_dir(data_dir), device, seed, offline, say)
    return module.load(config, place)


def _entry(name: str) -> Entry:
    known = sources()
    if name not in known:
        near = difflib.get_close_matches(name[:MOST_LETTERS], known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"choose one of: {', '.join(known)}"
        raise UsageError(f"there is no data source {quoted(name)}", hint)
    return known[name]


def _bad_fields(name: str, error: ValidationError) -> UsageError:
    details = [f"data.{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
    return UsageError(
        f"data source {name} does not take these fields", "correct the data: section", cut(details)
    )
