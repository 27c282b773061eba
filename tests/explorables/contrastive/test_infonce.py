"""The softmax of a batch: what stands on its rows, and what the loss of equal features is."""

from __future__ import annotations

import math

import pytest
import torch

from atlas_cli.explorables.contrastive import infonce


@pytest.mark.parametrize("batch", infonce.BATCHES)
@pytest.mark.parametrize("apart", infonce.APART)
def test_views_are_as_far_apart_as_is_said(batch: int, apart: int) -> None:
    z = infonce.features(batch, apart)
    first, second = z.chunk(2)
    torch.testing.assert_close(z.norm(dim=1), torch.ones(2 * batch, dtype=torch.float64))
    cosines = (first * second).sum(1)
    torch.testing.assert_close(cosines, torch.full_like(cosines, math.cos(math.radians(apart))))


@pytest.mark.parametrize("temperature", infonce.TEMPERATURES)
def test_the_loss_is_minus_the_log_of_what_partners_get_in_the_matrix(temperature: float) -> None:
    share = infonce.shares(8, 45, temperature)
    torch.testing.assert_close(share.sum(1), torch.ones(16, dtype=torch.float64))
    assert (share.diagonal() == 0).all()
    partners = torch.cat([share.diagonal(8), share.diagonal(-8)])
    assert infonce.loss(8, 45, temperature)[0] == pytest.approx(-partners.log().mean().item())


def test_a_larger_batch_keeps_its_images_and_adds_strangers() -> None:
    torch.testing.assert_close(infonce.features(64, 30)[:4], infonce.features(4, 30)[:4])
    losses = [infonce.loss(batch, 45, 0.5)[0] for batch in infonce.BATCHES]
    assert losses == sorted(losses)


def test_heat_makes_all_candidates_equal() -> None:
    share = infonce.shares(8, 45, 1e6)[0, 1:]
    torch.testing.assert_close(share, torch.full_like(share, 1 / 15), atol=1e-5, rtol=0)
