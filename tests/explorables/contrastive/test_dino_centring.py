"""The tiny problem: each half of the balance prevents one collapse, and what is drawn is what is told."""

from __future__ import annotations

import math

import pytest
import torch

from atlas_cli.explorables.contrastive import dino_centring as shown


@pytest.mark.parametrize(
    ("centring", "temperature", "kind"),
    [("on", 0.04, "none"), ("off", 0.04, "one output"), ("on", 0.4, "uniform"), ("off", 0.4, "uniform")],
)
def test_each_collapse_comes_where_its_cure_is_missing(centring: str, temperature: float, kind: str) -> None:
    frame = shown.dino_centring(centring, temperature, shown.STEPS)
    assert frame.facts["collapse"] == kind


@pytest.mark.parametrize("centring", shown.CENTRING)
def test_answers_are_whole_and_entropies_lie_in_order(centring: str) -> None:
    for look in shown.course(centring, 0.06):
        torch.testing.assert_close(look.answers.sum(1), torch.ones(12, dtype=torch.float64))
        assert 0 <= look.entropy <= look.of_mean + 1e-9 <= math.log(shown.K) + 1e-9
        assert look.kl > -1e-9


def test_points_of_a_kind_get_one_answer_where_nothing_collapses() -> None:
    best = shown.course("on", 0.04)[-1].answers.argmax(1).view(shown.KINDS, shown.EACH)
    assert (best == best[:, :1]).all(1).sum() >= shown.KINDS - 1
