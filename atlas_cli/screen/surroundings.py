"""What a command finds around it and what decides how it prints: asked of the system, without rich."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from atlas_cli import ranks
from atlas_cli.screen.flags import flags

#: What rich, and the atlas with it, looks at when it chooses colours, characters and columns.
VARIABLES = (
    "COLORTERM", "COLUMNS", "FORCE_COLOR", "JUPYTER_COLUMNS", "JUPYTER_LINES", "NO_COLOR", "TERM",
    "TTY_COMPATIBLE", "TTY_INTERACTIVE", "UNICODE_VERSION", "WT_SESSION",
)  # fmt: skip


def described() -> str:
    """All that changes how lines are printed, but for the height, which only decides about the pager."""
    variables = (f"{name}={os.environ[name]}" for name in VARIABLES if name in os.environ)
    streams = (_stream(stream) for stream in (sys.stdin, sys.stdout, sys.stderr))
    columns, _ = _size()
    switches = (flags.plain, flags.quiet, ranks.speaks())
    return "\n".join([*variables, *streams, str(columns), *map(str, switches), sys.platform])


def height() -> int:
    """Lines of the terminal, as rich counts them."""
    lines = os.environ.get("LINES", "")
    return (int(lines) if lines.isdigit() else _size()[1]) or 25


def _stream(stream: TextIO | None) -> str:
    if stream is None or stream.closed:
        return "closed"
    return f"{stream.isatty()} {getattr(stream, 'encoding', None)}"


def _size() -> tuple[int, int]:
    """Columns and lines of the first standard stream that is a terminal; zeros where none is."""
    for descriptor in (0, 1, 2):
        try:
            columns, lines = os.get_terminal_size(descriptor)
        except (AttributeError, ValueError, OSError):  # no terminal
            continue
        return columns, lines
    return 0, 0
