"""What a cache takes."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Tokens, layers, heads of keys and values, width of a head, bytes a number."""
    return (*(int(draw.integers(2, 100, 1)) for _ in range(4)), draw.pick((4, 2)))


def a_small_one(cache_bytes: Function) -> tuple[Any, Any]:
    """256 tokens, 4 layers, 4 heads of 32, float32: 2 · 4 · 4 · 32 · 256 · 4 = 1,048,576 bytes."""
    return cache_bytes(256, 4, 4, 32), 1_048_576


EXERCISE = Exercise(
    topic="kv-cache",
    name="cache_bytes",
    title="the bytes of a cache",
    task="""
        How many bytes does the cache of one text take? Count the numbers that every layer keeps of every
        token.
        """,
    equation=r"2\; n_{\mathrm{layer}}\; n_{\mathrm{kv\,head}}\; d_{\mathrm{head}}"
    r"\; \mathrm{tokens}\; \mathrm{bytes}",
    hints=(
        "Take one token in one layer: which vectors are kept of it, and how long are they?",
        "A key and a value for each head of keys and values; heads of queries do not matter.",
        "Two vectors of `d_head` numbers, times heads, layers, tokens, times the bytes of one number.",
    ),
    mistakes=(
        Mistake("2 * ", "", "you counted keys or values: the cache holds both, so twice as much"),
        Mistake("n_layer * ", "", "you counted one layer: each has a cache of its own"),
        Mistake(
            " * bytes_a_number",
            "",
            "you counted numbers: one of float32 takes 4 bytes, one of bf16 takes 2",
        ),
    ),
    inputs=inputs,
    by_hand=(a_small_one,),
    place=20,
)
