"""What the length of a text costs a layer of attention, and a layer that scans."""

from __future__ import annotations

from collections.abc import Callable

from atlas_cli.diagrams.frames import Bars, Curves, Explorable, Frame, Knob, Series
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
                Bars(f"Billions of operations at {length:g} tokens", tuple(now), billions, max(billions)),
                Curves(
                    "Length where both need the same",
                    alike,
                    "states",
                    "tokens",
                    True,
                    True,
                    d_state,
                    drag="d_state",
                ),
            ),
        ),
        "Both axes are logarithmic: a slope of 2 is quadratic, 1 linear, 0 constant; the dot marks where "
        f"the lines cross: for {d_state} states at {work} tokens of work and {memory} of memory. At "
        f"{length:g} tokens the {cheaper} does less.",
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
