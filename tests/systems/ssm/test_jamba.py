"""Jamba against transformers' with copied weights, its own recurrence, and counted bytes."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from torch.nn import functional as F

from atlas_cli import data
from atlas_cli.engine.build import create
from atlas_cli.engine.system import Setting
from atlas_cli.recipe import recipes
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.ssm.jamba import Config, Jamba, NormedMamba
from tests.systems.ssm.house import (
    assert_no_position_sees_a_later_one,
    assert_token_by_token_equals_all_at_once,
)

SMALL = {"vocab_size": 7, "context_len": 12, "d_model": 16, "d_state": 4, "d_ff": 8, "n_kv_head": 2}
TRAIN = TrainConfig(steps=1, batch_size=4, lr=1e-3)


def config(**fields):
    return Config(**{**SMALL, **fields})


def small(**fields):
    torch.manual_seed(0)
    return Jamba(config(**fields))


def attached(**fields):
    source = data.load({"name": "associative_recall", "n_pairs": 2, "length": 8, "n_keys": 4, "n_values": 4})
    torch.manual_seed(0)
    return Jamba(config(**{**source.config.facts(), **fields})).attach(Setting(source, TRAIN))


def transformers_jamba():
    from transformers import JambaConfig, JambaForCausalLM

    return JambaForCausalLM(
        JambaConfig(
            vocab_size=7, hidden_size=16, intermediate_size=8, num_hidden_layers=4, num_attention_heads=4,
            num_key_value_heads=2, attn_layer_period=4, attn_layer_offset=2, mamba_d_state=4, num_experts=2,
            num_experts_per_tok=2, pad_token_id=None, attn_implementation="eager",
        )
    )  # fmt: skip


def weights_of(theirs):
    """Their parameters, or whatever else stands under their names, by our names and in our shapes."""
    ours = {"embed.weight": theirs["model.embed_tokens.weight"], "head.weight": theirs["lm_head.weight"]}
    ours["final_norm.weight"] = theirs["model.final_layernorm.weight"]
    for name, tensor in theirs.items():
        if not name.startswith("model.layers."):
            continue
        _, _, index, *rest = name.split(".")
        for our_name, our_tensor in _of_layer(".".join(rest), tensor).items():
            ours[f"layers.{index}.{our_name}"] = our_tensor
    return ours


def _of_layer(name, tensor):
    plain = {
        "input_layernorm.weight": "mixer_norm.weight", "pre_ff_layernorm.weight": "ff_norm.weight",
        "self_attn.o_proj.weight": "mixer.out_proj.weight", "mamba.out_proj.weight": "mixer.out_proj.weight",
        "mamba.in_proj.weight": "mixer.in_proj.weight", "mamba.conv1d.bias": "mixer.conv_bias",
        "mamba.dt_proj.weight": "mixer.s_delta.1.weight", "mamba.dt_proj.bias": "mixer.s_delta.1.bias",
        "mamba.dt_layernorm.weight": "mixer.delta_norm.weight", "mamba.A_log": "mixer.A_log",
        "mamba.b_layernorm.weight": "mixer.B_norm.weight", "mamba.c_layernorm.weight": "mixer.C_norm.weight",
        "mamba.D": "mixer.D", "feed_forward.gate_proj.weight": "feed_forward.gate.weight",
        "feed_forward.up_proj.weight": "feed_forward.up.weight",
        "feed_forward.down_proj.weight": "feed_forward.down.weight",
        "feed_forward.router.weight": "feed_forward.router.weight",
        "feed_forward.experts.down_proj": "feed_forward.down",
    }  # fmt: skip
    if name in plain:
        return {plain[name]: tensor}
    if name.startswith("self_attn."):
        return {name.replace("self_attn", "mixer"): tensor}
    if name == "mamba.conv1d.weight":
        return {"mixer.conv_weight": tensor.squeeze(1).T}
    if name == "mamba.x_proj.weight":
        names = ("mixer.s_delta.0.weight", "mixer.s_B.weight", "mixer.s_C.weight")
        return dict(zip(names, tensor.split([1, 4, 4]), strict=True))
    assert name == "feed_forward.experts.gate_up_proj", name
    gate, up = tensor.chunk(2, dim=1)
    return {"feed_forward.gate": gate, "feed_forward.up": up}


def test_logits_and_gradients_are_those_of_transformers():
    """Both experts of two are used, so that their gates sum to 1 without being divided by their sum."""
    torch.manual_seed(0)
    theirs = transformers_jamba()
    for parameter in theirs.parameters():  # so that every gradient is large enough to compare
        parameter.data.add_(0.2 * torch.randn_like(parameter))
    ours = small(n_experts=2, experts_per_token=2)
    copied = weights_of(dict(theirs.named_parameters()))
    parameters = dict(ours.named_parameters())
    assert copied.keys() == parameters.keys()
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(copied[name])
    tokens = torch.randint(0, 7, (3, 12))
    logits, expected = ours(tokens), theirs(tokens, use_cache=False).logits
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=1e-4)
    weights = torch.randn_like(logits)
    (logits * weights).sum().backward()
    (expected * weights).sum().backward()
    gradients = weights_of({name: p.grad for name, p in theirs.named_parameters()})
    for name, parameter in parameters.items():
        torch.testing.assert_close(parameter.grad, gradients[name], atol=1e-4, rtol=1e-3, msg=name)


@pytest.mark.parametrize(("every", "offset"), [(1, 0), (2, 1), (4, 2), (4, 0), (8, 4)])
def test_layers_attend_and_have_experts_where_the_released_models_do(every, offset):
    from transformers import JambaConfig

    theirs = JambaConfig(num_hidden_layers=16, attn_layer_period=every, attn_layer_offset=offset)
    ours = config(n_layer=16, attention_every=every, attention_offset=offset)
    assert [ours.attends(i) for i in range(16)] == [kind == "attention" for kind in theirs.layers_block_type]
    assert [ours.has_experts(i) for i in range(16)] == [n > 1 for n in theirs.layers_num_experts]
    middle = config(n_layer=16, attention_every=every)
    assert middle.n_attention == 16 // every
    assert middle.attends(every // 2)


@pytest.mark.parametrize("fields", [{}, {"rotary": True}, {"attention_every": 0}, {"attention_every": 1}])
def test_token_by_token_equals_all_at_once(fields):
    system = small(**fields)
    assert_token_by_token_equals_all_at_once(system)


@pytest.mark.parametrize("every", [0, 1, 2, 4])
@pytest.mark.parametrize("n_kv_head", [1, 4])
def test_the_bytes_kept_are_those_of_the_formula(every, n_kv_head):
    system = small(attention_every=every, n_kv_head=n_kv_head)
    with torch.no_grad():
        for length in (5, 50):
            assert system.kept_bytes(length) == 4 * system.config.cache_numbers(length)


def test_only_layers_that_attend_make_the_state_grow():
    """2 L n_kv head_dim numbers each: the keys and values of the transformer's formula."""
    scans, mixed, attends = (config(attention_every=k) for k in (0, 4, 1))
    assert scans.cache_numbers(10**6) == scans.cache_numbers(1)
    assert mixed.cache_numbers(1001) - mixed.cache_numbers(1) == 1000 * 2 * 2 * 4
    assert attends.cache_numbers(1000) == 4 * 1000 * 2 * 2 * 4
    assert mixed.transformer() == attends


def test_the_released_models_keys_and_values_are_those_of_the_papers_table():
    """Section 2, table 1: 4 GB at 256K tokens in 16 bits, where the same stack of attention needs 32 GB."""
    released = config(
        d_model=4096, n_layer=32, n_head=32, n_kv_head=8, attention_every=8, d_state=16, cache_length=1
    )
    length, growing = 2**18, released.cache_numbers(2**18) - released.cache_numbers(0)
    assert 2 * growing == 4 * 2**30
    assert 2 * released.transformer().cache_numbers(length) == 32 * 2**30


def test_no_position_sees_a_later_one():
    assert_no_position_sees_a_later_one(small())


@pytest.mark.parametrize(
    ("fields", "knows"),
    [
        ({"attention_every": 1, "n_layer": 1}, False),
        ({"attention_every": 1, "n_layer": 1, "rotary": True}, True),
        ({"attention_every": 2, "n_layer": 2}, True),
    ],
)
def test_attention_without_positions_knows_order_only_from_a_scan_before_it(fields, knows):
    system = small(**fields)
    tokens = torch.tensor([[1, 2, 3, 4, 5, 6]])
    with torch.no_grad():
        straight, turned = system(tokens)[:, -1], system(tokens[:, [4, 3, 2, 1, 0, 5]])[:, -1]
    assert torch.allclose(straight, turned, atol=1e-5) != knows


@pytest.mark.parametrize("scale", [0.01, 100.0])
def test_what_is_written_and_read_has_unit_size_whatever_comes_in(scale):
    torch.manual_seed(0)
    _, _, B, C = NormedMamba(config())._select(scale * torch.randn(2, 9, 32))
    for selected in (B, C):
        torch.testing.assert_close(selected.square().mean(-1), torch.ones(2, 9), atol=0.05, rtol=0)


def test_the_loss_is_the_answers_and_the_balance_of_the_experts():
    system = attached(balance_weight=0.5)
    tokens, targets = system.batch(0)
    loss, metrics = system.loss((tokens, targets))
    logits, routings = system.route(tokens)
    answers = F.cross_entropy(logits.mT, targets, ignore_index=-100)
    assert len(routings) == 2
    torch.testing.assert_close(loss, answers + 0.5 * sum(r.balance_loss for r in routings))
    torch.testing.assert_close(metrics["balance_loss"], sum(r.balance_loss for r in routings).detach() / 2)


def test_without_experts_the_loss_is_that_of_the_answers():
    system = attached(moe_every=0)
    tokens, targets = system.batch(0)
    loss, metrics = system.loss((tokens, targets))
    torch.testing.assert_close(loss, F.cross_entropy(system(tokens).mT, targets, ignore_index=-100))
    assert metrics.keys() == {"accuracy"}


def test_the_figures_count_parameters_and_bytes():
    system = attached(cache_length=100)
    figures = system.evaluate()
    assert figures["parameters"] == sum(p.numel() for p in system.parameters())
    assert figures["cache_kib"] * 1024 == 4 * system.config.cache_numbers(100)
    assert figures["cache_share"] * 4 * 100 * 2 * 2 * 4 == system.config.cache_numbers(100)
    assert 0 <= figures["recall"] <= 1


@pytest.mark.parametrize("recipe", ["jamba/small"])
def test_the_recipe_and_its_ablation_are_of_the_same_size(recipe):
    whole = recipes.resolve(recipe)
    sizes = [sum(p.numel() for p in create(r).parameters()) for r in (whole, whole.ablation)]
    assert sizes[1] == pytest.approx(sizes[0], rel=0.01)


@pytest.mark.parametrize(
    "fields",
    [
        {"n_head": 3},
        {"n_kv_head": 3},
        {"attention_every": 4, "attention_offset": 4},
        {"experts_per_token": 5},
    ],
)
def test_what_does_not_fit_is_refused(fields):
    with pytest.raises(ValidationError):
        config(**fields)


def test_embeddings_may_be_tied_and_muon_takes_the_matrices_of_the_layers():
    system = attached(tie_embeddings=True, optimizer="muon")
    assert system.head.weight is system.embed.weight
    (group,) = system.optimizers()["muon"].param_groups
    linear = [m.weight for m in system.layers.modules() if isinstance(m, torch.nn.Linear)]
    assert list(map(id, group["params"])) == list(map(id, linear))
