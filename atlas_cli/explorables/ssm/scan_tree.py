"""A recurrence computed out of order: the parallel scan of state-space models, one round at a time."""

from __future__ import annotations

from functools import cache

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Heatmap, Knob, Series

LEAVES = 16
Pair = tuple[float, float]  # h -> a h + b
WAYS = ("one by one", "doubling", "up and down")


def combine(first: Pair, then: Pair) -> Pair:
    """The one pair that does what two do in turn: associative, so brackets may stand anywhere."""
    return then[0] * first[0], then[0] * first[1] + then[1]


def rounds_of(way: str) -> list[list[tuple[int, int]]]:
    """Combinations (left, right) of each round, done in parallel; right receives left before it."""
    if way == "one by one":
        return [[(i - 1, i)] for i in range(1, LEAVES)]
    strides = [1 << k for k in range(LEAVES.bit_length() - 1)]
    if way == "doubling":  # Hillis and Steele
        return [[(i - s, i) for i in range(s, LEAVES)] for s in strides]
    up = [[(i - s, i) for i in range(2 * s - 1, LEAVES, 2 * s)] for s in strides]
    down = [[(i - s, i) for i in range(3 * s - 1, LEAVES, 2 * s)] for s in reversed(strides[:-1])]
    return up + down  # Brent and Kung


def scan_to(way: str, step: int) -> tuple[list[Pair], list[list[int]], int]:
    """The pairs after `step` rounds, how many inputs each spans after every round, and combinations made."""
    pairs: list[Pair] = [(0.9, 1.0 if i % 5 == 0 else 0.0) for i in range(LEAVES)]
    spans, combinations = [[1] * LEAVES], 0
    for moves in rounds_of(way)[:step]:
        old, span = list(pairs), list(spans[-1])
        for left, right in moves:
            pairs[right] = combine(old[left], old[right])
            span[right] = spans[-1][left] + spans[-1][right]
        combinations += len(moves)
        spans.append(span)
    return pairs, spans, combinations


def scan_tree(step: int, way: str) -> Frame:
    """A recurrence computed out of order."""
    pairs, spans, combinations = scan_to(way, step)
    total = len(rounds_of(way))
    finished = sum(span == i + 1 for i, span in enumerate(spans[-1]))
    rows = spans + [[0] * LEAVES] * (LEAVES - len(spans))
    truth = [b for _, b in scan_to("one by one", LEAVES - 1)[0]]
    places = tuple(range(LEAVES))
    curves = (
        Series("true state", places, tuple(truth), "dashed"),
        Series("so far", places, tuple(b for _, b in pairs), "points"),
    )
    return Frame(
        (
            (
                Heatmap(
                    "Inputs that each position has gathered", rows, 0, LEAVES,
                    "position", "round", ("0", str(LEAVES - 1)), ("0", str(LEAVES - 1)),
                ),
                Curves("State at each position", curves, "position", "h"),
            ),
            (Curves("Positions done after each round", _progress(way), "round", "positions", marker=step,
                    drag="step"),),
        ),
        f"After {min(step, total)} of {total} rounds and {combinations} combinations {finished} of {LEAVES} "
        "positions are done: position i, when it has gathered i + 1 inputs. A step is a pair (a, b), and two "
        "steps make one pair, so they may be joined in any order.",
        {
            "rounds": f"{min(step, total)} of {total}", "combinations": combinations,
            "positions done": f"{finished} of {LEAVES}",
        },
    )  # fmt: skip


@cache
def _progress(way: str) -> tuple[Series, ...]:
    """Positions done by round, of the way and of the plain one."""

    def done(name: str) -> tuple[int, ...]:
        return tuple(
            sum(span == i + 1 for i, span in enumerate(scan_to(name, step)[1][-1])) for step in range(LEAVES)
        )

    rounds = tuple(range(LEAVES))
    one = Series(WAYS[0], rounds, done(WAYS[0]), "line" if way == WAYS[0] else "dashed")
    return (one,) if way == WAYS[0] else (Series(way, rounds, done(way)), one)


EXPLORABLE = Explorable(
    "scan-tree", "ssm", ("mamba", "mamba2"), "A recurrence in parallel",
    "Which way needs the fewest rounds, and which the fewest combinations?",
    (
        Knob("step", "round", tuple(range(LEAVES)), 2, "play"),
        Knob("way", "way", WAYS, "doubling", "choice"),
    ),
    scan_tree,
    place=50,
)  # fmt: skip
