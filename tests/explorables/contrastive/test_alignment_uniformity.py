"""Four cures of collapse on one small encoder, and what happens without any."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from atlas_cli.explorables.contrastive import _cures
from atlas_cli.explorables.contrastive import alignment_uniformity as drawn
from atlas_cli.metrics import probe
from atlas_cli.systems.contrastive.simclr import COLLAPSED, info_nce, siamese_loss

CURED = [cure for cure in drawn.CURES if cure != "nothing"]


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("noise", drawn.NOISE[1:])
def test_agreement_alone_ends_in_one_point(noise: float) -> None:
    start, *_, end = drawn.trained("nothing", noise)
    assert start.spread > 0.9
    assert end.spread < COLLAPSED
    assert end.alignment < 0.01
    assert end.uniformity > -0.05
    frame = drawn.alignment_uniformity(drawn.STEPS[-1], "nothing", noise)
    assert "all images are one, a collapse." in frame.caption


def test_with_weak_views_it_ends_on_a_line_which_the_spread_does_not_see() -> None:
    start, *_, end = drawn.trained("nothing", drawn.NOISE[0])
    assert end.spread > 0.9
    assert start.second > 0.1
    assert end.second < drawn.FLAT
    frame = drawn.alignment_uniformity(drawn.STEPS[-1], "nothing", drawn.NOISE[0])
    assert "a collapse of dimensions." in frame.caption


@pytest.mark.parametrize("noise", drawn.NOISE)
@pytest.mark.parametrize("cure", CURED)
def test_each_cure_keeps_images_apart(cure: str, noise: float) -> None:
    end = drawn.trained(cure, noise)[-1]
    assert end.spread > 0.65
    assert end.second > 0.1
    assert end.uniformity < -0.8


def test_free_points_only_pair_up_so_that_it_is_the_shared_layer_that_collapses() -> None:
    views = F.normalize(normal(2, drawn.N, drawn.P), dim=2)
    before = float(probe.spread(views[0]))
    for _ in range(2000):
        views.requires_grad_(True)
        (slope,) = torch.autograd.grad(_cures.nothing(*views), views)
        views = (views - slope).detach()
    assert probe.alignment(*views) < 1e-3
    assert float(probe.spread(views[0])) > 0.8 * before


def test_the_first_two_are_the_system_s_own() -> None:
    a, b, predictor = normal(8, 2), normal(8, 2, seed=1), normal(2, 2, seed=2)
    torch.testing.assert_close(_cures.strangers(a, b, 0.2), info_nce(torch.cat([a, b]), 0.2))
    told = siamese_loss(a @ predictor.T, b @ predictor.T, a, b)
    torch.testing.assert_close(_cures.stopped(a, b, predictor), told)
    a.requires_grad_(True)
    (slope,) = torch.autograd.grad(_cures.stopped(a, b, torch.eye(2, dtype=a.dtype)), a)
    (whole,) = torch.autograd.grad(_cures.nothing(a, b), a)
    torch.testing.assert_close(2 * slope, whole)  # of the two that answer, one is held


def test_evened_shares_have_equal_sums_both_ways() -> None:
    share = _cures.evened(normal(16, 4) / 2)
    torch.testing.assert_close(share.sum(1), torch.ones(16, dtype=torch.float64))
    torch.testing.assert_close(share.sum(0), torch.full((4,), 4.0, dtype=torch.float64), rtol=0.02, atol=0)


def test_one_answer_for_all_costs_as_much_as_none_of_the_prototypes() -> None:
    """Evened, a constant's targets are even over the prototypes, so that no constant answers them well."""
    same = torch.tensor([[1.0, 0.0]], dtype=torch.float64).expand(8, 2)
    torch.testing.assert_close(
        _cures.evened(_cures._scores(same)), torch.full((8, 8), 1 / 8, dtype=torch.float64)
    )
    assert float(_cures.balanced(same, same, 0.2)) > math.log(_cures.PROTOTYPES)


def test_each_view_tells_the_other_s_prototypes() -> None:
    a, b = normal(6, 2), normal(6, 2, seed=1)
    p, q = (_cures.evened(_cures._scores(z) / 0.2) for z in (a, b))
    log_p, log_q = ((_cures._scores(z) / 0.2).log_softmax(1) for z in (a, b))
    across = -(p * log_q + q * log_p).sum(1).mean() / 2
    torch.testing.assert_close(_cures.balanced(a, b, 0.2), across)
    assert float(across) > float(-(p * log_p + q * log_q).sum(1).mean() / 2)  # one's own are easier to tell


def test_decorrelated_features_that_agree_cost_nothing() -> None:
    even = torch.tensor([[1, 1], [1, -1], [-1, 1], [-1, -1]], dtype=torch.float64)
    assert float(_cures.decorrelated(even, even)) == 0
    together = even[:, :1].expand(4, 2)  # both features are one
    covariance = 4 / 3
    assert float(_cures.decorrelated(together, together)) == pytest.approx(2 * covariance**2 / 25)
    assert float(_cures.decorrelated(0 * even, 0 * even)) == pytest.approx(2 * (1 - 0.01))


def test_the_measures_are_those_of_the_probes() -> None:
    seen = drawn.trained("strangers", 0.5)[4]
    a, b = seen.views
    assert seen.alignment == pytest.approx(float((a - b).square().sum(1).mean()))
    pairs = [float((a[i] - a[j]).square().sum()) for i in range(drawn.N) for j in range(i)]
    assert seen.uniformity == pytest.approx(
        math.log(sum(math.exp(-2 * d) for d in pairs) / len(pairs)), abs=1e-5
    )
    assert drawn.evenest() < seen.uniformity
