"""Rotary positions: a query and a key, turned by where they stand."""

from __future__ import annotations

import math

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Knob, Quiver, Series

PAIRS = 4  # frequencies: pair i turns by BASE^(-i / PAIRS) radians a token
BASE = 100.0
OFFSETS = tuple(range(0, 41, 2))


def turned(positions: list[int]) -> list[list[tuple[float, float]]]:
    """What becomes of a vector that is (1, 0) in every pair, at each position: [position][pair]."""
    import torch

    from atlas_cli.nets.rope import angles, frequencies, rotate

    vector = torch.cat([torch.ones(PAIRS), torch.zeros(PAIRS)]).expand(1, 1, len(positions), 2 * PAIRS)
    first, second = rotate(vector, *angles(torch.tensor(positions), frequencies(2 * PAIRS, BASE))).chunk(
        2, -1
    )
    pairs: list[list[tuple[float, float]]] = torch.stack([first, second], -1)[0, 0].tolist()
    return pairs


def scores(position: int, offsets: range) -> list[list[float]]:
    """Dot products of a key at position and queries further on, alike before the turn: [pair][offset]."""
    (key,), queries = turned([position]), turned([position + n for n in offsets])
    return [[q[p][0] * key[p][0] + q[p][1] * key[p][1] for q in queries] for p in range(PAIRS)]


def rope(offset: int, position: int, pair: int) -> Frame:
    """A query and a key, turned by their positions."""
    (key,), (query,) = ([v[pair - 1] for v in turned([m])] for m in (position, position + offset))
    every = range(OFFSETS[-1] + 1)
    table = scores(position, every)
    one, mean = table[pair - 1], [sum(column) / PAIRS for column in zip(*table, strict=True)]
    turn = math.degrees(BASE ** (-(pair - 1) / PAIRS))
    curves = (Series(f"pair {pair}", every, one), Series("mean of all pairs", every, mean, "dashed"))
    return Frame(
        (
            (
                Quiver(f"Pair {pair} of a query and of a key, which are alike before the turn",
                       ((0, 0), (0, 0)), (query, key), (-1.2, 1.2, -1.2, 1.2), ("query", "key")),
                Curves("Score by the offset", curves, "tokens between them", "q · k", marker=offset,
                       drag="offset"),
            ),
        ),
        f"With the key at position {position}, the query is turned {offset * turn:.3g} degrees on from it, "
        f"and their score is the cosine of that: {one[offset]:.2g}. Turn the position: both arrows turn, and "
        "the score stays. Turn the offset: only the angle between them changes, in some pairs fast and in "
        "others slowly.",
        {
            "score of the pair": one[offset], "mean of all pairs": mean[offset],
            "turn of one token": f"{turn:.3g} degrees",
        },
    )  # fmt: skip


EXPLORABLE = Explorable(
    "rope", "transformer", ("rope", "gpt"), "Positions as rotations",
    "Why does the score know how far apart two tokens are, and not where they stand?",
    (
        Knob("offset", "offset", OFFSETS, 4, "slider", "tokens"),
        Knob("position", "position", (0, 1, 3, 10, 30), 0, "slider"),
        Knob("pair", "pair", (1, 2, 3, 4), 2, "slider"),
    ),
    rope,
    place=10,
)  # fmt: skip
