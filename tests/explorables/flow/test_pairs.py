"""The field of pairs against closed forms: one pair, all pairs."""

from __future__ import annotations

import pytest
import torch

from atlas_cli.explorables.flow import _velocity
from atlas_cli.explorables.flow._data import normal, ring
from atlas_cli.explorables.flow._pairs import Pairs, independent_velocity


def test_pairs_that_meet_share_the_mean_of_their_velocities():
    noise, data = torch.tensor([[0.0, 0.0], [0.0, 2.0]]), torch.tensor([[2.0, 2.0], [2.0, 0.0]])
    met = Pairs(noise, data, 0.1).velocity(torch.tensor([[1.0, 1.0]]), 0.5)
    torch.testing.assert_close(met, torch.tensor([[2.0, 0.0]]))


@pytest.mark.parametrize("t", [0.0, 0.3, 0.8])
def test_many_random_pairs_have_the_field_of_all_pairs(t: float):
    n, spread = 20_000, 0.3
    pairs = Pairs(normal(n, seed=1), ring().draw(n, seed=2), spread)
    x = t * ring().means + (1 - t) * torch.tensor([0.3, -0.4])  # where pairs pass often
    torch.testing.assert_close(pairs.velocity(x, t), independent_velocity(x, t, spread), atol=0.12, rtol=0)


def test_without_a_tube_it_is_the_velocity_of_the_mixture():
    x = normal(5, seed=3)
    torch.testing.assert_close(independent_velocity(x, 0.4, 0.0), _velocity.velocity(ring(), x, 0.4))
