"""Files and folders that a user names: a name that no system takes is refused before any work."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from atlas_cli import files, paths
from atlas_cli.errors import EnvironmentFault, UsageError


def place(of: str) -> Callable[[Path | None], Path | None]:
    """The callback of an option or argument that names a place.

    Args:
        of: What it is, with the option that names it, for the message.
    """

    def taken(value: Path | None) -> Path | None:
        return None if value is None else paths.named(value, of)

    return taken


Runs = Annotated[
    Path, typer.Option("--out", help="Folder of the runs.", callback=place("folder of the runs (--out)"))
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", help="Folder of downloaded data sets.", callback=place("data folder (--data-dir)")
    ),
]


def refuse_existing(file: Path, force: bool) -> None:
    """Before the work that makes what is written to a file.

    Raises:
        UsageError: it is there, and is not to be replaced, or cannot be.
    """
    if file.is_dir():
        raise UsageError(f"{file} is a folder", "name a file")
    if not force and file.exists():
        raise _there(file)


def write(file: Path, content: bytes, force: bool) -> None:
    """Write a new file, or with `force` replace one; its readers see the whole of it or nothing.

    Raises:
        UsageError: it is there, and is not to be replaced.
        EnvironmentFault: it cannot be written.
    """
    taken = False
    try:
        if not force:
            file.open("xb").close()
            taken = True
        files.put(os.path.realpath(file), content)
    except FileExistsError as error:
        raise _there(file) from error
    except OSError as error:
        if taken:
            file.unlink(missing_ok=True)
        if isinstance(error, FileNotFoundError):
            raise EnvironmentFault(f"there is no folder {file.parent}", f"mkdir -p {file.parent}") from error
        what = f"cannot write {file}: {os.strerror(error.errno or 0)}"
        raise EnvironmentFault(what, "name a file that you may write") from error


def _there(file: Path) -> UsageError:
    return UsageError(f"{file} exists already", "add --force to replace it, or name another file")
