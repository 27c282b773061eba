"""RoPE read beyond its training length: the scalings against turned positions, the figures against a model
whose figures are known."""

from __future__ import annotations

import pytest
import torch

from atlas_cli.data.text import TextSource
from atlas_cli.engine.system import SampleRequest, Setting
from atlas_cli.systems.transformer.gpt import GPT
from atlas_cli.systems.transformer.gpt import Config as GPTConfig
from atlas_cli.systems.transformer.rope import Config, RoPE
from tests.systems.transformer.house import SOURCE, TRAIN

SIZES = {"vocab_size": 256, "context_len": 48, "d_model": 32, "n_layer": 2, "n_head": 4, "embed_std": 1.0}


def rope(**fields):
    torch.manual_seed(0)
    return RoPE(Config(**{**SIZES, **fields})).attach(Setting(SOURCE, TRAIN))


def weights(system, length=12):
    """Who looks at whom in the first layer, for the same token at every position."""
    block = system.blocks[0]
    x = system.embed(torch.full((1, length), 65))
    return block.mixing.weights(block.mixing_norm(x))[0]


def scores(system, length):
    """Attention's logits between equal tokens, less that of a token with itself."""
    log = weights(system, length).log()
    return log - log.diagonal(dim1=-2, dim2=-1).unsqueeze(-1)


def test_equal_tokens_are_weighed_by_their_distance_alone():
    table = scores(rope(), 30)
    for offset in (1, 5, 20):
        along = table.diagonal(-offset, -2, -1)  # (H, 30 - offset)
        torch.testing.assert_close(along, along[:, :1].expand_as(along), atol=1e-4, rtol=1e-4)
    assert not torch.allclose(table[:, 20, 0], table[:, 20, 19], atol=1e-2)


def test_interpolation_weighs_a_distance_as_the_factors_part_of_it():
    system = rope()
    plain = scores(system, 12)
    with system.reading("interpolation", 4.0):
        stretched = scores(system, 45)
    for offset in (1, 7, 11):
        far, near = stretched[:, 44, 44 - 4 * offset], plain[:, 11, 11 - offset]
        torch.testing.assert_close(far, near, atol=1e-4, rtol=0)


def test_ntk_changes_far_more_than_near():
    system = rope()
    plain = scores(system, 46)[:, 45]
    with system.reading("ntk", 4.0):
        changed = (scores(system, 46)[:, 45] - plain).abs()
    assert changed[:, 44].max() > 0
    assert changed[:, 44].mean() < 0.3 * changed[:, :30].mean()


@pytest.mark.parametrize("scaling", ["interpolation", "ntk"])
def test_a_scaling_ends_with_its_reading(scaling):
    system = rope()
    tokens, _ = SOURCE.held_out(2)
    with torch.no_grad():
        before = system(tokens)
        with system.reading(scaling, 4.0):
            assert not torch.allclose(system(tokens), before)
        assert torch.equal(system(tokens), before)


def test_a_reading_that_fails_ends_too():
    system = rope()
    with pytest.raises(IndexError), system.reading("ntk", 4.0):
        system(torch.tensor([[256]]))
    assert {block.mixing.ntk for block in system.blocks} == {1.0}


@pytest.mark.parametrize("scaling", ["none", "interpolation", "ntk"])
def test_from_a_cache_equals_all_at_once_under_every_scaling(scaling):
    system = rope()
    tokens, _ = SOURCE.held_out(2)
    with torch.no_grad(), system.reading(scaling, 3.0):
        state, logits = system.first_state(2), []
        for part in tokens.split([5, 1, 42], dim=1):
            out, state = system.extend(part, state)
            logits.append(out)
        torch.testing.assert_close(torch.cat(logits, 1), system(tokens), atol=1e-5, rtol=1e-5)


def test_the_scaling_of_the_config_steers_what_is_written():
    request = SampleRequest(n=1, prompt="def ", seed=2)

    def text(system):
        for block in system.blocks:  # where all weights are small, nothing depends on positions
            block.mixing.q_proj.weight.data *= 20
        return system.sample(request).text[0]

    plain = GPT(GPTConfig(**SIZES, length=60)).attach(Setting(SOURCE, TRAIN))
    plain.load_state_dict(rope().state_dict())
    assert text(plain) == text(rope(length=60)) != text(rope(length=60, scaling="ntk", factor=9.0))


def test_figures_name_the_length_and_the_scaling(monkeypatch):
    """A model that reports what it was asked: bits = length + 1,000 interpolation + 10 ntk."""
    system = rope()

    def bits(model, data, length):
        assert isinstance(data, TextSource)
        layer = model.blocks[1].mixing
        return length + 1_000 * layer.interpolation + 10 * layer.ntk

    monkeypatch.setattr("atlas_cli.systems.transformer.rope.bits_per_byte", bits)
    assert system.evaluate() == {
        "bits_at_48": 48 + 1_010,
        "bits_at_96": 96 + 1_010, "bits_at_96_interpolation": 96 + 2_010, "bits_at_96_ntk": 96 + 1_020,
        "bits_at_192": 192 + 1_010, "bits_at_192_interpolation": 192 + 4_010, "bits_at_192_ntk": 192 + 1_040,
    }  # fmt: skip


def test_learned_positions_are_read_from_rows_that_no_training_window_reaches():
    system = rope(positions="learned")
    loss, _ = system.loss(system.batch(0))
    loss.backward()
    gradient = system.position.weight.grad
    assert (gradient[:48] != 0).any(1).all()
    assert (gradient[48:] == 0).all()
    figures = system.evaluate()
    assert figures.keys() == {"bits_at_48", "bits_at_96", "bits_at_192"}
