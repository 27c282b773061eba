"""Options that no command knows: those that a system declares as its extras, parsed and checked."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand

from atlas_cli.errors import UsageError

if TYPE_CHECKING:
    from atlas_cli.engine.system import Extra

Written = dict[str, str | None]  # extras by name as they were written; None: no value followed

_KEY = "atlas.extras"


class TakesExtras(TyperCommand):
    """A command that keeps options it does not know, each with its value, for `given`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        takes_value = {
            name: not getattr(param, "is_flag", False)
            for param in self.get_params(ctx)
            for name in (*param.opts, *param.secondary_opts)
        }
        rest, ctx.meta[_KEY] = split(args, takes_value)
        return super().parse_args(ctx, rest)


def split(arguments: Sequence[str], takes_value: Mapping[str, bool]) -> tuple[list[str], Written]:
    """What a command knows, and the options that it does not know, each with its value or None.

    Args:
        arguments: The command line, without the command.
        takes_value: For each option that the command knows, whether a value follows it.
    """
    rest: list[str] = []
    extras: Written = {}
    waiting = list(arguments)
    while waiting:
        word = waiting.pop(0)
        name, equals, value = word.partition("=")
        if word == "--":
            rest += [word, *waiting]
            break
        if not word.startswith("--") or name in takes_value:
            rest.append(word)
            if takes_value.get(word) and waiting:
                rest.append(waiting.pop(0))
            continue
        follows = bool(waiting) and not waiting[0].startswith("--") and waiting[0] not in takes_value
        asked = value if equals else waiting.pop(0) if follows else None
        extras[name.removeprefix("--").replace("-", "_")] = asked
    return rest, extras


def given(context: typer.Context) -> Written:
    """The options that the command did not know, by name, as they were written."""
    extras: Written = context.meta[_KEY]
    return extras


def declared(topic: str) -> tuple[Extra, ...]:
    """The extras of a topic's system."""
    from atlas_cli import catalog

    found = catalog.resolve(topic)
    system = getattr(importlib.import_module(catalog.system_module(found)), str(found.system))
    extras: tuple[Extra, ...] = system.extras
    return extras


def parsed(topic: str, written: Written, known: Collection[str]) -> dict[str, Any]:
    """The values of a system's extras in their types.

    Args:
        topic: The topic whose system is sampled.
        written: Extras by name, as text.
        known: The options that the command itself has, for a hint at a slip of the finger.

    Raises:
        UsageError: the system does not declare an extra, or its value is missing or not of its type.
    """
    if not written:
        return {}
    own = {extra.name: extra for extra in declared(topic)}
    values = {}
    for name, text in written.items():
        if name not in own:
            raise UsageError(f"{topic} takes no {option(name)}", _what_it_takes(name, own, known))
        if text is None:
            raise UsageError(f"{option(name)} needs a value", f"it is {own[name].help}")
        try:
            values[name] = own[name].type(text)
        except ValueError as error:
            what = f"{option(name)} takes {own[name].type.__name__}, not {text!r}"
            raise UsageError(what, f"it is {own[name].help}") from error
    return values


def option(name: str) -> str:
    """The option of an extra on the command line."""
    return "--" + name.replace("_", "-")


def _what_it_takes(name: str, own: Mapping[str, Extra], known: Collection[str]) -> str:
    options = [option(extra) for extra in own]
    near = difflib.get_close_matches(option(name), [*options, *known], n=1, cutoff=0.8)
    if near:
        return f"did you mean {near[0]}?"
    if own:
        return "it takes " + ", ".join(f"{option(extra)}: {own[extra].help}" for extra in own)
    return f"sample it without {option(name)}"
