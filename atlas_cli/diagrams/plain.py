"""What all parts of a frame do: round numbers to four significant digits, and tell themselves as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, ClassVar

SIGNIFICANT_DIGITS = 4


def rounded(value: Any) -> Any:
    """Numbers to four significant digits; arrays and sequences of them, nested as they are, to tuples.

    Raises:
        ValueError: a number is infinite or not a number.
    """
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, str | bool | int) or value is None:
        return value
    if isinstance(value, float):
        return _rounded(value)
    if isinstance(value, Iterable):  # a site rounds millions of numbers: each costs one call
        return tuple([_rounded(item) if type(item) is float else rounded(item) for item in value])
    return value  # a Series, a Group


def told(value: float | str) -> str:
    """A figure of a frame as people read it: three digits, of a count all, no exponent without need."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**SIGNIFICANT_DIGITS:
        return f"{value + 0.0:.0f}"  # nought has no sign
    if not isinstance(value, float) or not 1e-3 <= abs(value) < 1e7:
        return f"{value:.3g}" if isinstance(value, float) else str(value)
    return f"{float(f'{value:.3g}'):.10g}"


def _rounded(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"a panel cannot show {value}")
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")


class Plain:
    """Rounds its fields when it is made, and tells them as a dictionary with its `kind`.

    What is a dataclass of its own for comparing and printing stands here once: written anew for each of some
    twenty classes it takes a tenth of a page's first reading. So a part says `eq=False, repr=False`.
    """

    kind: ClassVar[str]

    def __post_init__(self) -> None:
        for part in fields(self):  # type: ignore[arg-type]
            object.__setattr__(self, part.name, rounded(getattr(self, part.name)))

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), *vars(self).values()))

    def __repr__(self) -> str:
        held = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({held})"

    def as_dict(self) -> dict[str, Any]:
        """What JSON can hold."""
        told = {part.name: jsonable(getattr(self, part.name)) for part in fields(self)}  # type: ignore[arg-type]
        return {"kind": self.kind, **told}


def jsonable(value: Any) -> Any:
    if isinstance(value, Plain):
        return value.as_dict()
    if isinstance(value, Mapping):
        return {name: jsonable(item) for name, item in value.items()}
    if isinstance(value, tuple):
        return [item if type(item) is float else jsonable(item) for item in value]
    return value
