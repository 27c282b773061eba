"""Temperature and top-p, against torch."""

from __future__ import annotations

import math

import pytest
import torch

from atlas_cli.explorables.transformer import sampling


def test_softmax_is_torchs():
    logits = list(sampling.LOGITS.values())
    expected = torch.tensor(logits, dtype=torch.float64).softmax(0).tolist()
    assert sampling.softmax(logits) == pytest.approx(expected)


def test_the_nucleus_is_the_smallest_that_reaches_top_p():
    assert sampling.nucleus([0.5, 0.3, 0.2], 0.5) == [1, 0, 0]
    assert sampling.nucleus([0.2, 0.5, 0.3], 0.6) == pytest.approx([0, 0.625, 0.375])
    assert sampling.nucleus([0.5, 0.3, 0.2], 1.0) == pytest.approx([0.5, 0.3, 0.2])


def test_heat_adds_surprise_and_cold_removes_it():
    bits = [sampling.sampling(t, 1.0).facts["bits of surprise"] for t in (0.1, 0.5, 1.0, 2.0)]
    assert bits == sorted(bits)
    assert bits[-1] < math.log2(len(sampling.LOGITS))


def test_draws_follow_the_probabilities():
    drawn = sampling._draws([0.5, 0.25, 0.25, 0, 0, 0, 0, 0, 0, 0], 12)
    assert [drawn.count(word) for word in list(sampling.LOGITS)[:3]] == [6, 3, 3]


@pytest.mark.parametrize(("temperature", "top_p"), [(1.0, 0.9), (2.0, 0.7), (0.5, 1.0)])
def test_the_stairs_reach_top_p_at_the_cut(temperature: float, top_p: float):
    frame = sampling.sampling(temperature, top_p)
    shapes = {shape.label: shape.paths for shape in frame.panels[0][0].shapes}
    ((x, _), (_, cut), _) = shapes["top-p, and the cut"][0]
    assert x == top_p
    left = frame.facts["words left"]
    assert cut == 0.5 - left
    stairs = shapes["their sum, from above"][0]
    sums = {y: x for x, y in reversed(stairs)}  # of a step's two corners the inner one
    assert sums[cut] >= top_p - 1e-3
    assert left == 1 or sums[cut + 1] - 1e-3 < top_p
    grown = [right - start for (start, _), (right, _), *_ in shapes["added by the cut"]]
    assert sum(grown) == pytest.approx(
        1 - sum(bar[1][0] for bar in shapes["after temperature"][:left]), abs=5e-3
    )


@pytest.mark.parametrize(("temperature", "top_p"), [(1.0, 0.9), (0.4, 0.6), (2.0, 1.0)])
def test_the_caption_says_which_figure_is_before_the_cut_and_which_the_bar_shows(
    temperature: float, top_p: float
):
    frame = sampling.sampling(temperature, top_p)
    likeliest, _ = frame.panels[0][0].y_ticks[0]
    after = likeliest.split()[-1]
    before = max(sampling.softmax([logit / temperature for logit in sampling.LOGITS.values()]))
    assert f"has {before:.0%} before the cut and {after} after it" in frame.caption
