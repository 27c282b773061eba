"""The file that holds what one learner has done: `progress.json` in ATLAS_HOME, one deed a line.

    {"format": 1, "settings": {"goal": "images"}, "deeds": [
    {"topic": "ddpm", "deed": "read", "what": "", "first": "2026-01-31T09:00:00Z", "last": ..., "times": 2},
    ...]}

A deed is known by its topic, its kind and its `what`: the recipe that was trained, the question that was
answered, the exercise that was solved. Done again, it is the same deed, with the facts of the last time. What
a later version of the atlas writes, fields and whole deeds, stays in the file. Two processes take turns by a
lock; readers need none, since the file is renamed into place whole. Nothing here may end a command: where
nothing can be written, nothing is kept, and one line says so.

A start that shows a page imports this module, so it imports little and defines no types.
"""

from __future__ import annotations

import json
import os
import time

from atlas_cli import files, paths
from atlas_cli.errors import AtlasError, EnvironmentFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any, Literal

    Kind = Literal[
        "read",
        "guessed",
        "turned",
        "answered",
        "tried",
        "mistaken",
        "coded",
        "trained",
        "met",
        "looked",
        "skipped",
    ]
    Document = dict[str, Any]

FORMAT = 1
_PATIENCE_S, _PAUSE_S = 2.0, 0.005  # another process holds the lock for milliseconds
_BETWEEN = '}, {"topic": '  # of two deeds; within a text its quotes would be escaped
_encode = json.JSONEncoder(ensure_ascii=False).encode


class _Said:
    """Whether this process has said already that nothing is kept."""

    already = False


def file() -> Path:
    """Where it is kept.

    Raises:
        NoHome: there is no place for it.
        EnvironmentFault: ATLAS_HOME names a home folder that is none.
    """
    return paths.state_dir() / "progress.json"


def record(deed: Kind, topic: str, what: str = "", **facts: Any) -> None:
    """Keep that something was done just now.

    Args:
        deed: What kind of thing.
        topic: The slug of its topic.
        what: Which one of several: a recipe, an exercise, a question.
        facts: What else is to be known of it, as JSON holds it; each replaces what it was the last time.
    """
    now = written(_now())

    def add(document: Document) -> None:
        for entry in document["deeds"]:
            if _is(entry, topic, deed, what):
                entry.update({**facts, "last": now, "times": entry["times"] + 1})
                return
        key = {"topic": topic, "deed": deed, "what": what}
        document["deeds"].append({**key, "first": now, "last": now, "times": 1, **facts})

    _edit(add)


def settle(**settings: Any) -> None:
    """Keep what the learner wants, such as the goal; None takes it away."""

    def change(document: Document) -> None:
        merged = {**document["settings"], **settings}
        document["settings"] = {name: value for name, value in merged.items() if value is not None}

    _edit(change)


def read() -> Document:
    """What is kept; a damaged file is set aside, which is said, and counts as none."""
    try:
        return _read(file())
    except FileNotFoundError:
        return _empty()
    except ValueError:
        return _edit(None) or _empty()
    except (OSError, AtlasError):  # unreadable, or no home: the next deed says that it is not kept
        return _empty()


def reset() -> bool:
    """Forget all of it; says whether there was anything.

    Raises:
        EnvironmentFault: it cannot be deleted.
    """
    path = file()
    if not path.exists():
        return False
    try:
        lock = _locked(path)
        try:
            path.unlink(missing_ok=True)
        finally:
            os.close(lock)
    except OSError as error:
        hint = "delete the file by hand, or name another folder with ATLAS_HOME"
        raise EnvironmentFault(f"cannot delete {path}: {error.strerror or error}", hint) from error
    return True


def export(path: Path) -> None:
    """Write a copy of what is kept to another file.

    Raises:
        EnvironmentFault: it cannot be written.
    """
    from atlas_cli.runs import durable

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_bytes(read()))
    except OSError as error:
        raise durable.write_fault(error, path, 1, "name another file: --export FILE") from error


def _edit(change: Callable[[Document], None] | None) -> Document | None:
    """Change the document under the lock, or only set a damaged one aside; None where nothing can be kept."""
    try:
        path = file()
        lock = _locked(path)
        try:
            document = _read_or_set_aside(path)
            if change is not None:
                change(document)
                files.put(str(path), _bytes(document))
        finally:
            os.close(lock)
        return document
    except (OSError, AtlasError) as error:
        _say_once(f"what you do is not kept: {_reason(error)}")
        return None


def _locked(path: Path) -> int:
    """An open file that holds the lock until it is closed.

    Raises:
        OSError: it cannot be opened.
        EnvironmentFault: another process holds it for too long.
    """
    descriptor = _opened(f"{path}.lock")
    until = time.monotonic() + _PATIENCE_S
    while files.try_lock(descriptor, shared=False) is False:  # None: a disk without locks; turns are rare
        if time.monotonic() > until:
            os.close(descriptor)
            raise EnvironmentFault(f"another process holds {path}", "end it, and try again")
        time.sleep(_PAUSE_S)
    return descriptor


def _opened(name: str) -> int:
    try:
        return os.open(name, os.O_RDWR | os.O_CREAT, 0o666)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(name), exist_ok=True)
        return os.open(name, os.O_RDWR | os.O_CREAT, 0o666)


def _read_or_set_aside(path: Path) -> Document:
    try:
        return _read(path)
    except FileNotFoundError:
        return _empty()
    except ValueError:
        aside = _free(path)
        os.replace(path, aside)
        _say(f"{path} was damaged and begins anew; what it held lies in {aside}")
        return _empty()


def _read(path: Path) -> Document:
    """The document with the fields that are relied on.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged.
    """
    try:
        document = json.loads(files.read_text(path))
    except RecursionError as error:
        raise ValueError(str(error)) from error
    if not isinstance(document, dict):
        raise ValueError("no JSON object")
    whole: Document = {**_empty(), **document}
    if not isinstance(whole["deeds"], list) or not isinstance(whole["settings"], dict):
        raise ValueError("no list of deeds")
    return whole


def _empty() -> Document:
    return {"format": FORMAT, "settings": {}, "deeds": []}


def _is(entry: Any, topic: str, deed: str, what: str) -> bool:
    """Whether an entry is that deed, and can be counted on."""
    return (
        isinstance(entry, dict)
        and entry.get("topic") == topic
        and (entry.get("deed"), entry.get("what")) == (deed, what)
        and isinstance(entry.get("times"), int)
    )


def _bytes(document: Document) -> bytes:
    """In UTF-8; a lone surrogate, as paths may hold it, is escaped as JSON does it."""
    return _text(document).encode("utf-8", "backslashreplace")


def _text(document: Document) -> str:
    """One deed a line, for people to read and to compare."""
    deeds = _encode(document["deeds"])[1:-1].replace(_BETWEEN, _BETWEEN.replace(" ", "\n", 1))
    rest = {name: value for name, value in document.items() if name != "deeds"}
    return f'{_encode(rest)[:-1]}, "deeds": [\n{deeds}\n]}}\n'


def _free(path: Path) -> Path:
    names = (path.with_name(f"{path.stem}-damaged-{i}{path.suffix}") for i in range(1, 1000))
    return next((name for name in names if not name.exists()), path.with_name("progress-damaged.json"))


def written(seconds: float) -> str:
    """A moment as the file holds it, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _now() -> float:
    return time.time()


def _reason(error: OSError | AtlasError) -> str:
    if isinstance(error, AtlasError):
        return error.what
    return f"{error.filename or 'progress.json'}: {error.strerror or error}"


def _say_once(line: str) -> None:
    if not _Said.already:
        _Said.already = True
        _say(line)


def _say(line: str) -> None:
    from atlas_cli.screen import (
        messages,
    )  # here: it loads rich, which a start that keeps its deed does without

    messages.say(line)
