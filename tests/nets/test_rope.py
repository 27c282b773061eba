"""Rotary positions against their definition, complex numbers and the transformers library."""

from __future__ import annotations

import pytest
import torch

from atlas_cli.nets.rope import angles, angles_between, frequencies, rotate
from tests.nets.llama import llama_config


def turned(x, position, **scaling):
    """One vector (Dh,) at a position, in float64."""
    interpolation = scaling.pop("interpolation", 1.0)
    turn = torch.outer(torch.tensor([position]).double() / interpolation, frequencies(len(x), **scaling))
    return rotate(x[None, None, None], turn.cos(), turn.sin()).flatten()


def test_a_score_depends_on_the_offset_only():
    torch.manual_seed(0)
    q, k = torch.randn(2, 16, dtype=torch.float64)
    for offset in (0, 1, 17, 300):
        scores = [turned(q, m) @ turned(k, m - offset) for m in (offset, offset + 5, offset + 1_000, 50_000)]
        torch.testing.assert_close(torch.stack(scores), scores[0].expand(4), atol=1e-10, rtol=0)
    near, far = (turned(q, 9) @ turned(k, 9 - offset) for offset in (0, 9))
    assert (near - far).abs() > 1e-3


def test_a_turn_keeps_every_length_and_position_zero_keeps_the_vector():
    x = torch.randn(2, 3, 10, 8)
    y = rotate(x, *angles(torch.arange(10), frequencies(8)))
    torch.testing.assert_close(y.norm(dim=-1), x.norm(dim=-1))
    torch.testing.assert_close(y[:, :, 0], x[:, :, 0])


def test_a_pair_is_a_complex_number_times_e_to_the_i_m_theta():
    x = torch.randn(12, dtype=torch.float64)
    as_complex = torch.complex(x[:6], x[6:]) * torch.exp(1j * 7 * frequencies(12))
    torch.testing.assert_close(turned(x, 7), torch.cat([as_complex.real, as_complex.imag]))


def test_frequencies_are_the_papers():
    expected = [10_000 ** (-2 * i / 8) for i in range(4)]
    assert frequencies(8).tolist() == pytest.approx(expected)


def test_interpolation_reads_position_m_as_m_over_the_factor():
    x = torch.randn(8, dtype=torch.float64)
    torch.testing.assert_close(turned(x, 100, interpolation=4.0), turned(x, 25))


def test_ntk_turns_the_slowest_pair_slower_by_the_factor_and_the_fastest_as_before():
    before, after = frequencies(16), frequencies(16, ntk=4.0)
    assert after[0] == before[0] == 1
    assert (before[-1] / after[-1]).item() == pytest.approx(4.0)
    assert (after[1:] < before[1:]).all()


@pytest.mark.parametrize("start", [0, 3, 60])
def test_the_table_holds_what_the_formula_gives(start):
    cos, sin = angles_between(start, 70, 8, base=500.0, interpolation=2.0, ntk=3.0)
    expected = angles(torch.arange(start, 70), frequencies(8, 500.0, 3.0), 2.0)
    torch.testing.assert_close((cos, sin), expected, atol=0, rtol=0)


def test_a_table_made_in_inference_mode_serves_training():
    with torch.inference_mode():
        table = angles_between(0, 5, 4, base=123.0)
    x = torch.randn(1, 1, 5, 4, requires_grad=True)
    rotate(x, *table).sum().backward()
    assert x.grad is not None


PLAIN = {"rope_type": "default", "rope_theta": 10_000.0}


@pytest.mark.parametrize(
    ("parameters", "ours"),
    [
        (PLAIN, {}),
        (PLAIN | {"rope_theta": 777.0}, {"base": 777.0}),
        (PLAIN | {"rope_type": "linear", "factor": 4.0}, {"interpolation": 4.0}),
        (
            PLAIN | {"rope_type": "dynamic", "factor": 1.0},
            {"ntk": 4.0},
        ),  # 256 positions where 64 are expected
    ],
)
def test_turned_as_transformers_llama_turns(parameters, ours):
    from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding, apply_rotary_pos_emb

    torch.manual_seed(0)
    q, k = torch.randn(2, 1, 2, 256, 16)
    embedding = LlamaRotaryEmbedding(llama_config(32, 2, 2, 64, rope_parameters=parameters))
    expected = apply_rotary_pos_emb(q, k, *embedding(q, torch.arange(256)[None]))
    table = angles_between(0, 256, 16, **ours)
    for x, reference in zip((q, k), expected, strict=True):
        torch.testing.assert_close(rotate(x, *table), reference, atol=1e-4, rtol=1e-5)
