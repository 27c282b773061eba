"""One model, computed in two ways: by a state that is carried along, and by a kernel slid over the input."""

from __future__ import annotations

from atlas_cli.diagrams.frames import Explorable, Frame, Knob, Words
from atlas_cli.diagrams.sketch import Shape, Sketch

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
    before = stepped[step - 1] if step else 0.0
    terms = [f"{_plus(x)}·{decay ** (step - k):.2g}" for k, x in enumerate(SIGNAL[: step + 1]) if x]
    said = (
        f"recurrence:   y_{step} = {decay:g} · {before:.3g} {_plus(SIGNAL[step])} = {stepped[step]:.3g}",
        f"convolution:  y_{step} = {' '.join(reversed(terms)).removeprefix('+ ') or '0'} = {slid[step]:.3g}",
    )
    return Frame(
        (
            (_carried(step, decay), _slid(step, decay)),
            (Words("The same number twice", said),),
        ),
        f"Output {step} is {stepped[step]:.3g} either way: the recurrence makes it of its last state and one "
        f"input, the convolution of {step + 1} inputs. The one needs its last state and nothing else, the "
        "other no order at all.",
        {"output": stepped[step], "numbers the recurrence keeps": 1, "inputs the kernel spans": step + 1},
    )


def _carried(step: int, decay: float) -> Sketch:
    """Outputs so far, and how the last one comes of the one before."""
    outputs = by_recurrence(decay)
    before = outputs[step - 1] if step else 0.0
    faded = decay * before
    shapes = (
        Shape("outputs so far", [_bar(k, outputs[k]) for k in range(step)], "area", None, range(step)),
        Shape(f"the last one, times {decay:g}", [_bar(step, faded)], "area", 0, (step,)),
        Shape("", [((step - 1, before), (step, faded))] if step else (), "arrow", 0),
        Shape("and the input", [((step, faded), (step, outputs[step]))] if SIGNAL[step] else (), "arrow", 1),
        Shape("output", [[(step, outputs[step])]], "dots", 2, (step,)),
    )
    return _plot("Recurrence: the last output fades", shapes)


def _slid(step: int, decay: float) -> Sketch:
    """Inputs, the kernel laid over them so that it ends at the step, and their products, which add up."""
    kernel = toeplitz(decay)[step][: step + 1]
    products = [w * x for w, x in zip(kernel, SIGNAL[: step + 1], strict=True)]
    given, weighed = ([k for k, v in enumerate(values) if v] for values in (SIGNAL, products))
    shapes = (
        Shape("inputs", [_bar(k, SIGNAL[k]) for k in given], "area", None, given),
        Shape("input times kernel", [_bar(k, products[k]) for k in weighed], "area", 0, weighed),
        Shape("kernel", [list(enumerate(kernel))], "line", 1),
        Shape("their sum", [[(step, sum(products))]], "dots", 2),
    )
    return _plot("Convolution: a kernel over all inputs", shapes)


def _plot(title: str, shapes: tuple[Shape, ...]) -> Sketch:
    """Both pictures have the same axes."""
    last = len(SIGNAL) - 1
    floor = Shape("", [((-0.6, 0), (last + 0.6, 0))], "line", None)
    return Sketch(
        title, (floor, *shapes), (-0.6, last + 0.6, -1.4, 4.3), ratio=0.6, x_label="step",
        x_ticks=tuple((str(k), float(k)) for k in range(last + 1)),
        y_ticks=tuple((str(y), float(y)) for y in range(-1, 5)), drag="step", links="step",
    )  # fmt: skip


def _bar(at: int, value: float) -> list[tuple[float, float]]:
    return [(at - 0.35, 0), (at - 0.35, value), (at + 0.35, value), (at + 0.35, 0)]


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
