"""The parallel scan, against the plain one."""

from __future__ import annotations

import pytest

from atlas_cli.explorables.ssm import scan_tree


def test_combining_pairs_is_associative():
    a, b, c = (0.5, 1.0), (0.8, -2.0), (0.3, 0.7)
    left = scan_tree.combine(scan_tree.combine(a, b), c)
    assert left == pytest.approx(scan_tree.combine(a, scan_tree.combine(b, c)))


@pytest.mark.parametrize(("way", "rounds", "combinations"), [
    ("one by one", 15, 15), ("doubling", 4, 49), ("up and down", 7, 26),
])  # fmt: skip
def test_every_way_ends_at_the_same_states(way: str, rounds: int, combinations: int):
    """n log2 n - n + 1 combinations in log2 n rounds; 2 n - 2 - log2 n in 2 log2 n - 1 (Brent and Kung)."""
    assert len(scan_tree.rounds_of(way)) == rounds
    pairs, spans, made = scan_tree.scan_to(way, rounds)
    assert made == combinations
    assert spans[-1] == list(range(1, 17))
    h = 0.0
    for i, (_, state) in enumerate(pairs):
        h = 0.9 * h + (1.0 if i % 5 == 0 else 0.0)
        assert state == pytest.approx(h)
