"""State-space duality against the recurrence, its closed form, the selective scan and finite differences."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from atlas_cli.nets import ssd as module
from atlas_cli.nets.scan import selective_scan
from atlas_cli.nets.ssd import first_state, ssd, ssd_recurrence, ssd_step


def coefficients(batch=2, length=11, heads=4, p=3, n=5, groups=None, dtype=torch.float64, strongest=2.0):
    """x, delta, A, B, C and a first state, as leaves."""
    random = torch.Generator().manual_seed(length)

    def normal(*shape):
        return torch.randn(*shape, generator=random, dtype=dtype)

    rows = (batch, length) if groups is None else (batch, length, groups)
    A = -torch.linspace(0.01, strongest, heads, dtype=dtype)
    delta = F.softplus(normal(batch, length, heads))
    x, state = normal(batch, length, heads, p), normal(batch, heads, n, p)
    leaves = [x, delta, A, normal(*rows, n), normal(*rows, n), state]
    return [leaf.requires_grad_() for leaf in leaves]


def outputs_and_gradients(function, leaves, **options):
    """y, the last state, and the gradients of a weighted sum of both."""
    y, last = function(*leaves, **options)
    total = sum((t * torch.linspace(-1, 1, t.numel(), dtype=t.dtype).view_as(t)).sum() for t in (y, last))
    return [y, last, *torch.autograd.grad(total, leaves)]


def assert_same(ours, theirs, tolerance):
    for a, b in zip(ours, theirs, strict=True):
        scale = float(b.detach().abs().max())
        torch.testing.assert_close(a, b, atol=tolerance * scale, rtol=tolerance)


def test_an_impulse_fades_exponentially():
    length, step, a, b, c = 9, 0.3, -1.7, 2.0, 0.5
    x = torch.zeros(1, length, 1, 1, dtype=torch.float64)
    x[0, 2] = 4.0
    since = torch.arange(length, dtype=torch.float64) - 2
    ones = torch.ones(1, length, 1, dtype=torch.float64)
    y, last = ssd(x, step * ones, torch.tensor([a], dtype=torch.float64), b * ones, c * ones, chunk=4)
    torch.testing.assert_close(y.flatten(), c * step * b * 4 * torch.exp(since * step * a) * (since >= 0))
    torch.testing.assert_close(last.flatten() * c, y[0, -1, 0])


def test_without_decay_it_is_linear_attention():
    x, delta, _, B, C, _ = coefficients(length=13)
    scores = (C @ B.mT).tril()  # (B, L, L): queries C, keys B, values delta x
    expected = torch.einsum("bts,bshp->bthp", scores, delta.unsqueeze(-1) * x)
    y, _ = ssd(x, delta, torch.zeros(4, dtype=torch.float64), B, C, chunk=4)
    torch.testing.assert_close(y, expected)


@pytest.mark.parametrize("groups", [None, 1, 2, 4])
@pytest.mark.parametrize("length", [1, 3, 4, 11, 16])
def test_equals_the_recurrence_at_any_length(length, groups):
    leaves = coefficients(length=length, groups=groups)
    expected = outputs_and_gradients(ssd_recurrence, leaves)
    assert_same(outputs_and_gradients(ssd, leaves, chunk=4), expected, 1e-10)


@pytest.mark.parametrize("chunk", [1, 5, 23, 100])
def test_chunks_of_any_size_give_the_same(chunk):
    leaves = coefficients(length=23)
    expected = outputs_and_gradients(ssd_recurrence, leaves)
    assert_same(outputs_and_gradients(ssd, leaves, chunk=chunk), expected, 1e-10)


@pytest.mark.parametrize("block", [1, 2 * 4 * 4 * 4 * 2])
def test_segments_of_any_size_give_the_same(block, monkeypatch):
    leaves = coefficients(length=23)
    whole = outputs_and_gradients(ssd, leaves, chunk=4)
    monkeypatch.setattr(module, "BLOCK", block)  # one chunk at a time, and two
    assert_same(outputs_and_gradients(ssd, leaves, chunk=4), whole, 1e-10)


@pytest.mark.parametrize("length", [100, 1024])
def test_single_precision_stays_within_1e_5_of_the_recurrence_in_double(length):
    leaves = coefficients(length=length, heads=8, p=16, n=16)
    single = [leaf.detach().float().requires_grad_() for leaf in leaves]
    expected = [t.float() for t in outputs_and_gradients(ssd_recurrence, leaves)]
    assert_same(outputs_and_gradients(ssd, single), expected, 1e-5)


def test_a_state_that_is_wiped_at_every_step_is_finite():
    leaves = coefficients(length=64, strongest=1e4, dtype=torch.float32)
    found = outputs_and_gradients(ssd, leaves)
    assert all(t.isfinite().all() for t in found)
    assert_same(found[:2], outputs_and_gradients(ssd_recurrence, leaves)[:2], 1e-5)


def test_two_halves_joined_by_the_state_are_the_whole():
    x, delta, A, B, C, state = coefficients(length=20)
    whole, last = ssd(x, delta, A, B, C, state, chunk=8)
    first, middle = ssd(x[:, :7], delta[:, :7], A, B[:, :7], C[:, :7], state, chunk=8)
    second, end = ssd(x[:, 7:], delta[:, 7:], A, B[:, 7:], C[:, 7:], middle, chunk=8)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)
    torch.testing.assert_close(end, last)


def test_a_step_continues_what_the_chunks_began():
    x, delta, A, B, C, _ = coefficients(length=9, groups=2)
    y, last = ssd(x, delta, A, B, C, chunk=4)
    _, state = ssd(x[:, :8], delta[:, :8], A, B[:, :8], C[:, :8], chunk=4)
    y_t, state = ssd_step(x[:, 8], delta[:, 8], A, B[:, 8], C[:, 8], state)
    torch.testing.assert_close(y_t, y[:, 8])
    torch.testing.assert_close(state, last)


def test_the_first_state_is_the_one_that_is_meant_without_one():
    leaves = coefficients()[:5]
    given = ssd(*leaves, first_state(leaves[0], leaves[3]))
    assert_same(given, ssd(*leaves), 1e-12)


def test_mamba_with_one_decay_for_all_states_of_a_head_computes_the_same():
    x, delta, A, B, C, _ = (t.detach() for t in coefficients(length=40, heads=4, p=3, n=5))
    spread = (t.repeat_interleave(3, dim=-1) for t in (delta, A))  # to the channels of each head
    delta_d, A_d = spread
    expected = selective_scan(x.flatten(2), delta_d, A_d.unsqueeze(-1).expand(-1, 5), B, C)
    torch.testing.assert_close(ssd(x, delta, A, B, C)[0].flatten(2), expected)


@pytest.mark.parametrize("groups", [None, 2])
def test_gradients_are_those_of_finite_differences(groups):
    leaves = coefficients(batch=1, length=5, heads=2, p=2, n=2, groups=groups)
    assert torch.autograd.gradcheck(lambda *inputs: ssd(*inputs, chunk=2), leaves)


def test_half_precision_regions_do_not_reach_the_state():
    leaves = coefficients(dtype=torch.float32)
    expected = outputs_and_gradients(ssd, leaves)
    with torch.autocast("cpu", torch.bfloat16):
        inside = outputs_and_gradients(ssd, leaves)
    for a, b in zip(expected, inside, strict=True):
        torch.testing.assert_close(a, b, atol=0, rtol=0)


def test_a_long_sequence_keeps_one_state_a_chunk():
    leaves = coefficients(batch=2, length=1024, heads=4, p=16, n=16, dtype=torch.float32)
    saved = {}
    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: saved.setdefault(t.untyped_storage().data_ptr(), t), lambda t: t
    ):
        ssd(*leaves, chunk=32)
    one_state_a_step = 2 * 1024 * 4 * 16 * 16
    assert sum(t.numel() for t in saved.values()) < one_state_a_step / 3
