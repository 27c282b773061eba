"""All diagrams of a topic: the stepped ones of its family's pages, and the explorables.

Each is one file and goes by the file's name: content/<family>/diagrams/<name>.yaml is a stepped diagram,
atlas_cli/explorables/<family>/<name>.py holds an EXPLORABLE. One that is asked for by name is read alone;
nothing lists them. Stepped ones come first, and explorables are imported without torch.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from atlas_cli import catalog
from atlas_cli.catalog import Family, Topic
from atlas_cli.diagrams import blocks, pinned
from atlas_cli.diagrams.model import Diagram
from atlas_cli.errors import DataError, UsageError
from atlas_cli.screen import messages

if TYPE_CHECKING:
    from atlas_cli.diagrams.frames import Explorable, Knob, Value

_EXPLORABLES = Path(__file__).resolve().parents[1] / "explorables"


def explorables_of(subject: Topic | Family) -> tuple[Explorable, ...]:
    """The explorables of a topic, or of all topics of a family, that need no trained run."""
    return tuple(shown for shown in _explorables_of(subject) if not shown.needs_run)


def of_runs(subject: Topic | Family) -> tuple[Explorable, ...]:
    """Those that only a trained run can draw."""
    return tuple(shown for shown in _explorables_of(subject) if shown.needs_run)


def from_runs(subject: Topic | Family) -> tuple[Explorable, ...]:
    """Those that a run of the reader's own can draw, whether or not they need it."""
    return tuple(shown for shown in _explorables_of(subject) if shown.from_run)


def diagrams_of(subject: Topic | Family) -> tuple[Diagram | Explorable, ...]:
    """Every diagram of a topic or family that needs no trained run, stepped ones first."""
    return (*blocks.diagrams_of(subject), *explorables_of(subject))


def find(subject: Topic | Family, name: str | None = None) -> Diagram | Explorable:
    """A diagram by name, or the topic's own or first one; a page may also name one of its family.

    Raises:
        UsageError: there is none of that name.
    """
    stepped = blocks.diagrams_of(subject)
    if name is None and stepped:
        return stepped[0]
    if name is None:
        there = (*explorables_of(subject), *of_runs(subject))
        if not there:
            raise UsageError(f"there is no diagram of {subject.slug} yet", "atlas diagram --list")
        return next((diagram for diagram in there if diagram.name == subject.slug), there[0])
    family = catalog.resolve_family(subject.slug if isinstance(subject, Family) else subject.family)
    key = catalog.normalise(name)
    found = _named(family, key)
    if found is not None:
        return found
    every = (*blocks.names(family), *map(_name, _modules(family.slug)))
    names = {catalog.normalise(one): one for one in every}
    near = catalog.closest(key, names, n=1)
    hint = f"did you mean: atlas diagram {subject.slug} {near[0]}" if near else "atlas diagram --list"
    raise UsageError(f"{subject.slug} has no diagram {name!r}", hint)


def chosen(topic: str, name: str | None = None) -> tuple[Topic | Family, Diagram | Explorable]:
    """The topic or family of that name, and its diagram; a diagram's own name will do as well.

    Raises:
        UsageError: there is no such topic or diagram.
    """
    try:
        subject = catalog.resolve_any(topic, "diagram")
    except UsageError:
        found = anywhere(topic) if name is None else None
        if found is None:
            raise
        return catalog.resolve(found.topics[0]), found
    if name is None and catalog.normalise(topic) != catalog.normalise(subject.slug):
        with suppress(UsageError):  # an alias may be the name of a diagram: "selective scan", "hippo"
            return subject, find(subject, topic)
    return subject, find(subject, name)


def typed(words: Sequence[str]) -> tuple[Topic | Family, Diagram | Explorable]:
    """The topic and its diagram as they are typed: the first word names the topic, or the first few do.

    Raises:
        UsageError: there is no such topic or diagram.
    """
    for n in range(1, len(words) + 1):
        with suppress(UsageError):
            return chosen(" ".join(words[:n]), " ".join(words[n:]) or None)
    return chosen(words[0], " ".join(words[1:]) or None)  # the error of what is most likely meant


def anywhere(name: str) -> Diagram | Explorable | None:
    """The first diagram of that name in any family."""
    key = catalog.normalise(name)
    found = (_named(family, key) for family in catalog.families())
    return next((diagram for diagram in found if diagram is not None), None)


def setting(explorable: Explorable, given: Sequence[str], command: str = "") -> dict[str, Value]:
    """Where the knobs stand: defaults, and what `knob=value` texts change.

    An amount within the knob's range goes to the nearest value that it has, and says so; a name must be one
    of them, or the knob open.

    Args:
        explorable: Whose knobs.
        given: Texts such as "gate=0.5".
        command: What to type before `--set`, for the hint line.

    Raises:
        UsageError: there is no such knob, or the value is none of its.
    """
    import difflib  # here: a block diagram starts without it

    values = explorable.defaults
    knobs = {knob.name: knob for knob in explorable.knobs}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"{text!r} is no setting", f"{command} --set {_example(explorable)}")
        name = name.strip().replace("-", "_")
        if name not in knobs:
            near = difflib.get_close_matches(name, knobs, n=1)
            hint = (
                f"did you mean: {command} --set {near[0]}={value}" if near else f"it has {', '.join(knobs)}"
            )
            raise UsageError(f"{explorable.name} has no knob {name!r}", hint)
        values[name] = _value(explorable, knobs[name], value.strip(), command)
    return values


def with_own(explorable: Explorable, setting: Mapping[str, Value]) -> Explorable:
    """The explorable, its open knobs with the texts of the setting among their values."""
    knobs = tuple(
        replace(knob, values=(*knob.values, setting[knob.name]))
        if knob.open and setting[knob.name] not in knob.values
        else knob
        for knob in explorable.knobs
    )
    return explorable if knobs == explorable.knobs else replace(explorable, knobs=knobs)


def _value(explorable: Explorable, knob: Knob, text: str, command: str) -> Value:
    if knob.kind == "choice":
        import difflib

        names = {str(value).casefold(): value for value in knob.values}
        if text.casefold() in names:
            return names[text.casefold()]
        if knob.open:
            return text
        near = difflib.get_close_matches(text.casefold(), names, n=1)
        hint = (
            f'did you mean: {command} --set "{knob.name}={names[near[0]]}"'
            if near
            else f"choose one of {', '.join(map(str, knob.values))}"
        )
        raise UsageError(f"{knob.name} of {explorable.name} cannot be {text!r}", hint)
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if number != number:
        raise UsageError(
            f"{knob.name} of {explorable.name} is a number, not {text!r}",
            f"{command} --set {knob.name}={knob.default}",
        )
    return _nearest(explorable, knob, number, command)


def _nearest(explorable: Explorable, knob: Knob, number: float, command: str) -> Value:
    """The value that a knob has nearest to a number within its range; said where it is another one."""
    amounts = sorted(float(value) for value in knob.values)
    low, high = amounts[0], amounts[-1]
    if not low <= number <= high:
        raise UsageError(
            f"{knob.name} of {explorable.name} goes from {low:g} to {high:g}, and {number:g} is outside",
            f"{command} --set {knob.name}={low if number < low else high:g}",
        )
    value = min(knob.values, key=lambda value: abs(float(value) - number))
    if not math.isclose(float(value), number, rel_tol=1e-6, abs_tol=1e-9):
        messages.say(f"{knob.name} is set to {value}, the nearest to {number:g} that it has")
    return value


def _example(explorable: Explorable) -> str:
    knob = explorable.knobs[0]
    return f"{knob.name}={knob.values[-1]}"


def _named(family: Family, key: str) -> Diagram | Explorable | None:
    """The diagram whose file has that name, in its normalised form; no other file is read."""
    stepped = blocks.named(family, key)
    if stepped is not None:
        return stepped
    modules = (module for module in _modules(family.slug) if catalog.normalise(module) == key)
    return next((_load(family.slug, module) for module in modules), None)


def _explorables_of(subject: Topic | Family) -> tuple[Explorable, ...]:
    family = subject.slug if isinstance(subject, Family) else subject.family
    found = _of_family(family)
    return found if isinstance(subject, Family) else tuple(e for e in found if subject.slug in e.topics)


@cache
def _of_family(family: str) -> tuple[Explorable, ...]:
    """In reading order: first what needs no run, then by place; those without a place come last, by name."""
    found = [_load(family, module) for module in _modules(family)]
    return tuple(sorted(found, key=lambda e: (e.needs_run, e.place is None, e.place or 0, e.name)))


@cache
def _modules(family: str) -> tuple[str, ...]:
    """Names of the modules that hold an explorable of the family; helpers begin with an underscore."""
    return tuple(sorted(path.stem for path in (_EXPLORABLES / family).glob("[!_]*.py")))


def _name(module: str) -> str:
    return module.replace("_", "-")


def _load(family: str, module: str) -> Explorable:
    """What a module holds, with the frames of its pinned run where it has one.

    Raises:
        DataError: it holds no EXPLORABLE, or one that is not called as the file and its folder are.
    """
    held: Explorable | None = getattr(
        importlib.import_module(f"atlas_cli.explorables.{family}.{module}"), "EXPLORABLE", None
    )
    if held is None or (held.family, held.name) != (family, _name(module)):
        raise DataError(
            f"{_EXPLORABLES / family / module}.py holds no EXPLORABLE of its own name",
            f"an explorable of family {family!r} there is called {_name(module)!r}",
        )
    return pinned.drawn(held)
