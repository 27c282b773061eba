"""Pairing by optimal transport against POT, the library of the field."""

from __future__ import annotations

import numpy as np
import ot
import pytest
import torch

from atlas_cli.systems.flow.of_points import pairing, squared_distances, wasserstein
from atlas_cli.systems.flow.ot_cfm import sinkhorn


def clouds(n: int, dim: int) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(n + dim)
    return tuple(torch.randn(n, dim, generator=random, dtype=torch.float64) for _ in range(2))  # type: ignore[return-value]


@pytest.mark.parametrize(("n", "dim"), [(5, 1), (64, 2), (128, 64)])
def test_the_exact_pairing_is_the_plan_of_emd(n: int, dim: int) -> None:
    one, other = clouds(n, dim)
    cost = squared_distances(one, other)
    even = np.full(n, 1 / n)
    plan = ot.emd(even, even, cost.numpy())
    ours = np.zeros((n, n))
    ours[np.arange(n), pairing(cost).numpy()] = 1 / n
    np.testing.assert_allclose(ours, plan, atol=1e-12)
    assert wasserstein(one, other) == pytest.approx(ot.emd2(even, even, cost.numpy()), rel=1e-9)


@pytest.mark.parametrize("blur", [0.05, 0.5])
def test_the_blurred_plan_is_that_of_sinkhorn(blur: float) -> None:
    one, other = clouds(48, 2)
    cost = squared_distances(one, other)
    even = np.full(48, 1 / 48)
    reg = blur * float(cost.mean())
    plan = ot.sinkhorn(even, even, cost.numpy(), reg, method="sinkhorn_log", numItermax=20_000, stopThr=1e-13)
    np.testing.assert_allclose(sinkhorn(cost, blur).numpy(), plan, atol=2e-5)
