"""Six pairs on a sphere: where the loss is least, with and without confused captions."""

from __future__ import annotations

import math

import pytest

from atlas_cli.explorables.contrastive import modality_gap as drawn


@pytest.mark.parametrize("angle", [0, 45, 120])
def test_the_means_are_as_far_apart_as_the_parallels(angle: int) -> None:
    image, text = drawn.sphere(angle, 1)
    gap = float((image.mean(0) - text.mean(0)).norm())
    assert gap == pytest.approx(2 * math.sin(math.radians(angle) / 2))
    assert image.norm(dim=1).allclose(image.norm(dim=1) ** 0)


@pytest.mark.parametrize("temperature", drawn.TEMPERATURES)
def test_right_pairs_want_no_gap(temperature: float) -> None:
    losses = [drawn.loss_at(a, temperature, 0) for a in drawn.ANGLES]
    assert losses[0] == min(losses)


def test_confused_pairs_want_one_where_the_temperature_is_low() -> None:
    def best(temperature: float) -> int:
        losses = [drawn.loss_at(a, temperature, 1) for a in drawn.ANGLES]
        return drawn.ANGLES[losses.index(min(losses))]

    assert best(1.0) == 0
    assert best(0.1) > 90
