"""The numbers by hand on the page of MeanFlow come out of the flow of a Gaussian."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from atlas_cli import catalog
from atlas_cli.pages.source import read_page
from atlas_cli.recipe import recipes
from atlas_cli.systems.flow.meanflow import Config

STD, NOISE = 0.5, 0.8


def way(t: torch.Tensor) -> torch.Tensor:
    return NOISE * (STD**2 * t**2 + (1 - t) ** 2).sqrt()


def with_slope(f: Callable[[Tensor], Tensor], t: float) -> tuple[Tensor, Tensor]:
    at = torch.tensor(t, dtype=torch.float64, requires_grad=True)
    value = f(at)
    return value.detach(), torch.autograd.grad(value, at)[0]


def test_the_way_of_one_noise():
    read = read_page(catalog.resolve("meanflow"))
    text = " ".join(section.markdown for section in read.sections)
    for t in (0.0, 0.5, 1.0):
        place, velocity = with_slope(way, t)
        assert f"| t = {t:g} | {place:.3f} | {velocity:.3f} |" in text


def test_the_average_and_how_it_changes():
    average, change = with_slope(lambda t: (STD * NOISE - way(t)) / (1 - t), 0.0)
    velocity = with_slope(way, 0.0)[1]
    assert math.isclose(average, -0.4)
    assert math.isclose(change, 0.4)
    assert math.isclose(velocity + (1 - 0) * change, average)


def test_what_the_page_says_of_settings_is_so():
    read = read_page(catalog.resolve("meanflow"))
    text = " ".join(" ".join(section.markdown for section in read.sections).split())
    fields = Config.model_fields
    assert "multiplies it by 1000 first" in text
    assert f"here the factor is {fields['time_scale'].default:g} (`time_scale`)" in text
    assert "For half of the examples $s = t$" in text
    assert fields["long_share"].default == 0.5
    small = recipes.resolve("meanflow/small")
    assert small.ablate == {"long_share": 0.0}
    assert small.model.get("long_share", 0.5) == 0.5
    assert recipes.resolve("cfm/small").model["guidance"] != 1  # "twice the calls a step"
