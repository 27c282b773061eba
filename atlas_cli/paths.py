"""Places on disk: caches, data sets, runs, what was learned, and the pages and recipes that are shipped."""

from __future__ import annotations

import os
from pathlib import Path

from atlas_cli.errors import EnvironmentFault, UsageError, quoted

_LONGEST_NAME, _LONGEST_PATH = 255, 4095  # bytes, on every system that the atlas runs on at most
_PACKAGE = Path(__file__).resolve().parent


class NoHome(EnvironmentFault):
    """Nobody says where caches go: whatever can do without them does."""


def cache_dir() -> Path:
    """What can be made again: drawn data sets, judges, downloads. `ATLAS_HOME` overrides it.

    Raises:
        NoHome: the user has no home folder, and ATLAS_HOME names none.
        EnvironmentFault: ATLAS_HOME names a home folder that is none.
    """
    return _of_user("user_cache_path")


def state_dir() -> Path:
    """What cannot be made again: what the user has learned. `ATLAS_HOME` overrides it.

    Raises:
        As `cache_dir` does.
    """
    return _of_user("user_data_path")


def _of_user(kind: str) -> Path:
    home = os.environ.get("ATLAS_HOME")
    if home:
        return _expanded(home, "ATLAS_HOME")
    import platformdirs  # here: most commands need no such place and start without it

    try:
        path: Path = getattr(platformdirs, kind)("atlas-cli", appauthor=False)
        return path
    except RuntimeError as error:
        raise NoHome(
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
    return named(folder, "data folder") if folder else cache_dir() / "data"


def named(text: str | Path, of: str = "path") -> Path:
    """A path that a user wrote, `~` at home, in a form that the system takes.

    Args:
        text: What was written.
        of: What it is, for the message.

    Raises:
        UsageError: it can be the name of no file: too long, or with a character that no name may hold.
    """
    try:
        path = Path(text).expanduser()
        parts, whole = [os.fsencode(part) for part in path.parts], os.fsencode(path)
    except (RuntimeError, UnicodeEncodeError, ValueError) as error:
        raise UsageError(f"the {of} {quoted(str(text))} cannot be read", "name it in full") from error
    if b"\0" in whole:
        raise UsageError(f"the {of} {quoted(str(text))} holds a zero byte", "no name may hold it")
    if len(whole) > _LONGEST_PATH or max(map(len, parts), default=0) > _LONGEST_NAME:
        raise UsageError(
            f"the {of} {quoted(str(text))} is too long: {len(whole):,} bytes", "name it in fewer"
        )
    return path


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
