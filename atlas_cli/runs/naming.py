"""What a run's folder is called, and whether it can be made."""

from __future__ import annotations

import os
import re
from pathlib import Path

from atlas_cli import paths
from atlas_cli.errors import EnvironmentFault, UsageError, quoted
from atlas_cli.runs.durable import write_fault

LONGEST = 100  # letters of a name or a tag


def numbered(root: Path, topic_recipe: str) -> Path:
    """A new folder <topic>-<recipe>-<n> with the next free number."""
    stem = re.sub(r"[^A-Za-z0-9_.]+", "-", topic_recipe.removesuffix(".yaml")).strip("-.") or "run"
    number = 1 + max((number_of(path.name, stem) for path in root.iterdir()), default=0)
    while True:
        path = root / f"{stem}-{number}"
        try:
            path.mkdir()  # atomic: of two processes one makes it, the other takes the next number
        except FileExistsError:
            number += 1
        except OSError as error:
            raise write_fault(error, path, 0) from error
        else:
            return path


def named(root: Path, name: str) -> Path:
    """A new folder of this name."""
    require_free(root, name)
    try:
        (root / name).mkdir()
    except OSError as error:
        raise write_fault(error, root / name, 0) from error
    return root / name


def require_free(root: Path, name: str, otherwise: str = "") -> None:
    """Refuse a run's name that is taken or cannot be typed as one.

    Args:
        root: The folder of the runs.
        name: What was typed.
        otherwise: What to do where it is taken; "": remove the other one.

    Raises:
        UsageError: it is.
    """
    require_name(name)
    if (root / name).exists():
        hint = otherwise or f"take another name, or: atlas run rm {name}"
        raise UsageError(f"there is a run {name!r} in {root} already", hint)


def require_name(name: str) -> None:
    """Refuse what cannot be typed as the name of a run.

    Raises:
        UsageError: it cannot.
    """
    require_short(name, "name of the run (--name)")
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name) or name == "latest":
        hint = "use letters, digits, dots, hyphens and underscores"
        raise UsageError(f"{quoted(name)} cannot be the name of a run", hint)


def require_short(text: str, of: str) -> None:
    """Refuse a name or a tag that no table has room for.

    Args:
        text: What was typed.
        of: What it is, with the option that gives it, for the message.

    Raises:
        UsageError: it is longer than LONGEST.
    """
    if len(text) > LONGEST:
        hint = f"use {LONGEST} letters at most"
        raise UsageError(f"the {of} {quoted(text)} is too long: {len(text):,} letters", hint)


def number_of(name: str, stem: str | None = None) -> int:
    """The n of <stem>-<n>, 0 for other names."""
    match = re.fullmatch(r"(.+)-(\d{1,9})", name)
    return int(match[2]) if match and stem in (None, match[1]) else 0


def require_writable(root: Path) -> None:
    """Make the folder of the runs if only itself is missing; refuse what cannot be written.

    Raises:
        EnvironmentFault: its parent is missing, it is a file, or it is read-only.
    """
    hint = "name a folder you may write to: --out FOLDER"
    paths.named(root, "folder of the runs (--out)")
    try:
        root.mkdir(exist_ok=True)
    except FileNotFoundError as error:
        raise EnvironmentFault(f"the folder {root.absolute().parent} does not exist", hint) from error
    except FileExistsError as error:
        raise EnvironmentFault(f"{root} is not a folder", hint) from error
    except OSError as error:
        raise EnvironmentFault(f"cannot make the folder {root}: {error.strerror}", hint) from error
    if not os.access(root, os.W_OK | os.X_OK):
        raise EnvironmentFault(f"the folder {root} is read-only", hint)
