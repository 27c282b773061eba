"""The trained router: its loss against Switch's equation, its collapse and its cure."""

from __future__ import annotations

import pytest
import torch

from atlas_cli.explorables.transformer import moe_router
from atlas_cli.nets.moe import Router


@pytest.mark.parametrize("top_k", [1, 2])
def test_every_token_has_k_experts(top_k: int):
    for moment in moe_router.training(top_k, 0.3):
        assert moment.routing.chosen.shape == (moe_router.N_TOKENS, top_k)
        assert moment.load.sum().item() == pytest.approx(moe_router.N_EXPERTS)
        assert moment.served.sum(0).tolist() == pytest.approx([top_k] * moe_router.N_CLUSTERS)


def test_one_expert_answers_by_its_probability_and_two_by_their_shares():
    x, experts = torch.tensor([[1.0, 0.0, 0.0]]), torch.zeros(3, 6)
    experts[0, :2] = torch.tensor([10.0, 20.0])
    weight = torch.zeros(6, 3)
    weight[:2, 0] = torch.tensor([2.0, 1.0])
    p = weight[:, 0].softmax(0)
    answers = []
    for top_k in (1, 2):
        router = Router(3, 6, top_k)
        router.weight.data = weight
        answers.append(moe_router.answer(x, router(x), experts).item())
    assert answers[0] == pytest.approx(10 * p[0].item())
    assert answers[1] == pytest.approx(((10 * p[0] + 20 * p[1]) / (p[0] + p[1])).item())


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
    served = mended.served.T
    assert sorted(served.argmax(1).tolist()) == list(range(6))
    assert served.max(1).values.tolist() == [1.0] * 6
    assert mended.loss < 0.5 * left.loss
    assert mended.routing.dropped == 0 < left.routing.dropped


def test_too_much_balance_costs_more_than_it_mends():
    assert moe_router.training(1, 1.0)[-1].loss > 2 * moe_router.training(1, 0.3)[-1].loss


def test_more_balance_shares_out_the_load():
    loads = [float(moe_router.training(1, b)[-1].load.max()) for b in (0.0, 0.3)]
    used = [moe_router.moe_router(60, b, 1).facts["experts in use"] for b in (0.0, 0.1, 0.2, 0.3)]
    assert loads[1] < loads[0]
    assert used == sorted(used)
    assert len(set(used)) == 4  # each of these settings looks different
