"""What one learner has done, and when: `progress.json` in ATLAS_HOME, one deed a line.

    {"format": 1, "settings": {"goal": "images"}, "deeds": [
    {"topic": "ddpm", "deed": "read", "what": "", "first": "2026-01-31T09:00:00Z", "last": ..., "times": 2},
    ...]}

A deed is known by its topic, its kind and its `what`: the recipe that was trained, the question that was
answered, the exercise that was solved. Done again, it is the same deed, with the facts of the last time. What
a later version of the atlas writes, fields and whole deeds, stays in the file. Two processes take turns by a
lock; readers need none, since the file is renamed into place whole. Nothing here may end a command: where
nothing can be written, nothing is kept, and one line says so.

A start that shows a page imports this module, so it imports little.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from atlas_cli import files, paths
from atlas_cli.errors import AtlasError, EnvironmentFault

Kind = Literal["read", "guessed", "turned", "answered", "coded", "trained", "met", "looked", "skipped"]
Document = dict[str, Any]

FORMAT = 1
_OWN = ("topic", "deed", "what", "first", "last", "times")
_PATIENCE_S, _PAUSE_S = 2.0, 0.005  # another process holds the lock for milliseconds


class Deed(NamedTuple):
    """Something that was done, once or again.

    Attributes:
        kind: A `Kind`, or one of a later version.
        first: When it was first done, in seconds since 1970.
        facts: Of the last time: whether an answer was right, which run was trained.
    """

    kind: str
    topic: str
    what: str
    first: float
    last: float
    times: int
    facts: Mapping[str, Any]


class Progress(NamedTuple):
    """All deeds in the order in which they were first done, and what the learner has set."""

    deeds: tuple[Deed, ...] = ()
    settings: Mapping[str, Any] = {}

    def of(self, topic: str, kind: str | None = None) -> tuple[Deed, ...]:
        """The deeds on a topic, or those of one kind."""
        return tuple(deed for deed in self.deeds if deed.topic == topic and kind in (None, deed.kind))

    def has(self, kind: Kind, topic: str, what: str | None = None) -> bool:
        """Whether it was done; with `what`, whether just that was."""
        return any(what in (None, deed.what) for deed in self.of(topic, kind))

    def latest(self) -> Deed | None:
        """What was done last."""
        return max(self.deeds, key=lambda deed: deed.last, default=None)

    def mark(self) -> str:
        """All that decides the next step: what was done, on which topic last, and what was set."""
        latest = self.latest()
        done = sorted(deed[:3] for deed in self.deeds)
        return json.dumps([done, latest.topic if latest else "", dict(self.settings)])


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
            if _is_deed(entry) and (entry["topic"], entry["deed"], entry["what"]) == (topic, deed, what):
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


def load() -> Progress:
    """What was done; a damaged file is set aside, which is said, and counts as none."""
    try:
        document = _read(file())
    except FileNotFoundError:
        return Progress()
    except ValueError:
        document = _edit(lambda _: None) or _empty()
    except (OSError, AtlasError):  # unreadable, or no home: the next deed says that it is not kept
        return Progress()
    deeds = tuple(_deed(entry) for entry in document["deeds"] if _is_deed(entry))
    return Progress(deeds, document["settings"])


def reset() -> bool:
    """Forget all of it; says whether there was anything.

    Raises:
        EnvironmentFault: it cannot be deleted.
    """
    path = file()
    try:
        with _locked(path):
            path.unlink()
    except FileNotFoundError:
        return False
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

    load()  # sets a damaged file aside
    try:
        document = _read(file())
    except (OSError, AtlasError):
        document = _empty()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_bytes(document))
    except OSError as error:
        raise durable.write_fault(error, path, 1, "name another file: --export FILE") from error


def _edit(change: Callable[[Document], None]) -> Document | None:
    """Change the document under the lock; None where nothing can be kept."""
    try:
        path = file()
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path):
            document = _read_or_set_aside(path)
            before = json.dumps(document)
            change(document)
            if json.dumps(document) != before:
                files.put(path, _bytes(document))
        return document
    except (OSError, AtlasError) as error:
        _say_once(f"what you do is not kept: {_reason(error)}")
        return None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o666)
    try:
        until = time.monotonic() + _PATIENCE_S
        while (
            files.try_lock(descriptor, shared=False) is False
        ):  # None: a disk without locks, where turns are rare
            if time.monotonic() > until:
                raise EnvironmentFault(f"another process holds {path}", "end it, and try again")
            time.sleep(_PAUSE_S)
        yield
    finally:
        os.close(descriptor)


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


def _is_deed(entry: Any) -> bool:
    """Whether it is a deed as this version knows it; what is not stays in the file and is passed over."""
    texts = ("topic", "deed", "what", "first", "last")
    if not isinstance(entry, dict) or not all(isinstance(entry.get(name), str) for name in texts):
        return False
    return isinstance(entry.get("times"), int) and None not in map(_moment, (entry["first"], entry["last"]))


def _deed(entry: Mapping[str, Any]) -> Deed:
    facts = {name: value for name, value in entry.items() if name not in _OWN}
    first, last = _moment(entry["first"]) or 0.0, _moment(entry["last"]) or 0.0
    return Deed(entry["deed"], entry["topic"], entry["what"], first, last, entry["times"], facts)


def _bytes(document: Document) -> bytes:
    """In UTF-8; a lone surrogate, as paths may hold it, is escaped as JSON does it."""
    return _text(document).encode("utf-8", "backslashreplace")


def _text(document: Document) -> str:
    """One deed a line, for people to read and to compare."""
    deeds = ",\n".join(_line(deed) for deed in document["deeds"])
    rest = {name: value for name, value in document.items() if name != "deeds"}
    return f'{_line(rest)[:-1]}, "deeds": [\n{deeds}\n]}}\n'


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _free(path: Path) -> Path:
    names = (path.with_name(f"{path.stem}-damaged-{i}{path.suffix}") for i in range(1, 1000))
    return next((name for name in names if not name.exists()), path.with_name("progress-damaged.json"))


def _now() -> float:
    return time.time()


def written(seconds: float) -> str:
    """A moment as the file holds it, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _moment(text: str) -> float | None:
    """Seconds since 1970 of "2026-01-31T09:00:00Z"."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


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
