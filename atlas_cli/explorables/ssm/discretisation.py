"""How much time one token takes: from h' = A h + x with A = -1 to steps of delta."""

from __future__ import annotations

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Knob, Series
from atlas_cli.explorables._ranges import by_ratio, evenly

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
        f"A step of {delta:.2g} s multiplies the state by {decay:.2g}{_swing(decay)}. Delta is how much time "
        "one token takes: small, and a token writes little but is remembered for many tokens; large, and it "
        "overwrites what was there.",
        {"A-bar": decay, "B-bar": enters, "tokens until half is forgotten": half, "largest error": worst},
    )


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
