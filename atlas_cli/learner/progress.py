"""What one learner has done, and when: the deeds of deeds.py as values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from atlas_cli.deeds import export, file, read, record, reset, settle, written

if TYPE_CHECKING:
    from atlas_cli.deeds import Kind

__all__ = ["Deed", "Progress", "export", "file", "load", "record", "reset", "settle", "written"]

AGAIN_S = 600  # what was missed comes back in the same sitting, but not at once
_OWN = ("topic", "deed", "what", "first", "last", "times")


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

    def missed(self, now: float) -> tuple[Deed, ...]:
        """The wrong answers whose questions may be asked again."""
        return tuple(
            deed
            for deed in self.deeds
            if deed.kind == "answered" and deed.facts.get("right") is False and deed.last + AGAIN_S <= now
        )

    def mark(self, now: float) -> str:
        """All that decides the next step: what was done and missed, on which topic last, what was set."""
        latest = self.latest()
        done = sorted(deed[:3] for deed in self.deeds)
        missed = sorted(deed.what for deed in self.missed(now))
        return json.dumps([done, missed, latest.topic if latest else "", dict(self.settings)])


def load() -> Progress:
    """What was done, as the file says it; a damaged one is set aside, which is said, and counts as none."""
    document = read()
    deeds = tuple(_deed(entry) for entry in document["deeds"] if _is_deed(entry))
    return Progress(deeds, document["settings"])


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


def _moment(text: str) -> float | None:
    """Seconds since 1970 of "2026-01-31T09:00:00Z"."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
