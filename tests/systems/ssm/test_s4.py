"""S4 against scipy's discretisation, its own recurrence, Legendre polynomials, and oracles."""

from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.signal import cont2discrete
from torch.nn import functional as F

from atlas_cli import data
from atlas_cli.engine.system import SampleRequest, Setting
from atlas_cli.nets.state_space import causal_convolution, kernel, powers, readable_directions, responses
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.ssm import s4
from atlas_cli.systems.ssm._film import film
from atlas_cli.systems.ssm.s4 import S4, Config, Init, Rule, S4Layer

INITS, RULES = get_args(Init), get_args(Rule)
SMALL = {"image_size": 8, "d_model": 6, "n_layer": 2, "d_state": 8}
TRAIN = TrainConfig(steps=1, batch_size=4, lr=1e-2)


def small(**fields):
    torch.manual_seed(0)
    return S4(Config(**{**SMALL, **fields}))


def attached(**fields):
    return small(**fields).attach(Setting(data.load({"name": "digits"}), TRAIN))


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


# --- the networks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("init", INITS)
def test_pixel_by_pixel_equals_all_at_once_in_constant_memory(init, rule):
    system = small(init=init, rule=rule, d_state=64)
    pixels = torch.randn(3, 196, 1)
    with torch.no_grad():
        stepped, state = system.read(pixels)
        torch.testing.assert_close(stepped, system(pixels), atol=1e-4, rtol=1e-4)
    sizes = [h.shape for h in system.first_state(3).hidden]
    assert [h.shape for h in state.hidden] == sizes
    assert state.seen == 196


def test_no_pixel_changes_an_earlier_guess():
    system = small()
    pixels = torch.randn(2, 30, 1)
    changed = pixels.clone()
    changed[:, 17:] += 1
    with torch.no_grad():
        before, after = system(pixels), system(changed)
    torch.testing.assert_close(before[:, :17], after[:, :17])
    assert not torch.allclose(before[:, 17], after[:, 17])


def test_a_layer_that_reads_no_state_is_its_skip():
    layer = S4Layer(Config(**SMALL))
    layer.C.data.zero_()
    u = torch.randn(2, 20, 6)
    torch.testing.assert_close(layer(u), layer.D * u)


def test_every_start_has_as_many_parameters():
    counts = {sum(p.numel() for p in small(init=init).parameters()) for init in INITS}
    assert len(counts) == 1


def test_step_sizes_start_log_uniform_within_their_bounds():
    torch.manual_seed(0)
    layer = S4Layer(Config(d_model=2000, d_state=2, dt_min=0.002, dt_max=0.05))
    delta = layer.log_delta.detach().exp()
    assert 0.002 <= delta.min() < 0.0022
    assert 0.045 < delta.max() <= 0.0501
    assert delta.log().mean().item() == pytest.approx(math.log(0.01), abs=0.1)


def test_an_image_is_read_row_by_row():
    images = torch.arange(16.0).view(1, 1, 4, 4)
    assert small(image_size=4).pixels(images).flatten().tolist() == list(range(16))
    assert small(image_size=4, pool=2).pixels(images).flatten().tolist() == [2.5, 4.5, 10.5, 12.5]


def test_squares_that_do_not_fit_are_refused():
    with pytest.raises(ValidationError, match="pool 3 does not divide image_size 8"):
        Config(**SMALL, pool=3)


# --- written out plainly and fast ------------------------------------------------------------------------


@pytest.mark.parametrize("init", ["legs", "real"])
@pytest.mark.parametrize("length", [1, 2, 13])
def test_the_fast_kernel_and_convolution_are_the_plain_recurrence_with_its_gradients(init, length):
    torch.manual_seed(0)
    A = s4.start_of(init, 3, 8)
    log_delta = torch.linspace(-3, -1, 3)[:, None].requires_grad_()
    C = torch.randn_like(A).requires_grad_()
    u = torch.randn(2, length, 3, requires_grad=True)
    weigh = torch.linspace(-1, 1, u.numel()).view_as(u)

    def by(way):
        A_bar, B_bar = s4.discretise(A, log_delta.exp(), "zoh")
        y = way(A_bar, B_bar)
        return [y, *torch.autograd.grad((y * weigh).sum(), (u, C, log_delta))]

    expected = by(lambda A_bar, B_bar: s4.plain_recurrence(u, A_bar, B_bar, C))
    unrolled = by(lambda A_bar, B_bar: s4.plain_convolution(u, s4.plain_kernel(A_bar, B_bar, C, length)))
    fast = by(lambda A_bar, B_bar: causal_convolution(u.mT, kernel(A_bar, C * B_bar, length)).mT)
    for way in (unrolled, fast):
        for ours, reference in zip(way, expected, strict=True):
            torch.testing.assert_close(ours, reference, atol=1e-4, rtol=1e-4)


def test_the_layer_is_the_plain_recurrence_and_its_skip():
    torch.manual_seed(0)
    layer, u = S4Layer(Config(d_model=3, d_state=8)), torch.randn(2, 11, 3)
    expected = s4.plain_recurrence(u, *layer.system()) + layer.D * u
    torch.testing.assert_close(layer(u), expected, atol=1e-5, rtol=1e-5)


# --- training, figures, samples -------------------------------------------------------------------------


def test_loss_is_the_cross_entropy_of_the_last_guess():
    system = attached()
    pixels, labels = system.batch(0)
    loss, metrics = system.loss((pixels, labels))
    last = system(pixels)[:, -1]
    torch.testing.assert_close(loss, F.cross_entropy(last, labels))
    assert metrics["accuracy"] == (last.argmax(-1) == labels).float().mean()


@pytest.mark.parametrize(("wanted", "expected"), [(1e-3, 1e-3), (1.0, TRAIN.lr)])
def test_dynamics_learn_no_faster_than_they_may_nor_than_the_rest(wanted, expected):
    system = attached(dynamics_lr=wanted)
    rest, slow = system.optimizers()["main"].param_groups
    assert (rest["lr"], slow["lr"]) == (TRAIN.lr, expected)
    assert len(slow["params"]) == 3 * 2
    assert len(rest["params"]) + len(slow["params"]) == len(list(system.parameters()))


def test_fixed_dynamics_do_not_learn():
    system = attached(learn_dynamics=False)
    (only,) = system.optimizers()["main"].param_groups
    learned = {id(p) for p in only["params"]}
    for layer in system.layers():
        assert not any(p.requires_grad or id(p) in learned for p in layer.dynamics())


@pytest.mark.parametrize(("shift", "expected"), [(0, 1.0), (1, 0.0)])
def test_accuracy_of_an_oracle_that_knows_from_the_middle_on(shift, expected):
    system = attached()
    images, labels = system.setting.data.test()
    seen = {tuple(p.flatten().tolist()): int(k) for p, k in zip(system.pixels(images), labels, strict=True)}

    def oracle(pixels):
        truth = torch.tensor([seen[tuple(p.flatten().tolist())] for p in pixels])
        logits = F.one_hot((truth + shift) % 10, 10).float()[:, None].repeat(1, 64, 1)
        logits[:, :32] = logits[:, :32].roll(1, -1)  # the neighbour, up to and with half of the pixels
        return logits

    system.forward = oracle
    system.read = lambda pixels: (oracle(pixels) + 0.25, None)
    figures = system.evaluate()
    assert figures["accuracy"] == expected
    assert figures["accuracy_half"] == 0
    assert figures["mode_gap"] == pytest.approx(0.25)


def test_samples_show_the_image_and_the_guess_beside_each_row():
    system = attached()
    artifact = system.sample(SampleRequest(n=3, label=7))
    lines = artifact.text
    assert lines[0].split() == ["7,", "as", "it", "is", "read"] * 2
    assert max(map(len, lines)) < 80
    images, labels = system.setting.data.test()
    chosen = torch.randperm(int((labels == 7).sum()), generator=system.setting.generator("sample", 0))[:3]
    pixels = system.pixels(images[labels == 7][chosen])
    with torch.no_grad():
        sure, guess = system(pixels).softmax(-1)[:, 7::8].max(-1)
    for row in range(8):
        words = lines[1 + row][17:25].split()
        assert words == [str(int(guess[0, row])), f"{float(sure[0, row]):.0%}"]
    last = guess[:, -1]
    assert artifact.facts["right"] == int((last == 7).sum())
    assert artifact.facts["asked"] == 3


@pytest.mark.parametrize(("side", "height"), [(14, 14), (28, 14), (32, 16)])
def test_a_picture_is_twice_as_wide_as_high_whatever_its_side(side, height):
    image = torch.linspace(-1, 1, side * side).view(side, side)
    lines = film(image, torch.zeros(side * side, 10), 3, "0123456789")
    assert lines[0] == "3, as it is read"
    assert len(lines) == height + 2
    assert lines[1][:4].strip() == ""
    assert lines[-2][: 2 * height].endswith("@@")
