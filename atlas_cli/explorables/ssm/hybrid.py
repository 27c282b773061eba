"""A few layers that look back: a stack of scans and attention, in the shape of Jamba.

Source:  Lieber et al. 2024, arXiv:2403.19887.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

from atlas_cli.diagrams.frames import Bars, Curves, Drag, Explorable, Frame, Heatmap, Knob, Panel, Series
from atlas_cli.explorables.ssm._sizes import BYTES, EXPAND

N_LAYER, D_MODEL, N_KV_HEAD, HEAD_DIM = 32, 4096, 8, 128
D_STATE, D_CONV = 16, 4
SLOWEST = 1000.0  # tokens: 1 / dt_min, after which the slowest fresh channel of Mamba has decayed to 1 / e
FADED = 0.01  # weight at which a token counts as forgotten
EVERY = (1, 2, 4, 8, 16, 32)
K = 1024
THOUSANDS = tuple(2**k for k in range(11))
LENGTHS = tuple(K * thousands for thousands in THOUSANDS)
DISTANCES = tuple(4**k for k in range(11))  # tokens back


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


def hybrid(every: int, thousands: int) -> Frame:
    """Layers by how far they see, and what each kind of stack keeps; `thousands` are of 1024 tokens."""
    length = K * thousands
    held, whole = cache_bytes(length, every), cache_bytes(length, 1)
    return Frame(
        _hybrid_panels(every, length),
        f"With every {_nth(every)} attending, the columns that are full from top to bottom, a word comes "
        f"from as far as {_short(reach(length, every))} tokens back, and the cache of {_short(length)} "
        f"tokens is {held / whole:.1%} of a transformer's. The other layers carry a word for "
        f"{carried():.0f} tokens each before it has faded to {FADED:g}, {N_LAYER} of them that much in turn. "
        "Jamba attends in every 8th.",
        {
            "layers that attend": f"{n_attention(every)} of {N_LAYER}",
            "cache": f"{held / 2**30:.3g} GiB",
            "cache / transformer's": held / whole,
            "reach": f"{_short(reach(length, every))} tokens",
            "reach of scans only": f"{_short(reach(length, 0))} tokens",
        },
    )


def _hybrid_panels(every: int, length: int) -> tuple[tuple[Panel, ...], ...]:
    distances = [n for n in DISTANCES if n <= length]
    seen = [[weight(layer, n, length, every) for layer in range(N_LAYER)] for n in distances]
    stacks = (("this stack", every), ("transformer", 1), ("scans only", 0))
    names = tuple(name for name, _ in stacks)
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
    reached = tuple(reach(length, k) / length for _, k in stacks)
    layers, ticks = ("1", str(N_LAYER)), tuple(map(_short, distances))
    title = "What a layer sees of a token so far back"
    return (
        (Heatmap(title, seen, 0, 1, "layer", "tokens back", layers, ticks),),
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
            Bars(f"GiB at {_short(length)} tokens", names, sizes, max(sizes)),
        ),
        (Bars("Share of the text within reach", names, reached, 1.0),),
    )


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
    "How many layers must attend for the whole text to stay in reach, and what do they keep?",
    (
        Knob("every", "attention in every n-th layer", EVERY, 8, "slider"),
        Knob("thousands", "length", THOUSANDS, 256, "slider", "K tokens"),
    ),
    hybrid,
    place=70,
)  # fmt: skip
