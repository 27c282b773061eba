"""The numbers by hand on the page of stylegan."""

from __future__ import annotations

import math

import torch

from atlas_cli import catalog
from atlas_cli.pages.source import read_page
from atlas_cli.recipe import recipes
from atlas_cli.systems.gan import style_figures, stylegan


def text_of(topic: str) -> str:
    """A page in one line."""
    return " ".join(" ".join(part.markdown for part in read_page(catalog.resolve(topic)).sections).split())


def test_weights_that_a_style_has_scaled() -> None:
    text, weight, pixel = text_of("stylegan"), torch.tensor([3.0, 4.0]), torch.tensor([5.0, 10.0])
    for style in ([1, 1], [4, 4], [4, 2.25], [1, 3]):
        scaled = weight * torch.tensor(style)
        length = round(float(scaled.norm()), 1)
        used = scaled / scaled.norm()
        out = stylegan.modulated_convolution(
            pixel.view(1, 2, 1, 1), weight.view(1, 2, 1, 1), torch.tensor([style], dtype=torch.float32)
        )
        assert abs(float(used @ pixel) - out.item()) < 1e-5
        row = (
            f"| {style[0]:g}, {style[1]:g} | {scaled[0]:g}, {scaled[1]:g} | {length:g} "
            f"| {used[0]:.2f}, {used[1]:.2f} | {out.item():.1f} |"
        )
        assert row in text, row


def test_a_style_that_is_pulled_half_way_to_its_mean() -> None:
    half = stylegan.truncated(torch.tensor([[7.0]]), torch.tensor([[1.0]]), 0.5)
    assert half.item() == 4
    assert "1 + 0.5 · 6 = 4" in text_of("stylegan")


def test_what_the_arc_costs_a_linear_map() -> None:
    assert f"{math.pi**2 / 8:.2f}" == "1.23"
    text = text_of("stylegan")
    assert "1.23 \\cdot | b - a |^2" in text
    assert "So 1.23 of any advantage" in text


def test_what_stylegans_page_says_of_settings_is_so() -> None:
    text, fields = text_of("stylegan"), stylegan.Config.model_fields
    small = recipes.resolve("stylegan/small")
    assert small.model.get("mixing", fields["mixing"].default) == 0.5
    assert "half of the training images get two styles" in text
    assert small.model.get("mapping_layers", fields["mapping_layers"].default) == 2
    assert small.vary["eight layers"] == {"mapping_layers": 8}
    assert small.ablate == {"enters": "bottom"}
    size = fields["image_size"].default
    assert [size // part for part in stylegan.SIZES] == [7, 14, 14, 28]
    assert "at 7 pixels a side, two at 14, one at 28" in text
    assert (stylegan.N_LAYERS, style_figures.COARSE) == (5, 3)
    assert style_figures.NEIGHBOURS == 3
    assert [f"| ${psi:g}$ |" in text for psi in style_figures.PSIS] == [True] * 4
