"""The stretches that a run's discriminator shows, with weights whose singular values are known."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from atlas_cli.data.images import ImageSource
from atlas_cli.engine.system import Setting
from atlas_cli.explorables.gan.own_singular_values import EXPLORABLE, own_singular_values, spectra
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.gan.sngan import SNGAN, Config
from tests.explorables.house import check


def system(source: ImageSource, norm: str) -> SNGAN:
    torch.manual_seed(0)
    own = SNGAN(Config(image_size=8, width=8, z_dim=4, norm=norm))  # type: ignore[arg-type]
    own.attach(Setting(source, TrainConfig(steps=1, batch_size=4, lr=1e-3)))
    return own.eval()


def test_a_weight_of_known_stretch_is_shown_with_it_and_used_at_one(tiny_images: ImageSource) -> None:
    own = system(tiny_images, "spectral")
    head = own.discriminator.head
    with torch.no_grad():
        head.parametrizations.weight.original.mul_(  # type: ignore[union-attr,operator]
            7 / head.parametrizations.weight.original.norm()  # type: ignore[union-attr]
        )
    place = own.layers.index("head") + 1
    facts = own_singular_values(own, place).facts
    assert facts["weight"] == pytest.approx(7, abs=1e-4)
    assert facts["used"] == pytest.approx(1, abs=1e-4)  # one row: its direction is found at once
    assert facts["second"] == 0


def test_without_the_norm_both_curves_are_one(tiny_images: ImageSource) -> None:
    for spectrum in spectra(system(tiny_images, "none")):
        assert (spectrum.weight == spectrum.used).all()


def test_every_setting_can_be_drawn_and_every_knob_changes_something(tiny_images: ImageSource) -> None:
    own = system(tiny_images, "spectral")
    check(replace(EXPLORABLE, compute=lambda **setting: own_singular_values(own, **setting), from_run=None))
