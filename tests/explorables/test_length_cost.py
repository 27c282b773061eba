"""The cost of length and the hybrid stack, against counted bytes and closed forms."""

from __future__ import annotations

import math

import pytest
import torch

from atlas_cli.explorables import length_cost
from atlas_cli.systems.ssm.mamba import Config


def test_costs_grow_as_the_axes_say():
    short, long = length_cost.flops(1000, 256, 16), length_cost.flops(2000, 256, 16)
    assert long["attention"] == 4 * short["attention"]
    assert long["scan"] == 2 * short["scan"]
    short, long = length_cost.kept_bytes(1000, 256, 16), length_cost.kept_bytes(2000, 256, 16)
    assert long["scan"] == short["scan"]
    assert long["attention"] == 2 * short["attention"]


@pytest.mark.parametrize("d_model", [256, 4096])
@pytest.mark.parametrize("d_state", length_cost.STATE_SIZES)
def test_lines_cross_where_the_dot_stands_whatever_the_width(d_state: int, d_model: int):
    work = length_cost.flops(length_cost.equal_work(d_state), d_model, d_state)
    held = length_cost.kept_bytes(length_cost.equal_bytes(d_state), d_model, d_state)
    assert work["attention"] == work["scan"]
    assert held["attention"] == held["scan"]


@pytest.mark.parametrize(("length", "cheaper"), [(64, "attention"), (128, "scan")])
def test_the_bar_names_who_does_less(length: int, cheaper: str):
    bars = length_cost.cost(length, 16, 1024).panels[1][0]
    assert cheaper in bars.title
    assert bars.values[bars.labels.index(cheaper)] == min(bars.values)


@pytest.mark.parametrize("every", length_cost.EVERY)
def test_one_layer_in_every_n_attends(every: int):
    attends = [length_cost.is_attention(layer, every) for layer in range(32)]
    assert sum(attends) == length_cost.n_attention(every) == 32 // every
    for start in range(0, 32, every):
        assert sum(attends[start : start + every]) == 1
    assert length_cost.n_attention(0) == 0


@pytest.mark.parametrize(("every", "gib"), [(1, 32), (8, 4)])
def test_the_cache_is_that_of_its_tensors_and_of_jambas_table(every: int, gib: int):
    """At 256K tokens, 16 bits: keys and values, and for each layer that scans its state and its inputs."""
    length, attend = 2**18, 32 // every
    keys = torch.empty(attend, 2, length, 8, 128, dtype=torch.bfloat16, device="meta")
    states = torch.empty(32 - attend, 8192, 16 + 3, dtype=torch.bfloat16, device="meta")
    assert keys.nbytes == gib * 2**30
    assert length_cost.cache_bytes(length, every) == keys.nbytes + states.nbytes


def test_without_attention_the_cache_does_not_grow():
    assert length_cost.cache_bytes(2**10, 0) == length_cost.cache_bytes(2**20, 0)


def test_the_slowest_channel_is_that_of_the_atlas_mamba():
    assert pytest.approx(1 / Config.model_fields["dt_min"].default) == length_cost.SLOWEST
    assert Config.model_fields["d_state"].default == length_cost.D_STATE
    assert Config.model_fields["d_conv"].default == length_cost.D_CONV


def test_a_scan_carries_a_word_until_it_has_faded():
    far = length_cost.carried()
    assert length_cost.weight(0, far, 2**20, 0) == pytest.approx(length_cost.FADED)
    assert length_cost.reach(2**20, 0) == pytest.approx(32 * 1000 * math.log(100))
    assert length_cost.reach(2**12, 0) == 2**12
    assert length_cost.reach(2**20, 32) == 2**20


def test_a_layer_that_attends_sees_all_of_the_text_and_nothing_before_it():
    layer = next(layer for layer in range(32) if length_cost.is_attention(layer, 8))
    assert length_cost.weight(layer, 4096, 4096, 8) == 1
    assert length_cost.weight(layer, 4097, 4096, 8) == 0
