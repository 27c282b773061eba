"""The work of encoder and decoder, counted once more by hand."""

from __future__ import annotations

import pytest

from atlas_cli.explorables.contrastive import mae_cost as shown
from atlas_cli.systems.contrastive.mae import Config


@pytest.mark.parametrize(("hidden", "seen"), [(0, 16), (25, 12), (50, 8), (75, 4), (90, 1)])
def test_the_work_is_that_of_the_tokens_that_pass(hidden: int, seen: int) -> None:
    c = Config(patch=7)
    d, e = c.d_model, c.d_decoder
    encoder, decoder = shown.work(hidden, 7, e)
    assert encoder == c.n_layer * (12 * d * d * seen + 2 * seen * seen * d)
    assert decoder == c.n_decoder_layer * (12 * e * e * 16 + 2 * 16 * 16 * e)


@pytest.mark.parametrize("patch", shown.PATCHES)
def test_a_quarter_of_the_tokens_is_a_quarter_of_the_maps_and_a_sixteenth_of_the_scores(patch: int) -> None:
    facts = shown.mae_cost(75, patch, 32).facts
    n, d = Config(patch=patch).n_patches, Config().d_model
    seen = n // 4
    expected = (12 * d * seen + 2 * seen**2) / (12 * d * n + 2 * n**2)
    assert float(facts["encoder, share"]) == pytest.approx(expected, abs=1e-3)
    assert float(facts["encoder, share"]) < 0.25


def test_with_nothing_hidden_it_is_all_the_work() -> None:
    assert shown.mae_cost(0, 4, 64).facts["work, share"] == 1
