"""The hybrid stack, against counted bytes and closed forms."""

from __future__ import annotations

import math

import pytest
import torch

from atlas_cli.explorables.ssm import hybrid
from atlas_cli.systems.ssm.mamba import Config


@pytest.mark.parametrize("every", hybrid.EVERY)
def test_one_layer_in_every_n_attends(every: int):
    attends = [hybrid.is_attention(layer, every) for layer in range(32)]
    assert sum(attends) == hybrid.n_attention(every) == 32 // every
    for start in range(0, 32, every):
        assert sum(attends[start : start + every]) == 1
    assert hybrid.n_attention(0) == 0


@pytest.mark.parametrize(("every", "gib"), [(1, 32), (8, 4)])
def test_the_cache_is_that_of_its_tensors_and_of_jambas_table(every: int, gib: int):
    """At 256K tokens, 16 bits: keys and values, and for each layer that scans its state and its inputs."""
    length, attend = 2**18, 32 // every
    keys = torch.empty(attend, 2, length, 8, 128, dtype=torch.bfloat16, device="meta")
    states = torch.empty(32 - attend, 8192, 16 + 3, dtype=torch.bfloat16, device="meta")
    assert keys.nbytes == gib * 2**30
    assert hybrid.cache_bytes(length, every) == keys.nbytes + states.nbytes


def test_without_attention_the_cache_does_not_grow():
    assert hybrid.cache_bytes(2**10, 0) == hybrid.cache_bytes(2**20, 0)


def test_the_slowest_channel_is_that_of_the_atlas_mamba():
    assert pytest.approx(1 / Config.model_fields["dt_min"].default) == hybrid.SLOWEST
    assert Config.model_fields["d_state"].default == hybrid.D_STATE
    assert Config.model_fields["d_conv"].default == hybrid.D_CONV


def test_a_scan_carries_a_word_until_it_has_faded():
    far = hybrid.carried()
    assert hybrid.weight(0, far, 2**20, 0) == pytest.approx(hybrid.FADED)
    assert hybrid.reach(2**20, 0) == pytest.approx(32 * 1000 * math.log(100))
    assert hybrid.reach(2**12, 0) == 2**12
    assert hybrid.reach(2**20, 32) == 2**20


def test_a_layer_that_attends_sees_all_of_the_text_and_nothing_before_it():
    layer = next(layer for layer in range(32) if hybrid.is_attention(layer, 8))
    assert hybrid.weight(layer, 4096, 4096, 8) == 1
    assert hybrid.weight(layer, 4097, 4096, 8) == 0


@pytest.mark.parametrize("every", hybrid.EVERY)
@pytest.mark.parametrize("thousands", [1, 256])
def test_a_strip_reaches_as_far_as_its_layer_sees_and_is_as_long_as_what_it_keeps(every: int, thousands: int):
    frame = hybrid.hybrid(every, thousands)
    seen, held = frame.panels[0]
    length = 1024 * thousands
    for panel in (seen, held):
        scans, attends = panel.shapes[:2]
        assert {*scans.parts} | {*attends.parts} == {*range(32)}
        assert all(hybrid.is_attention(layer, every) for layer in attends.parts)
    ends = {layer: max(x for x, _ in path) for shape in seen.shapes[:2]
            for layer, path in zip(shape.parts, shape.paths, strict=True)}  # fmt: skip
    for layer, end in ends.items():
        assert 2**end == pytest.approx(hybrid.sight(layer, length, every), rel=0.02)
        assert hybrid.weight(layer, 2**end * 0.99, length, every) >= 0.99 * hybrid.FADED
    assert sum(hybrid.layer_bytes(length, every)) == pytest.approx(hybrid.cache_bytes(length, every))
