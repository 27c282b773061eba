"""The numbers by hand on the page of simclr."""

from __future__ import annotations

import math

import pytest
import torch

from atlas_cli import catalog
from atlas_cli.metrics import probe
from atlas_cli.pages.source import read_page
from atlas_cli.recipe import recipes
from atlas_cli.systems.contrastive import simclr

ANGLES = {"1a": 0, "2a": 90, "1b": 60, "2b": 180}  # degrees; first views, then second ones


def text_of(topic: str) -> str:
    """A page in one line."""
    return " ".join(" ".join(part.markdown for part in read_page(catalog.resolve(topic)).sections).split())


def arrows() -> torch.Tensor:
    radians = torch.tensor(list(ANGLES.values()), dtype=torch.float64).deg2rad()
    return torch.stack([radians.cos(), radians.sin()], 1)


def shares(view: str, temperature: float) -> dict[str, float]:
    """Of each candidate, as one would reckon it on paper."""
    scores = {
        other: math.exp(math.cos(math.radians(angle - ANGLES[view])) / temperature)
        for other, angle in ANGLES.items()
        if other != view
    }
    return {other: score / sum(scores.values()) for other, score in scores.items()}


def test_shares_of_four_views() -> None:
    text, warm, cold = text_of("simclr"), shares("1a", 0.5), shares("1a", 0.1)
    for name, cosine, row in (("1b", "0.5", "1b, the partner"), ("2a", "0", "2a"), ("2b", "-1", "2b")):
        assert f"| {row} | {cosine} | {warm[name]:.3f} | {cold[name]:.3f} |" in text
    assert f"at $\\tau$ = 0.5, {-math.log(warm['1b']):.3f} nats" in text
    assert f"its loss is {-math.log(shares('2a', 0.5)['2b']):.3f}" in text
    assert f"ln 3 = {math.log(3):.3f}" in text
    push = warm["2a"] / (warm["2a"] + warm["2b"])
    assert f"2a gets {push:.0%} from 1a" in text
    assert cold["2a"] / (cold["2a"] + cold["2b"]) > 0.999


def test_the_mean_over_the_views_is_the_systems_loss() -> None:
    partners = {"1a": "1b", "1b": "1a", "2a": "2b", "2b": "2a"}
    by_hand = [-math.log(shares(view, 0.5)[partner]) for view, partner in partners.items()]
    assert simclr.info_nce(arrows(), 0.5).item() == pytest.approx(sum(by_hand) / 4)


def test_what_simclrs_page_says_of_settings_is_so() -> None:
    text, small = text_of("simclr"), recipes.resolve("simclr/small")
    assert f"all labels of {simclr.N_TRAIN:,} training images" in text
    assert (probe.FEW, probe.DRAWS, probe.NEIGHBOURS) == (100, 5, 5)
    assert "by ten of each class, the mean of five draws" in text
    assert "the five nearest training images" in text
    assert f"| batches of 4096 [1] | {small.train.batch_size} |" in text
    assert small.ablate["views"] == []
    views, textured = (recipes.resolve(f"simclr/{name}").train.steps for name in ("views", "textured"))
    assert f"in trainings of {views} steps, where `small` has {small.train.steps:,}" in text
    assert f"(`textured`, {textured} steps)" in text
    batch = recipes.resolve("simclr/batch")
    seen = {r.train.steps * r.train.batch_size for r in (batch, *batch.variants.values())}
    assert len(seen) == 1
    rates = {round(r.train.lr / r.train.batch_size**0.5, 4) for r in (batch, *batch.variants.values())}
    assert len(rates) == 1
