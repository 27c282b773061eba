"""What a hybrid keeps of a text."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Sizes of a model, and the length of a text."""
    n_head, n_layer = draw.pick((4, 8)), int(draw.integers(4, 9, 1))
    sizes = SimpleNamespace(
        n_head=n_head, n_kv_head=draw.pick((2, 1)), d_model=16 * n_head, expand=draw.pick((2, 3)),
        d_state=int(draw.integers(4, 17, 1)), d_conv=4, n_layer=n_layer,
        n_attention=int(draw.integers(1, 4, 1)),
    )  # fmt: skip
    return sizes, int(draw.integers(100, 1000, 1))


def two_layers(cache_numbers: Function) -> tuple[Any, Any]:
    """One layer of each, one head of 2, 10 tokens: 2 · 10 · 2 = 40, and 2 · 2 · (3 + 4 - 1) = 24."""
    sizes = SimpleNamespace(n_head=1, n_kv_head=1, d_model=2, expand=2, d_state=3, d_conv=4, n_layer=2)
    sizes.n_attention = 1
    return cache_numbers(sizes, 10), 64


EXERCISE = Exercise(
    topic="jamba",
    name="cache_numbers",
    title="what a hybrid keeps of a text",
    task="""
        How many numbers are kept of a text of `length` tokens, to write the next one? `self.n_attention` of
        `self.n_layer` layers attend: each keeps keys and values of every token, for `self.n_kv_head` heads
        of d_model / n_head. The others scan: each keeps `self.d_state` states for every inner channel
        (`self.expand` times d_model), and the last `self.d_conv` - 1 inputs of its convolution.
        """,
    equation=r"n_A \cdot 2 L\, n_{kv}\, d_{\mathrm{head}}"
    r" + (n - n_A) \cdot E\, d_{\mathrm{model}}\, (N + K - 1)",
    hints=(
        "Which of the two grows with the text, and which does not?",
        "A layer that scans keeps, of each inner channel, its states and the window of its convolution "
        "without the newest.",
        "`2 * length * self.n_kv_head * (self.d_model // self.n_head)` for a layer that attends, "
        "`self.expand * self.d_model * (self.d_state + self.d_conv - 1)` for one that scans.",
    ),
    mistakes=(
        Mistake(
            "self.d_conv - 1",
            "self.d_conv",
            "you keep one input too many: the newest comes with the next token, so K - 1 of the window are "
            "kept",
        ),
        Mistake(
            "2 * length",
            "length",
            "you counted keys or values: a layer that attends keeps both",
        ),
        Mistake(
            "self.n_kv_head *",
            "self.n_head *",
            "you counted the heads of queries: only those of keys and values are kept",
        ),
    ),
    inputs=inputs,
    by_hand=(two_layers,),
    place=20,
)
