"""The numbers by hand on the page of mae, and what it says of settings."""

from __future__ import annotations

import pytest
import torch

from atlas_cli.recipe import recipes
from atlas_cli.systems.contrastive.mae import Config, kept, masked_loss, normalise
from atlas_cli.systems.contrastive.tuning import VIEWS
from tests.pages.test_worked_pairs import text_of

PATCHES = {"a": (0.0, 2.0), "b": (4.0, 8.0), "c": (5.0, 5.0), "d": (1.0, 3.0)}
PAINTED = {"a": (0.0, 0.0), "b": (-0.5, 0.5), "c": (0.2, -0.2), "d": (0.0, 0.0)}


def rows(values: dict[str, tuple[float, float]]) -> torch.Tensor:
    return torch.tensor([list(values.values())], dtype=torch.float64)  # (1, N, P)


def test_four_patches_of_two_pixels() -> None:
    text, target = text_of("mae"), normalise(rows(PATCHES))[0]
    for name, pixels in PATCHES.items():
        assert f"{name} ({pixels[0]:g}, {pixels[1]:g})" in text
    errors = (target - rows(PAINTED)[0]).square().mean(1)
    for i, name in enumerate(PATCHES):
        t, x = target[i].tolist(), PAINTED[name]
        if name != "a":
            row = f"| {name} | ({t[0]:.3g}, {t[1]:.3g}) | ({x[0]:g}, {x[1]:g}) | {errors[i]:.2g} |"
            assert row.replace("-1e+00", "-1").replace("1e+00", "1") in text
    hidden = torch.tensor([[False, True, True, True]])
    loss = masked_loss(rows(PAINTED), normalise(rows(PATCHES)), hidden).item()
    assert loss == pytest.approx((0.25 + 0.04 + 1) / 3, abs=1e-5)
    assert f"(0.25 + 0.04 + 1) / 3 = {loss:.2f}" in text


def test_what_maes_page_says_of_settings_is_so() -> None:
    text, small = text_of("mae"), recipes.resolve("mae/small")
    c = Config(**small.model)
    seen = kept(c.n_patches, c.mask_ratio)
    assert f"cut into {c.n_patches} patches, and {seen} of them are seen" in text
    assert f"| of {c.patch}, {c.n_patches} of them |" in text
    assert (c.mask_ratio, c.n_labels, c.n_decoder_layer, c.n_layer) == (0.75, 100, 1, 4)
    assert VIEWS == ("crop", "turn", "bend")
    assert small.ablation is not None
    assert small.ablation.train.steps == 0
    assert set(small.ablate) == {"train.steps", "tune_steps", "tune_lr"}
