"""Choosing what to remember: steps that depend on the word, and steps that do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Bars, Explorable, Frame, Heatmap, Knob, Panel, Tokens
from atlas_cli.explorables._ranges import evenly

if TYPE_CHECKING:
    from torch import Tensor

WORDS = ("keep", "A", "um", "so", "B", "um", "well", "um", "C", "so", "um", "?")
CONTENT = {"A", "B", "C"}
LEAST_STEP = 0.02  # what a closed gate lets through


def steps_of(gate: float, write: float) -> list[float]:
    """Delta of each word: content keeps `write`, everything else is closed by the gate."""
    return [write if word in CONTENT else write * (1 - gate) + LEAST_STEP * gate for word in WORDS]


def memory(gate: float, write: float) -> Tensor:
    """How much of word k is in the state after word t, (t, k): the project's scan over one-hot channels."""
    import torch

    from atlas_cli.nets.scan import selective_scan

    n = len(WORDS)
    delta = torch.tensor(steps_of(gate, write)).view(1, n, 1).expand(1, n, n)
    ones = torch.ones(1, n, 1)
    return selective_scan(torch.eye(n)[None], delta, -torch.ones(n, 1), ones, ones)[0]


def selective_scan(gate: float, delta: float) -> Frame:
    """What is left of each word in the state, when steps depend on the word and when they do not."""
    state = memory(gate, delta)
    last = state[-1]
    total = float(last.sum())
    content = sum(float(v) for word, v in zip(WORDS, last, strict=True) if word in CONTENT)
    steps = steps_of(gate, delta)
    left = tuple((word, min(1.0, float(v)), f"{float(v):.2f}") for word, v in zip(WORDS, last, strict=True))
    labels = tuple(f"{word:<4} {i}" for i, word in enumerate(WORDS))
    panels: tuple[tuple[Panel, ...], ...] = (
        (Tokens("What the last state holds of each word", left, links="word"),),
        (
            Bars("Step delta of each word", labels, tuple(steps), 2.0, links="word"),
            Heatmap(
                "State after each word",
                state.T,
                0,
                1,
                "after word",
                "holds of word",
                ("0", "11"),
                WORDS,
                links=("word", "word"),
            ),
        ),
    )
    return Frame(
        panels,
        "A, B and C matter, the rest is filler. At gate "
        f"{gate:g} a filler's step is {steps[0]:.2g} where content takes {delta:g}, and "
        f"{content / total:.0%} of what the state holds in the end is content. At gate 0 every word takes "
        "the same step, and fillers wash A away; at gate 1 the state stands still while a filler passes.",
        {
            "share of content in the state": content / total,
            "A left": float(last[1]), "B left": float(last[4]), "C left": float(last[8]),
        },
    )  # fmt: skip


def given() -> dict[str, object]:
    """What the page needs to compute it."""
    return {"words": WORDS, "content": sorted(CONTENT), "least": LEAST_STEP}


EXPLORABLE = Explorable(
    "selective-scan", "ssm", ("mamba",), "Choosing what to remember",
    "Find a gate with which A survives the fillers. Which delta then keeps A, B and C most alike?",
    (
        Knob("gate", "gate", evenly(0, 1, 21), 0.5, "slider"),
        Knob("delta", "delta of content", (0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0), 0.5, "slider"),
    ),
    selective_scan,
    given=given,
    place=30,
)  # fmt: skip
