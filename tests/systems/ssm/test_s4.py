"""S4's networks against the recurrence written out plainly, and its figures against oracles."""

from __future__ import annotations

import math
from typing import get_args

import pytest
import torch
from pydantic import ValidationError
from torch.nn import functional as F

from atlas_cli import data
from atlas_cli.engine.system import SampleRequest, Setting
from atlas_cli.nets.state_space import causal_convolution, kernel
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
