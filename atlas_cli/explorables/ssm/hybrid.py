"""A few layers that look back: a stack of scans and attention, in the shape of Jamba.

Source:  Lieber et al. 2024, arXiv:2403.19887.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

from atlas_cli.diagrams.frames import Bars, Curves, Drag, Explorable, Frame, Knob, Panel, Series
from atlas_cli.diagrams.sketch import Note, Shape, Sketch
from atlas_cli.explorables.ssm._sizes import BYTES, EXPAND

N_LAYER, D_MODEL, N_KV_HEAD, HEAD_DIM = 32, 4096, 8, 128
D_STATE, D_CONV = 16, 4
SLOWEST = 1000.0  # tokens: 1 / dt_min, after which the slowest fresh channel of Mamba has decayed to 1 / e
FADED = 0.01  # weight at which a token counts as forgotten
EVERY = (1, 2, 4, 8, 16, 32)
K = 1024
THOUSANDS = tuple(2**k for k in range(11))
LAYER_TICKS = (("1", 0.0), ("8", 7.0), ("16", 15.0), ("24", 23.0), ("32", 31.0))
LENGTHS = tuple(K * thousands for thousands in THOUSANDS)
DISTANCES = tuple(32**k for k in range(5))  # tokens back that are named


@cache
def stack(every: int) -> Any:
    """The config of the atlas's own Jamba in this shape; 0: no layer attends."""
    from atlas_cli.config import config_class

    return config_class("atlas_cli.systems.ssm.jamba")(
        vocab_size=65_536, context_len=256 * K, d_model=D_MODEL, n_layer=N_LAYER, attention_every=every,
        n_head=D_MODEL // HEAD_DIM, n_kv_head=N_KV_HEAD, d_state=D_STATE, d_conv=D_CONV, expand=EXPAND,
    )  # fmt: skip


def is_attention(layer: int, every: int) -> bool:
    """Whether a layer attends: the middle one of each `every`."""
    return bool(stack(every).attends(layer))


def n_attention(every: int) -> int:
    """Layers that attend."""
    return int(stack(every).n_attention)


def cache_bytes(length: int, every: int) -> float:
    """All layers: 2 L n_kv head_dim numbers where it attends, E d (N + K - 1) where it scans."""
    return float(BYTES * stack(every).cache_numbers(length))


def carried() -> float:
    """Tokens over which one scanning layer carries a word before it has faded: tau log(1 / faded)."""
    return SLOWEST * math.log(1 / FADED)


def reach(length: float, every: int) -> float:
    """Tokens back from which a word can still come: all if a layer attends, else what all carry in turn."""
    return length if n_attention(every) else min(length, N_LAYER * carried())


def weight(layer: int, distance: float, length: float, every: int) -> float:
    """What a layer can at most see of a token: all of it by attention, exp(-distance / tau) by a scan."""
    if distance > length:
        return 0.0
    return 1.0 if is_attention(layer, every) else math.exp(-distance / SLOWEST)


def sight(layer: int, length: float, every: int) -> float:
    """Tokens back to the farthest that a layer sees, faded to no less than FADED."""
    return length if is_attention(layer, every) else min(length, carried())


def layer_bytes(length: int, every: int) -> tuple[float, ...]:
    """What each layer keeps; together the cache."""
    attention, scan = (cache_bytes(length, k) / N_LAYER for k in (1, 0))
    return tuple(attention if is_attention(layer, every) else scan for layer in range(N_LAYER))


def hybrid(every: int, thousands: int) -> Frame:
    """Layers by how far they see, and what each kind of stack keeps; `thousands` are of 1024 tokens."""
    length = K * thousands
    held, whole = cache_bytes(length, every), cache_bytes(length, 1)
    return Frame(
        _hybrid_panels(every, length),
        f"With every {_nth(every)} attending, {_counted(n_attention(every))} the whole text of "
        f"{_short(length)} tokens, and what the stack keeps is {held / whole:.1%} of a transformer's. A scan "
        f"carries a word for {carried():.0f} tokens before it has faded to {FADED:g}, {N_LAYER} of them that "
        f"much in turn, {_short(N_LAYER * carried())}; it keeps as much of a long text as of a short one. "
        "One layer that attends is enough for the reach. Jamba attends in every 8th.",
        {
            "layers that attend": f"{n_attention(every)} of {N_LAYER}",
            "cache": f"{held / 2**30:.3g} GiB",
            "cache / transformer's": held / whole,
            "reach": f"{_short(reach(length, every))} tokens",
            "reach of scans only": f"{_short(reach(length, 0))} tokens",
        },
    )


def _hybrid_panels(every: int, length: int) -> tuple[tuple[Panel, ...], ...]:
    stacks = (("this stack", every), ("transformer", 1), ("scans only", 0))
    caches = tuple(
        Series(
            name,
            LENGTHS,
            tuple(cache_bytes(n, k) / 2**30 for n in LENGTHS),
            "dashed" if name == "transformer" else "line",
        )
        for name, k in stacks
    )
    sizes = tuple(cache_bytes(length, k) / 2**30 for _, k in stacks)
    return (
        (_seen(every, length), _held(every, length)),
        (
            Curves(
                "Kept to write the next token, GiB",
                caches,
                "tokens",
                "GiB",
                True,
                True,
                length,
                drag=Drag("thousands", values=THOUSANDS, at=LENGTHS),
            ),
        ),
        (Bars(f"GiB at {_short(length)} tokens", tuple(name for name, _ in stacks), sizes, max(sizes)),),
    )


def _seen(every: int, length: int) -> Sketch:
    """A strip for each layer, from the newest token as far back as it sees, and where the text begins."""
    strips = [(layer, _away(sight(layer, length, every))) for layer in range(N_LAYER)]
    start = _away(length)
    hand = Drag("thousands", values=THOUSANDS, at=tuple(map(_away, LENGTHS)))
    shapes = (*_by_kind(strips, every), Shape("", [((start, -0.6), (start, N_LAYER - 0.4))], "dashed", None))
    return Sketch(
        "How far back each layer sees", shapes, (0, _away(LENGTHS[-1]) + 0.3, -0.6, N_LAYER + 1.4),
        (Note("the text begins", start, N_LAYER + 0.4, "right"),),
        ratio=0.9, y_label="layer", x_label="tokens back (log scale)",
        x_ticks=tuple((_short(n), _away(n)) for n in DISTANCES),
        y_ticks=LAYER_TICKS, links="layer", drag=hand,
    )  # fmt: skip


def _held(every: int, length: int) -> Sketch:
    """A strip for each layer, as long as it keeps numbers."""
    kept = layer_bytes(length, every)
    most = cache_bytes(length, 1) / N_LAYER
    shapes = _by_kind([(layer, amount / most) for layer, amount in enumerate(kept)], every)
    ticks = ((f"{most / 2**21:.4g}", 0.5), (f"{most / 2**20:.4g}", 1.0))
    return Sketch(
        "What it keeps for that, MiB", shapes, (0, 1.05, -0.6, N_LAYER + 1.4), ratio=0.9,
        y_label="layer", x_label="MiB",
        x_ticks=(("0", 0.0), *ticks), y_ticks=LAYER_TICKS, links="layer",
    )  # fmt: skip


def _by_kind(strips: list[tuple[int, float]], every: int) -> tuple[Shape, ...]:
    """The strips of the layers that scan, and of those that attend."""
    shapes = []
    for hue, (label, kind) in enumerate((("scans", False), ("attends", True))):
        own = [(layer, end) for layer, end in strips if is_attention(layer, every) == kind]
        boxes = [[(0, at - 0.4), (0, at + 0.4), (end, at + 0.4), (end, at - 0.4)] for at, end in own]
        shapes.append(Shape(label, boxes, "area", hue, [layer for layer, _ in own]))
    return tuple(shapes)


def _away(tokens: float) -> float:
    """Where a distance lies: even steps are factors of two."""
    return math.log2(tokens)


def _counted(n: int) -> str:
    return "one layer sees" if n == 1 else f"{n} layers see"


def _nth(every: int) -> str:
    return {1: "layer", 2: "2nd layer"}.get(every, f"{every}th layer")


def _short(count: float) -> str:
    """4K for 4096, 1M for 2^20."""
    for size, sign in ((2**20, "M"), (2**10, "K")):
        if count >= size:
            return f"{count / size:.3g}{sign}"
    return f"{count:g}"


EXPLORABLE = Explorable(
    "hybrid", "ssm", ("jamba", "zamba"), "A few layers that look back",
    "Make the text longer: which strips grow? How few of them must, for its beginning to stay in sight?",
    (
        Knob("every", "attention in every n-th layer", EVERY, 8, "slider"),
        Knob("thousands", "length", THOUSANDS, 256, "slider", "K tokens"),
    ),
    hybrid,
    place=70,
)  # fmt: skip
