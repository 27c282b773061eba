"""Which of several processes this one is, as torchrun and `--devices` announce it in the environment.

Schedulers leave RANK or WORLD_SIZE behind on their own; only all four of torchrun's variables together
announce a group.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import NoReturn

from atlas_cli.errors import UsageError

ANNOUNCED_BY = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
LAUNCHER = "ATLAS_LAUNCHER"  # tells the ranks of `--devices` which process started them
_LARGEST = 1 << 20  # processes


def announced() -> bool:
    """Whether the environment makes this process one of a group."""
    return all(os.environ.get(name) for name in ANNOUNCED_BY)


def rank() -> int:
    """The number of this process, from 0.

    Raises:
        UsageError: the group that is announced cannot be.
    """
    return _number("RANK", 0, world_size() - 1) if announced() else 0


def world_size() -> int:
    """How many processes share the work; 1 outside a group.

    Raises:
        UsageError: as `rank` does.
    """
    return _number("WORLD_SIZE", 1, _LARGEST) if announced() else 1


def local_rank() -> int:
    """The number of this process among those of this machine."""
    return _number("LOCAL_RANK", 0, _LARGEST, 0) if announced() else 0


def local_world_size() -> int:
    """How many processes of the group run on this machine."""
    return _number("LOCAL_WORLD_SIZE", 1, _LARGEST, 1) if announced() else 1


def cores() -> int:
    """Cores that this process may use; asking changes nothing."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def require_sound() -> None:
    """Look at all that is announced.

    Raises:
        UsageError: something of it cannot be.
    """
    if announced():
        rank(), local_rank(), local_world_size()
        _number("MASTER_PORT", 0, 65535)


def launcher() -> int | None:
    """The id of the `atlas train --devices` that started this rank; None where none did."""
    text = os.environ.get(LAUNCHER, "")
    return int(text) if text.isdigit() and announced() else None


def speaks() -> bool:
    """Whether this process prints: the first of a group, and every process that is in none."""
    try:
        return rank() == 0
    except UsageError:  # which has to be said
        return True


def _number(name: str, least: int, most: int, otherwise: int | None = None) -> int:
    text = os.environ.get(name) or str(otherwise)
    if text.isascii() and text.isdigit() and least <= int(text[:20]) <= most:
        return int(text)
    raise UsageError(
        f"{name} is {text!r} in the environment, and it has to be a number from {least} to {most}",
        f"start the group with torchrun, or without one: unset {' '.join(ANNOUNCED_BY)}",
    )


def end(code: int) -> NoReturn:
    """End a process of a group with its exit code, whatever the threads that carried its messages still do.

    While the interpreter is taken down they may call `std::terminate`, and a run that was saved and
    explained would end with SIGABRT.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # closed, or its reader has gone
            stream.flush()
    os._exit(code)
