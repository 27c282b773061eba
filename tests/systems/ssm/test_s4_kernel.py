"""S4's mathematics against scipy's discretisation, its own recurrence and Legendre polynomials."""

from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pytest
import torch
from scipy.signal import cont2discrete
from torch.nn import functional as F

from atlas_cli.nets.state_space import causal_convolution, kernel, powers, readable_directions, responses
from atlas_cli.systems.ssm import s4
from atlas_cli.systems.ssm.s4 import Rule

RULES = get_args(Rule)


def random_system(H=3, n=4, seed=0):
    """Stable A, delta and C, complex in double precision."""
    random = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=random, dtype=torch.float64)

    A = torch.complex(-normal(H, n).exp(), 3 * normal(H, n))
    return A, 0.3 * normal(H, 1).exp(), torch.complex(normal(H, n), normal(H, n))


def legendre_coefficients(power, N):
    """Of s^power over [0, 1], in the orthonormal basis sqrt(2n + 1) P_n(2s - 1), by Gauss's rule."""
    nodes, weights = np.polynomial.legendre.leggauss(2 * N)
    s = (nodes + 1) / 2
    basis = [np.polynomial.Legendre.basis(n)(nodes) * math.sqrt(2 * n + 1) for n in range(N)]
    return torch.tensor([float((weights / 2 * s**power * b).sum()) for b in basis], dtype=torch.float64)


# --- HiPPO ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("power", [0, 1, 2, 5])
def test_hippo_keeps_the_legendre_coefficients_of_the_whole_past(power):
    """Those of s^k over [0, t] are t^k times those over [0, 1], so t c' = A c + B u asks k c = A c + B."""
    A, B = s4.hippo_legs(8)
    c = legendre_coefficients(power, 8)
    torch.testing.assert_close(A @ c + B, power * c)


def test_the_eigenvalues_are_those_of_the_normal_part():
    n = 6
    A, _ = s4.hippo_legs(2 * n)
    P = (torch.arange(2 * n, dtype=torch.float64) + 0.5).sqrt()
    expected = np.linalg.eigvals((A + P[:, None] * P).numpy())
    ours = s4.hippo_legs_eigenvalues(n)
    assert expected.real == pytest.approx(-0.5)
    assert ours.imag.numpy() == pytest.approx(np.sort(expected.imag)[n:])
    assert (ours.real == -0.5).all()


def test_the_fastest_turn_grows_as_hippos_does():
    """S4D-Inv is its approximation: the largest is near N^2 / pi (arXiv:2206.11893)."""
    legs, inv = s4.start_of("legs", 1, 64)[0], s4.start_of("inv", 1, 64)[0]
    assert legs.imag.max() == pytest.approx(64**2 / math.pi, rel=0.01)
    assert inv.imag.max() == pytest.approx(float(legs.imag.max()), rel=0.02)


def test_s4d_real_starts_at_the_eigenvalues_of_hippo_itself():
    A, _ = s4.hippo_legs(8)
    expected = np.sort(np.linalg.eigvals(A.numpy()).real)
    assert np.sort(s4.start_of("real", 1, 8)[0].numpy()) == pytest.approx(expected)


# --- discretisation and the kernel ----------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES)
def test_discretisation_is_scipys(rule):
    """A complex state is a real block of two: [[re, -im], [im, re]]."""
    A, delta, _ = random_system()
    A_bar, B_bar = s4.discretise(A, delta, rule)
    for h, n in np.ndindex(*A.shape):
        re, im = A[h, n].real.item(), A[h, n].imag.item()
        block = np.array([[re, -im], [im, re]])
        system = (block, np.array([[1.0], [0.0]]), np.eye(2), np.zeros((2, 1)))
        a, b, *_ = cont2discrete(system, delta[h].item(), method=rule)
        assert complex(*a[:, 0]) == pytest.approx(A_bar[h, n].item())
        assert complex(*b[:, 0]) == pytest.approx(B_bar[h, n].item())


def test_zero_order_hold_is_exact_for_an_input_that_stands_still():
    """h' = A h + 1 from 0 reaches (e^(A t) - 1) / A, in however many steps."""
    A, delta, _ = random_system()
    A_bar, B_bar = s4.discretise(A, delta, "zoh")
    h = torch.zeros_like(A)
    for _ in range(7):
        h = A_bar * h + B_bar
    torch.testing.assert_close(h, (torch.exp(7 * delta * A) - 1) / A)


@pytest.mark.parametrize("rule", RULES)
def test_both_rules_keep_a_stable_system_stable(rule):
    A, _, _ = random_system(n=50)
    A_bar, _ = s4.discretise(A, torch.tensor([[0.01], [1.0], [100.0]], dtype=torch.float64), rule)
    assert (A_bar.abs() < 1).all()


@pytest.mark.parametrize("count", [1, 2, 3, 8, 13])
def test_powers_are_powers_for_any_sign(count):
    base = torch.tensor([0.5, -0.9, 0.0], dtype=torch.float64)
    expected = base[:, None] ** torch.arange(count)
    torch.testing.assert_close(powers(base, count), expected)


@pytest.mark.parametrize("length", [1, 2, 3, 16, 50])
@pytest.mark.parametrize("rule", RULES)
def test_the_kernel_is_the_recurrences_answer_to_an_impulse(rule, length):
    A, delta, C = random_system()
    A_bar, B_bar = s4.discretise(A, delta, rule)
    h, expected = B_bar, []
    for _ in range(length):
        expected.append(2 * (C * h).sum(-1).real)
        h = A_bar * h
    torch.testing.assert_close(kernel(A_bar, C * B_bar, length), torch.stack(expected, 1))


def test_gradients_of_the_kernel_are_those_of_finite_differences():
    A, delta, C = random_system(H=2, n=2)

    def whole(log_decay, turn, log_delta, C):
        A = torch.complex(-log_decay.exp(), turn)
        A_bar, B_bar = s4.discretise(A, log_delta.exp(), "zoh")
        u = torch.linspace(-1, 1, 18, dtype=torch.float64).view(1, 2, 9)
        return causal_convolution(u, kernel(A_bar, C * B_bar, 9))

    leaves = [(-A.real).log(), A.imag.clone(), delta.log(), C]
    assert torch.autograd.gradcheck(whole, [leaf.requires_grad_() for leaf in leaves])


def test_the_convolution_sees_the_past_and_no_later_input():
    random = torch.Generator().manual_seed(0)
    u, K = torch.randn(2, 3, 11, generator=random), torch.randn(3, 11, generator=random)
    expected = F.conv1d(F.pad(u, (10, 0)), K.flip(-1)[:, None], groups=3)
    torch.testing.assert_close(causal_convolution(u, K), expected, atol=1e-5, rtol=1e-5)


def told_apart(A_bar, length):
    return [len(readable_directions(held)) for held in responses(A_bar, length)]


def test_states_that_do_the_same_tell_one_direction_apart():
    held = responses(torch.full((1, 5), 0.9), 40)[0]
    (direction,) = readable_directions(held)
    expected = F.normalize(0.9 ** torch.arange(40.0, dtype=torch.float64), dim=0)
    torch.testing.assert_close(direction * direction[0].sign(), expected, atol=1e-6, rtol=0)


def test_states_that_turn_at_the_frequencies_of_the_window_tell_all_apart():
    """Sines and cosines of a Fourier basis are orthogonal: two directions a pair."""
    assert told_apart(torch.exp(2j * math.pi * torch.arange(1, 8) / 40)[None], 40) == [14]


def test_hippo_tells_many_directions_of_the_past_apart_and_its_real_twin_few():
    delta = torch.tensor([[0.03]])
    (legs,), (real,) = (
        told_apart(s4.discretise(s4.start_of(init, 1, 64), delta, "zoh")[0], 196) for init in ("legs", "real")
    )
    assert legs > 60
    assert real < 8
