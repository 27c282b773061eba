"""The mixture of experts against a dense layer, sums written out, Mixtral's block and finite differences."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from atlas_cli.nets import moe as module
from atlas_cli.nets.feed_forward import SwiGLU
from atlas_cli.nets.moe import MoE
from atlas_cli.systems.transformer.moe import written_out

D, F_, E = 6, 5, 4


def layer(top_k=2, n_experts=E, dtype=torch.float32, **fields):
    torch.manual_seed(0)
    made = MoE(D, F_, n_experts, top_k, **fields).to(dtype)
    with torch.no_grad():
        made.router.weight.mul_(4)  # sure enough that no two scores are near
    return made


def tokens(*shape, dtype=torch.float32):
    return torch.randn(*shape, D, generator=torch.Generator().manual_seed(1), dtype=dtype)


def expert(moe, e, x):
    return F.linear(F.silu(F.linear(x, moe.gate[e])) * F.linear(x, moe.up[e]), moe.down[e])


def scores(moe, x):
    return x @ moe.router.weight.T


def route(moe, wanted):
    """One-hot tokens of which each wants these experts, best first, by clearly falling scores."""
    weight = torch.zeros_like(moe.router.weight)
    for token, experts in enumerate(wanted):
        for place, e in enumerate(experts):
            weight[e, token] = 4.0 - place
    with torch.no_grad():
        moe.router.weight.copy_(weight)
    return torch.eye(D)[: len(wanted)]


@pytest.mark.parametrize("top_k", [2, 3, E])
def test_with_equal_experts_it_is_the_dense_layer(top_k):
    torch.manual_seed(0)
    dense, moe = SwiGLU(D, F_), layer(top_k)
    with torch.no_grad():
        for name in ("gate", "up", "down"):
            getattr(moe, name).copy_(getattr(dense, name).weight.expand(E, -1, -1))
    x = tokens(3, 7)
    torch.testing.assert_close(moe(x)[0], dense(x), atol=1e-6, rtol=1e-5)


def test_one_expert_is_the_dense_layer_bit_for_bit():
    torch.manual_seed(0)
    dense, moe = SwiGLU(D, F_), layer(1, n_experts=1)
    with torch.no_grad():
        for name in ("gate", "up", "down"):
            getattr(moe, name).copy_(getattr(dense, name).weight[None])
    x = tokens(2, 7)
    assert torch.equal(moe(x)[0], dense(x))


@pytest.mark.parametrize("n_tokens", [1, 9, module.GRAIN, 2 * module.GRAIN + 5])
@pytest.mark.parametrize("top_k", [1, 2, E])
def test_sorted_by_expert_it_is_what_is_written_out_and_so_are_its_gradients(top_k, n_tokens):
    moe, x = layer(top_k), tokens(n_tokens)
    y, expected = moe(x)[0], written_out(x, moe)
    torch.testing.assert_close(y, expected)
    weigh = torch.linspace(-1, 1, y.numel()).view_as(y)
    parameters = [moe.router.weight, moe.gate, moe.up, moe.down]
    for ours, reference in zip(
        torch.autograd.grad((y * weigh).sum(), parameters),
        torch.autograd.grad((expected * weigh).sum(), parameters),
        strict=True,
    ):
        torch.testing.assert_close(ours, reference, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("top_k", [1, 2])
def test_each_token_is_served_by_its_own_best(top_k):
    """One gate is the probability itself (Switch), two are its shares (Mixtral)."""
    moe, x = layer(top_k), tokens(9)
    y, routing = moe(x)
    for n, p in enumerate(scores(moe, x).softmax(-1)):
        best = p.argsort(descending=True)[:top_k]
        assert routing.chosen[n].tolist() == best.tolist()
        share = p[best] / (p[best].sum() if top_k > 1 else 1)
        expected = sum(s * expert(moe, int(e), x[n]) for s, e in zip(share, best, strict=True))
        torch.testing.assert_close(y[n], expected)


def test_mixtral_computes_the_same():
    from transformers import MixtralConfig
    from transformers.models.mixtral.modeling_mixtral import MixtralSparseMoeBlock

    moe, x = layer(2), tokens(3, 7)
    config = MixtralConfig(hidden_size=D, intermediate_size=F_, num_local_experts=E, num_experts_per_tok=2)
    theirs = MixtralSparseMoeBlock(config)
    with torch.no_grad():
        theirs.gate.weight.copy_(moe.router.weight)
        theirs.experts.gate_up_proj.copy_(torch.cat([moe.gate, moe.up], dim=1))
        theirs.experts.down_proj.copy_(moe.down)
    weigh = torch.linspace(-1, 1, x.numel()).view_as(x)
    y, expected = moe(x)[0], theirs(x)
    torch.testing.assert_close(y, expected)
    ours = torch.autograd.grad((y * weigh).sum(), [moe.router.weight, moe.down, moe.gate, moe.up])
    parameters = [theirs.gate.weight, theirs.experts.down_proj, theirs.experts.gate_up_proj]
    router, down, gate_up = torch.autograd.grad((expected * weigh).sum(), parameters)
    for a, b in zip(ours, (router, down, *gate_up.chunk(2, 1)), strict=True):
        torch.testing.assert_close(a, b)


def test_mixtral_computes_the_same_balance_loss():
    """Theirs counts a token once for each of its choices, so it is k times ours."""
    from transformers.models.mixtral.modeling_mixtral import load_balancing_loss_func

    moe, x = layer(2), tokens(3, 7)
    theirs = load_balancing_loss_func((scores(moe, x.view(-1, D)),), E, 2)
    torch.testing.assert_close(2 * moe(x)[1].balance_loss, theirs)


@pytest.mark.parametrize("capacity", [None, 0.5])
@pytest.mark.parametrize("top_k", [1, 2])
def test_gradients_are_those_of_finite_differences(top_k, capacity):
    moe = layer(top_k, dtype=torch.float64, capacity=capacity, z_weight=0.3, balance_weight=0.7).eval()
    names, weights = zip(*moe.named_parameters(), strict=True)

    def call(x, *weights):
        y, routing = torch.func.functional_call(moe, dict(zip(names, weights, strict=True)), (x,))
        return y, routing.loss

    x = tokens(7, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(call, (x, *weights))


def test_the_order_of_the_tokens_does_not_matter():
    moe, x = layer(2), tokens(20)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(moe(x[order])[0], moe(x)[0][order])


def test_the_order_of_the_experts_does_not_matter():
    moe, x = layer(2), tokens(20)
    y, routing = moe(x)
    order = [2, 0, 3, 1]
    with torch.no_grad():
        for weight in (moe.router.weight, moe.gate, moe.up, moe.down):
            weight.copy_(weight[order].clone())
    swapped, other = moe(x)
    torch.testing.assert_close(swapped, y)
    assert torch.equal(other.load, routing.load[order])


def test_a_full_expert_drops_the_last_and_second_choices_before_first_ones():
    moe = layer(2, n_experts=3, capacity=0.75)  # 4 tokens * 2 choices / 3 experts * 0.75 = 2 places
    x = route(moe, [(1, 0), (0, 2), (0, 1), (0, 1)])
    y, routing = moe(x)
    assert routing.chosen.tolist() == [[1, 0], [0, 2], [0, 1], [0, 1]]
    # Expert 0: the first choices of tokens 1 and 2. Expert 1: token 0's first, then token 2's second.
    assert routing.kept.tolist() == [[True, False], [True, True], [True, True], [False, False]]
    assert float(routing.dropped) == pytest.approx(3 / 8)
    assert torch.equal(y[3], torch.zeros(D))  # its residual carries it on
    gate = routing.gates[0, 0]
    torch.testing.assert_close(y[0], gate * expert(moe, 1, x[0]))  # what is left is not raised
    torch.testing.assert_close(routing.load, torch.tensor([4, 3, 1]) / 8)  # wanted, not served


def test_enough_capacity_drops_nothing():
    x = tokens(15)
    plain, roomy = layer(2), layer(2, capacity=float(E))
    assert torch.equal(plain(x)[0], roomy(x)[0])
    assert roomy(x)[1].kept.all()
    assert plain(x)[1].kept.all()


def test_the_balance_loss_is_one_if_all_are_used_alike_and_e_if_one_does_everything():
    moe = layer(1)
    even = moe(route(moe, [(0,), (1,), (2,), (3,)]))[1]
    assert even.load.tolist() == [0.25] * 4
    assert even.balance_loss.item() == pytest.approx(1)
    with torch.no_grad():
        moe.router.weight[0] = 100
    alone = moe(torch.ones(5, D))[1]
    assert alone.load.tolist() == [1, 0, 0, 0]
    assert alone.balance_loss.item() == pytest.approx(E)


def test_descending_on_the_balance_loss_evens_the_load():
    moe, x = layer(1), tokens(200).abs()
    began = float(moe(x)[1].load.max())
    descent = torch.optim.SGD(moe.router.parameters(), lr=0.5)
    for _ in range(100):
        descent.zero_grad()
        moe(x)[1].balance_loss.backward()
        descent.step()
    assert began > 0.5
    assert float(moe(x)[1].load.max()) < 0.35


@pytest.mark.parametrize(("balance", "weighs"), [("aux", 0.7), ("bias", 0.0), ("none", 0.0)])
def test_the_loss_is_what_balance_and_z_weight_ask_for(balance, weighs):
    moe, x = layer(2, balance=balance, balance_weight=0.7, z_weight=0.3), tokens(9)
    routing = moe(x)[1]
    z = scores(moe, x).exp().sum(-1).log().square().mean()
    torch.testing.assert_close(routing.z_loss, z)
    torch.testing.assert_close(routing.loss, weighs * routing.balance_loss + 0.3 * z)


def test_the_bias_moves_one_step_against_the_load_and_only_while_training():
    moe = layer(1, balance="bias", bias_rate=0.01)
    x = route(moe, [(0,), (0,), (0,), (1,)])
    moe.eval()(x)
    assert moe.router.bias.tolist() == [0, 0, 0, 0]
    moe.train()(x)
    torch.testing.assert_close(moe.router.bias, torch.tensor([-0.01, 0.0, 0.01, 0.01]))  # 3, 1, 0, 0 of 4


def test_the_bias_decides_who_is_chosen_and_not_how_much_he_counts():
    moe = layer(2, balance="bias").eval()
    x = route(moe, [(0, 1)])
    moe.router.bias[3] = 1.0
    y, routing = moe(x)
    p = routing.probabilities[0]
    assert routing.chosen.tolist() == [[3, 0]]
    expected = (p[3] * expert(moe, 3, x[0]) + p[0] * expert(moe, 0, x[0])) / (p[3] + p[0])
    torch.testing.assert_close(y[0], expected)


def test_the_bias_alone_evens_the_load():
    moe, x = layer(1, balance="bias", bias_rate=0.02), tokens(200).abs()
    with torch.no_grad():
        moe.router.weight.mul_(0.2)
    began = float(moe(x)[1].load.max())
    for _ in range(100):
        moe(x)
    assert began > 0.5
    assert float(moe(x)[1].load.max()) < 0.35


def test_the_bias_is_part_of_a_checkpoint():
    moe = layer(1, balance="bias")
    moe(tokens(9).abs())
    again = layer(1, balance="bias")
    again.load_state_dict(moe.state_dict())
    assert moe.router.bias.any()
    assert torch.equal(again.router.bias, moe.router.bias)


def test_two_ranks_see_one_load(monkeypatch):
    """The mean of the ranks' gradients and the bias are those of the whole batch."""
    x = tokens(16)
    parts = x.chunk(2)
    whole, halves = layer(2, balance="bias"), [layer(2, balance="bias") for _ in range(2)]
    whole.eval()
    counts = [torch.bincount(whole(part)[1].chosen.flatten(), minlength=E) for part in parts]
    expected = whole.train()(x)[1]
    slope = torch.autograd.grad(expected.balance_loss, whole.router.weight)[0]
    monkeypatch.setattr(module.dist, "is_initialized", lambda: True)
    slopes = []
    for rank, half in enumerate(halves):
        monkeypatch.setattr(module.dist, "all_reduce", lambda own, r=rank: own.add_(counts[1 - r]))
        routing = half(parts[rank])[1]
        slopes.append(torch.autograd.grad(routing.balance_loss, half.router.weight)[0])
        assert torch.equal(routing.load, expected.load)
        assert torch.equal(half.router.bias, whole.router.bias)
    torch.testing.assert_close(sum(slopes) / 2, slope)


def test_the_router_computes_in_full_precision_inside_a_half_precision_region():
    moe, x = layer(2), tokens(9)
    expected, plain = moe(x)[1].probabilities, moe(x)[0]
    with torch.autocast("cpu", torch.bfloat16):
        y, routing = moe(x)
    assert torch.equal(routing.probabilities, expected)
    torch.testing.assert_close(y, plain, atol=0.02, rtol=0.02)
