"""The sparse GPT: the dense one as its limit, its cache, its count of parameters, what its loss adds."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from atlas_cli.engine.system import Setting
from atlas_cli.nets.moe import MoE
from atlas_cli.systems.transformer import moe as module
from atlas_cli.systems.transformer.moe import Config, MoETransformer

from .house import SOURCE, TRAIN, gpt

SIZES = {"vocab_size": 256, "context_len": 48, "d_model": 32, "n_layer": 2, "n_head": 4, "embed_std": 1.0}


def sparse(**fields):
    torch.manual_seed(0)
    config = Config(**{**SIZES, "n_experts": 4, **fields})
    return MoETransformer(config).attach(Setting(SOURCE, TRAIN))


def batch():
    return sparse().batch(0)


def test_one_expert_is_gpt_with_its_weights():
    dense = sparse(n_experts=1, experts_per_token=1)
    dense.load_state_dict(gpt(seed=3).state_dict())
    tokens, _ = batch()
    assert torch.equal(dense(tokens), gpt(seed=3)(tokens))


def test_equal_experts_compute_what_a_dense_net_of_their_width_computes():
    """The k chosen experts are each a copy of the dense layer, and their gates sum to one."""
    dense, system = gpt(d_ff=40), sparse(d_ff=80)
    weights = dict(dense.named_parameters())
    with torch.no_grad():
        for name, parameter in system.named_parameters():
            own, _, last = name.rpartition(".")
            if last in ("gate", "up", "down"):
                parameter.copy_(weights[f"{name}.weight"].expand_as(parameter))
            elif not own.endswith("router"):
                parameter.copy_(weights[name])
    tokens, _ = batch()
    torch.testing.assert_close(system(tokens), dense(tokens), atol=1e-4, rtol=1e-4)


def test_two_of_them_together_are_as_wide_as_the_dense_layer():
    dense, system = gpt(), sparse(n_experts=8, experts_per_token=2)
    active, total = system.parameter_counts()
    routers = sum(block.feed_forward.router.weight.numel() for block in system.blocks)
    assert active == sum(p.numel() for p in dense.parameters()) + routers
    assert total == sum(p.numel() for p in system.parameters())
    assert total - active == 3 * (active - routers - unshared(dense))  # 6 of 8 experts idle, where 2 work


def unshared(dense):
    """Parameters outside the feed-forward layers."""
    return sum(p.numel() for n, p in dense.named_parameters() if ".feed_forward." not in n)


def test_written_byte_by_byte_it_says_what_it_says_at_once():
    system = sparse().eval()
    tokens, _ = batch()
    with torch.no_grad():
        state, logits = system.first_state(len(tokens)), []
        for part in tokens.split([5, 1, 1, 41], dim=1):
            said, state = system.extend(part, state)
            logits.append(said)
        torch.testing.assert_close(torch.cat(logits, 1), system(tokens), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("balance", "weight"), [("aux", 0.5), ("bias", 0.0), ("none", 0.0)])
def test_the_loss_is_cross_entropy_and_what_each_layer_asks_for(balance, weight):
    system = sparse(balance=balance, balance_weight=0.5, z_weight=0.25).eval()  # the bias stays as it is
    tokens, targets = system.batch(0)
    loss, metrics = system.loss((tokens, targets))
    logits, routings = system.read(tokens)
    expected = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
    torch.testing.assert_close(metrics["cross_entropy"], expected)
    for routing in routings:
        expected = expected + weight * routing.balance_loss + 0.25 * routing.z_loss
    torch.testing.assert_close(loss, expected)
    assert len(routings) == 2


def collapse(system):
    """Every byte goes to experts 0 and 1 of each layer."""
    for block in system.blocks:
        mixture = block.feed_forward
        assert isinstance(mixture, MoE)
        block.feed_forward_norm.weight.data.zero_()  # equal scores for all
        mixture.router.balance = "bias"
        mixture.router.bias += torch.tensor([2.0, 1.0, 0.0, 0.0])


def test_a_collapsed_mixture_has_one_expert_for_all_bytes_and_idle_ones():
    system = sparse().eval()
    with torch.no_grad():
        collapse(system)
        figures = system.sharing()
    assert figures["busiest_share"] == pytest.approx(1)
    assert figures["idle_experts"] == 2
    # Half of the choices fall on each of two experts, and each has room for 1.25 / 4 of them.
    assert figures["dropped_share"] == pytest.approx(1 - 2 * module.CAPACITY / 4)


def test_the_share_dropped_is_what_a_layer_of_that_capacity_drops():
    plain, tight = (sparse(balance="bias", capacity=room).eval() for room in (None, module.CAPACITY))
    for system in (plain, tight):
        system.blocks[0].feed_forward.router.bias[0] = 0.3  # a favourite, so that something is dropped
    tokens, _ = SOURCE.held_out(module.EVALUATION_WINDOWS)
    with torch.no_grad():
        first = tight.read(tokens)[1][0]  # later layers differ, for they read what the first one dropped
        load = plain.read(tokens)[1][0].load
    expected = (load - module.CAPACITY / 4).clamp(min=0).sum()
    assert first.dropped.item() == pytest.approx(expected.item(), abs=1e-3)
    assert first.dropped > 0.05


def test_the_figures_name_what_it_costs_and_leave_no_gradient():
    system = sparse().eval()
    before = {name: tensor.clone() for name, tensor in system.state_dict().items()}
    with torch.no_grad():
        figures = system.evaluate()
    assert figures["parameters"] > figures["active_parameters"]
    assert figures["tokens_per_second"] > 0
    assert 0.5 <= figures["busiest_share"] <= 1
    assert figures["bits_per_byte"] > math.log2(80) / 2  # untrained
    assert all(p.grad is None for p in system.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in system.state_dict().items())


def test_a_dense_net_has_no_experts_to_tell_of():
    assert "busiest_share" not in sparse(n_experts=1, experts_per_token=1).eval().evaluate()


@pytest.mark.parametrize(
    "fields", [{"n_experts": 2, "experts_per_token": 3}, {"d_ff": 41}, {"balance": "hope"}, {"capacity": 0.0}]
)
def test_what_cannot_be_built_is_refused(fields):
    with pytest.raises(ValueError, match=r"cannot|balance|capacity"):
        sparse(**fields)
