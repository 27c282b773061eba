"""Speculative sampling: exactly the target's distribution, and the expected number of words."""

from __future__ import annotations

from collections import Counter
from itertools import product
from statistics import fmean

import pytest

from atlas_cli.explorables.transformer import speculative

QUALITIES = [0.0, 0.3, 0.7, 1.0]
CALLS = range(4000)
CHI_SQUARE_AT_ONE_PERMILLE = 18.47  # four degrees of freedom


@pytest.mark.parametrize("quality", QUALITIES)
def test_what_is_kept_and_what_is_drawn_anew_add_up_to_the_target(quality: float):
    q = speculative.draft(quality)
    kept, mended = speculative.kept_mass(q), speculative.mended_mass(q)
    assert sum(q) == pytest.approx(1)
    assert [a + b for a, b in zip(kept, mended, strict=True)] == pytest.approx(speculative.TARGET)


@pytest.mark.parametrize("quality", QUALITIES)
def test_refusals_are_as_many_as_the_words_that_mend_them(quality: float):
    """Sum over guesses of q (1 - min(1, p / q)) = sum (p - q)+: the residual needs no further scale."""
    q = speculative.draft(quality)
    refused = sum(g * (1 - min(1, p / g)) for p, g in zip(speculative.TARGET, q, strict=True))
    assert refused == pytest.approx(sum(speculative.mended_mass(q)))


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("quality", QUALITIES)
def test_the_exact_distribution_of_a_text_is_the_targets(quality: float, k: int):
    """Every way in which a call can write its first words, by hand: the first word, and pairs of words."""
    q, p = speculative.draft(quality), speculative.TARGET
    mended = speculative.mended_mass(q)
    words = range(len(p))
    for first, second in product(words, words):
        keep, replace = min(p[first], q[first]), mended[first]
        # kept: the next word comes from the next guess or, after the last one, from the target itself
        then = min(p[second], q[second]) + mended[second] if k > 1 else p[second]
        # replaced: the call ends, and the next one writes the second word
        later = min(p[second], q[second]) + mended[second]
        assert keep * then + replace * later == pytest.approx(p[first] * p[second])


@pytest.mark.parametrize("quality", QUALITIES)
def test_drawn_first_words_are_distributed_as_the_targets(quality: float):
    drawn = Counter(speculative.one_round(quality, 3, call).written[0] for call in CALLS)
    expected = [len(CALLS) * p for p in speculative.TARGET]
    counts = [drawn[word] for word in speculative.WORDS]
    chi_square = sum((n - e) ** 2 / e for n, e in zip(counts, expected, strict=True))
    assert chi_square < CHI_SQUARE_AT_ONE_PERMILLE


@pytest.mark.parametrize("k", [1, 4, 8])
@pytest.mark.parametrize("quality", [0.0, 0.7, 1.0])
def test_words_a_call_are_as_many_as_expected(quality: float, k: int):
    share = sum(speculative.kept_mass(speculative.draft(quality)))
    expected = speculative.words_per_call(share, k)
    if share < 1 - 1e-9:
        assert expected == pytest.approx((1 - share ** (k + 1)) / (1 - share))  # eq. 1
    drawn = fmean(len(speculative.one_round(quality, k, call).written) for call in CALLS)
    assert drawn == pytest.approx(expected, rel=0.05)


def test_a_perfect_draft_is_never_refused():
    assert all(speculative.one_round(1.0, 8, call).kept == 8 for call in range(50))


def test_more_guesses_change_no_word_that_was_kept_before():
    for call in range(20):
        short, long = (speculative.one_round(0.7, k, call) for k in (2, 6))
        assert long.guesses[:2] == short.guesses
        assert min(long.kept, 2) == short.kept


def test_the_best_number_of_guesses_grows_with_the_draft():
    best = [speculative.speculative(1, quality, 4).facts["best number of guesses"] for quality in QUALITIES]
    assert best == sorted(best)
    assert best[0] < best[-1]


@pytest.mark.parametrize("quality", QUALITIES)
def test_the_parts_of_a_bar_stand_on_each_other_up_to_the_target(quality: float):
    frame = speculative.speculative(1, quality, 4)
    panel = next(p for row in frame.panels for p in row if p.kind == "sketch")
    tops = {}
    for shape in panel.shapes[:2]:
        for (x, low), (_, high), *_ in shape.paths:
            assert low == pytest.approx(tops.get(x, 0))
            tops[x] = high
    assert [tops[x] for x in sorted(tops)] == pytest.approx(speculative.TARGET, abs=1e-3)
