"""What a run's translator shows, with networks whose answers are known."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from atlas_cli.data.images import ImageSource
from atlas_cli.engine.system import Setting
from atlas_cli.explorables.gan.own_translation import EXPLORABLE, own_translation
from atlas_cli.metrics.edges import edge_map
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.gan.patchgan import Config, PatchGAN
from tests.explorables.house import check


@pytest.fixture
def system(tiny_images: ImageSource) -> PatchGAN:
    torch.manual_seed(0)
    config = Config(image_size=8, width=4, patch_width=4, receptive_field=7)
    own = PatchGAN(config).attach(Setting(tiny_images, TrainConfig(steps=1, batch_size=4, lr=1e-3)))
    assert isinstance(own, PatchGAN)
    return own.eval()


def test_the_edges_of_the_digit_are_shown_beside_its_chalk(system: PatchGAN, tiny_images: ImageSource):
    images, labels = tiny_images.test()
    ink = images[labels == 3][:1]
    pictures = own_translation(system, 3, 1, 4).panels[0][0].images
    assert torch.equal(torch.as_tensor(pictures[0]), edge_map(ink)[0, 0])
    assert (torch.as_tensor(pictures[2]) <= (ink[0, 0] + 1) / 2 + 0.02).all()


def test_a_translation_without_ink_does_not_change_from_pixel_to_pixel(system: PatchGAN):
    for parameter in system.generator.out[1].parameters():
        torch.nn.init.zeros_(parameter)
    facts = own_translation(system, 1, 2, 4).facts
    assert facts["change a pixel, made"] == 0
    assert facts["change a pixel, chalk"] > 0


def test_a_discriminator_that_says_the_same_of_all_patches_is_shown_so(system: PatchGAN):
    for parameter in system.discriminator.parameters():
        torch.nn.init.zeros_(parameter)
    frame = own_translation(system, 1, 2, 4)
    assert frame.facts["taken for real, made"] == frame.facts["taken for real, chalk"] == 0.5
    assert all((torch.as_tensor(panel.rows) == 0.5).all() for panel in frame.panels[1])


def test_every_setting_can_be_drawn_and_every_knob_changes_something(system: PatchGAN):
    row = replace(EXPLORABLE.knobs[2], values=tuple(range(8)), default=4)
    shown = replace(EXPLORABLE, knobs=(*EXPLORABLE.knobs[:2], row))
    check(replace(shown, compute=lambda **setting: own_translation(system, **setting), from_run=None))
