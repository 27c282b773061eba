"""The numbers by hand on the page of patchgan."""

from __future__ import annotations

import numpy as np

from atlas_cli import catalog
from atlas_cli.pages.source import read_page
from atlas_cli.recipe import recipes
from atlas_cli.systems.gan import patchgan


def text_of(topic: str) -> str:
    """A page in one line."""
    return " ".join(" ".join(part.markdown for part in read_page(catalog.resolve(topic)).sections).split())


REAL = np.array([[0, 0.2, 1], [0.2, 1, 0], [1, 0, 0.2]])  # shares of chalk that three grains take


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
    assert "0 0.2 1, then 0.2 1 0 and 1 0 0.2" in text
    best = answers["best by L1"]
    assert all(np.abs(REAL - row).sum(1).mean() > np.abs(REAL - best).sum(1).mean() for row in REAL)


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
    assert "from a tenth to all" in text
    assert small.model.get("grain", fields["grain"].default) == 0.9
    assert "$\\lambda$ is 10." in text
    assert small.model.get("l1_weight", fields["l1_weight"].default) == 10
    assert small.model.get("receptive_field", fields["receptive_field"].default) == 16
    assert small.ablate == {"adversarial_weight": 0}
