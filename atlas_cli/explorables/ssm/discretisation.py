"""How much time one token takes: from h' = A h + x with A = -1 to steps of delta."""

from __future__ import annotations

from atlas_cli.diagrams.frames import Explorable, Frame, Knob
from atlas_cli.diagrams.sketch import Shape, Sketch, Ticks
from atlas_cli.explorables._ranges import by_ratio, evenly

SECONDS = 8.0
SPAN = 5.0  # of the past that is drawn, in seconds
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
    states = states_of(delta, rule)
    worst = max(abs(h - _exact(k * delta)) for k, h in enumerate(states))
    half = f"{math.log(0.5) / math.log(abs(decay)):.3g}" if 0 < abs(decay) < 1 else "never fades"
    return Frame(
        ((_followed(delta, states), _kernel(delta, decay, enters)),),
        f"A step of {delta:.2g} s multiplies the state by {decay:.2g}{_swing(decay)}, and lets in "
        f"{enters:.2g} of the input. Delta is how much time one token takes, the width of a step and of a "
        "strip: small, and a token writes little but is remembered for many tokens; large, and it overwrites "
        "what was there.",
        {"A-bar": decay, "B-bar": enters, "tokens until half is forgotten": half, "largest error": worst},
    )


def states_of(delta: float, rule: str) -> list[float]:
    """The state before the first step, and after each of those that `SECONDS` hold."""
    decay, enters = bars_of(delta, rule)
    states = [0.0]
    for k in range(int(SECONDS / delta)):
        states.append(decay * states[-1] + enters * _pulse(k * delta))
    return states


def _followed(delta: float, states: list[float]) -> Sketch:
    """The input, the exact state, and the one that stands still for a step at a time."""
    begin, end = PULSE
    pulse = [(0, 0), (begin, 0), (begin, 1), (end, 1), (end, 0), (SECONDS, 0)]
    seconds = evenly(0, SECONDS, 65)
    edges = [min(SECONDS, k * delta) for k in range(len(states) + 1)]
    stairs = [(x, h) for k, h in enumerate(states) for x in edges[k : k + 2]]
    shapes = (
        Shape("state in steps", [[(0, 0), *stairs, (stairs[-1][0], 0)]], "area", 1),
        Shape("input x", [pulse], "dashed", 5),
        Shape("exact state", [[(t, _exact(t)) for t in seconds]], "line", 0),
        Shape("", [[(k * delta, h) for k, h in enumerate(states)]], "dots", 1),
    )
    low, high, ticks = _upright(states)
    return Sketch(
        "The state follows the input", shapes, (0, SECONDS, low, high), ratio=0.6, x_label="seconds",
        y_ticks=ticks,
    )  # fmt: skip


def _kernel(delta: float, decay: float, enters: float) -> Sketch:
    """What the past weighs: under the exact curve a strip for each token, whose area is its weight."""
    import math

    n = int(SPAN / delta)
    heights = [enters * decay**k / delta for k in range(n)]
    strips = [
        [(k * delta, 0), (k * delta, h), ((k + 1) * delta, h), ((k + 1) * delta, 0)]
        for k, h in enumerate(heights)
    ]
    shapes = (
        Shape("a token's weight", strips, "area", 1),
        Shape("exact", [[(t, math.exp(-t)) for t in evenly(0, SPAN, 41)]], "line", 0),
    )
    low, high, ticks = _upright(heights)
    return Sketch(
        "What the past still weighs: the strips' areas", shapes, (0, SPAN, low, high), ratio=0.6,
        x_label="seconds ago", y_ticks=ticks, drag="delta",
    )  # fmt: skip


def _upright(values: list[float]) -> tuple[float, float, Ticks]:
    """The range of an axis from 0 to 1, or as far as the values go, and its numbers."""
    low, high = min(0.0, *values), max(1.0, *values)
    beyond = tuple((f"{v:.2g}", v) for v in (low, high) if v < 0 or v > 1.2)
    room = 0.06 * (high - low)
    return low - room, high + room, (("0", 0.0), ("1", 1.0), *beyond)


def _swing(decay: float) -> str:
    """What a factor below 0 does, which no exponential has."""
    if decay < -1:
        return ": it swings from one side to the other, and blows up"
    return ": it swings from one side to the other" if decay < 0 else ""


def _pulse(t: float) -> float:
    return 1.0 if PULSE[0] - 1e-9 <= t < PULSE[1] - 1e-9 else 0.0


def _exact(t: float) -> float:
    import math

    begin, end = PULSE
    if t <= begin:
        return 0.0
    risen = 1 - math.exp(-(min(t, end) - begin))
    return risen * math.exp(-max(0.0, t - end))


EXPLORABLE = Explorable(
    "discretisation", "ssm", ("s4", "mamba"), "How much time one token takes",
    "At which delta does Euler's rule swing, and at which does it blow up?",
    (
        Knob("delta", "delta", DELTAS, DELTAS[15], "slider", "s"),
        Knob("rule", "rule", RULES, RULES[0], "choice"),
    ),
    discretisation,
    place=20,
)  # fmt: skip
