"""Mamba-2 against transformers with copied weights, its own recurrence, and what one decay a head means."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from atlas_cli import data
from atlas_cli.engine.system import Setting
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.ssm.mamba2 import Config, Mamba2, Mamba2Block
from tests.systems.ssm.house import (
    assert_no_position_sees_a_later_one,
    assert_token_by_token_equals_all_at_once,
)
from tests.systems.ssm.transformers_reference import assert_same_logits_and_gradients, mamba2_pair

SMALL = {"vocab_size": 6, "context_len": 12, "d_model": 8, "d_state": 4, "d_head": 4}
TRAIN = TrainConfig(steps=1, batch_size=4, lr=1e-3)
WAYS = [{}, {"normalise_b_c": True}, {"decay": "diagonal"}, {"decay": "diagonal", "selective": False}]


def small(**fields):
    torch.manual_seed(0)
    system = Mamba2(Config(**{**SMALL, **fields}))
    with torch.no_grad():  # decays that differ from head to head
        for block in system.blocks:
            block.A_log.add_(torch.randn_like(block.A_log))
    return system


@pytest.mark.parametrize("length", [1, 40, 77])
def test_logits_and_gradients_are_those_of_transformers(length):
    assert_same_logits_and_gradients(*mamba2_pair(), length=length)


@pytest.mark.parametrize("fields", WAYS)
def test_token_by_token_equals_all_at_once_in_constant_memory(fields):
    system = small(**fields)
    first, last = assert_token_by_token_equals_all_at_once(system)
    sizes = [[part.shape for layer in state for part in layer] for state in (first, last)]
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize("chunk", [1, 7, 40])
def test_a_chunk_of_any_length_gives_the_same_logits(chunk):
    """One step: the recurrence. The whole sequence: attention's form."""
    tokens = torch.randint(0, 6, (3, 40), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.testing.assert_close(small(chunk=chunk)(tokens), small()(tokens), atol=1e-5, rtol=1e-5)


def test_no_position_sees_a_later_one():
    assert_no_position_sees_a_later_one(small(), length=40, changed_from=35)


def test_a_diagonal_whose_entries_are_alike_is_the_scalar():
    scalar, diagonal = small(), small(decay="diagonal")
    tensors = scalar.state_dict()
    for name, tensor in tensors.items():
        if name.endswith("A_log"):  # (H,) to (D, N)
            tensors[name] = tensor.repeat_interleave(4).unsqueeze(1).expand(-1, 4)
    diagonal.load_state_dict(tensors)
    tokens = torch.randint(0, 6, (2, 40))
    with torch.no_grad():
        torch.testing.assert_close(diagonal(tokens), scalar(tokens), atol=1e-5, rtol=1e-5)


def test_without_selection_the_mixing_is_a_convolution():
    """Shift what enters and what leaves shifts with it, as far as the zeros at the start reach."""
    system = small(decay="diagonal", selective=False)
    u = torch.zeros(1, 30, 8)
    u[:, 3:6] = torch.randn(3, 8)
    with torch.no_grad():
        block = system.blocks[0]
        block.conv_bias.zero_()
        now, later = block(u), block(u.roll(10, dims=1))
    torch.testing.assert_close(later[:, 10:], now[:, :20], atol=1e-5, rtol=1e-5)


def test_with_selection_alone_the_step_depends_on_the_token():
    u = torch.randn(2, 10, 8, generator=torch.Generator().manual_seed(2))
    _, _, chosen = small().blocks[0]._project(u)
    _, _, fixed = small(decay="diagonal", selective=False).blocks[0]._project(u)
    assert chosen.std(dim=1).min() > 0
    assert fixed.std(dim=1).max() == 0


def test_the_norm_stands_behind_the_gate():
    """Scaling the gated output of the mixing changes nothing."""
    block = small().blocks[0]
    with torch.no_grad():
        y, x, z = torch.randn(3, 2, 5, 16).unbind(0)
        block.D.zero_()
        torch.testing.assert_close(block._out(100 * y, x, z), block._out(y, x, z), atol=1e-3, rtol=1e-3)


def test_with_norms_the_size_of_b_and_c_is_not_the_tokens():
    block = small(normalise_b_c=True).blocks[0]
    with torch.no_grad():
        x_B_C = torch.randn(2, 5, 24)
        _, B, C = block._split(x_B_C)
        _, *larger = block._split(10 * x_B_C)
    for matrix, scaled in zip((B, C), larger, strict=True):
        torch.testing.assert_close(matrix.pow(2).mean(-1), torch.ones(2, 5), atol=1e-3, rtol=1e-3)
        torch.testing.assert_close(scaled, matrix, atol=1e-3, rtol=1e-3)


def test_decays_start_alike_or_as_the_authors_draw_them():
    ours = Mamba2Block(Config(**{**SMALL, "d_model": 512}))
    assert (-torch.exp(ours.A_log) == -1).all()
    theirs = torch.exp(Mamba2Block(Config(**{**SMALL, "d_model": 2048, "a_start": 0})).A_log)
    assert theirs.min() >= 1
    assert theirs.max() <= 16
    assert theirs.mean().item() == pytest.approx(8.5, abs=0.5)


def test_step_sizes_start_log_uniform_within_their_bounds():
    torch.manual_seed(0)
    block = Mamba2Block(Config(**{**SMALL, "d_model": 2048, "d_head": 4, "dt_min": 0.002, "dt_max": 0.05}))
    delta = F.softplus(block.delta_bias.detach())
    assert 0.00199 <= delta.min() < 0.0022
    assert 0.045 < delta.max() <= 0.0501
    assert delta.log().mean().item() == pytest.approx(math.log(0.01), abs=0.1)


def test_no_ablation_has_fewer_parameters():
    def count(**fields):
        system = Mamba2(Config(vocab_size=16, context_len=72, **fields))
        return sum(p.numel() for p in system.parameters())

    assert count() <= count(decay="diagonal") <= count(decay="diagonal", selective=False)


@pytest.mark.parametrize("fields", [{"d_head": 5}, {"selective": False}])
def test_what_cannot_be_is_refused(fields):
    with pytest.raises(ValueError, match=r"d_head|diagonal"):
        Config(**{**SMALL, **fields})


@pytest.mark.parametrize("fields", WAYS)
def test_times_leave_the_gradients_and_the_weights_alone(fields):
    source = data.load({"name": "selective_copying", "n_tokens": 2, "length": 10, "n_symbols": 4})
    torch.manual_seed(0)
    system = Mamba2(Config(**{**SMALL, **source.config.facts(), **fields, "measure_time": True}))
    system.attach(Setting(source, TRAIN))
    before = [p.detach().clone() for p in system.parameters()]
    figures = system.evaluate()
    assert figures["train_microseconds"] > 0
    assert {"attention_time_256", "attention_time_1024"} < set(figures)
    assert all(p.grad is None for p in system.parameters())
    for p, was in zip(system.parameters(), before, strict=True):
        torch.testing.assert_close(p.detach(), was, atol=0, rtol=0)
