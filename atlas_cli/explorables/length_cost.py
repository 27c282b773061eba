"""What the length of a text costs: a layer of attention, a layer that scans, and a stack that mixes both."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

from atlas_cli.diagrams.frames import Bars, Curves, Explorable, Frame, Heatmap, Knob, Panel, Series
from atlas_cli.explorables.ranges import by_ratio

EXPAND = 2  # d_inner / d_model of Mamba
BYTES = 2  # of a bf16 number
Count = Callable[[float, int, int], dict[str, float]]  # of length, d_model, d_state

# --- cost: one layer -----------------------------------------------------------------------------------

STATE_SIZES = (4, 8, 16, 32, 64, 128, 256)  # N of a channel; Mamba has 16
WIDTHS = (256, 1024, 4096)
COST_LENGTHS = (
    16, 32, 64, 96, 128, 256, 512, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 256_000, 1_000_000
)  # fmt: skip


def flops(length: float, d_model: int, d_state: int) -> dict[str, float]:
    """Multiplications and additions of one layer over a text, projections left out.

    Attention: 2 L^2 d for the scores and 2 L^2 d for their sum of values, halved by the causal mask. Scan:
    per token, channel and state a product and a sum each for decay, input and output.
    """
    return {"attention": 2 * length**2 * d_model, "scan": 6 * length * EXPAND * d_model * d_state}


def kept_bytes(length: float, d_model: int, d_state: int) -> dict[str, float]:
    """What one layer keeps to write the next token: all keys and values, or one state."""
    return {"attention": 2 * length * d_model * BYTES, "scan": EXPAND * d_model * d_state * BYTES}


def equal_work(d_state: int) -> int:
    """Tokens at which both do the same work: 2 L^2 d = 6 L E d N."""
    return 3 * EXPAND * d_state


def equal_bytes(d_state: int) -> int:
    """Tokens whose keys and values are as large as the state: 2 L d = E d N."""
    return EXPAND * d_state // 2


def cost(length: float, d_state: int, d_model: int) -> Frame:
    """Work and memory of one layer by the length of the text, and where they cross."""
    now, kept = flops(length, d_model, d_state), kept_bytes(length, d_model, d_state)
    cheaper = "scan" if length > equal_work(d_state) else "attention"
    billions = tuple(count / 1e9 for count in now.values())
    work, memory = equal_work(d_state), equal_bytes(d_state)
    alike = (
        Series("same work", STATE_SIZES, tuple(map(equal_work, STATE_SIZES)), "points"),
        Series("same memory", STATE_SIZES, tuple(map(equal_bytes, STATE_SIZES)), "dashed"),
    )
    return Frame(
        (
            (
                _crossing("Operations of one layer", flops, work, length, d_state, d_model),
                _crossing("Bytes kept for the next token", kept_bytes, memory, length, d_state, d_model),
            ),
            (
                Bars(f"Billions: the {cheaper} does less", tuple(now), billions, max(billions)),
                Curves("Length where both need the same", alike, "states", "tokens", True, True, d_state),
            ),
        ),
        "Both axes are logarithmic: a slope of 2 is quadratic, 1 linear, 0 constant; the dot marks where "
        f"the lines cross, at {work} tokens of work and {memory} of memory. "
        "Move the state and the crossing moves with it; widen the model: does it move then, and why not?",
        {
            "same work at": f"{work} tokens",
            "same memory at": f"{memory} tokens",
            "attention / scan, operations": now["attention"] / now["scan"],
            "attention / scan, bytes": kept["attention"] / kept["scan"],
            "keys and values": _mib(kept["attention"]),
            "state": _mib(kept["scan"]),
        },
    )


def _crossing(title: str, count: Count, at: int, length: float, d_state: int, d_model: int) -> Curves:
    """Both lines by length, and the point that they share."""
    lengths = by_ratio(4, 2**20, 19)
    attention, scan = (
        tuple(count(n, d_model, d_state)[name] for n in lengths) for name in ("attention", "scan")
    )
    lines = (Series("attention", lengths, attention), Series("scan", lengths, scan, "dashed"))
    point = Series(f"same at {at}", (at,), (count(at, d_model, d_state)["scan"],), "points")
    return Curves(title, (*lines, point), "tokens", "", True, True, length)


def _mib(count: float) -> str:
    return f"{count / 2**20:.3g} MiB"


COST = Explorable(
    "cost", "ssm", ("mamba", "s4", "jamba"), "What length costs",
    "From which length on does a scan do less work than attention?",
    (
        Knob("length", "length", COST_LENGTHS, 4000, "slider", "tokens"),
        Knob("d_state", "states a channel", STATE_SIZES, 16, "slider"),
        Knob("d_model", "width", WIDTHS, 1024, "choice"),
    ),
    cost,
)  # fmt: skip

# --- hybrid: a stack of both, in the shape of Jamba (Lieber et al. 2024, arXiv:2403.19887) ---------------

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
        "Dark columns attend and see everything; the others carry a word on while it fades, as exp(-n / "
        f"tau) with tau = {SLOWEST:g} tokens, Mamba's slowest channel when fresh. A scan reaches tau log(1 "
        f"/ {FADED:g}) = {carried():.0f} tokens a layer, {N_LAYER} of them that much in turn; one layer "
        "that attends reaches all. The shape is Jamba's, which attends in every 8th layer. With every "
        f"{_nth(every)} the cache is {held / whole:.1%} of a transformer's: how few such layers keep the "
        "whole text in reach?",
        {
            "layers that attend": f"{n_attention(every)} of {N_LAYER}",
            "cache": f"{held / 2**30:.3g} GiB",
            "cache / transformer's": held / whole,
            "reach": f"{_short(reach(length, every))} tokens",
            "reach of scans only": f"{_short(reach(length, 0))} tokens",
        },
    )


def _hybrid_panels(every: int, length: int) -> tuple[tuple[Panel, ...], ...]:
    seen = [[weight(layer, n, length, every) for layer in range(N_LAYER)] for n in DISTANCES]
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
    layers, ticks = ("1", str(N_LAYER)), tuple(map(_short, DISTANCES))
    title = "What a layer sees of a token so far back"
    return (
        (Heatmap(title, seen, 0, 1, "layer", "tokens back", layers, ticks),),
        (
            Curves("Kept to write the next token, GiB", caches, "tokens", "GiB", True, True, length),
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


HYBRID = Explorable(
    "hybrid", "ssm", ("jamba", "zamba"), "A few layers that look back",
    "How many layers must attend for the whole text to stay in reach, and what do they keep?",
    (
        Knob("every", "attention in every n-th layer", EVERY, 8, "slider"),
        Knob("thousands", "length", THOUSANDS, 256, "slider", "K tokens"),
    ),
    hybrid,
)  # fmt: skip
