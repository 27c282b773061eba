"""A recurrence computed out of order: the parallel scan of state-space models, one round at a time."""

from __future__ import annotations

from functools import cache
from itertools import chain

from atlas_cli.diagrams.frames import Curves, Drag, Explorable, Frame, Knob, Series
from atlas_cli.diagrams.sketch import Note, Shape, Sketch

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
    truth = [b for _, b in scan_to("one by one", LEAVES - 1)[0]]
    places = tuple(range(LEAVES))
    curves = (
        Series("true state", places, tuple(truth), "dashed"),
        Series("so far", places, tuple(b for _, b in pairs), "points"),
    )
    return Frame(
        (
            (_tree(way, spans),),
            (
                Curves("State at each position", curves, "position", "h", links="position"),
                Curves("Positions done after each round", _progress(way), "round", "positions", marker=step,
                       drag="step"),
            ),
        ),
        f"{_when(step, total)}, {way}: {finished} of {LEAVES} positions are done, after "
        f"{_counted(combinations, 'combination')}. A node's number is how many inputs it has gathered; the "
        "i-th position is done when it has all i. A step is a pair (a, b), and two steps make one pair, so "
        "they may be joined in any order.",
        {
            "rounds": f"{min(step, total)} of {total}", "combinations": combinations,
            "positions done": f"{finished} of {LEAVES}",
        },
    )  # fmt: skip


def _when(step: int, total: int) -> str:
    if step > total:
        return f"Round {step}, and done since round {total}"
    return f"After round {step} of {total}" if step else f"Before the first of {total} rounds"


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _tree(way: str, spans: list[list[int]]) -> Sketch:
    """A row of nodes for each round; who takes no part in it is carried down."""
    rounds = rounds_of(way)
    drawn = min(len(spans) - 1, len(rounds))
    whole = {(i, r) for r in range(drawn + 1) for i in range(LEAVES) if spans[r][i] == i + 1}
    gathered = {
        (i, r): tuple(range(i - spans[r][i] + 1, i + 1)) for r in range(drawn + 1) for i in range(LEAVES)
    }
    nodes = [(i, 0) for i in range(LEAVES)] + [(i, r + 1) for r in range(drawn) for _, i in rounds[r]]
    carried = [((i, 0), (i, -drawn)) for i in range(LEAVES)] if drawn else []
    joined = [[((left, -r), (right, -r - 1)) for left, right in rounds[r]] for r in range(drawn)]
    brought = [[gathered[left, r] for left, _ in rounds[r]] for r in range(drawn)]
    lacking, done = [at for at in nodes if at not in whole], [at for at in nodes if at in whole]
    shapes = (
        Shape("", carried, "line", None),
        Shape("", [*chain(*joined[:-1])], "line", None, [*chain(*brought[:-1])]),
        Shape("joined in this round", joined[-1], "line", 1, brought[-1])
        if joined
        else Shape("joined in this round", (), "line", 1),
        Shape(
            "still lacks some", [[(i, -r) for i, r in lacking]], "nodes", 0, [gathered[at] for at in lacking]
        ),
        Shape(
            "has all that come before it",
            [[(i, -r) for i, r in done]],
            "full nodes",
            2,
            [gathered[at] for at in done],
        ),
    )
    notes = tuple(Note(str(spans[r][i]), i, -r) for i, r in nodes)
    deep = len(rounds)
    held = Drag("step", "y", tuple(range(LEAVES)), tuple(-min(r, deep + 0.4) for r in range(LEAVES)))
    return Sketch(
        "16 inputs, and who joins whom", shapes, (-0.6, LEAVES - 0.4, -deep - 0.5, 0.5), notes,
        ratio=min(0.6, 0.062 * (deep + 1)), axes=False, drag=held, links="position",
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
