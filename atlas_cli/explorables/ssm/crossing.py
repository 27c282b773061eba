"""From which length on a recurrence is faster than attention: measured on the machine that draws it.

One layer's mixing of tokens, 128 channels wide, in fp32 on one thread: causal attention of four heads,
Mamba's scan in three ways and Mamba-2's chunks. A measurement takes a thousand tokens, or one sequence where
that is longer; up to that length the least of some rounds counts, and the band is as wide as they differ.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Bars, Drag, Explorable, Frame, Knob
from atlas_cli.diagrams.sketch import Note, Shape, Sketch

if TYPE_CHECKING:
    from torch import Tensor

WIDTH, HEADS, ATTENTION_HEADS = 128, 8, 4
LENGTHS = (64, 128, 256, 512, 1024, 2048, 4096)
STATES = (16, 64)
PASSES = ("forward", "forward and backward")
TOKENS = 1024
ROUNDS, SLOW_ROUNDS = 4, 2  # a measurement that is long enough settles in one
SLOW = ("loop", "tree")  # they hold the states of all steps at once: measured where that is little
SLOW_UNTIL = 1024
SLOW_STATES = 16
Leaves = tuple["Tensor", ...]
Mixer = Callable[..., "Tensor"]


@dataclass(frozen=True)
class Reading:
    """Of one method at one length, for one token: microseconds by pass, KiB kept for the backward pass.

    Attributes:
        microseconds: Of the quickest round.
        slowest: Of the slowest one.
        kept_kib: What autograd holds.
    """

    microseconds: Mapping[str, float]
    slowest: Mapping[str, float]
    kept_kib: float


def methods() -> dict[str, tuple[Callable[[int, int, int], Leaves], Mixer]]:
    """By name: what makes the inputs from batch, length and states, and what mixes the tokens."""
    from torch.nn import functional as F

    from atlas_cli.nets.scan import blelloch_scan, selective_scan
    from atlas_cli.nets.ssd import ssd
    from atlas_cli.systems.ssm.mamba import plain_scan

    return {
        "attention": (_queries, lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True)),
        "loop": (_channels, plain_scan),
        "tree": (_channels, blelloch_scan),
        "fused": (_channels, selective_scan),
        "chunks": (_heads, lambda *leaves: ssd(*leaves)[0]),
    }


def _queries(batch: int, length: int, states: int) -> Leaves:
    """Queries, keys and values."""
    import torch

    shape = (batch, ATTENTION_HEADS, length, WIDTH // ATTENTION_HEADS)
    return tuple(torch.randn(shape, requires_grad=True) for _ in range(3))


def _channels(batch: int, length: int, states: int) -> Leaves:
    """x, delta, A, B, C of Mamba: every channel and state with a decay of its own."""
    import torch

    A = -torch.arange(1.0, states + 1).repeat(WIDTH, 1)
    return _inputs((batch, length, WIDTH), (batch, length, WIDTH), A, states)


def _heads(batch: int, length: int, states: int) -> Leaves:
    """x, delta, A, B, C of Mamba-2: one decay for all of a head."""
    import torch

    A = -torch.arange(1.0, HEADS + 1)
    return _inputs((batch, length, HEADS, WIDTH // HEADS), (batch, length, HEADS), A, states)


def _inputs(x_shape: tuple[int, ...], delta_shape: tuple[int, ...], A: Tensor, states: int) -> Leaves:
    import torch
    from torch.nn import functional as F

    x, delta = torch.randn(x_shape), F.softplus(torch.randn(delta_shape) - 2)
    B, C = torch.randn(2, *x_shape[:2], states)
    return tuple(leaf.requires_grad_() for leaf in (x, delta, A, B, C))


def measure(name: str, length: int, states: int, tokens: int = TOKENS, rounds: int = ROUNDS) -> Reading:
    """One method at one length, in processor time."""
    make, mix = methods()[name]
    batch = max(1, tokens // length)
    leaves = make(batch, length, states)
    count = batch * length
    taken = {
        which: [1e6 / count * _seconds(mix, leaves, backward=which != "forward") for _ in range(rounds)]
        for which in PASSES
    }
    least, most = ({which: pick(times) for which, times in taken.items()} for pick in (min, max))
    return Reading(least, most, _kept_bytes(mix, leaves) / 1024 / count)


@cache
def _attention(length: int) -> Reading:
    """It has no states, so every number of them is held against the same."""
    return measure("attention", length, STATES[0], rounds=_rounds("attention", length))


def _measured(name: str, length: int, states: int) -> Reading:
    if name == "attention":
        return _attention(length)
    return measure(name, length, states, rounds=_rounds(name, length))


def _rounds(name: str, length: int) -> int:
    if length > TOKENS:
        return 1
    return SLOW_ROUNDS if name in SLOW else ROUNDS


def _seconds(mix: Mixer, leaves: Leaves, backward: bool) -> float:
    import torch

    began = time.process_time()
    with torch.set_grad_enabled(backward):
        y = mix(*leaves)
    if backward:
        torch.autograd.grad(y.sum(), leaves)
    return time.process_time() - began


def _kept_bytes(mix: Mixer, leaves: Leaves) -> int:
    """Of all that autograd holds between forward and backward, each memory once."""
    import torch

    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        mix(*leaves)
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


@cache
def race(states: int) -> dict[str, dict[int, Reading]]:
    """Every method at every length that it can be asked for, on one thread."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for name in methods():  # what is loaded on first use
            measure(name, LENGTHS[0], states, tokens=LENGTHS[0], rounds=1)
        return {
            name: {n: _measured(name, n, states) for n in LENGTHS if n <= SLOW_UNTIL or name not in SLOW}
            for name in methods()
            if states <= SLOW_STATES or name not in SLOW
        }
    finally:
        torch.set_num_threads(threads)


def crosses(ours: Mapping[int, float], attention: Mapping[int, float]) -> float | None:
    """The length beyond which `ours` is below attention, on straight lines between logarithms; None: never.

    Where it is below from the first length on, that length.
    """
    lengths = sorted(set(ours) & set(attention))
    ahead = [math.log(attention[n] / ours[n]) for n in lengths]
    if ahead[-1] <= 0:
        return None
    behind = [i for i, lead in enumerate(ahead) if lead <= 0]
    if not behind:
        return float(lengths[0])
    i = behind[-1]
    share = -ahead[i] / (ahead[i + 1] - ahead[i])
    return float(lengths[i] * (lengths[i + 1] / lengths[i]) ** share)


LABELS = {
    "attention": "attention",
    "loop": "scan, a plain loop",
    "tree": "scan, a tree",
    "fused": "scan, fused",
    "chunks": "chunks",
}
TREE = "The tree takes the fewest rounds and keeps the most: every state goes through memory many times. "


def crossing(length: int, states: int, which: str) -> Frame:
    """Time over length, and where the recurrences pass attention."""
    readings = race(states)
    times = {name: {n: r.microseconds[which] for n, r in row.items()} for name, row in readings.items()}
    at = {name: row[length] for name, row in times.items() if length in row}
    kept = {name: row[length].kept_kib for name, row in readings.items() if length in row}
    names = tuple(LABELS[name] for name in at)
    passed = {name: crosses(times[name], times["attention"]) for name in ("fused", "chunks")}
    return Frame(
        (
            (_race(states, which, length),),
            (
                Bars(f"Microseconds a token at {length}", names, tuple(at.values()), max(at.values())),
                Bars("KiB a token kept for backward", names, tuple(kept.values()), max(kept.values())),
            ),
        ),
        f"At {length} tokens, {which}, attention takes {_times(at['attention'] / at['chunks'])} the time of "
        "the chunks. To a recurrence every token costs alike, to attention a token costs the more, the more "
        f"came before it: flat lines meet a rising one. {TREE if 'tree' in at else ''}Measured where it was "
        f"drawn, with {WIDTH} channels on one thread; a band goes from the quickest round to the slowest.",
        {
            "chunks pass attention at": _said(passed["chunks"]),
            "fused scan passes attention at": _said(passed["fused"]),
            "attention / chunks": at["attention"] / at["chunks"],
            "attention / fused scan": at["attention"] / at["fused"],
        },
    )


def _race(states: int, which: str, length: int) -> Sketch:
    """A line for each method, named at its end, in a band as wide as its rounds differ; both axes are log."""
    bands: list[Shape] = []
    lines: list[Shape] = []
    ends: dict[str, tuple[float, float]] = {}
    for hue, (name, row) in enumerate(race(states).items()):
        quickest = [(math.log10(n), math.log10(reading.microseconds[which])) for n, reading in row.items()]
        slowest = [(math.log10(n), math.log10(reading.slowest[which])) for n, reading in row.items()]
        bands.append(Shape("", [[*slowest, *reversed(quickest)]], "area", hue))
        lines.append(Shape("", [quickest], "dashed" if name in SLOW else "line", hue))
        ends[LABELS[name]] = quickest[-1]
    meetings, met = _meetings(which, race(states))
    heights = [y for band in bands for _, y in band.paths[0]]
    low, high = min(heights) - 0.1, max(heights) + 0.1
    first, last = math.log10(LENGTHS[0]), math.log10(LENGTHS[-1])
    here = math.log10(length)
    powers = range(math.ceil(low), math.floor(high) + 1)
    return Sketch(
        f"Microseconds a token, {which}",
        (
            Shape("", [((here, low), (here, high))], "dashed", None), *_savings(which, race(states)), *bands,
            *lines, meetings,
        ),
        (first, last + 0.5, low, high), (*_named(ends, 0.055 * (high - low)), *met), ratio=0.5,
        x_label="tokens, both axes log",
        x_ticks=tuple((str(n), math.log10(n)) for n in LENGTHS),
        y_ticks=tuple((f"{10.0**k:g}", float(k)) for k in powers),
        drag=Drag("length", values=LENGTHS, at=[math.log10(n) for n in LENGTHS]),
    )  # fmt: skip


Readings = Mapping[str, Mapping[int, Reading]]


def _line(row: Mapping[int, Reading], which: str) -> list[tuple[float, float]]:
    return [(math.log10(n), math.log10(reading.microseconds[which])) for n, reading in row.items()]


def _savings(which: str, readings: Readings) -> list[Shape]:
    """Between the lines of attention and of the chunks: what each saves, on its side of the crossing."""
    attention, chunks = (_line(readings[name], which) for name in ("attention", "chunks"))
    least = [(x, min(a, c)) for (x, a), (_, c) in zip(attention, chunks, strict=True)]
    return [
        Shape("saved by the chunks", [[*attention, *reversed(least)]], "area", 4),
        Shape("saved by attention", [[*chunks, *reversed(least)]], "area", 0),
    ]


def _meetings(which: str, readings: Readings) -> tuple[Shape, list[Note]]:
    """Where the lines that pass attention's meet it, and at how many tokens."""
    times = {name: {n: r.microseconds[which] for n, r in row.items()} for name, row in readings.items()}
    attention = _line(readings["attention"], which)
    points: list[tuple[float, float]] = []
    notes: list[Note] = []
    for name in ("fused", "chunks"):
        length = crosses(times[name], times["attention"])
        if length is None or length <= LENGTHS[0]:
            continue
        x = math.log10(length)
        (x0, y0), (x1, y1) = next(pair for pair in pairwise(attention) if pair[1][0] >= x)
        y = y0 + (y1 - y0) * (x - x0) / (x1 - x0)
        points.append((x, y))
        notes.append(Note(f"{length:.0f}", x - 0.03, y + 0.06, "right"))
    return Shape("passes attention, at so many tokens", [points] if points else [], "dots", 5), notes


def _named(ends: Mapping[str, tuple[float, float]], apart: float) -> tuple[Note, ...]:
    """A name at the end of each line; those of lines that end near each other are moved apart."""
    notes: list[Note] = []
    for name, (x, y) in sorted(ends.items(), key=lambda end: end[1][1]):
        below = [note.y for note in notes if abs(note.x - x) < 1]
        notes.append(Note(name, x + 0.02, max([y, *(other + apart for other in below)]), "left"))
    return tuple(notes)


def _times(ratio: float) -> str:
    return f"{ratio:.2g} times"


def _said(length: float | None) -> str:
    if length is None:
        return f"not up to {LENGTHS[-1]} tokens"
    return f"{LENGTHS[0]} tokens or fewer" if length <= LENGTHS[0] else f"{length:.0f} tokens"


EXPLORABLE = Explorable(
    "crossing", "ssm", ("mamba2", "mamba"), "Where a recurrence passes attention",
    "From how many tokens on do the chunks win? Turn the states to 64: which line hardly rises?",
    (
        Knob("length", "length", LENGTHS, 1024, "slider", "tokens"),
        Knob("states", "states a channel", STATES, 16, "choice"),
        Knob("which", "pass", PASSES, PASSES[1], "choice"),
    ),
    crossing,
    heavy=True,
    place=100,
)  # fmt: skip
