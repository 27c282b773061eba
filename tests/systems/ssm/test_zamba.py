"""Zamba against transformers' with copied weights, its own recurrence, and counted parameters and bytes."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from torch.nn import functional as F

from atlas_cli import data
from atlas_cli.engine.system import Setting
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.ssm.zamba import Config, SharedBlock, Use, Zamba
from tests.systems.ssm.house import (
    assert_no_position_sees_a_later_one,
    assert_token_by_token_equals_all_at_once,
)

SMALL = {
    "vocab_size": 7, "context_len": 12, "d_model": 16, "n_layer": 4, "d_state": 4, "d_ff": 8, "n_kv_head": 2,
    "lora_rank": 2,
}  # fmt: skip
TRAIN = TrainConfig(steps=1, batch_size=4, lr=1e-3)
BLOCK = 32 + 16 + (16 + 8 + 8) * 32 + 16 * 16 + 3 * 16 * 8  # norms, q k v, back, SwiGLU
ADAPTERS = 2 * ((32 + 16) + 2 * (32 + 8) + 2 * (16 + 8))  # of one use: q, k and v, gate and up


def config(**fields):
    return Config(**{**SMALL, **fields})


def small(**fields):
    torch.manual_seed(0)
    return Zamba(config(**fields))


def count(system):
    return sum(p.numel() for p in system.parameters())


def uses_of(system):
    return [layer.use for layer in system.layers if layer.use is not None]


def awake(system):
    """The same with adapters that have left their start at zero."""
    for use in uses_of(system):
        for up in use.up.values():
            up.data.normal_()
    return system


def weights_of(theirs):
    """Their parameters, or whatever else stands under their names, by our names and in our shapes."""
    ours = {"embed.weight": theirs["model.embed_tokens.weight"], "head.weight": theirs["lm_head.weight"]}
    ours["final_norm.weight"] = theirs["model.final_layernorm.weight"]
    for name, tensor in theirs.items():
        if not name.startswith("model.layers."):
            continue
        _, _, index, *rest = name.split(".")
        kind, rest = rest[0], ".".join(rest[1:])
        if kind == "linear":
            ours[f"layers.{index}.use.out.weight"] = tensor
        elif kind == "shared_transf":
            ours[f"blocks.0.{OF_BLOCK[rest]}"] = tensor
        else:
            rest = rest.removeprefix("mamba.") if kind == "mamba_decoder" else f"{kind}.{rest}"
            ours.update(_of_mamba(index, rest.removeprefix("mamba."), tensor))
    return ours


OF_BLOCK = {
    "input_layernorm.weight": "norm.weight", "pre_ff_layernorm.weight": "ff_norm.weight",
    "self_attn.q_proj.weight": "attention.q_proj.weight",
    "self_attn.k_proj.weight": "attention.k_proj.weight",
    "self_attn.v_proj.weight": "attention.v_proj.weight",
    "self_attn.o_proj.weight": "attention.out_proj.weight",
    "feed_forward.gate_proj.weight": "feed_forward.gate.weight",
    "feed_forward.up_proj.weight": "feed_forward.up.weight",
    "feed_forward.down_proj.weight": "feed_forward.down.weight",
}  # fmt: skip


def _of_mamba(index, name, tensor):
    """Their one head of Mamba is ours; x and its gate stand in their projection by turns."""
    if name == "input_layernorm.weight":
        return {f"layers.{index}.norm.weight": tensor}
    plain = {"conv1d.bias": "conv_bias", "out_proj.weight": "out_proj.weight"}
    headed = {"dt_proj_weight": "s_delta.1.weight", "dt_proj_bias": "s_delta.1.bias"}
    headed |= {"A_log": "A_log", "D": "D"}
    if name in plain:
        found = {plain[name]: tensor}
    elif name in headed:
        found = {headed[name]: tensor.squeeze(0)}
    elif name == "in_proj.weight":
        found = {"in_proj.weight": torch.cat([tensor[0::2], tensor[1::2]])}
    elif name == "conv1d.weight":
        found = {"conv_weight": tensor.squeeze(1).T}
    else:
        assert name == "x_proj_weight", name
        names = ("s_delta.0.weight", "s_B.weight", "s_C.weight")
        found = dict(zip(names, tensor.squeeze(0).split([1, 4, 4]), strict=True))
    return {f"layers.{index}.mamba.{ours}": t for ours, t in found.items()}


def test_logits_and_gradients_are_those_of_transformers():
    """Its scores are divided by the root of half the head's width: our queries carry the other half."""
    from transformers import ZambaConfig, ZambaForCausalLM

    torch.manual_seed(0)
    theirs = ZambaForCausalLM(
        ZambaConfig(
            vocab_size=7, hidden_size=16, intermediate_size=8, num_hidden_layers=4, num_attention_heads=4,
            num_key_value_heads=2, attention_head_dim=4, n_mamba_heads=1, mamba_d_state=4, hidden_act="silu",
            layers_block_type=["linear_attention", "hybrid"] * 2, pad_token_id=None,
            tie_word_embeddings=False, attn_implementation="eager",
        )
    )  # fmt: skip
    # As it ties them, but only together with the embeddings.
    theirs.model.layers[3].shared_transf = theirs.model.layers[1].shared_transf
    for parameter in theirs.parameters():  # so that every gradient is large enough to compare
        parameter.data.add_(0.2 * torch.randn_like(parameter))
    ours = small(lora_rank=0, to_stream=False)
    copied, parameters = weights_of(dict(theirs.named_parameters())), dict(ours.named_parameters())
    assert copied.keys() == parameters.keys()
    query = "blocks.0.attention.q_proj.weight"
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(copied[name] * (2**0.5 if name == query else 1))
    tokens = torch.randint(0, 7, (3, 12))
    logits, expected = ours(tokens), theirs(tokens, use_cache=False).logits
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=1e-4)
    weights = torch.randn_like(logits)
    (logits * weights).sum().backward()
    (expected * weights).sum().backward()
    gradients = weights_of({name: p.grad for name, p in theirs.named_parameters()})
    gradients[query] = gradients[query] / 2**0.5
    for name, parameter in parameters.items():
        torch.testing.assert_close(parameter.grad, gradients[name], atol=1e-4, rtol=1e-3, msg=name)


def test_adapters_are_those_of_zamba2():
    """Its gate and its up share the adapter's way down, so ours get the same."""
    from transformers import Zamba2Config
    from transformers.models.zamba2.modeling_zamba2 import Zamba2MLP

    torch.manual_seed(0)
    theirs = Zamba2MLP(
        Zamba2Config(
            hidden_size=16, intermediate_size=8, adapter_rank=2, hidden_act="silu", num_mem_blocks=1,
            num_hidden_layers=2, layers_block_type=["linear_attention", "hybrid"],
        ),
        num_fwd_mem_blocks=1, block_id=0,
    )  # fmt: skip
    down, up = theirs.gate_up_proj_adapter_list[0]
    block = SharedBlock(config())
    use = Use(config(), block)
    with torch.no_grad():
        ups = dict(zip(("gate", "up"), up.weight.chunk(2), strict=True))
        for name, shared in zip(("gate", "up"), theirs.gate_up_proj.weight.chunk(2), strict=True):
            getattr(block.feed_forward, name).weight.copy_(shared)
            use.down[f"feed_forward_{name}_weight"].copy_(down.weight)
            use.up[f"feed_forward_{name}_weight"].copy_(ups[name])
        block.feed_forward.down.weight.copy_(theirs.down_proj.weight)
        adapted = {
            name.removeprefix("feed_forward."): w
            for name, w in use.adapted(block).items()
            if name.startswith("feed_forward.")
        }
        x = torch.randn(2, 5, 16)
        ours = torch.func.functional_call(block.feed_forward, adapted, (x,))
        torch.testing.assert_close(ours, theirs(x, layer_idx=1), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"n_shared": 0},
        {"n_shared": 2},
        {"lora_rank": 0},
        {"rotary": True},
        {"use_every": 0},
        {"to_stream": False},
    ],
)
def test_token_by_token_equals_all_at_once(fields):
    system = awake(small(**fields))
    assert_token_by_token_equals_all_at_once(system)


@pytest.mark.parametrize("n_shared", [0, 1])
@pytest.mark.parametrize("every", [0, 1, 2, 4])
def test_the_bytes_kept_are_those_of_the_formula_and_sharing_saves_none(every, n_shared):
    system = small(use_every=every, n_shared=n_shared)
    with torch.no_grad():
        for length in (5, 50):
            assert system.kept_bytes(length) == 4 * system.config.cache_numbers(length)
    grown = system.config.cache_numbers(51) - system.config.cache_numbers(50)
    assert grown == (4 // every if every else 0) * 2 * 2 * 4


@pytest.mark.parametrize(("n_layer", "every"), [(4, 2), (6, 2), (4, 1)])
def test_sharing_saves_a_block_for_each_use_but_one_and_costs_the_adapters(n_layer, every):
    fields = {"n_layer": n_layer, "use_every": every}
    uses = n_layer // every
    own, shared, plain = (small(**fields, **k) for k in ({"n_shared": 0}, {}, {"lora_rank": 0}))
    assert count(own) - count(plain) == (uses - 1) * BLOCK
    assert count(shared) - count(plain) == uses * ADAPTERS
    assert count(plain) - count(small(n_layer=n_layer, use_every=0)) == BLOCK + uses * 16 * 16


def test_at_the_start_every_use_is_the_shared_block_itself():
    with_adapters, without = small(), small(lora_rank=0)
    missing = without.load_state_dict(with_adapters.state_dict(), strict=False)
    assert not missing.missing_keys
    tokens = torch.randint(0, 7, (2, 12))
    torch.testing.assert_close(with_adapters(tokens), without(tokens))
    with torch.no_grad():
        uses_of(with_adapters)[1].up["attention_q_proj_weight"].normal_()
    assert not torch.allclose(with_adapters(tokens), without(tokens))


def test_an_adapter_changes_its_own_use_by_a_product_of_low_rank():
    system = small()
    block, (first, second) = system.blocks[0], uses_of(system)
    with torch.no_grad():
        second.up["attention_k_proj_weight"].normal_()
        shared = block.attention.k_proj.weight
        assert torch.equal(first.adapted(block)["attention.k_proj.weight"], shared)
        change = second.adapted(block)["attention.k_proj.weight"] - shared
    assert torch.linalg.matrix_rank(change, tol=1e-4) == 2
    x = torch.randn(1, 3, 32)
    expected = shared @ x.mT + second.up["attention_k_proj_weight"] @ (
        second.down["attention_k_proj_weight"] @ x.mT
    )
    torch.testing.assert_close((shared + change) @ x.mT, expected, atol=1e-5, rtol=1e-5)


def test_the_shared_gradient_is_the_sum_of_what_own_blocks_would_get():
    shared, own = small(lora_rank=0), small(n_shared=0)
    weights = shared.state_dict()
    for name in own.state_dict():
        if name.startswith("blocks.1."):
            weights[name] = weights[name.replace("blocks.1.", "blocks.0.")]
    own.load_state_dict(weights)
    tokens = torch.randint(0, 7, (2, 12))
    for system in (shared, own):
        system(tokens).square().sum().backward()
    parameters = dict(own.named_parameters())
    for name, parameter in shared.blocks[0].named_parameters():
        summed = parameters[f"blocks.0.{name}"].grad + parameters[f"blocks.1.{name}"].grad
        torch.testing.assert_close(parameter.grad, summed, atol=1e-4, rtol=1e-3)


def test_two_shared_blocks_take_turns():
    system = small(n_layer=8, n_shared=2)
    first, second = system.blocks
    assert [system.block_of(i) for i in range(8)] == [None, first, None, second] * 2


def silenced(**fields):
    """A model whose Mamba blocks give out nothing."""
    system = awake(small(**fields))
    for layer in system.layers:
        layer.mamba.out_proj.weight.data.zero_()
    return system


def test_in_equation_6_what_is_found_enters_by_way_of_mamba_only():
    system = silenced(to_stream=False)
    tokens = torch.randint(0, 7, (2, 12))
    torch.testing.assert_close(system(tokens), system.head(system.final_norm(system.embed(tokens))))


def test_what_joins_the_stream_is_the_sum_of_what_the_uses_find():
    system = silenced()
    tokens = torch.randint(0, 7, (2, 12))
    embedding = x = system.embed(tokens)
    for use in uses_of(system):
        x = x + use(system.blocks[0], x, embedding)[0]
    torch.testing.assert_close(system(tokens), system.head(system.final_norm(x)))


def test_no_position_sees_a_later_one():
    assert_no_position_sees_a_later_one(awake(small()))


def test_loss_and_figures():
    source = data.load({"name": "associative_recall", "n_pairs": 2, "length": 8, "n_keys": 4, "n_values": 4})
    torch.manual_seed(0)
    fields = {**source.config.facts(), "cache_length": 100}
    system = Zamba(config(**fields)).attach(Setting(source, TRAIN))
    tokens, targets = system.batch(0)
    loss, _ = system.loss((tokens, targets))
    torch.testing.assert_close(loss, F.cross_entropy(system(tokens).mT, targets, ignore_index=-100))
    figures = system.evaluate()
    assert figures["parameters"] == count(system)
    assert figures["cache_kib"] * 1024 == 4 * system.config.cache_numbers(100)
    assert 0 <= figures["recall"] <= 1


@pytest.mark.parametrize("fields", [{"n_head": 3}, {"n_kv_head": 3}])
def test_what_does_not_fit_is_refused(fields):
    with pytest.raises(ValidationError):
        config(**fields)


def test_embeddings_may_be_tied_and_muon_takes_what_is_shared_once():
    source = data.load({"name": "associative_recall", "n_pairs": 2, "length": 8, "n_keys": 4, "n_values": 4})
    fields = {**source.config.facts(), "tie_embeddings": True, "optimizer": "muon"}
    system = small(**fields).attach(Setting(source, TRAIN))
    assert system.head.weight is system.embed.weight
    (group,) = system.optimizers()["muon"].param_groups
    stack = [*system.blocks.modules(), *system.layers.modules()]
    linear = {id(m.weight) for m in stack if isinstance(m, torch.nn.Linear)}
    assert sorted(map(id, group["params"])) == sorted(linear)
