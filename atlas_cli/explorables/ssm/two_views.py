"""One model, computed in two ways: by a state that is carried along, and by a kernel slid over the input."""

from __future__ import annotations

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Heatmap, Knob, Series, Words

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
    terms = [f"{_plus(x)}·{decay ** (step - k):.2g}" for k, x in enumerate(SIGNAL[: step + 1]) if x]
    curves = (
        Series("input", steps, SIGNAL, "dashed"),
        Series("recurrence, so far", steps[: step + 1], stepped[: step + 1]),
        Series("convolution, all at once", steps, slid, "points"),
    )
    ticks = ("0", str(len(SIGNAL) - 1))
    said = (
        f"recurrence:   y_{step} = {decay:g} · {before:.3g} {_plus(SIGNAL[step])} = {stepped[step]:.3g}",
        f"convolution:  y_{step} = {' '.join(reversed(terms)).removeprefix('+ ') or '0'} = {slid[step]:.3g}",
    )
    return Frame(
        (
            (
                Curves("Outputs", curves, "step", "y", marker=step, drag="step"),
                Heatmap("Kernel rows used so far", shown, 0, 1, "input k", "output t", ticks, ticks),
            ),
            (Words("The same number twice", said),),
        ),
        f"Output {step} is {stepped[step]:.3g} either way: the recurrence makes it of its last state and one "
        f"input, the convolution of {step + 1} inputs. The one needs its last state and nothing else, the "
        "other no order at all.",
        {"output": stepped[step], "numbers the recurrence keeps": 1, "inputs the kernel spans": step + 1},
    )


def _plus(value: float) -> str:
    return f"{'-' if value < 0 else '+'} {abs(value):g}"


EXPLORABLE = Explorable(
    "two-views", "ssm", ("s4", "mamba"), "One model, computed in two ways",
    "Which view would you train a whole text with at once, and which would write one more word?",
    (
        Knob("step", "step", tuple(range(len(SIGNAL))), 5, "play"),
        Knob("decay", "decay", (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0), 0.8, "slider"),
    ),
    two_views,
    place=10,
)  # fmt: skip
