"""What diagrams of a trained run read: held-out sequences of its own data, or what the reader types."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.engine.system import System

BLANKS = {" ": "·", "\n": "↵", "\t": "→"}  # a blank token must be seen


def held_out(n: int) -> tuple[str, ...]:
    """Names of n held-out sequences, the values of a knob that is open for other texts."""
    return tuple(f"held-out {i + 1}" for i in range(n))


def tokens_of(system: System, text: str, names: tuple[str, ...], longest: int) -> Tensor:
    """The sequence of that name, or the text itself: (1, L), at most `longest` tokens."""
    data = system.setting.data
    tokens = data.held_out(len(names))[0][names.index(text)] if text in names else data.encode(text)
    return tokens[None, :longest]


def glyphs_of(system: System, tokens: Tensor) -> list[str]:
    """One character a token (L,)."""
    return [BLANKS.get(c, c) for c in (system.setting.data.decode(token[None]) for token in tokens)]
