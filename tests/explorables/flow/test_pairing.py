"""What a batch saves: nothing alone, more the larger it is, less the more dimensions there are."""

from __future__ import annotations

import math

import pytest

from atlas_cli.explorables.flow.pairing import BATCHES, DIMENSIONS, DOTS, ROWS, left, lengths, pairing, rows


def test_one_pair_leaves_nothing_to_choose():
    assert all(left(1, dimension) == pytest.approx(1) for dimension in DIMENSIONS)


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_a_larger_batch_saves_more(dimension: int):
    found = [left(batch, dimension) for batch in BATCHES]
    assert found == sorted(found, reverse=True)


def test_with_the_dimension_there_is_less_to_save():
    found = [left(64, dimension) for dimension in DIMENSIONS]
    assert found == sorted(found)
    assert found[0] < 0.15
    assert found[-1] > 0.85


def test_lengths_stray_as_a_sum_of_so_many_squares_does():
    """|x - z|^2 is 2 chi^2 with D degrees of freedom: its deviation is sqrt(2 / D) of its mean."""
    for dimension in (2, 16, 256):
        every, _ = lengths(256, dimension)
        assert float(every.std()) == pytest.approx(math.sqrt(2 / dimension), rel=0.15)


def test_the_saving_stays_below_what_the_page_allows():
    """No more than about sqrt(2 ln B / D), from inner products of B Gaussian draws."""
    for dimension in (64, 256, 784):
        for batch in (16, 64, 256):
            assert 1 - left(batch, dimension) < math.sqrt(2 * math.log(batch) / dimension)


@pytest.mark.parametrize(("batch", "dimension"), [(1, 2), (16, 2), (64, 784)])
def test_a_row_has_the_lines_of_one_datum_and_the_one_that_pairing_keeps(batch: int, dimension: int):
    table, kept = rows(batch, dimension)
    assert len(table) == len(kept) == min(batch, ROWS)
    every, _ = lengths(batch, dimension)
    for i, (lines, chosen) in enumerate(zip(table, kept, strict=True)):
        own = every[i * batch : (i + 1) * batch]
        assert lines == own[:DOTS].tolist()
        assert float((own - chosen).abs().min()) == 0  # it is one of them


def test_more_lines_lead_to_shorter_ones_and_more_dimensions_to_a_band():
    def drawn(batch: int, dimension: int):
        sketch = pairing(batch, dimension).panels[0][0]
        return {shape.label: shape.paths for shape in sketch.shapes}, sketch.notes

    small, large, deep = drawn(2, 2), drawn(256, 2), drawn(256, 784)
    ends = [max(path[0][0] for path in shapes["the line it gets"]) for shapes, _ in (small, large)]
    assert ends[1] < ends[0]
    spread = [max(p[0] for p in s["lines to choose from"][0]) for s, _ in (large, deep)]
    assert spread[1] < 1.3 < spread[0]
    assert deep[1][0].text == f"{left(256, 784):.0%} left"


def test_the_caption_says_what_the_curve_shows():
    frame = pairing(128, 16)
    assert frame.caption.startswith(
        f"Of the 16,384 lines of a batch of 128 in 16 dimensions, pairing leaves {left(128, 16):.0%} "
    )
    _, saved = frame.panels[0]
    assert saved.marker == 128
    assert next(s for s in saved.series if s.style == "line").label == "in 16 dimensions"
