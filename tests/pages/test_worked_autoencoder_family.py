"""The numbers by hand on the page of the autoencoder family, and its formulas, come out of the code."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
import torch

from atlas_cli import catalog
from atlas_cli.explorables.autoencoder.beta import NOISE_VARIANCE, latent_noise
from atlas_cli.pages.source import read_page
from atlas_cli.systems.autoencoder.merging import Encoder
from atlas_cli.systems.autoencoder.pieces import spelled

READINGS = torch.tensor([0.0, 1.0, 10.0, 11.0])
VARIANCES = (4.0, 1.0, 0.04)


@cache
def text() -> str:
    """The whole page on one line."""
    page = read_page(catalog.resolve_family("autoencoder"))
    return " ".join(" ".join([page.opening, *(section.markdown for section in page.sections)]).split())


def error(groups: tuple[tuple[int, ...], ...]) -> float:
    """Mean squared error where each reading is guessed as the mean of its group."""
    squares = [(READINGS[list(group)] - READINGS[list(group)].mean()).square().sum() for group in groups]
    return float(sum(squares)) / len(READINGS)


def test_what_no_bit_one_bit_and_two_bits_leave_wrong():
    none, one, two = error(((0, 1, 2, 3),)), error(((0, 1), (2, 3))), error(((0,), (1,), (2,), (3,)))
    mean = float(READINGS.mean())
    assert f"the mean, {mean}. Its squared error is {(READINGS[0] - mean) ** 2} for two" in text()
    assert f"{(READINGS[1] - mean) ** 2} for the others, {none} on average" in text()
    assert (
        f"the guesses are {READINGS[:2].mean()} and {READINGS[2:].mean()}, and the error is {one}" in text()
    )
    assert two == 0
    assert f"The first bit took {none - one:.0f} off the distortion, the second {one - two}" in text()
    assert all(error(pair) > one for pair in [((0, 2), (1, 3)), ((0,), (1, 2, 3)), ((0, 1, 2), (3,))])


def test_what_a_smudged_slip_says():
    spread, read = 0.5, 0.4
    high, low = ((read - meant) ** 2 / (2 * spread**2) for meant in (1, -1))
    assert f"The noise was {read - 1:.1f} or {read + 1:.1f}, which are as likely as" in text()
    assert (
        f"$e^{{-{high:.2f}}}$ = {math.exp(-high):.3f} and $e^{{-{low:.2f}}}$ = {math.exp(-low):.3f}" in text()
    )
    share = math.exp(-high) / (math.exp(-high) + math.exp(-low))
    assert f"so it was high, with {share:.0%}" in text()


def test_what_a_slip_needs_if_low_is_three_times_as_frequent():
    parts = [-p * math.log2(p) for p in (3 / 4, 1 / 4)]
    assert f"no more than {sum(parts):.2f} bits a slip" in text()
    assert f"= {parts[0]:.3f} + {parts[1]:.1f}." in text()


def test_banana_in_signs():
    encoder = Encoder([spelled(b"an")], "gpt2")
    signs = [encoder.spellings[token].decode() for token in encoder.encode(b"banana")]
    assert len(signs) == 4
    assert f"has six letters, and once *an* has a sign of its own, {' '.join(signs)} has four" in text()


def test_how_a_price_divides_the_bits():
    level = 0.25
    noise = latent_noise(np.array(VARIANCES), level / NOISE_VARIANCE)
    bits, left = 0.5 * np.log2(1 / noise), np.array(VARIANCES) * noise
    assert bits.tolist() == pytest.approx([2, 1, 0])
    assert "= 2 bits, 1 bit and none" in text()
    assert f"what is lost is {' + '.join(f'{x:g}' for x in left)} = {left.sum():.2f}" in text()
    assert latent_noise(np.array(VARIANCES), 1 / NOISE_VARIANCE)[1] == 1


@pytest.mark.parametrize("n", [0.03, 0.4, 1.0])
def test_rate_and_distortion_of_a_code_with_noise(n: float):
    random = torch.Generator().manual_seed(0)
    u, epsilon = torch.randn(2, 400_000, generator=random, dtype=torch.float64)
    z = math.sqrt(1 - n) * u + math.sqrt(n) * epsilon
    kl = 0.5 * ((1 - n) * u.square() + n - 1 - math.log(n))
    assert float(z.var()) == pytest.approx(1, abs=0.01)
    assert float(kl.mean()) == pytest.approx(-0.5 * math.log(n), abs=0.01)
    assert float((u - math.sqrt(1 - n) * z).square().mean()) == pytest.approx(n, abs=0.01)


def test_the_price_is_least_where_the_page_says():
    variance, price = 4.0, 0.25  # lambda, beta s^2
    n = torch.linspace(0.001, 1, 10_000, dtype=torch.float64)
    cost = variance * n / 2 - price / 2 * n.log()  # in units of s^2
    assert float(n[cost.argmin()]) == pytest.approx(price / variance, abs=1e-3)
