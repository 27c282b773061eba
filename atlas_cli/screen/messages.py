"""Messages to the person at the keyboard: on stderr, none with --quiet, only from the first rank."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from rich.text import Text

from atlas_cli import ranks
from atlas_cli.errors import AtlasError, InterruptedRun
from atlas_cli.screen import kept
from atlas_cli.screen.flags import flags


def say(line: str) -> None:
    """One line of progress or advice."""
    if flags.quiet or not ranks.speaks():
        return
    if flags.jsonl:
        write_event("message", text=line)
        return
    from atlas_cli.screen.terminal import err

    err.print(Text(line, "atlas.muted"), soft_wrap=True)


_hushed: ContextVar[bool] = ContextVar("_hushed", default=False)


@contextmanager
def hushed() -> Iterator[None]:
    """Inside, no bar is drawn: something else has the screen."""
    token = _hushed.set(True)
    try:
        yield
    finally:
        _hushed.reset(token)


def write_event(event: str, **fields: object) -> None:
    """One JSON object, on a line of stderr (`--log jsonl`), with the time in seconds since 1970."""
    import json
    import time

    from atlas_cli.screen.terminal import err

    err.file.write(json.dumps({"event": event, "time": round(time.time(), 3), **fields}) + "\n")
    err.file.flush()


Item = TypeVar("Item")


def steps(items: Sequence[Item], title: str) -> Iterable[Item]:
    """The items, with a bar on stderr while they are gone through, where someone sits before it."""
    from atlas_cli.screen.terminal import can_move, err

    still = flags.quiet or flags.jsonl or _hushed.get()
    if still or not can_move(err) or not ranks.speaks():
        return items
    from rich.progress import track

    return track(items, title, console=err, transient=True)


def next_command(command: str, why: str = "") -> None:
    """What is worth trying after a success."""
    if flags.quiet or not ranks.speaks():
        return
    from atlas_cli.screen.terminal import err

    if flags.jsonl:
        write_event("next", command=command, why=why)
        return
    text = Text.assemble(("next  ", "atlas.muted"), (command, "atlas.code"))
    whole = text + Text(f"  {why}", "atlas.muted") if why else text
    err.print(whole, soft_wrap=True)
    if (recorded := kept.recorded()) is not None:
        with err.capture() as capture:
            err.print(whole, soft_wrap=True)
        recorded.err.append(capture.get())


def print_error(error: AtlasError) -> None:
    """What is wrong, the findings if there are several, and the hint."""
    if flags.jsonl:
        write_event("error", error=error.what, hint=error.hint, details=error.details)
        return
    from atlas_cli.screen.terminal import err

    wished = isinstance(error, InterruptedRun)  # Ctrl-C is no fault
    label = ("ended  ", "atlas.muted") if wished else ("error  ", "atlas.bad")
    err.print(Text.assemble(label, error.what), soft_wrap=True)
    for detail in error.details:
        err.print(Text(f"       {detail}"), soft_wrap=True)
    err.print(Text.assemble(("hint   ", "atlas.good"), error.hint), soft_wrap=True)
