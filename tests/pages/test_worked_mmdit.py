"""The numbers by hand on the page of MMDiT come out of the code; its recipe is what it says."""

from __future__ import annotations

import math
from statistics import NormalDist

import torch

from atlas_cli import catalog
from atlas_cli.pages.source import read_page
from atlas_cli.recipe import recipes
from atlas_cli.systems.flow.joint import Rows, attend, attention_weights, meet
from atlas_cli.systems.flow.mmdit import LATEST, Config, MMDiT

KEYS = {"patches": [0.0, 0.0], "words": [1.1, 0.0]}
VALUES = {"patches": [-1.0, -1.0], "words": [1.0, 0.0]}


def page() -> str:
    """The whole page on one line."""
    read = read_page(catalog.resolve("mmdit"))
    return " ".join(" ".join([read.opening, *(section.markdown for section in read.sections)]).split())


def rows(kind: str) -> Rows:
    keys, values = (torch.tensor(numbers[kind]).view(1, 1, -1, 1) for numbers in (KEYS, VALUES))
    return Rows(torch.ones_like(keys), keys, values)


def test_what_the_first_patch_reads():
    image, text = rows("patches"), rows("words")
    keys = torch.cat([image.k, text.k], dim=2)
    assert [round(float(x)) for x in keys.exp().flatten()] == [1, 1, 3, 1]
    shares = attention_weights(image.q[:, :, :1], keys).flatten()
    torch.testing.assert_close(shares, torch.tensor([1.0, 1, 3, 1]) / 6, atol=2e-3, rtol=0)
    read = float(meet(image, text)[0][0, 0, 0])
    assert math.isclose(read, 1 / 6, abs_tol=2e-3)
    assert f"{{6}} = {read:.2f}$$" in page()
    alone = float(attend(image.q, text.k, text.v)[0, 0, 0])
    assert f"(3 · 1 + 1 · 0) / 4 = {alone:.2f}" in page()


def test_the_times_that_are_drawn():
    early, middle, late = (1 / (1 + math.exp(-z)) for z in (-1, 0, 1))
    text = page()
    assert f"become {early:.2f}, {middle:g} and {late:.2f}" in text
    assert f"the middle {late - early:.0%} of the path" in text
    assert round(3 * (NormalDist().cdf(1) - NormalDist().cdf(-1)), 1) == 2.0  # two thirds


def test_what_the_page_says_of_settings_stands_in_the_recipe():
    recipe, text = recipes.resolve("mmdit/small"), page()
    assert f"steeper at $t = {LATEST:g}$" in text
    assert "One tenth of the training captions is left out" in text
    assert recipe.model["caption_dropout"] == 0.1
    assert f"of mean {recipe.model['time_mean']:g}" in text
    assert recipe.model["time_width"] == 1.0


def test_all_arms_have_as_many_weights_within_a_twentieth():
    recipe = recipes.resolve("mmdit/small")
    assert recipe.ablation is not None
    arms = [recipe, recipe.ablation, *recipe.variants.values()]
    sizes = [sum(p.numel() for p in MMDiT(Config(**arm.model)).parameters()) for arm in arms]
    assert max(sizes) <= 1.05 * sizes[0]
    assert min(sizes) >= 0.95 * sizes[0]
