"""The numbers by hand on the pages of patchgan and sngan."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from atlas_cli import catalog
from atlas_cli.pages.source import read_page
from atlas_cli.recipe import recipes
from atlas_cli.systems.gan import patchgan, sngan
from atlas_cli.systems.gan.sngan import power_iteration


def text_of(topic: str) -> str:
    """A page in one line."""
    return " ".join(" ".join(part.markdown for part in read_page(catalog.resolve(topic)).sections).split())


# --- patchgan ----------------------------------------------------------------------------------------

REAL = np.eye(3)  # a stroke of one pixel, at one of three places


def energy(row: np.ndarray) -> float:
    return float((np.diff(np.concatenate([[0], row, [0]])) ** 2).sum())


def test_rows_of_three_pixels_and_the_best_answers_to_them() -> None:
    text = text_of("patchgan")
    answers = {
        "the first of the real ones": REAL[0],
        "best by squares": REAL.mean(0),
        "best by L1": np.median(REAL, 0),
    }
    for name, row in answers.items():
        cells = " | ".join(f"{pixel:.2f}".replace("0.00", "0").replace("1.00", "1") for pixel in row)
        l1, squares = np.abs(REAL - row).sum(1).mean(), ((REAL - row) ** 2).sum(1).mean()
        assert f"| {name} | {cells} | {l1:.2f} | {squares:.2f} | {energy(row):.2f} |" in text
    assert [energy(row) for row in REAL] == [2, 2, 2]


def test_the_squares_of_the_derivation_are_those_of_the_discriminator() -> None:
    side, seen = 1, []
    for stride in (1, 1, 2, 2, 2):
        side = stride * (side - 1) + 4
        seen.append(side)
    assert seen == [4, 7, 16, 34, 70]
    assert set(seen[1:]) == set(patchgan.STRIDED)
    assert "1, then 4 and 7 by the two of stride 1, then 2 · 6 + 4 = 16, 34 and 70" in text_of("patchgan")


def test_what_patchgans_page_says_of_settings_is_so() -> None:
    text, fields = text_of("patchgan"), patchgan.Config.model_fields
    small = recipes.resolve("patchgan/small")
    assert "up to two pixels beside" in text
    assert small.model.get("slip", fields["slip"].default) == 2
    assert "$\\lambda$ is 10." in text
    assert small.model.get("l1_weight", fields["l1_weight"].default) == 10
    assert small.model.get("receptive_field", fields["receptive_field"].default) == 16
    assert small.ablate == {"adversarial_weight": 0}


# --- sngan -------------------------------------------------------------------------------------------


def test_the_rounds_of_power_iteration() -> None:
    text, matrix = text_of("sngan"), torch.diag(torch.tensor([2.0, 1.0], dtype=torch.float64))
    v = torch.tensor([1.0, 1.0], dtype=torch.float64) / 2**0.5
    for rounds in range(3):
        stretch = (matrix @ v).norm().item()
        first = round((v[0] / v[1]).item())
        assert f"| {rounds} | ({first}, 1) | {stretch:.3f} | {2 / stretch:.3f} |" in text
        _, v = power_iteration(matrix, v, 1)


def test_what_sngans_page_says_of_settings_is_so() -> None:
    text, fields = text_of("sngan"), sngan.Config.model_fields
    small = recipes.resolve("sngan/small")
    assert "at three learning rates and with three seeds each" in text
    rates = small.model.get("trial_rates", fields["trial_rates"].default)
    assert len(rates) == small.model.get("trial_seeds", fields["trial_seeds"].default) == 3
    source = " ".join(catalog.resolve("sngan").path.read_text(encoding="utf-8").split())
    assert all(f"survived_{1000 * rate:g} as at {rate:g}" in source for rate in rates)
    assert "each is four times the last" in source
    assert all(b == pytest.approx(4 * a) for a, b in pairwise(rates))
    assert sngan.CHECKED_EVERY == 50
    assert sngan.EVEN == 0.5
    assert "sixty rounds" in text
    assert small.model.get("power_iterations", fields["power_iterations"].default) == 60
    assert small.ablate == {"spectral": False}
