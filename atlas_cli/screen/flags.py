"""House flags: they mean the same for every command and may stand anywhere on the line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Flags:
    """What the house flags of this call say."""

    plain: bool = False  # no colour, no drawing characters
    quiet: bool = False  # no progress, no messages; results and errors only
    verbose: bool = False
    offline: bool = False
    debug: bool = False  # a traceback in place of two lines
    json: bool = False  # seen, not taken: the commands that offer it declare it
    jsonl: bool = False  # what is told on stderr is JSON, one object a line (`--log jsonl`)


flags = Flags()

_NAMES = {
    "--plain": "plain",
    "--quiet": "quiet",
    "-q": "quiet",
    "--verbose": "verbose",
    "-v": "verbose",
    "--offline": "offline",
    "--debug": "debug",
}
HELP = "Anywhere on the line: --plain, -q/--quiet, -v/--verbose, --offline, --debug."


def take(arguments: list[str]) -> list[str]:
    """Set the house flags found in `arguments` and return the rest; nothing is read after `--`."""
    rest: list[str] = []
    for i, argument in enumerate(arguments):
        if argument == "--":
            return rest + arguments[i:]
        if argument in _NAMES:
            setattr(flags, _NAMES[argument], True)
        else:
            flags.json = flags.json or argument == "--json"
            rest.append(argument)
    return rest


def given() -> list[str]:
    """The house flags of this call, to hand on to another process."""
    longs = ("plain", "quiet", "verbose", "offline", "debug")
    return [f"--{name}" for name in longs if getattr(flags, name)]
