"""The errors a user may see: one line says what is wrong, one line gives a hint, and there is an exit code.

Exit codes: 0 done, 1 failed or `expect` not met with --check, 2 usage or recipe, 3 checkpoint or data,
4 environment (device, disk, offline), 5 diverged, 130 Ctrl-C, 143 SIGTERM.
"""

from __future__ import annotations

from typing import Any


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
        super().__init__(what)
        self.what, self.hint, self.details, self.findings = what, hint, details or [], findings or []


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


class InterruptedRun(AtlasError):
    """A signal ended the run after its checkpoint was written (130 Ctrl-C, 143 SIGTERM)."""

    def __init__(self, what: str, hint: str, code: int) -> None:
        super().__init__(what, hint)
        self.code = code
