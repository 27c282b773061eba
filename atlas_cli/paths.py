"""Places on disk: caches, data sets, runs, and the pages and recipes that ship with the package."""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def cache_dir() -> Path:
    """What can be made again: drawn data sets, judges, downloads. `ATLAS_HOME` overrides it."""
    home = os.environ.get("ATLAS_HOME")
    if home:
        return Path(home).expanduser()
    import platformdirs  # here: most commands need no cache and start without it

    return platformdirs.user_cache_path("atlas-cli", appauthor=False)


def data_dir(chosen: Path | str | None = None) -> Path:
    """The folder of downloaded data sets: `--data-dir`, else `ATLAS_DATA`, else `data` in the cache."""
    folder = chosen or os.environ.get("ATLAS_DATA")
    return Path(folder).expanduser() if folder else cache_dir() / "data"


def runs_dir() -> Path:
    """Where training runs are kept: `runs` in the working folder."""
    return Path("runs")


def content_dir() -> Path:
    """The folder of the pages, in a checkout and in an installed wheel alike."""
    return _shipped("content")


def recipes_dir() -> Path:
    """The folder of the recipes, in a checkout and in an installed wheel alike."""
    return _shipped("recipes")


def _shipped(name: str) -> Path:
    installed = _PACKAGE / f"_{name}"
    return installed if installed.is_dir() else _PACKAGE.parent / name
