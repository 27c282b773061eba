"""The trained router: its loss against Switch's equation, its collapse and its mend."""

from __future__ import annotations

import pytest
import torch

from atlas_cli.explorables import moe_router


@pytest.mark.parametrize("top_k", [1, 2])
def test_every_token_has_k_experts(top_k: int):
    for moment in moe_router.training(top_k, 0.3):
        assert moment.chosen.sum(1).tolist() == [top_k] * moe_router.N_TOKENS
        assert float(moment.load.sum()) == pytest.approx(moe_router.N_EXPERTS)


def test_the_balance_loss_is_one_when_even_and_the_number_of_experts_when_one_does_all():
    n = moe_router.N_EXPERTS
    even, alone = torch.eye(n), torch.eye(n)[:1].expand(n, n)
    assert float(moe_router.balance_of(even, torch.full((n, n), 1 / n))) == pytest.approx(1)
    assert float(moe_router.balance_of(alone, alone)) == pytest.approx(n)


def test_one_expert_answers_by_its_probability_and_two_by_their_shares():
    x = torch.tensor([[1.0, 0.0, 0.0]])
    router, experts = torch.zeros(3, 6), torch.zeros(3, 6)
    router[0, :2] = torch.tensor([2.0, 1.0])
    experts[0, :2] = torch.tensor([10.0, 20.0])
    p = router[0].softmax(0)
    one, two = (moe_router.forward(x, router, experts, k)[0] for k in (1, 2))
    assert float(one) == pytest.approx(10 * float(p[0]))
    assert float(two) == pytest.approx(float((10 * p[0] + 20 * p[1]) / (p[0] + p[1])))


def test_all_trainings_begin_alike():
    starts = [moe_router.training(1, balance)[0] for balance in moe_router.BALANCES]
    assert len({start.loss for start in starts}) == 1
    assert starts[0].load.tolist() == pytest.approx([4, 2, 0, 0, 0, 0])  # two favourites have everything


def test_without_balance_half_of_the_experts_never_work():
    idle = torch.stack([moment.load for moment in moe_router.training(1, 0.0)][20:]).sum(0) == 0
    assert int(idle.sum()) == 3


def test_balance_gives_every_expert_a_cluster_and_lowers_the_error():
    left, mended = (moe_router.training(1, balance)[-1] for balance in (0.0, 0.3))
    assert mended.load.tolist() == pytest.approx([1.0] * 6)
    served = mended.chosen.view(6, -1, 6).mean(1)
    assert sorted(served.argmax(1).tolist()) == list(range(6))
    assert served.max(1).values.tolist() == [1.0] * 6
    assert mended.loss < 0.5 * left.loss
    assert mended.overflow == 0 < left.overflow


def test_too_much_balance_costs_more_than_it_mends():
    assert moe_router.training(1, 1.0)[-1].loss > 2 * moe_router.training(1, 0.3)[-1].loss


def test_more_balance_shares_out_the_load():
    loads = [float(moe_router.training(1, b)[-1].load.max()) for b in (0.0, 0.3)]
    used = [moe_router.moe_router(60, b, 1).facts["experts in use"] for b in (0.0, 0.1, 0.2, 0.3)]
    assert loads[1] < loads[0]
    assert used == sorted(used)
    assert len(set(used)) == 4  # each of these settings looks different
