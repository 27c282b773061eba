"""What a command printed, kept for the next time that the same is asked for on a terminal like this one.

`replay` prints it again without composing it; `recording` keeps it for then. What is kept is what the streams
carried, character for character, so that printing it again needs no rich, no Markdown and no YAML. It holds
for one request, in one state of the atlas (shelf.atlas_mark), in one kind of surroundings; a command whose
output depends on more, such as the runs in ./runs, says so in its request.

Only a process that the command line started keeps anything (`use`): within a program that calls a command,
consoles may be other than what the system says.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from atlas_cli import documents, shelf
from atlas_cli.screen import streams, surroundings
from atlas_cli.screen.flags import flags


class _State:
    """Whether anything is kept here, and what is being recorded."""

    used = False
    recorded: Recorded | None = None


class Recorded:
    """What was printed so far."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.err: list[str] = []
        self.pages = False
        self.note: Any = None


class Shown(NamedTuple):
    """What was printed again, by what the command that printed it first noted of it."""

    note: Any


class Request(NamedTuple):
    """What was asked for, and the state of all that the answer depends on."""

    slot: str
    mark: str


def use() -> None:
    """Keep what is printed from now on: this process is the command line."""
    _State.used = True


def request(*asked: object, also: str = "") -> Request | None:
    """What is asked for, as a key; None where nothing is kept.

    Args:
        asked: Command, arguments and options that change what is printed.
        also: What the answer depends on beside the atlas's files and the terminal.
    """
    if not _State.used:
        return None
    return Request(f"{asked!r}\n{surroundings.described()}", f"{shelf.atlas_mark()}\n{also}")


def replay(asked: Request | None) -> Shown | None:
    """Print what was printed before, if it was; None where it was not.

    Raises:
        BrokenPipeError: the reader has gone.
    """
    answer = shelf.get(asked.slot, asked.mark) if asked else None
    if answer is None:
        return None
    if flags.plain:
        sys.stdout.reconfigure(encoding="ascii")  # type: ignore[union-attr]
        sys.stderr.reconfigure(encoding="ascii")  # type: ignore[union-attr]
    text, said = answer["out"], answer["err"]
    if answer["pages"] and text.count("\n") >= surroundings.height():
        from atlas_cli.screen import pager

        pager.page(text)
    else:
        sys.stdout.write(text)
        sys.stdout.flush()
    if said:
        _say(said)
    return Shown(answer.get("note"))


def note(fact: Any) -> None:
    """Have a fact, as JSON can hold it, handed back when what is being recorded is printed again."""
    if _State.recorded is not None:
        _State.recorded.note = fact


@contextmanager
def recording(asked: Request | None) -> Iterator[None]:
    """Keep what is printed within, once it has been printed without a fault."""
    if asked is None:
        yield
        return
    recorded = _State.recorded = Recorded()
    try:
        yield
    finally:
        _State.recorded = None
    answer = {
        "out": _carried("".join(recorded.out), sys.stdout),
        "err": _carried("".join(recorded.err), sys.stderr),
        "pages": recorded.pages,
    }
    if None not in answer.values():
        answer["note"] = recorded.note
        shelf.put(asked.slot, asked.mark, answer)
        documents.keep()


def recorded() -> Recorded | None:
    """Where to note what is printed; None while nothing is kept."""
    return _State.recorded


def _carried(text: str, stream: Any) -> str | None:
    """The text as the stream's encoding carries it, lookalikes in place of what it cannot."""
    encoding = getattr(stream, "encoding", None)
    return text.encode(encoding, "atlas.lookalike").decode(encoding) if encoding else None


def _say(text: str) -> None:
    """A message on stderr; a reader that has gone, or a full disk, is no fault."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        streams.drop(sys.stderr)
