"""What `--format` and `--json` ask for together."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from atlas_cli.errors import UsageError

F = TypeVar("F", bound=StrEnum)


def asked(format: F | None, json: bool, as_json: F) -> F | None:
    """The format that the command line names, None where it names none.

    Args:
        format: What follows `--format`.
        json: Whether `--json` was given.
        as_json: What `--json` stands for.

    Raises:
        UsageError: they contradict each other.
    """
    if json and format not in (None, as_json):
        raise UsageError(
            f"--json and --format {format} ask for two different things", "leave one of them out"
        )
    return as_json if json else format
