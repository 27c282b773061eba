"""Files that a user asks for by name: written whole or not at all."""

from __future__ import annotations

from pathlib import Path


def write(path: Path, text: str, option: str = "--out FILE") -> None:
    """Write a text file in UTF-8, over one that is there.

    Args:
        path: The file.
        text: What it shall hold.
        option: How another one is named, for the hint.

    Raises:
        EnvironmentFault: it cannot be written; what was there is there still.
    """
    from atlas_cli import files
    from atlas_cli.runs.durable import write_fault

    data = text.encode("utf-8", "backslashreplace")
    try:
        files.put(str(path), data)
    except OSError as error:
        raise write_fault(error, path, len(data), f"name another file: {option}") from error
