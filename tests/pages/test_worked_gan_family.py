"""The numbers by hand on the page of the GAN family, and its formulas, come out of the code."""

from __future__ import annotations

import math
import re
from functools import cache

import pytest
import torch

from atlas_cli import catalog
from atlas_cli.explorables.gan import circling
from atlas_cli.pages.source import read_page
from atlas_cli.systems.gan.gan import discriminator_loss

COLUMNS = ("simultaneous", "alternating", "extragradient", "R1")
STEP = 0.5


@cache
def text() -> str:
    """The whole page on one line."""
    page = read_page(catalog.resolve_family("gan"))
    return " ".join(" ".join([page.opening, *(section.markdown for section in page.sections)]).split())


def table() -> list[list[str]]:
    """The cells of the first table below its head."""
    page = read_page(catalog.resolve_family("gan"))
    rows = re.findall(r"^\| (.*) \|$", page.sections[0].markdown, re.MULTILINE)
    return [row.split(" | ") for row in rows[1:]]


def test_three_turns_by_four_rules():
    rows = table()
    assert len(rows) == 5
    for column, rule in enumerate(COLUMNS, 1):
        state = circling.START
        for turn in range(4):
            assert rows[turn][0] == str(turn)
            shown = tuple(map(float, rows[turn][column].strip("()").split(", ")))
            assert shown == pytest.approx(state, abs=0.0051), (rule, turn)
            last, state = state, circling.turn_once(state, rule, "Wasserstein", STEP)
        assert float(rows[4][column]) == pytest.approx(math.hypot(*last) ** 2, abs=0.0051), rule


def test_by_how_much_they_come_nearer_each_turn():
    assert circling.GAMMA == 1  # "by psi^2 / 2"
    assert f"multiplies the squared distance by {1 + STEP**2:.2f}" in text()
    assert f"they come in, by {1 - STEP**2 + STEP**4:.2f} a turn" in text()
    assert f"they come in, by {1 - circling.GAMMA * STEP + STEP**2:.2f} on average" in text()


def test_the_extragradient_comes_in_fastest_at_the_root_of_a_half():
    h = torch.linspace(0, 1.2, 12_001, dtype=torch.float64)
    factor = 1 - h**2 + h**4
    assert float(factor.min()) == pytest.approx(3 / 4)
    assert float(h[factor.argmin()]) ** 2 == pytest.approx(1 / 2, abs=1e-3)
    assert (factor[h > 1] > 1).all()


def test_the_best_discriminator_and_what_is_left():
    p = torch.tensor([0.5, 0.3, 0.2, 0.0], dtype=torch.float64)
    q = torch.tensor([0.1, 0.3, 0.2, 0.4], dtype=torch.float64)
    share, m = p / (p + q), (p + q) / 2
    kl = [float(torch.special.xlogy(r, r / m).sum()) for r in (p, q)]
    value = float((torch.special.xlogy(p, share) + torch.special.xlogy(q, 1 - share)).sum())
    assert value == pytest.approx(sum(kl) - 2 * math.log(2))  # 2 J - 2 log 2
    apart = -discriminator_loss(torch.tensor([40.0]), torch.tensor([-40.0]))
    assert float(apart) == pytest.approx(2 * math.log(2) - 2 * math.log(2))  # J = log 2
    assert -float(discriminator_loss(torch.zeros(1), torch.zeros(1))) == pytest.approx(-2 * math.log(2))


def test_a_flat_line_measures_how_far_the_fake_is():
    theta, slopes = -0.7, torch.linspace(-1, 1, 2001, dtype=torch.float64)
    assert float((-slopes * theta).max()) == pytest.approx(abs(theta))
