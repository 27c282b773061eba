"""How fast each pair of channels turns."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Widths of a head, bases and stretches."""
    return draw.pick((8, 16, 32)), draw.pick((10_000.0, 500.0)), draw.pick((1.0, 4.0))


def four_channels(frequencies: Function) -> tuple[Any, Any]:
    """Two pairs, base 10,000: 1 and 10,000^(-1/2) = 0.01 radians a position."""
    import torch

    return frequencies(4), torch.tensor([1.0, 0.01])


def slowest_stretched(frequencies: Function) -> tuple[Any, Any]:
    """ntk = 4 turns the slowest pair four times slower, and the fastest as before."""
    import torch

    ends = [0, -1]
    return (frequencies(8, ntk=4.0) / frequencies(8))[ends], torch.tensor([1.0, 0.25])


EXERCISE = Exercise(
    topic="rope",
    name="frequencies",
    title="how fast each pair turns",
    task="""
        Return the angle a position, in radians, of each of the Dh/2 pairs: from 1 for the first, in equal
        ratios, towards 1 / base. In float64: angles of far positions need the digits.

        With ntk other than 1 the base is enlarged first, so that the slowest pair turns ntk times slower
        and the fastest as before.
        """,
    equation=r"\theta_i = \mathrm{base}^{-2i / D_h} \qquad"
    r" \mathrm{base} \leftarrow \mathrm{base} \cdot \mathrm{ntk}^{D_h / (D_h - 2)}",
    hints=(
        "There are Dh/2 pairs, i = 0 .. Dh/2 - 1. The exponent goes from 0 to almost -1.",
        "-2i / Dh is -i over the number of pairs: `torch.arange(pairs, dtype=torch.float64) / pairs`.",
        "`base ** (-torch.arange(pairs, dtype=torch.float64) / pairs)`, after "
        "`base = base * ntk ** (d_head / (d_head - 2))`.",
    ),
    mistakes=(
        Mistake(
            "dtype=torch.float64) / pairs",
            "dtype=torch.float64) / d_head",
            "you divided i by Dh: the exponent is -2i / Dh, and yours ends half way, at 1 / √base",
        ),
        Mistake(
            "-torch.arange",
            "torch.arange",
            "your frequencies grow up to the base: it is raised to a negative power, so that pairs turn "
            "slower and slower",
        ),
        Mistake(
            "ntk ** (d_head / (d_head - 2))",
            "ntk",
            "you stretched the base by ntk itself: the slowest pair has the exponent -(Dh - 2) / Dh, so ntk "
            "needs the power Dh / (Dh - 2) to arrive there whole",
        ),
    ),
    inputs=inputs,
    by_hand=(four_channels, slowest_stretched),
    source="nets.rope",
    place=20,
)
