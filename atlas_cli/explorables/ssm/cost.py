"""What the length of a text costs a layer of attention, and a layer that scans."""

from __future__ import annotations

from collections.abc import Callable

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Knob, Series
from atlas_cli.diagrams.sketch import Note, Shape, Sketch
from atlas_cli.explorables._ranges import by_ratio
from atlas_cli.explorables.ssm._sizes import BYTES, EXPAND

Count = Callable[[float, int, int], dict[str, float]]  # of length, d_model, d_state
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
    work, memory = equal_work(d_state), equal_bytes(d_state)
    return Frame(
        (
            (_work(length, d_state), _memory(length, d_state, d_model)),
            (_crossing("Operations of one layer, by length", flops, work, length, d_state, d_model),),
        ),
        f"At {length:g} tokens {_compared(now)}. Attention's area is a triangle, for every token reads "
        f"all before it; the scan's is a rectangle, for every token reads one state. With {d_state} states "
        f"they are equal at {work} tokens, and the memory at {memory}. The width, {d_model}, widens both.",
        {
            "same work at": f"{work} tokens",
            "same memory at": f"{memory} tokens",
            "attention / scan, operations": now["attention"] / now["scan"],
            "attention / scan, bytes": kept["attention"] / kept["scan"],
            "keys and values": _mib(kept["attention"]),
            "state": _mib(kept["scan"]),
        },
    )


def _compared(now: dict[str, float]) -> str:
    less, more = sorted(now, key=lambda name: now[name])
    if now[less] == now[more]:
        return "both do the same work"
    return f"the {more} does {now[more] / now[less]:.3g} times the work of the {less}"


def _work(length: float, d_state: int) -> Sketch:
    """Of one channel: what each token costs, so that the area is the work; and that of half the text."""
    last, flat = 4 * length, 6 * EXPAND * d_state  # of the last token, and of any
    top = 1.3 * max(last, flat)
    half, tall = length / 2, max(last / 2, flat)
    shapes = (
        Shape("attention", [((0, 0), (length, last), (length, 0))], "area", 0),
        Shape("scan", [((0, 0), (0, flat), (length, flat), (length, 0))], "area", 1),
        Shape("half the text", [[(half, 0), (half, tall)]], "dashed", 5),
        Shape("", [((0, 0), (length, last))], "line", 0),
    )
    notes = (
        Note("half the text: a quarter of the triangle,", 0.02 * length, 0.94 * top, "left"),
        Note("half of the rectangle", 0.02 * length, 0.86 * top, "left"),
    )
    return Sketch(
        "Operations of each token: the area is the work", shapes, (0, length, 0, top), notes,
        ratio=0.7, x_label="token",
    )  # fmt: skip


def _memory(length: float, d_state: int, d_model: int) -> Sketch:
    """Numbers that are kept, to scale: as wide as the model is, as high as there are rows of that width."""
    wide = d_model / WIDTHS[-1]
    starts = (0.0, max(wide, 0.5) + 0.2)
    rows = {"keys and values": 2 * length, "state": EXPAND * d_state}
    top = 1.12 * max(rows.values())
    shapes = tuple(
        Shape(name, [_box(left, left + wide, 0, high)], "area", hue)
        for hue, (left, (name, high)) in enumerate(zip(starts, rows.items(), strict=True))
    )
    notes = tuple(
        Note(f"{high:g} x {d_model}", left, high + 0.05 * top, "left")
        for left, high in zip(starts, rows.values(), strict=True)
    )
    return Sketch(
        "Kept for the next token, to scale", shapes, (-0.05, 2.25, 0, top), notes,
        ratio=0.7, axes=False,
    )  # fmt: skip


def _box(left: float, right: float, low: float, high: float) -> list[tuple[float, float]]:
    return [(left, low), (left, high), (right, high), (right, low)]


def _crossing(title: str, count: Count, at: int, length: float, d_state: int, d_model: int) -> Curves:
    """Both lines by length, and the point that they share."""
    lengths = by_ratio(4, 2**20, 19)
    attention, scan = (
        tuple(count(n, d_model, d_state)[name] for n in lengths) for name in ("attention", "scan")
    )
    lines = (Series("attention", lengths, attention), Series("scan", lengths, scan, "dashed"))
    point = Series(f"same at {at}", (at,), (count(at, d_model, d_state)["scan"],), "points")
    return Curves(title, (*lines, point), "tokens", "", True, True, length, drag="length")


def _mib(count: float) -> str:
    return f"{count / 2**20:.3g} MiB"


EXPLORABLE = Explorable(
    "cost", "ssm", ("mamba", "s4", "jamba"), "What length costs",
    "Move the state, and the crossing moves. Widen the model: does it move then, and why not?",
    (
        Knob("length", "length", COST_LENGTHS, 4000, "slider", "tokens"),
        Knob("d_state", "states a channel", STATE_SIZES, 16, "slider"),
        Knob("d_model", "width", WIDTHS, 1024, "choice"),
    ),
    cost,
    place=90,
)  # fmt: skip
