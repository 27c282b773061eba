"""The GAN's losses and its gradient penalty against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from atlas_cli.data.images import ImageSource
from atlas_cli.systems.gan.gan import (
    Batch,
    discriminator_loss,
    generator_loss,
)
from tests.systems.gan.house import descent, gradients, on_images, on_points, weights

# --- the losses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("p", "q"), [([2, 3, 5], [2, 3, 5]), ([1, 4, 5], [6, 3, 1]), ([1, 1, 8], [8, 1, 1])])
def test_the_best_discriminator_is_p_over_p_plus_q_and_measures_jensen_shannon(
    p: list[int], q: list[int]
) -> None:
    """D* = p / (p + q) (proposition 1), where the value is -log 4 + 2 JS(p, q) (theorem 1)."""
    real, fake = (torch.repeat_interleave(torch.arange(3), torch.tensor(n)) for n in (p, q))
    p_x, q_x = torch.tensor(p).double() / 10, torch.tensor(q).double() / 10
    best = (p_x / (p_x + q_x)).logit().requires_grad_(True)
    loss = discriminator_loss(best[real], best[fake])
    m = (p_x + q_x) / 2
    divergence = ((p_x * (p_x / m).log()).sum() + (q_x * (q_x / m).log()).sum()) / 2
    torch.testing.assert_close(-loss.detach(), 2 * divergence - math.log(4))
    (slope,) = torch.autograd.grad(loss, best)
    torch.testing.assert_close(slope, torch.zeros(3).double(), atol=1e-12, rtol=0)


def test_the_discriminator_descends_binary_cross_entropy() -> None:
    real, fake = torch.randn(64) * 5, torch.randn(64) * 5
    cross_entropy = F.binary_cross_entropy_with_logits
    expected = cross_entropy(real, torch.ones(64)) + cross_entropy(fake, torch.zeros(64))
    torch.testing.assert_close(discriminator_loss(real, fake), expected)


def test_the_slopes_of_the_generator_losses_by_the_logit() -> None:
    """-D for log(1 - D), D - 1 for -log D: both pull up, and where D = 0 only the second pulls."""
    logit = torch.linspace(-30, 30, 61, dtype=torch.float64, requires_grad=True)
    d = logit.detach().sigmoid()
    (saturating,) = torch.autograd.grad(generator_loss(logit, "saturating") * 61, logit)
    (non_saturating,) = torch.autograd.grad(generator_loss(logit, "non_saturating") * 61, logit)
    torch.testing.assert_close(saturating, -d, atol=1e-12, rtol=0)
    torch.testing.assert_close(non_saturating, d - 1, atol=1e-12, rtol=0)
    assert saturating[0].abs() < 1e-12
    assert non_saturating[0] < -1 + 1e-12


def test_the_generator_losses_are_log_1_minus_d_and_minus_log_d() -> None:
    logit = torch.randn(64, dtype=torch.float64)
    d = logit.sigmoid()
    torch.testing.assert_close(generator_loss(logit, "saturating"), (1 - d).log().mean())
    torch.testing.assert_close(generator_loss(logit, "non_saturating"), -d.log().mean())


# --- R1 ----------------------------------------------------------------------------------------------


class Quadratic(nn.Module):
    """D(x) = w x + x' A x / 2 for a symmetric A, of slope w + A x."""

    def __init__(self, curved: bool) -> None:
        super().__init__()
        a = torch.randn(2, 2) * curved
        self.w, self.a = nn.Parameter(torch.tensor([3.0, -4.0])), nn.Parameter(a + a.T)

    def forward(self, x: torch.Tensor, label: None) -> torch.Tensor:
        return x @ self.w + (x @ self.a * x).sum(1) / 2


@pytest.mark.parametrize("curved", [False, True])
def test_r1_of_a_quadratic_discriminator_has_a_closed_form(curved: bool) -> None:
    gan = on_points(r1_gamma=0.6)
    gan.discriminator = Quadratic(curved)  # type: ignore[assignment]
    x = torch.randn(16, 2)
    penalty = gan.r1(x, None)
    slope = (gan.discriminator.w + x @ gan.discriminator.a).detach()
    torch.testing.assert_close(penalty.detach(), 0.3 * slope.square().sum(1).mean())
    if not curved:
        assert penalty.item() == pytest.approx(0.3 * 25)  # gamma/2 |w|^2
    penalty.backward()
    torch.testing.assert_close(gan.discriminator.w.grad, 0.6 * slope.mean(0))
    assert not x.requires_grad


def test_r1_and_its_gradient_are_float32_in_a_run_in_bf16(tiny_images: ImageSource) -> None:
    """Of two steps, one with the penalty, the difference is the gradient of R1 as float32 gives it."""
    moves = {}
    for gamma in (0.0, 0.5):
        gan = on_images(tiny_images, "bf16", r1_gamma=gamma, r1_every=1)
        batch = gan.batch(0)
        fake = gan.generator(batch.z, batch.label).detach()
        gan.discriminator_step(batch, fake, descent(gan, 0.0)["discriminator"])
        moves[gamma] = gradients(gan.discriminator)
    exact = on_images(tiny_images, r1_gamma=0.5)
    slopes = torch.autograd.grad(
        exact.r1(batch.real, batch.label), list(exact.discriminator.parameters()), materialize_grads=True
    )
    for without, penalised, slope in zip(moves[0.0], moves[0.5], slopes, strict=True):
        torch.testing.assert_close(penalised - without, slope, atol=1e-6, rtol=1e-5)


def test_r1_is_charged_at_every_fourth_step_for_four() -> None:
    moves = {}
    for step in (3, 4):
        gan = on_points(r1_gamma=2.0, r1_every=4)
        before, batch = weights(gan.discriminator), gan.batch(0)
        batch = Batch(step, batch.real, batch.label, batch.z)
        gan.discriminator_step(batch, gan.generator(batch.z, None).detach(), descent(gan)["discriminator"])
        moves[step] = [b - a for a, b in zip(before, weights(gan.discriminator), strict=True)]
    gan = on_points(r1_gamma=2.0)
    parameters = list(gan.discriminator.parameters())
    slopes = torch.autograd.grad(gan.r1(batch.real, None), parameters, materialize_grads=True)
    for without, charged, slope in zip(moves[3], moves[4], slopes, strict=True):
        torch.testing.assert_close(charged - without, -4 * slope, atol=1e-6, rtol=1e-4)
