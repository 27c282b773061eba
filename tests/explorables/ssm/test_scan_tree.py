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


@pytest.mark.parametrize("way", scan_tree.WAYS)
@pytest.mark.parametrize("step", [0, 2, 15])
def test_the_tree_has_a_node_for_each_input_and_each_combination(way: str, step: int):
    frame = scan_tree.scan_tree(step, way)
    tree = frame.panels[0][0]
    shapes = {shape.style: shape for shape in tree.shapes}
    nodes = [point for style in ("nodes", "full nodes") for path in shapes[style].paths for point in path]
    assert len(nodes) == len(set(nodes)) == 16 + frame.facts["combinations"]
    numbers = {(note.x, note.y): int(note.text) for note in tree.notes}
    assert set(numbers) == set(nodes)
    assert all((numbers[x, y] == x + 1) == ((x, y) in shapes["full nodes"].paths[0]) for x, y in nodes)


def test_lines_of_the_last_round_end_at_its_nodes_and_bring_what_is_missing():
    tree = scan_tree.scan_tree(3, "doubling").panels[0][0]
    numbers = {(note.x, note.y): int(note.text) for note in tree.notes}
    joined = next(shape for shape in tree.shapes if shape.label == "joined in this round")
    for (left, above), (right, here) in joined.paths:
        assert (above, here, right - left) == (-2, -3, 4)
        assert numbers[right, here] == numbers.get((left, above), left + 1) + numbers[right, above]


def test_a_node_is_made_of_the_inputs_that_it_has_gathered():
    tree = scan_tree.scan_tree(2, "doubling").panels[0][0]
    numbers = {(note.x, note.y): int(note.text) for note in tree.notes}
    for shape in tree.shapes:
        if shape.style.endswith("nodes"):
            for place, (x, y) in enumerate(shape.paths[0] if shape.paths else ()):
                assert shape.made_of(place) == tuple(range(int(x) - numbers[x, y] + 1, int(x) + 1))
