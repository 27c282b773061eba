"""The numbers by hand on the page of flow matching come out of the code; its recipe is what it says."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, tensor

from atlas_cli import catalog, documents, paths
from atlas_cli.explorables._mixtures import equal_mixture
from atlas_cli.explorables.flow import _velocity
from atlas_cli.pages.source import read_page
from atlas_cli.systems.flow import solvers
from atlas_cli.systems.flow.paths import PATHS, mix, velocity

PIXEL = equal_mixture([[1.0], [-1.0]], 1e-4)  # white or black
NOISE = 0.4  # where the walk begins
HERE, NOW = 0.2, 0.5


def page() -> str:
    """The whole page on one line."""
    read = read_page(catalog.resolve("cfm"))
    return " ".join(" ".join([read.opening, *(section.markdown for section in read.sections)]).split())


def current(x: Tensor, t: float) -> Tensor:
    return _velocity.velocity(PIXEL, x, t)


def test_two_lines_through_one_place():
    straight, ends, time = PATHS["straight"], tensor([1.0, -1.0]), tensor(NOW)
    noises = (HERE - NOW * ends) / (1 - NOW)
    torch.testing.assert_close(mix(straight, ends, noises, time), tensor([HERE, HERE]))
    speeds, weights = velocity(straight, ends, noises, time), (-noises.square() / 2).exp()
    shares = weights / weights.sum()
    text = page()
    assert f"came from {noises[0]:.1f}," in text
    assert f"came from {noises[1]:.1f}." in text
    assert f"= {speeds[0]:.1f} and" in text
    assert f"= {speeds[1]:.1f}." in text
    assert f"= {weights[0]:.3f} and" in text
    assert f"= {weights[1]:.3f}, which are shares of {shares[0]:.2f} and {shares[1]:.2f}" in text
    mean = float((shares * speeds).sum())
    assert math.isclose(mean, float(current(tensor([[HERE]]), NOW)), abs_tol=1e-3)
    assert f"(-2.4) = {mean:.2f}" in text


def test_the_pixel_that_is_followed():
    ends = [solvers.solve(current, tensor([[NOISE]]), steps, "euler").item() for steps in (1, 2, 3, 4)]
    text = page()
    assert f"says 0 - {NOISE} = {current(tensor([[NOISE]]), 0.0).item():.1f}" in text
    assert f"One step of length 1 ends there, at {ends[0]:.2f}." in text
    assert f"half of 0.36 to {ends[1]:.2f}. Three end at {ends[2]:.2f}, four at {ends[3]:.2f}," in text
    assert all(a < b for a, b in pairwise(ends))


def test_what_the_page_says_of_settings_stands_in_the_recipe():
    recipe = documents.parse((paths.recipes_dir() / "cfm" / "small.yaml").read_text(encoding="utf-8"))
    assert isinstance(recipe, dict)
    assert recipe["ablate"]["path"] == "cosine"
    assert recipe["vary"]["levels"] == {"spacing": "cosine"}
    assert {recipe["vary"][name]["solver"] for name in ("midpoint", "heun")} == {"midpoint", "heun"}
