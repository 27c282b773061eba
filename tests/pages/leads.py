"""Whether a command that a text names leads somewhere: it parses, and what it names is there."""

from __future__ import annotations

import importlib
import shlex
from collections.abc import Callable
from itertools import takewhile
from typing import Any

import typer

from atlas_cli import app, catalog
from atlas_cli.errors import UsageError
from atlas_cli.screen import flags as house

ADDED = "lenet"  # the system that CONTRIBUTING.md adds


def require(command: str) -> None:
    """See that `atlas ...` means something.

    Raises:
        UsageError: a topic, a recipe, an option, a field or a knob that is none.
    """
    try:
        words = shlex.split(command, comments=True)
    except ValueError as error:  # a quotation that is not closed
        raise UsageError(str(error), command) from error
    if words[0] != "atlas":
        raise UsageError(f"{command!r} is no command of the atlas", "")
    words = list(takewhile(lambda word: word not in (">", "|", "&&"), words))
    words = [word for word in words if word not in house._NAMES]  # which stand anywhere
    if len(words) == 1:
        return
    try:
        parsed(words[1:])
    except app._ClickUsageError as error:
        if len(words) > 2 or "Missing" not in str(error):  # "`atlas train` ends with a table" names it alone
            raise UsageError(str(error), command) from error


def parsed(words: list[str]) -> None:
    """Parse a command line as it is typed, then look for what its arguments name."""
    root = typer.main.get_command(app.build(words[0] if words[0] in app.names() else None))
    path, command = [], root
    context: Any = None
    while getattr(command, "commands", None) is not None:
        if not words:
            return
        name = words[0]
        if name.startswith("-"):
            root.make_context("atlas", list(words), resilient_parsing=True)
            return
        command = command.commands.get(name)  # type: ignore[attr-defined]
        if command is None:
            raise UsageError(f"there is no command {name!r}", "")
        path.append(name)
        words = app._resume_latest(words[1:])
    context = command.make_context(" ".join(path), list(words))
    look = LOOKED_AT.get(" ".join(path))
    if look is not None:
        look(context)


def is_ones_own(name: str) -> bool:
    """Whether a name stands for what the reader has: RUN, A, latest, mine.yaml, gpt-small-1."""
    own = name.isupper() or name in ("latest", ADDED) or name.endswith((".yaml", ".yml"))
    return own or name.rpartition("-")[2].isdigit()


def explain(context: Any) -> None:
    names = " ".join(context.params["topic"] or ())
    if context.params["glossary"]:
        from atlas_cli.pages import glossary

        if names and glossary.known(names) is None:
            raise UsageError(f"no word {names!r}", "")
        return
    if is_ones_own(names):
        return
    subject = catalog.resolve_any(names)
    if context.params["section"] is not None:
        from atlas_cli.pages import source

        source.read_page(subject).only(context.params["section"])


def diagram(context: Any) -> None:
    from atlas_cli import reading
    from atlas_cli.diagrams import gallery
    from atlas_cli.diagrams.model import Diagram

    given = context.params
    if given["topic"] is None or is_ones_own(given["topic"]):
        return
    _, chosen = gallery.typed([given["topic"], *(given["name"] or ())])
    if isinstance(chosen, Diagram):
        reading.drawing(chosen, given["set_"] or (), given["step"], run=given["run"])
    else:
        gallery.setting(chosen, given["set_"] or [], "")
        if given["run"] and chosen.from_run is None:
            raise UsageError(f"{chosen.name} is not drawn from a run", "")


def code(context: Any) -> None:
    from atlas_cli.commands import code as command

    if is_ones_own(context.params["topic"]):
        return
    topic, node = command._chosen(context.params["topic"], context.params["node"])
    if node is not None:
        command._of_node(topic, node)


def train(context: Any) -> None:
    from atlas_cli.commands import _series
    from atlas_cli.commands import train as command
    from atlas_cli.recipe import recipes

    given = context.params
    if given["topic"] is None or is_ones_own(given["topic"]):
        return
    reference = command._reference(given["topic"], given["recipe"])
    sets = [text for text in given["sets"] or () if text != "KEY=VALUE"]
    for change in _series.swept(given["sweep"] or []):
        recipes.resolve(reference, [*sets, *change], given["data"], command="train")


def sample(context: Any) -> None:
    """The options that the system of a topic takes, and the fields that steer its sampler."""
    from atlas_cli.commands import _extras
    from atlas_cli.recipe.model import system_class

    given = context.params
    if is_ones_own(given["run"]):
        return
    topic = catalog.resolve(given["run"])
    system = getattr(importlib.import_module(catalog.system_module(topic)), str(topic.system))
    _extras.parsed(topic.slug, _extras.given(context), [])
    for option in ("label", "prompt"):
        if given[option] not in (None, [], ()) and option not in system.steers:
            raise UsageError(f"{topic.slug} follows no {option}", "")
    if len(given["prompt"] or ()) > 1 and not system.compares:
        raise UsageError(f"{topic.slug} follows one prompt", "")
    fields = system_class(topic.slug).sampling_fields()
    for text in given["sets"] or ():
        key = text.partition("=")[0].removeprefix("model.")
        if not {key, f"sampler_{key}"} & set(fields):
            raise UsageError(f"{key} is no field of the sampler of {topic.slug}", "")


def recipe(context: Any) -> None:
    from atlas_cli.recipe import recipes

    for name in ("ref", "topic", "files"):
        named = context.params.get(name)
        for reference in [named] if isinstance(named, str) else named or ():
            if not is_ones_own(reference):
                recipes.resolve(reference)


def verify(context: Any) -> None:
    from atlas_cli.recipe import recipes

    for reference in context.params["topics"] or ():
        if not is_ones_own(reference):
            recipes.resolve(reference)


def family(context: Any) -> None:
    """`ls` and `quiz`."""
    named = context.params["family"] or ()
    name = named if isinstance(named, str) else " ".join(named)
    if name and not is_ones_own(name):
        catalog.resolve_any(name)


def guess(context: Any) -> None:
    from atlas_cli.commands import guess as command

    name = " ".join(context.params["topic"] or ())
    if not is_ones_own(name):
        command._asking(name)


def learn(context: Any) -> None:
    from atlas_cli.learner import goals

    name = " ".join(context.params["goal"] or ())
    if name and not is_ones_own(name):
        goals.called(name)


def prepared(context: Any) -> None:
    from atlas_cli.commands._lab import wanted

    wanted([name for name in context.params["names"] or () if not is_ones_own(name)] or ["diffusion"])


def exercise(context: Any) -> None:
    from atlas_cli.exercises import find

    name = context.params["name"]
    if name is not None and not is_ones_own(name):
        find.find(name)


LOOKED_AT: dict[str, Callable[[Any], None]] = {
    "explain": explain, "diagram": diagram, "code": code, "train": train, "sample": sample, "verify": verify,
    "ls": family, "quiz": family, "guess": guess, "learn": learn, "prepare": prepared, "doctor": prepared,
    "exercise start": exercise, "exercise check": exercise, "exercise hint": exercise,
    "exercise solution": exercise, "exercise reset": exercise, "exercise watch": exercise,
    "exercise train": exercise,
    "recipe show": recipe, "recipe cp": recipe, "recipe schema": recipe, "recipe validate": recipe,
}  # fmt: skip
