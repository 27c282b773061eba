"""The numbers by hand on the page of the contrastive family, and its formulas, come out of the code."""

from __future__ import annotations

import math
import re
from functools import cache

import pytest
import torch
from torch.nn import functional as F

from atlas_cli import catalog
from atlas_cli.metrics import probe
from atlas_cli.pages.source import read_page
from atlas_cli.recipe import recipes
from atlas_cli.systems.contrastive.simclr import info_nce, siamese_loss

ENCODERS = {"same": (0, 0, 0, 0), "apart": (0, 0, 180, 180), "even": (0, 90, 180, 270)}  # 1a, 1b, 2a, 2b
TEMPERATURE = 0.5  # "by shares e^(2 cos)"


@cache
def text() -> str:
    """The whole page on one line."""
    page = read_page(catalog.resolve_family("contrastive"))
    return " ".join(" ".join([page.opening, *(section.markdown for section in page.sections)]).split())


def arrows(degrees: tuple[int, ...]) -> torch.Tensor:
    """(first or second, image, 2)."""
    turn = torch.tensor(degrees, dtype=torch.float64).deg2rad()
    return torch.stack([turn.cos(), turn.sin()], 1).view(2, 2, 2).transpose(0, 1)


@pytest.mark.parametrize("name", ENCODERS)
def test_three_encoders_of_two_images(name: str) -> None:
    row = re.search(rf"\| {name} \| (.*?) \| (.*?) \| (.*?) \| (.*?) \|", text())
    assert row is not None
    a, b = arrows(ENCODERS[name])
    found = (
        float(siamese_loss(a, b, a, b)), probe.alignment(a, b), probe.uniformity(a),
        float(info_nce(torch.cat([a, b]), TEMPERATURE)),
    )  # fmt: skip
    assert [float(cell) for cell in row.groups()] == pytest.approx(found, abs=5.1e-4)


def test_a_guess_among_three_costs_what_the_same_arrow_costs() -> None:
    assert f"ln 3 = {math.log(3):.3f}" in text()
    assert "$e^{2 \\cos}$" in text()


def test_at_a_quarter_the_loss_is_twice_the_alignment_and_the_uniformity() -> None:
    """Exactly where all images have strangers at like distances, as points that stand evenly have."""
    n = 4000
    turn = torch.arange(n, dtype=torch.float64) * (2 * math.pi / n)
    a, b = (torch.stack([t.cos(), t.sin()], 1) for t in (turn, turn + 0.3))
    left = float(info_nce(torch.cat([a, b]), 0.25)) - math.log(2 * n - 1)
    assert left == pytest.approx(2 * probe.alignment(a, b) + probe.uniformity(a), abs=2e-3)
    crowded = torch.cat([a[:400], a[2000:2010]])  # here and there, at unlike distances
    distance2 = torch.cdist(crowded, crowded).square()
    inner = (-2 * distance2).exp().mean(1).log().mean()
    assert float(inner) < float((-2 * distance2).exp().mean().log())


def test_the_bound_is_below_the_information_and_below_the_logarithm() -> None:
    """Two pairs of equal chance, (0, 0) and (1, 1): log 2 nats, and the best score of all there are."""
    random = torch.Generator().manual_seed(0)
    for n in (2, 8, 64):
        x = torch.randint(2, (20_000,), generator=random)
        candidates = torch.cat([x[:, None], torch.randint(2, (20_000, n - 1), generator=random)], 1)
        ratio = torch.where(candidates == x[:, None], 2.0, 1e-12).log()  # p(y | x) / p(y)
        loss = float(F.cross_entropy(ratio, torch.zeros(20_000, dtype=torch.long)))
        assert math.log(n) - loss < math.log(2) + 0.01
        assert math.log(n) - loss < math.log(n)
    assert math.log(n) - loss == pytest.approx(math.log(2), abs=0.02)  # tight with many


def test_even_features_of_many_dimensions_have_a_uniformity_of_about_minus_four() -> None:
    z = F.normalize(torch.randn(2000, 512, generator=torch.Generator().manual_seed(0)), dim=1)
    assert probe.uniformity(z) == pytest.approx(-4, abs=0.05)


def test_what_the_page_says_of_measured_rows_is_so() -> None:
    page = text()
    small, siamese, textured, batch = (
        recipes.resolve(f"simclr/{name}").measured for name in ("small", "siamese", "textured", "batch")
    )
    assert "both get better" in page
    assert small["without"]["alignment"] < small["alignment"]
    assert small["without"]["uniformity"] < small["uniformity"]
    assert "the features get worse" in page
    assert small["without"]["probe_100"] < small["probe_100"]
    assert siamese["without"]["dispersion"] < 0.1 < 0.5 < siamese["dispersion"]
    assert textured["without"]["probe"] < textured["probe"]
    assert "more steps were worth more" in page
    assert batch["vary"]["16"]["probe"] > batch["vary"]["512"]["probe"]
    assert f"| temperature | {recipes.resolve('simclr/small').model['temperature']:g} for views" in page
