"""GPT against Llama of the transformers library, and against itself, token by token."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from atlas_cli import data
from atlas_cli.engine.system import SampleRequest, Setting
from atlas_cli.errors import UsageError
from atlas_cli.recipe import recipes
from atlas_cli.systems.transformer.gpt import GPT, Block, ByDistance, CausalMean, Config
from tests.nets.llama import copy_block, llama_config
from tests.systems.transformer.house import SOURCE, TRAIN, gpt

KINDS = [
    pytest.param({}, id="MHA"),
    pytest.param({"n_kv_head": 2}, id="GQA"),
    pytest.param({"n_kv_head": 1}, id="MQA"),
    pytest.param({"window": 6}, id="window"),
    pytest.param({"positions": "learned"}, id="learned"),
    pytest.param({"positions": "none"}, id="no-positions"),
    pytest.param({"mixing": "mean"}, id="mean"),
    pytest.param({"mixing": "mean", "positions": "learned"}, id="mean-learned"),
    pytest.param({"mixing": "distance"}, id="distance"),
]


@pytest.mark.parametrize("n_kv_head", [4, 2], ids=["MHA", "GQA"])
def test_a_block_equals_llamas_with_the_same_weights(n_kv_head):
    from transformers.models.llama.modeling_llama import LlamaDecoderLayer, LlamaRotaryEmbedding

    torch.manual_seed(0)
    ours = Block(Config(vocab_size=256, context_len=64, d_model=32, n_head=4, n_kv_head=n_kv_head, d_ff=80))
    for norm in (ours.mixing_norm, ours.feed_forward_norm):
        torch.nn.init.normal_(norm.weight)
    config = llama_config(32, 4, n_kv_head, 80)
    theirs = LlamaDecoderLayer(config, layer_idx=0)
    copy_block(ours, theirs)
    x = torch.randn(2, 50, 32)
    positions = LlamaRotaryEmbedding(config)(x, torch.arange(50)[None])
    expected = theirs(x, position_embeddings=positions)
    torch.testing.assert_close(ours(x), expected, atol=1e-5, rtol=1e-5)


def test_the_whole_model_equals_llama_with_the_same_weights():
    from transformers import LlamaForCausalLM

    ours = gpt(d_model=32, n_layer=3, n_head=4, d_ff=48)
    theirs = LlamaForCausalLM(llama_config(32, 4, 4, 48, n_layer=3))
    with torch.no_grad():
        for block, layer in zip(ours.blocks, theirs.model.layers, strict=True):
            copy_block(block, layer)
        theirs.model.embed_tokens.weight.copy_(ours.embed.weight)
        theirs.model.norm.weight.copy_(ours.final_norm.weight)
        theirs.lm_head.weight.copy_(ours.head.weight)
    tokens, targets = SOURCE.held_out(3)
    torch.testing.assert_close(ours(tokens), theirs(tokens).logits, atol=1e-5, rtol=1e-5)
    loss, metrics = ours.loss((tokens, targets))
    torch.testing.assert_close(loss, F.cross_entropy(theirs(tokens).logits.flatten(0, 1), targets.flatten()))
    assert metrics["accuracy"] == (theirs(tokens).logits.argmax(-1) == targets).float().mean()


@pytest.mark.parametrize("fields", KINDS)
def test_from_a_cache_equals_all_at_once(fields):
    system = gpt(**fields)
    tokens, _ = SOURCE.held_out(3)
    state, logits = system.first_state(3), []
    with torch.no_grad():
        for part in tokens.split([1, 1, 7, 39], dim=1):
            out, state = system.extend(part, state)
            logits.append(out)
        torch.testing.assert_close(torch.cat(logits, 1), system(tokens), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("fields", KINDS)
def test_no_position_sees_a_later_one_and_each_sees_itself(fields):
    system = gpt(**fields)
    tokens, _ = SOURCE.held_out(2)
    changed = tokens.clone()
    changed[:, 20:] = (tokens[:, 20:] + 1) % 256
    with torch.no_grad():
        before, after = system(tokens), system(changed)
    torch.testing.assert_close(before[:, :20], after[:, :20])
    assert not torch.allclose(before[:, 20], after[:, 20])


def test_a_window_forgets_what_lies_behind_it():
    """Two layers with a window of 6 reach 10 tokens back and no further."""
    system = gpt(window=6)
    tokens, _ = SOURCE.held_out(1)
    for reach, alike in ((10, False), (11, True)):
        changed = tokens.clone()
        changed[:, 40 - reach] = (tokens[:, 40 - reach] + 1) % 256
        with torch.no_grad():
            assert torch.equal(system(tokens)[:, 40], system(changed)[:, 40]) == alike


def test_a_causal_mean_is_the_mean_of_the_values_in_a_state_that_does_not_grow():
    torch.manual_seed(0)
    net, x = CausalMean(8), torch.randn(2, 30, 8)
    values = net.v_proj(x)
    expected = torch.stack([values[:, : i + 1].mean(1) for i in range(30)], dim=1)
    torch.testing.assert_close(net(x), net.out_proj(expected))
    _, state = net.extend(x, net.first_state(2))
    assert state.total.shape == (2, 8)
    assert state.length == 30


def test_by_distance_each_head_weighs_alike_whatever_the_tokens_say():
    torch.manual_seed(0)
    net, x = ByDistance(8, 2, reach=4), torch.randn(1, 9, 8)
    values = net.v_proj(x)
    mean = torch.stack([values[:, : i + 1].mean(1) for i in range(9)], dim=1)
    torch.testing.assert_close(net(x), net.out_proj(mean))  # untrained, all distances count the same
    with torch.no_grad():
        net.log_weight.copy_(torch.tensor([0.0, 2.0, 0.0, -1.0, 1e3, 0.0, 0.0, 0.0]))
    weights = net.weights(9, 9).detach()
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 9))
    assert float((weights[0, 5, 4] / weights[0, 5, 5]).log()) == pytest.approx(2.0)
    assert float((weights[0, 8, 0] / weights[0, 8, 5]).log()) == pytest.approx(0.0, abs=1e-6)  # beyond reach
    torch.testing.assert_close(weights[1], torch.eye(9))


def test_the_opponents_of_attention_have_as_many_weights_within_a_twentieth():
    def size(fields):
        return sum(p.numel() for p in gpt(**{**recipe.model, **fields}).parameters())

    recipe = recipes.resolve("gpt/small")
    whole = size({})
    for fields in (recipe.ablate, *recipe.vary.values()):
        assert abs(size({k: v for k, v in fields.items() if "." not in k}) / whole - 1) < 0.05, fields


def test_learned_positions_end_and_say_so():
    system = gpt(positions="learned", position_rows=16, context_len=24, length=24)
    tokens, _ = SOURCE.held_out(1)
    system(tokens[:, :24])
    with pytest.raises(UsageError, match="position 25 is beyond the 24"):
        system(tokens[:, :25])
    state = system.first_state(1)
    _, state = system.extend(tokens[:, :24], state)
    with pytest.raises(UsageError, match="position 25"):
        system.extend(tokens[:, 24:25], state)


def test_tied_embeddings_are_one_parameter():
    system = gpt(tie_embeddings=True)
    assert system.head.weight is system.embed.weight


def test_muon_takes_the_matrices_of_the_blocks_and_adamw_all_else():
    system = gpt(optimizer="muon", positions="learned")
    groups = {name: o.param_groups[0]["params"] for name, o in system.optimizers().items()}
    names = {id(p): name for name, p in system.named_parameters()}
    muon, others = ([names[id(p)] for p in groups[key]] for key in ("muon", "main"))
    assert sorted(muon + others) == sorted(names.values())
    assert all(name.startswith("blocks.") and "norm" not in name for name in muon)
    assert {"embed.weight", "position.weight", "head.weight", "blocks.0.mixing_norm.weight"} <= set(others)


def test_a_step_of_muon_goes_about_as_far_in_every_direction():
    system = gpt(optimizer="muon")
    matrix = system.blocks[0].feed_forward.up.weight  # (96, 32)
    before = matrix.detach().clone()
    system.step(system.batch(0), system.optimizers())
    gradient, step = (torch.linalg.svdvals(m) for m in (matrix.grad, (before - matrix).detach()))
    unit = TRAIN.lr * 0.2 * 96**0.5  # the length that gives entries the size of AdamW's
    assert gradient[0] / gradient[20] > 3 * step[0] / step[20]
    assert 0.5 * unit < step[20] < step[0] < 1.5 * unit


@pytest.mark.parametrize(("d_model", "d_hidden"), [(128, 352), (96, 256), (8, 32)])
def test_the_hidden_width_is_about_eight_thirds(d_model, d_hidden):
    assert Config(vocab_size=2, context_len=2, d_model=d_model, n_head=2).d_hidden == d_hidden


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"d_model": 30, "n_head": 4}, "d_model = 30"), ({"n_head": 4, "n_kv_head": 3}, "n_head = 4")],
)
def test_heads_that_do_not_divide_are_refused(fields, words):
    with pytest.raises(ValueError, match=words):
        Config(vocab_size=2, context_len=2, **fields)


def test_a_model_that_says_nothing_needs_eight_bits_a_byte():
    system = gpt()
    torch.nn.init.zeros_(system.head.weight)
    found = system.evaluate()
    assert found["bits_per_byte"] == pytest.approx(8)
    for n in (3, 4):
        assert 1 < found[f"ngram{n}_bits"] < 6
        assert found[f"bits_below_ngram{n}"] == pytest.approx(found[f"ngram{n}_bits"] - 8)


def test_it_learns_the_tasks_of_sequences_too():
    source = data.load({"name": "selective_copying", "n_tokens": 2, "length": 10, "n_symbols": 4})
    config = Config(**source.config.facts(), d_model=32, n_layer=1)
    system = GPT(config).attach(Setting(source, TRAIN))
    loss, _ = system.loss(system.batch(0))
    assert math.isfinite(float(loss.detach()))
    assert system.evaluate().keys() == {"copy_accuracy"}
    assert not system.writes
    assert "answer" in system.sample(SampleRequest(n=1)).text[0]


def test_a_text_streams_as_it_is_written_and_the_seed_decides_it():
    system = gpt(length=20)
    pieces: list[str] = []
    artifact = system.sample(SampleRequest(n=1, seed=3, prompt="def ", stream=pieces.append))
    assert "".join(pieces).strip("\n") == artifact.text[0]
    assert artifact.text[0].startswith("def ")
    assert len(pieces) == 1 + 20 + 2  # the prompt, every byte, what is left of the last character, a newline
    assert system.sample(SampleRequest(n=1, seed=3, prompt="def ")).text == artifact.text
    assert system.sample(SampleRequest(n=1, seed=4, prompt="def ")).text != artifact.text


def test_vectors_in_place_of_tokens_are_read_the_same():
    system = gpt()
    tokens, _ = SOURCE.held_out(2)
    prefix = system.embed(tokens[:, :7]).detach().requires_grad_()
    x = torch.cat([prefix, system.embed_at(tokens[:, 7:], 7)], dim=1)
    logits = system.read_vectors(x)
    torch.testing.assert_close(logits, system(tokens))
    (slope,) = torch.autograd.grad(logits[:, -1].square().sum(), prefix)
    assert (slope.abs().sum((0, 2)) > 0).all()  # whoever made the vectors learns from the text after them
