"""What a batch saves: nothing alone, more the larger it is, less the more dimensions there are."""

from __future__ import annotations

import math

import pytest

from atlas_cli.explorables.flow.pairing import BATCHES, DIMENSIONS, EDGES, left, lengths, pairing, shares


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


def test_the_histogram_counts_lines_by_their_length():
    every, kept = lengths(32, 2)
    assert (len(every), len(kept)) == (32 * 1024, 1024)
    near = float((every < EDGES[1]).float().mean())
    assert shares(every)[0] == pytest.approx(near, abs=1e-3)
    for values in (every, kept):
        assert len(shares(values)) == len(EDGES) - 1
        assert 0.97 < sum(shares(values)) < 1 + 1e-5  # a few are longer than it reaches


def test_the_caption_says_what_the_curve_shows():
    frame = pairing(128, 16)
    assert frame.caption.startswith(
        f"Of the 16,384 lines of a batch of 128 in 16 dimensions, pairing leaves {left(128, 16):.0%} "
    )
    histogram, saved = frame.panels[0]
    assert [series.label for series in histogram.series] == ["all lines", "those kept"]
    assert saved.marker == 128
    assert next(s for s in saved.series if s.style == "line").label == "in 16 dimensions"
