"""What the judge says of a function that stands in no file of an exercise: in a notebook, or in a script."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any


@dataclass(frozen=True)
class Judged:
    """A verdict; it shows itself in a notebook, and `print` shows it anywhere.

    Attributes:
        exercise: As it is typed: ddpm/add_noise.
        right: Whether all is as it should be.
        empty: Whether nothing is written yet.
        checks: One dictionary a check: name, passed, says.
        mistake: What is wrong in the field's words, where it is a mistake that many make.
        fault: What stopped the judging: line, text, says.
    """

    exercise: str
    right: bool
    empty: bool
    checks: list[dict[str, Any]]
    mistake: str | None
    fault: dict[str, Any] | None

    def lines(self) -> Iterator[str]:
        """All of it in words."""
        if self.empty:
            yield "Nothing is written yet: your lines go where the comment says so."
        if self.fault:
            if self.fault["line"] is not None:
                yield f"line {self.fault['line']}: {self.fault['text']}"
            yield self.fault["says"]
        for check in self.checks:
            yield f"{'✓' if check['passed'] else '✗'} {check['name']}: {check['says']}"
        if self.mistake:
            yield f"{self.mistake[0].upper()}{self.mistake[1:]}."
        if self.right:
            yield "Right."
        else:
            yield f"A hint: atlas exercise hint {self.exercise}"

    def __str__(self) -> str:
        return "\n".join([self.exercise, *self.lines()])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        told = "".join(f"<li>{escape(line)}</li>" for line in self.lines())
        return f'<p><b>{escape(self.exercise)}</b></p><ul style="list-style:none">{told}</ul>'
