"""Places on disk: caches, data sets, runs, and the pages and recipes that ship with the package."""

from __future__ import annotations

import os
from pathlib import Path

from atlas_cli.errors import EnvironmentFault

_PACKAGE = Path(__file__).resolve().parent


def cache_dir() -> Path:
    """What can be made again: drawn data sets, judges, downloads. `ATLAS_HOME` overrides it.

    Raises:
        EnvironmentFault: there is no such home folder.
    """
    home = os.environ.get("ATLAS_HOME")
    if home:
        return _expanded(home, "ATLAS_HOME")
    import platformdirs  # here: most commands need no cache and start without it

    try:
        return platformdirs.user_cache_path("atlas-cli", appauthor=False)
    except RuntimeError as error:
        raise EnvironmentFault(
            "you have no home folder here, and ATLAS_HOME names none", "export ATLAS_HOME=FOLDER"
        ) from error


def _expanded(path: Path | str, named_by: str) -> Path:
    """The path with the home of the user that it begins with.

    Raises:
        EnvironmentFault: there is no such user, or no home.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        what = f"{named_by} is {str(path)!r}, and there is no such home folder"
        raise EnvironmentFault(what, f"name a folder: {named_by}=FOLDER") from error


def data_dir(chosen: Path | str | None = None) -> Path:
    """The folder of downloaded data sets: `--data-dir`, else `ATLAS_DATA`, else `data` in the cache."""
    folder = chosen or os.environ.get("ATLAS_DATA")
    return _expanded(folder, "--data-dir" if chosen else "ATLAS_DATA") if folder else cache_dir() / "data"


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
