"""The errors a user may see: one line says what is wrong, one line gives a hint, and there is an exit code.

Exit codes: 0 done, 1 failed or `expect` not met with --check, 2 usage or recipe, 3 checkpoint or data,
4 environment (device, disk, offline), 5 diverged, 129 terminal closed, 130 Ctrl-C, 143 SIGTERM.
"""

from __future__ import annotations

from typing import Any

MOST_SHOWN = 20  # lines of a list of problems
MOST_LETTERS = 60  # of a name that a message repeats
MOST_OF_A_PATH = 300
MOST_OF_A_LINE = 2000  # a list of what may be chosen has room in it


def cut(lines: list[str], number: int | None = None) -> list[str]:
    """The first twenty lines, and how many more there are.

    Args:
        lines: Each a problem.
        number: How many there are in all, where `lines` are only the first of them.
    """
    more = (len(lines) if number is None else number) - len(lines[:MOST_SHOWN])
    return [*lines[:MOST_SHOWN], *([f"and {more} more"] if more else [])]


def is_out_of_memory(error: BaseException) -> bool:
    """Whether it says that memory was not to be had: Python's own error, or torch's on a CPU."""
    return isinstance(error, MemoryError) or "allocate memory" in str(error)


def readable(line: str) -> str:
    """A line of a message with its overlong words cut: names and values come from anywhere."""
    import re  # here: a start without a fault does without it

    cut_words = re.sub(
        rf"[^\s'\"]{{{MOST_OF_A_PATH + 1},}}", lambda word: f"{word[0][: MOST_LETTERS - 3]}...", line
    )
    return cut_words if len(cut_words) <= MOST_OF_A_LINE else f"{cut_words[: MOST_OF_A_LINE - 3]}..."


def quoted(text: str, most: int = MOST_LETTERS) -> str:
    """A user's text for a message: cut short, and what cannot be seen is named, as in 'd<U+202E>dpm'."""
    short = text if len(text) <= most else f"{text[: most - 3]}..."
    return "'" + "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in short) + "'"


class AtlasError(Exception):
    """A fault with its hint; the command line prints both and exits with `code`.

    Args:
        what: One line, what is wrong, naming the thing that is wrong.
        hint: One line, what to do about it, as a command where there is one.
        details: Further lines, one a finding (a recipe with five errors shows all five).
        findings: The same for programs: file, line, column, field and what of each.
    """

    code = 1

    def __init__(
        self, what: str, hint: str, details: list[str] | None = None,
        findings: list[dict[str, Any]] | None = None,
    ) -> None:  # fmt: skip
        self.what, self.hint = readable(what), readable(hint)
        super().__init__(self.what)
        self.details, self.findings = [readable(line) for line in details or []], findings or []


class UsageError(AtlasError):
    """A wrong topic, recipe, field, value or option."""

    code = 2


class DataError(AtlasError):
    """A checkpoint or a data file that cannot be used."""

    code = 3


class EnvironmentFault(AtlasError):
    """The machine cannot do it: device, memory, disk, permissions, network."""

    code = 4


class DivergedError(AtlasError):
    """A loss, a gradient or a weight became NaN or infinite."""

    code = 5


class RankLost(AtlasError):
    """Another process of the group has ended in the middle of the work."""

    code = 71  # tells the launcher that the fault is another rank's


class InterruptedRun(AtlasError):
    """A signal ended the run after its checkpoint was written: 128 and its number.

    130 Ctrl-C, 143 SIGTERM, 129 SIGHUP (the terminal was closed).
    """

    def __init__(self, what: str, hint: str, code: int) -> None:
        super().__init__(what, hint)
        self.code = code
