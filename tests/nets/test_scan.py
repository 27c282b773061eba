"""The selective scan against its closed form, its plain loop and finite differences."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from atlas_cli.nets import scan
from atlas_cli.nets.scan import blelloch_scan, selective_scan
from atlas_cli.systems.ssm.mamba import plain_scan


def coefficients(batch=2, length=11, d=6, n=3, fixed="", dtype=torch.float32):
    """x, delta, A, B, C as leaves; `fixed` names those of B and C that do not change with the step."""
    random = torch.Generator().manual_seed(length)

    def normal(*shape):
        return torch.randn(*shape, generator=random, dtype=dtype)

    matrices = [normal(d, n) if name in fixed else normal(batch, length, n) for name in "BC"]
    delta = F.softplus(normal(batch, length, d))
    leaves = [normal(batch, length, d), delta, -torch.exp(normal(d, n)), *matrices]
    return [leaf.requires_grad_() for leaf in leaves]


def output_and_gradients(function, leaves):
    y = function(*leaves)
    weights = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)
    return [y, *torch.autograd.grad((y * weights).sum(), leaves)]


def test_an_impulse_fades_exponentially():
    length, step, a, b, c = 9, 0.3, -1.7, 2.0, 0.5
    x = torch.zeros(1, length, 1)
    x[0, 2] = 4.0
    since = torch.arange(length) - 2.0
    expected = c * step * b * 4.0 * torch.exp(since * step * a) * (since >= 0)
    ones = torch.ones(1, length, 1)
    y = selective_scan(x, step * ones, torch.tensor([[a]]), b * ones, c * ones)
    torch.testing.assert_close(y.flatten(), expected)


def test_without_selection_the_scan_is_a_convolution():
    x, _, A, B, C = coefficients(length=16, fixed="BC")
    step = torch.rand(6, generator=torch.Generator().manual_seed(1))
    delta = step.expand_as(x)
    t = torch.arange(16.0)
    kernel = ((C * B * step[:, None])[..., None] * torch.exp((A * step[:, None])[..., None] * t)).sum(
        1
    )  # (D, L)
    padded = F.pad(x.mT, (15, 0))
    expected = F.conv1d(padded, kernel.flip(1)[:, None], groups=6).mT
    torch.testing.assert_close(selective_scan(x, delta, A, B, C), expected)


@pytest.mark.parametrize("fixed", ["", "B", "C", "BC"])
@pytest.mark.parametrize("length", [1, 4, 5, 11])
def test_equals_the_plain_loop_across_chunks(length, fixed, monkeypatch):
    monkeypatch.setattr(scan, "CHUNK", 1)  # chunks of MIN_STEPS
    leaves = coefficients(length=length, fixed=fixed)
    for ours, plain in zip(
        output_and_gradients(selective_scan, leaves), output_and_gradients(plain_scan, leaves), strict=True
    ):
        torch.testing.assert_close(ours, plain, atol=1e-5, rtol=1e-5)


def test_chunks_of_any_size_give_the_same(monkeypatch):
    leaves = coefficients(length=23)
    whole = output_and_gradients(selective_scan, leaves)
    monkeypatch.setattr(scan, "CHUNK", 5 * 2 * 6 * 3)  # five steps
    for a, b in zip(whole, output_and_gradients(selective_scan, leaves), strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("fixed", ["", "B", "BC"])
@pytest.mark.parametrize("length", [2, 3, 7, 8, 13, 64])
def test_the_tree_equals_the_plain_loop_at_any_length(length, fixed):
    leaves = coefficients(length=length, fixed=fixed, dtype=torch.float64)
    for tree, plain in zip(
        output_and_gradients(blelloch_scan, leaves), output_and_gradients(plain_scan, leaves), strict=True
    ):
        torch.testing.assert_close(tree, plain, atol=1e-12, rtol=1e-12)


def test_a_tree_of_one_leaf_is_the_loop_of_one_step():
    leaves = coefficients(length=1)
    torch.testing.assert_close(blelloch_scan(*leaves), plain_scan(*leaves))


@pytest.mark.parametrize("length", [8, 16, 100, 1024])
def test_the_tree_does_linear_work_in_logarithmically_many_rounds(length):
    """Two products in a round up, one in a round down, and each round up halves what is left."""
    sizes = []

    class Counted(torch.Tensor):
        @classmethod
        def __torch_function__(cls, function, types, args=(), kwargs=None):
            made = super().__torch_function__(function, types, args, kwargs or {})
            if function in (torch.Tensor.mul, torch.addcmul):
                sizes.append(made.numel())
            return made

    a, b = torch.rand(2, 1, length).as_subclass(Counted)
    scan._prefixes(a, b)
    assert len(sizes) <= 3 * math.log2(length)
    assert sum(sizes) < 3 * length


@pytest.mark.parametrize("fixed", ["", "BC"])
def test_gradients_are_those_of_finite_differences(fixed, monkeypatch):
    monkeypatch.setattr(scan, "CHUNK", 1)
    leaves = coefficients(batch=1, length=6, d=2, n=2, fixed=fixed, dtype=torch.float64)
    assert torch.autograd.gradcheck(selective_scan, leaves)


def test_half_precision_regions_do_not_reach_the_state():
    leaves = coefficients()
    expected = output_and_gradients(selective_scan, leaves)
    with torch.autocast("cpu", torch.bfloat16):
        inside = output_and_gradients(selective_scan, leaves)
    for a, b in zip(expected, inside, strict=True):
        torch.testing.assert_close(a, b, atol=0, rtol=0)


def test_a_long_sequence_keeps_only_a_few_states():
    x, delta, A, B, C = coefficients(batch=4, length=1024, d=32, n=16)
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t.numel()) or t, lambda t: t):
        selective_scan(x, delta, A, B, C)
    one_state_a_step = 4 * 1024 * 32 * 16
    assert sum(saved) < one_state_a_step / 4


def test_mambapy_computes_the_same():
    from mambapy.pscan import pscan

    def parallel(x, delta, A, B, C):
        decay = torch.exp(delta.unsqueeze(-1) * A)
        h = pscan(decay, (delta * x).unsqueeze(-1) * B.unsqueeze(2))
        return (h @ C.unsqueeze(-1)).squeeze(3)

    leaves = coefficients(length=64, d=8, n=4)
    for ours, theirs in zip(
        output_and_gradients(selective_scan, leaves), output_and_gradients(parallel, leaves), strict=True
    ):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)
