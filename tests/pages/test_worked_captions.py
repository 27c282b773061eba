"""The numbers by hand on the pages of clip and siglip."""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F

from atlas_cli.systems.contrastive.clip import clip_loss
from atlas_cli.systems.contrastive.siglip import siglip_loss
from tests.pages.test_worked_translation import text_of

IMAGE = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
TEXT = torch.tensor([[0.8, 0.6], [0.6, 0.8]])


def test_two_pairs_on_the_page_of_clip() -> None:
    text = text_of("clip")
    cosines = IMAGE @ TEXT.T
    for name, vector, row in zip(("red circle", "blue square"), ("(1, 0)", "(0, 1)"), cosines, strict=True):
        assert f"| {name} | {vector} | {row[0]:.1f} | {row[1]:.1f} |" in text
    share, loss = (5 * cosines).softmax(1)[0, 0], clip_loss(IMAGE, TEXT, torch.tensor(5.0))
    assert f"= {share:.2f}$. The loss is minus its logarithm, {loss:.2f}." in text
    assert f"$\\log 2 = {math.log(2):.2f}$" in text
    assert f"Times 50 the share is {(50 * cosines).softmax(1)[0, 0]:.5f}" in text


def test_yes_and_no_on_the_page_of_siglip() -> None:
    text = text_of("siglip")
    for name, cosine, right in (("its own caption", 0.8, True), ("the other one", 0.6, False)):
        logit = torch.tensor(5 * cosine - 3.5)
        error = -F.logsigmoid(logit if right else -logit)
        assert (
            f"a picture and {name} | {cosine} | {logit:.1f} | {logit.sigmoid():.2f} | {error:.2f} |" in text
        )
    loss = siglip_loss(IMAGE, TEXT, torch.tensor(5.0), torch.tensor(-3.5))
    assert f"together {loss:.2f}, and that is the loss" in text
    zero = torch.zeros(16, 2)
    for bias, said in ((0.0, "together {:.1f}"), (-math.log(15), "the sum is {:.2f}")):
        first = siglip_loss(zero, zero, torch.tensor(1.0), torch.tensor(bias))
        assert said.format(float(first)) in text
    assert f"$-\\log 15 = {-math.log(15):.2f}$" in text
    assert f"for the paper's 32,768 it is {-math.log(32767):.1f}" in text


def test_the_best_start_of_the_bias_is_where_the_slope_of_the_first_loss_is_zero() -> None:
    bias = torch.tensor(-math.log(15), requires_grad=True)
    zero = torch.zeros(16, 2)
    siglip_loss(zero, zero, torch.tensor(1.0), bias).backward()
    assert bias.grad is not None
    assert abs(float(bias.grad)) < 1e-5
