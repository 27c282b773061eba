"""Choosing the next word: temperature and top-p."""

from __future__ import annotations

import math
from itertools import accumulate

from atlas_cli.diagrams.frames import Explorable, Frame, Knob, Words
from atlas_cli.diagrams.sketch import Shape, Sketch
from atlas_cli.explorables._ranges import evenly

N_DRAWN = 12  # words
PROMPT_TEXT = "The cat sat on the ..."
LOGITS = {
    "mat": 4.0, "floor": 3.3, "sofa": 2.9, "table": 2.2, "roof": 1.8, "bed": 1.5, "grass": 0.9,
    "keyboard": 0.5, "moon": -0.4, "equation": -1.2,
}  # fmt: skip


def softmax(logits: list[float]) -> list[float]:
    """Probabilities."""
    highest = max(logits)
    powers = [math.exp(value - highest) for value in logits]
    return [power / sum(powers) for power in powers]


def nucleus(probabilities: list[float], top_p: float) -> list[float]:
    """The fewest most likely ones that together reach top_p, scaled to one (Holtzman et al. 2020)."""
    order = sorted(range(len(probabilities)), key=lambda i: -probabilities[i])
    kept, mass = set(), 0.0
    for i in order:
        kept.add(i)
        mass += probabilities[i]
        if mass >= top_p - 1e-9:
            break
    return [p / mass if i in kept else 0.0 for i, p in enumerate(probabilities)]


def sampling(temperature: float, top_p: float) -> Frame:
    """The next word's probabilities before and after both knobs."""
    heated = softmax([logit / temperature for logit in LOGITS.values()])
    kept = nucleus(heated, top_p)
    bits = sum(p * math.log2(1 / p) for p in kept if p > 0)
    n = sum(p > 0 for p in kept)
    draws = ", ".join(_draws(kept, N_DRAWN))
    return Frame(
        (
            (_cut(heated, kept, top_p),),
            (Words(PROMPT_TEXT, (f"twelve words, spread evenly over the probabilities: {draws}",)),),
        ),
        f"At temperature {temperature:g} the likeliest word has {max(heated):.0%} before the cut and "
        f"{max(kept):.0%} after it: a top-p of {top_p:g} keeps {_counted(n, 'word')} of {len(LOGITS)}, the "
        "fewest that reach it. Temperature bends all probabilities; top-p cuts off the tail and leaves the "
        "rest in proportion.",
        {"words left": n, "bits of surprise": bits, "most likely": max(kept)},
    )


def _cut(heated: list[float], kept: list[float], top_p: float) -> Sketch:
    """Words from the likeliest down, the stairs of their sum, and the cut where the stairs reach top-p."""
    n, left = len(heated), sum(p > 0 for p in kept)
    sums = [0.0, *accumulate(heated)]
    stairs = [(x, 0.5 - i) for i in range(n) for x in (sums[i], sums[i + 1])] + [(sums[-1], 0.5 - n)]
    shapes = (
        Shape("after temperature", [_bar(i, 0, p) for i, p in enumerate(heated)], "area", 0),
        Shape("added by the cut", [_bar(i, heated[i], q) for i, q in enumerate(kept[:left])], "area", 1),
        Shape("their sum, from above", [stairs], "line", 2),
        Shape("top-p, and the cut", [((top_p, 0.5), (top_p, 0.5 - left), (0, 0.5 - left))], "dashed", 5),
    )
    names = tuple(
        (f"{word} {q:.0%}" if q else word, float(-i))
        for i, (word, q) in enumerate(zip(LOGITS, kept, strict=True))
    )
    return Sketch(
        "How likely each word is, before and after the cut", shapes, (0, 1.01, 0.5 - n, 0.5), ratio=0.56,
        x_label="probability", x_ticks=(("0", 0.0), ("0.5", 0.5), ("1", 1.0)), y_ticks=names, drag="top_p",
    )  # fmt: skip


def _bar(i: int, start: float, end: float) -> list[tuple[float, float]]:
    return [(start, -i - 0.4), (end, -i - 0.4), (end, -i + 0.4), (start, -i + 0.4)]


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _draws(probabilities: list[float], n: int) -> list[str]:
    """n words at evenly spread places of the cumulative distribution: draws without luck."""
    words, drawn = tuple(LOGITS), []
    for k in range(n):
        place, i = (k + 0.5) / n, 0
        while i < len(words) - 1 and place > probabilities[i] + 1e-12:
            place -= probabilities[i]
            i += 1
        drawn.append(words[i])
    return drawn


def given() -> dict[str, object]:
    """What the page needs to compute it."""
    return {"logits": LOGITS, "draws": N_DRAWN}


EXPLORABLE = Explorable(
    "sampling", "transformer", ("gpt", "speculative"), "Choosing the next word",
    "Heat it to 2: which of the two knobs keeps the equation out, and does it keep the sofa in?",
    (
        Knob("temperature", "temperature", evenly(0.1, 2, 20), 1.0, "slider"),
        Knob("top_p", "top-p", (0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0), 0.9, "slider"),
    ),
    sampling,
    given=given,
    place=40,
)  # fmt: skip
