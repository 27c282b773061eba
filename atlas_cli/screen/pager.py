"""Long texts through the reader's pager."""

from __future__ import annotations

import os
import sys

LESS = "-FRX -Psspace turns the page, q leaves?e (the end).$"
"""What less is told where the reader tells it nothing; a bare ":" does not say how to go on or away."""


def command() -> list[str] | None:
    """The pager that the environment names, less where it names none; None where it is not installed."""
    import shlex
    import shutil

    words = shlex.split(os.environ.get("ATLAS_PAGER", os.environ.get("PAGER", "less")))
    return words if words and shutil.which(words[0]) else None


def page(text: str) -> None:
    """Send text through the pager, or to stdout where there is none; less keeps colours and leaves the page
    on the screen.

    Raises:
        BrokenPipeError: there is no pager, and the reader of stdout has gone.
    """
    words = command()
    if words is None:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    import signal
    import subprocess

    environment = {**os.environ, "LESS": os.environ.get("LESS", LESS), "LESSCHARSET": "utf-8"}
    interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C belongs to the pager while it runs
    try:
        process = subprocess.Popen(words, stdin=subprocess.PIPE, env=environment)
        try:
            process.communicate(text.encode(sys.stdout.encoding or "utf-8", "atlas.lookalike"))
        except BrokenPipeError:
            process.wait()  # the reader quit before the end
    finally:
        signal.signal(signal.SIGINT, interrupt)
