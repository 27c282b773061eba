"""Opening the interactive view: whether this is a terminal, what to open, and where it was left.

textual is imported here and nowhere before, once there is a terminal to use it on.
"""

from __future__ import annotations

import gc
import os
import shlex
import sys
from collections.abc import Sequence

from atlas_cli import catalog
from atlas_cli.diagrams import gallery
from atlas_cli.diagrams.frames import Explorable
from atlas_cli.diagrams.model import Diagram
from atlas_cli.errors import UsageError


def turn(shown: Diagram | Explorable, given: Sequence[str], step: int | None, command: str) -> str:
    """Open the interactive view, and give the command that prints what it showed when it was left.

    Args:
        shown: A stepped diagram or an explorable.
        given: Settings of an explorable's knobs, "gate=0.5".
        step: The step of a stepped diagram that is shown first.
        command: What to type before `--set` and `--step`.

    Raises:
        UsageError: a setting is none, or this is no terminal.
        KeyboardInterrupt: Ctrl-C.
    """
    setting = None
    if not isinstance(shown, Diagram):
        setting = gallery.setting(shown, given, command)
        shown = gallery.with_own(shown, setting)
    _check_terminal(command)
    from atlas_cli.diagrams.app import app, views
    from atlas_cli.screen.terminal import ascii_only, out

    view = views.view_of(shown, catalog.resolve(shown.topics[0]), setting, step)
    look = views.Look(ascii_only(), out.color_system is not None)
    gc.enable()  # a start goes without; hours of turning do not
    left = app.DiagramApp(view, look).to_the_end()
    if isinstance(shown, Diagram):
        return f"{command} --step {left['step']}"
    turned = [f"{name}={value}" for name, value in left.items() if value != shown.defaults[name]]
    return " ".join([command, *(f"--set {shlex.quote(each)}" for each in turned)])


def _check_terminal(command: str) -> None:
    # textual reads from stdin and writes to stderr; who redirects stdout wants the text
    streams = (sys.stdin, sys.stdout, sys.__stderr__)
    if os.environ.get("TERM") == "dumb" or not all(stream and stream.isatty() for stream in streams):
        raise UsageError("-i needs a terminal and its keyboard", f"{command}  prints the diagram")
