"""YAML text to plain data that remembers where every key and value stands.

A recipe is untrusted: the reader takes the events of PyYAML's parser, builds only mappings, lists, text,
numbers, truth values and null, and constructs no object. It refuses what YAML readers disagree about or
what can blow up: aliases, tags, tabs, duplicate keys, more than MAX_BYTES or MAX_DEPTH. It goes on after
an error where it can, so that a file's errors come all at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from atlas_cli import files

MAX_BYTES = 256 * 1024
MAX_DEPTH = 16

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Keys = tuple[str | int, ...]  # the way to a value: ("model", "width"), ("train", "betas", 1)


@dataclass(frozen=True, order=True)
class Position:
    """A place in a file; lines and columns count from 1, line 0 is the whole (a command-line option)."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, order=True)
class Problem:
    """One finding: where, in which field ("" for the file as a whole), and what."""

    position: Position
    field: str
    what: str

    def __str__(self) -> str:
        return ": ".join(part for part in (str(self.position), self.field, self.what) if part)

    def as_dict(self) -> dict[str, Any]:
        """The finding for programs; line and column are None where it is about the whole."""
        at = self.position
        return {
            "file": at.file, "line": at.line or None, "column": at.column or None, "field": self.field,
            "what": self.what,
        }  # fmt: skip


@dataclass(frozen=True)
class Origin:
    """Where a value comes from, and what messages call it."""

    key: Position
    value: Position
    label: str


@dataclass
class Document:
    """Plain data with the origin of every key and item, and what was wrong with the text.

    `origins[()]` is that of the whole. After a syntax error `complete` is False and `data` empty.
    """

    data: Any
    origins: dict[Keys, Origin]
    problems: list[Problem] = field(default_factory=list)
    complete: bool = True
    unsaid: int = 0  # further problems, of which only the number is known


def read_file(path: Path, shown_as: str) -> Document:
    """Read a YAML file.

    Args:
        path: The file.
        shown_as: Its name in messages.

    Raises:
        OSError: the file cannot be read.
    """
    with files.opened(path) as file:
        raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        return _unreadable(Position(shown_as, 1, 1), f"the file is larger than {MAX_BYTES // 1024} KB")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line_start = raw.rfind(b"\n", 0, error.start) + 1
        column = len(raw[line_start : error.start].decode("utf-8", "replace")) + 1
        position = Position(shown_as, raw.count(b"\n", 0, error.start) + 1, column)
        return _unreadable(position, f"byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8")
    return read_text(text, shown_as)


def read_text(text: str, shown_as: str) -> Document:
    """Read YAML text; see the module's docstring for what is refused."""
    if not text.isascii() and text != text.encode("utf-8", "replace").decode("utf-8"):
        return _unreadable(Position(shown_as, 1, 1), "not UTF-8")  # bytes of a command line
    tabs = [Problem(position, "", "a tab; write spaces") for position in _tabs(text, shown_as)]
    # One space for a tab keeps the columns, and often lets the rest of the file be checked too.
    document = _Builder(shown_as).build(text.replace("\t", " "))
    if tabs and not document.complete:
        document.problems = []  # the syntax error is likely the tab's doing
    document.problems += tabs
    return document


def read_value(text: str, shown_as: str) -> Document:
    """Read a value of the command line: YAML's scalars and flow style, and 1e-3 is a number."""
    if (
        " #" in text and text.strip()[0] not in "[{\"'"
    ):  # a command line has no comments, and a path may hold #
        whole = Position(shown_as)
        return Document(plain_value(text.strip()), {(): Origin(whole, whole, "")})
    document = read_text(text, shown_as)
    document.data = _loose_numbers(document.data)
    whole = Position(shown_as)
    document.origins = {keys: Origin(whole, whole, o.label) for keys, o in document.origins.items()}
    document.problems = [Problem(whole, p.field, p.what) for p in document.problems]
    return document


_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,29})")
_FLOAT = re.compile(r"[-+]?[0-9]{1,30}\.[0-9]{0,30}(?:[eE][-+][0-9]{1,4})?")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}


def plain_value(text: str) -> Any:
    """The value of an unquoted scalar, by the rules on which YAML 1.1 and 1.2 agree; else the text itself."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def number_in(text: str) -> str | None:
    """How a number that YAML reads as text must be written: "1e-3" -> "1.0e-3"; None: it is no number."""
    stripped = text.strip().replace("_", "")
    if not re.fullmatch(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?", stripped) or len(stripped) > 30:
        return None
    mantissa, exponent_sign, exponent = re.match(r"([^eE]+)(?:[eE]([-+]?)([0-9]+))?", stripped).groups()  # type: ignore[union-attr]
    whole, dot, fraction = mantissa.partition(".")
    sign = "-" if whole.startswith("-") else ""
    whole = whole.lstrip("+-").lstrip("0") or "0"
    if exponent is None:
        return f"{sign}{whole}{dot}{fraction or '0' if dot else ''}"
    return f"{sign}{whole}.{fraction or '0'}e{exponent_sign or '+'}{exponent}"


def _loose_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _loose_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_loose_numbers(item) for item in value]
    written = number_in(value) if isinstance(value, str) else None
    return plain_value(written) if written else value


def _tabs(text: str, shown_as: str) -> Iterator[Position]:
    for number, line in enumerate(text.split("\n"), 1):
        if "\t" in line:
            yield Position(shown_as, number, line.index("\t") + 1)


def _unreadable(position: Position, what: str) -> Document:
    whole = Position(position.file, 1, 1)
    return Document({}, {(): Origin(whole, whole, "")}, [Problem(position, "", what)], complete=False)


class _StopReading(Exception):
    """Reading cannot go on."""


class _Builder:
    """Builds the data from the parser's events."""

    def __init__(self, shown_as: str) -> None:
        self.file = shown_as
        self.origins: dict[Keys, Origin] = {}
        self.problems: list[Problem] = []
        self.events: Iterator[Any] = iter(())

    def build(self, text: str) -> Document:
        whole = Position(self.file, 1, 1)
        self.origins[()] = Origin(whole, whole, "")
        try:
            self.events = yaml.parse(text, Loader=_Loader)
            data = self._stream()
        except yaml.YAMLError as error:
            self.problems.append(self._syntax(error, text))
        except _StopReading:
            pass
        else:
            return Document(data, self.origins, self.problems)
        return Document({}, {(): Origin(whole, whole, "")}, self.problems, complete=False)

    def _stream(self) -> Any:
        data, documents = None, 0
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._report(event, (), "a second document; a file holds one recipe")
                    raise _StopReading
                data = self._node(next(self.events), ())
        return data

    def _node(self, event: Any, keys: Keys) -> Any:
        """The value that starts with `event`."""
        if len(keys) > MAX_DEPTH:
            self._report(event, keys[:3], f"nested more than {MAX_DEPTH} deep")
            raise _StopReading
        if isinstance(event, yaml.AliasEvent):
            self._report(event, keys, f"the alias *{event.anchor}; write the value out")
            return None
        if event.anchor:
            self._report(event, keys, f"the anchor &{event.anchor}; aliases are not read")
        if event.tag and event.tag != _core_tag(event):
            self._report(event, keys, f"the tag {_short(event.tag)}; a recipe holds plain values only")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(keys)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(keys)
        return plain_value(event.value) if event.implicit[0] and not event.tag else event.value

    def _mapping(self, keys: Keys) -> dict[str, Any]:
        made: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            name = self._key(event, keys)
            here = (*keys, name)
            # A duplicate is built (its own errors count) but does not replace the first.
            first = self.origins.get(here) if name in made else None
            if first:
                where = f"{first.key.line}:{first.key.column}"
                self._report(event, here, f"duplicate key; the first is at {where}")
            value_event = next(self.events)
            if not first:
                self.origins[here] = Origin(self._at(event), self._at(value_event), label_of(here))
            value = self._node(value_event, here)
            made.setdefault(name, value)
        return made

    def _key(self, event: Any, keys: Keys) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            name = f"#{len(self.problems)}"
            if not isinstance(event, yaml.AliasEvent):
                self._node(event, (*keys, name))
            self._report(event, keys, "a key must be a name")
            return name
        plain = event.implicit[0] and not event.tag
        if event.anchor or event.tag or (plain and not isinstance(plain_value(event.value), str)):
            self._report(event, keys, f"a key must be a name, not {event.value[:40]!r}")
        return str(event.value)

    def _sequence(self, keys: Keys) -> list[Any]:
        made: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            here = (*keys, len(made))
            self.origins[here] = Origin(self._at(event), self._at(event), label_of(here))
            made.append(self._node(event, here))
        return made

    def _at(self, event: Any) -> Position:
        return Position(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _report(self, event: Any, keys: Keys, what: str) -> None:
        self.problems.append(Problem(self._at(event), label_of(keys), what))

    def _syntax(self, error: yaml.YAMLError, text: str) -> Problem:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        what = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
        if mark:
            # Newer versions of the parser stop at a depth of their own, before the first event comes.
            said = f"nested more than {MAX_DEPTH} deep" if "nesting depth" in what else f"not YAML: {what}"
            return Problem(Position(self.file, mark.line + 1, mark.column + 1), "", said)
        # PyYAML's reader errors count characters from the start and have no mark.
        before = text[: max(0, getattr(error, "position", 0))]
        column = len(before) - (before.rfind("\n") + 1) + 1
        return Problem(Position(self.file, before.count("\n") + 1, column), "", f"not YAML: {what}")


def _core_tag(event: Any) -> str:
    """The only tag that an event may carry: the one that changes nothing."""
    if isinstance(event, yaml.MappingStartEvent):
        return "tag:yaml.org,2002:map"
    return "tag:yaml.org,2002:seq" if isinstance(event, yaml.SequenceStartEvent) else "tag:yaml.org,2002:str"


def _short(tag: str) -> str:
    core = "tag:yaml.org,2002:"
    return repr(f"!!{tag.removeprefix(core)}" if tag.startswith(core) else tag)[1:81].rstrip("'")


def printable(text: str) -> str:
    """The text, with what would not print (or would steer the terminal) written as escapes."""
    return text if text.isprintable() else ascii(text)[1:-1]


def label_of(keys: Keys) -> str:
    """("train", "betas", 1) -> "train.betas[1]"."""
    text = ""
    for key in keys:
        # A key may hold anything, escape sequences for the terminal included.
        name = printable(str(key))
        text += f"[{key}]" if isinstance(key, int) else f".{name}" if text else name
    return text[:80]
