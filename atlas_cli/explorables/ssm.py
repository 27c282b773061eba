"""State-space models to turn: from continuous to discrete, two ways to compute, selection.

The parallel scan stands in scan_tree, cost and the hybrid stack in length_cost, measured time in crossing,
an associative memory in recall.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import (
    Bars,
    Curves,
    Explorable,
    Frame,
    Heatmap,
    Knob,
    Panel,
    Series,
    Tokens,
    Words,
)
from atlas_cli.explorables.crossing import CROSSING
from atlas_cli.explorables.hippo import HIPPO
from atlas_cli.explorables.length_cost import COST, HYBRID
from atlas_cli.explorables.ranges import by_ratio, evenly
from atlas_cli.explorables.recall import RECALL
from atlas_cli.explorables.scan_tree import LEAVES, WAYS, scan_tree
from atlas_cli.explorables.ssd_chunks import SSD

if TYPE_CHECKING:
    from torch import Tensor

# --- discretisation: h' = A h + x with A = -1 ---------------------------------------------------------

SECONDS = 8.0
PULSE = (1.0, 4.0)  # the input is 1 between these seconds
DELTAS = by_ratio(0.05, 2.5, 30)  # seconds
RULES = ("zero-order hold", "mamba", "euler")


def bars_of(delta: float, rule: str) -> tuple[float, float]:
    """A-bar and B-bar of h' = -h + x for a step of delta seconds."""
    import math

    if rule == "euler":
        return 1 - delta, delta
    decay = math.exp(-delta)
    return decay, 1 - decay if rule == "zero-order hold" else delta


def discretisation(delta: float, rule: str) -> Frame:
    """The state of a leaky integrator, exactly and in steps of delta."""
    import math

    decay, enters = bars_of(delta, rule)
    n = int(SECONDS / delta)
    h, states = 0.0, [0.0]
    for k in range(n):
        h = decay * h + enters * _pulse(k * delta)
        states.append(h)
    seconds = evenly(0, SECONDS, 65)
    curves = (
        Series("input x", seconds, tuple(_pulse(t) for t in seconds), "dashed"),
        Series("exact state", seconds, tuple(_exact(t) for t in seconds)),
        Series("state in steps", tuple(k * delta for k in range(n + 1)), tuple(states), "points"),
    )
    kernel = Series("C A^k B", tuple(range(17)), tuple(enters * decay**k for k in range(17)), "points")
    worst = max(abs(h - _exact(k * delta)) for k, h in enumerate(states))
    half = f"{math.log(0.5) / math.log(abs(decay)):.3g}" if 0 < abs(decay) < 1 else "never fades"
    return Frame(
        (
            (
                Curves("The state follows the input", curves, "seconds", "h"),
                Curves("Kernel: what a token k steps ago still weighs", (kernel,), "k, tokens ago", "weight"),
            ),
        ),
        "Delta is how much time one token takes: small, and a token writes little but is remembered for many "
        "tokens; large, and it overwrites what was there. At which delta does Euler's rule swing, and at "
        "which does it blow up, while the exponential never does?",
        {"A-bar": decay, "B-bar": enters, "tokens until half is forgotten": half, "largest error": worst},
    )


def _pulse(t: float) -> float:
    return 1.0 if PULSE[0] - 1e-9 <= t < PULSE[1] - 1e-9 else 0.0


def _exact(t: float) -> float:
    import math

    begin, end = PULSE
    if t <= begin:
        return 0.0
    risen = 1 - math.exp(-(min(t, end) - begin))
    return risen * math.exp(-max(0.0, t - end))


# --- two views: recurrence and convolution ------------------------------------------------------------

SIGNAL = (1.0, 0.0, 0.0, 2.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0)


def by_recurrence(decay: float) -> list[float]:
    """h_t = decay h_{t-1} + x_t, one step after another."""
    h, out = 0.0, []
    for x in SIGNAL:
        h = decay * h + x
        out.append(h)
    return out


def toeplitz(decay: float) -> list[list[float]]:
    """Row t holds the kernel, turned around and moved so that it ends at t."""
    n = len(SIGNAL)
    return [[decay ** (t - k) if k <= t else 0.0 for k in range(n)] for t in range(n)]


def by_convolution(decay: float) -> list[float]:
    """Every output from the inputs alone, in any order."""
    return [sum(w * x for w, x in zip(row, SIGNAL, strict=True)) for row in toeplitz(decay)]


def two_views(step: int, decay: float) -> Frame:
    """The same outputs from a state that is carried along, and from a kernel that is slid over the input."""
    stepped, slid = by_recurrence(decay), by_convolution(decay)
    shown = [row if t <= step else [0.0] * len(SIGNAL) for t, row in enumerate(toeplitz(decay))]
    steps = tuple(range(len(SIGNAL)))
    before = stepped[step - 1] if step else 0.0
    terms = [f"{decay ** (step - k):.2g}·{x:g}" for k, x in enumerate(SIGNAL[: step + 1]) if x]
    curves = (
        Series("input", steps, SIGNAL, "dashed"),
        Series("recurrence, so far", steps[: step + 1], stepped[: step + 1]),
        Series("convolution, all at once", steps, slid, "points"),
    )
    ticks = ("0", str(len(SIGNAL) - 1))
    said = (
        f"recurrence:   y_{step} = {decay:g} · {before:.3g} + {SIGNAL[step]:g} = {stepped[step]:.3g}",
        f"convolution:  y_{step} = {' + '.join(reversed(terms)) or '0'} = {slid[step]:.3g}",
    )
    return Frame(
        (
            (
                Curves("Outputs", curves, "step", "y", marker=step),
                Heatmap("Kernel rows used so far", shown, 0, 1, "input k", "output t", ticks, ticks),
            ),
            (Words("The same number twice", said),),
        ),
        "The recurrence needs its last state and nothing else; the convolution needs no order at all. Which "
        "would you use to train on a whole text at once, and which to write one more word?",
        {"output": stepped[step], "numbers the recurrence keeps": 1, "inputs the kernel spans": step + 1},
    )


# --- selective scan -----------------------------------------------------------------------------------

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
        (Tokens("What the last state holds of each word", left),),
        (
            Bars("Step delta of each word", labels, tuple(steps), 2.0),
            Heatmap(
                "State after each word", state.T, 0, 1, "after word", "holds of word", ("0", "11"), WORDS
            ),
        ),
    )
    return Frame(
        panels,
        "A, B and C matter, the rest is filler. With gate 0 every word takes the same step, and fillers wash "
        "A away. With gate 1 a filler's step is almost nothing: the state stands still while it passes. "
        "Which delta of content keeps A, B and C most alike?",
        {
            "share of content in the state": content / total,
            "A left": float(last[1]), "B left": float(last[4]), "C left": float(last[8]),
        },
    )  # fmt: skip


EXPLORABLES = (
    Explorable(
        "two-views", "ssm", ("s4", "mamba"), "One model, computed in two ways",
        "Which view trains in parallel, and which one writes?",
        (
            Knob("step", "step", tuple(range(len(SIGNAL))), 5, "play"),
            Knob("decay", "decay", (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0), 0.8, "slider"),
        ),
        two_views,
    ),
    Explorable(
        "discretisation", "ssm", ("s4", "mamba"), "How much time one token takes",
        "Which delta remembers for long, and which rule survives a large one?",
        (
            Knob("delta", "delta", DELTAS, DELTAS[15], "slider", "s"),
            Knob("rule", "rule", RULES, RULES[0], "choice"),
        ),
        discretisation,
    ),
    Explorable(
        "selective-scan", "ssm", ("mamba",), "Choosing what to remember",
        "What must a step depend on for A to survive the fillers?",
        (
            Knob("gate", "gate", evenly(0, 1, 21), 0.5, "slider"),
            Knob("delta", "delta of content", (0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0), 0.5, "slider"),
        ),
        selective_scan,
    ),
    SSD,
    Explorable(
        "scan-tree", "ssm", ("mamba", "mamba2"), "A recurrence in parallel",
        "How can sixteen steps that each need the one before be done in four rounds?",
        (
            Knob("step", "round", tuple(range(LEAVES)), 2, "play"),
            Knob("way", "way", WAYS, "doubling", "choice"),
        ),
        scan_tree,
    ),
    HIPPO,
    HYBRID,
    RECALL,
    COST,
    CROSSING,
)  # fmt: skip
