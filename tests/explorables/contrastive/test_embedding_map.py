"""A run's map of held-out images, with an encoder whose answers are known."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from atlas_cli.data.images import ImageSource
from atlas_cli.engine.system import Setting
from atlas_cli.explorables.contrastive.embedding_map import EXPLORABLE, LAYERS, embedding_map
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.contrastive.simclr import Config, SimCLR
from tests.explorables.house import check


@pytest.fixture
def system(tiny_images: ImageSource) -> SimCLR:
    torch.manual_seed(0)
    config = Config(image_size=8, width=4, n_features=12, z_dim=4)
    own = SimCLR(config).attach(Setting(tiny_images, TrainConfig(steps=1, batch_size=4, lr=1e-3)))
    assert isinstance(own, SimCLR)
    return own.eval()


def test_an_encoder_that_knows_the_class_has_neighbours_of_one_class(
    system: SimCLR, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = system.setting.data.test_labels

    def one_hot(images: torch.Tensor, encoder: object = None) -> torch.Tensor:
        return torch.nn.functional.one_hot(labels[: len(images)], 10).float()

    monkeypatch.setattr(system, "features", one_hot)
    monkeypatch.setattr(system, "head", torch.nn.Identity())
    facts = embedding_map(system, "features h", 1).facts
    alike = (labels[:, None] == labels).sum(1) - 1  # others of one's class, of which five are asked for
    assert facts["nearest of one's class"] >= float(alike.clamp(max=5).float().mean() / 5) - 1e-6
    assert facts["alignment"] == 0


def test_pixels_are_the_images_themselves(system: SimCLR, tiny_images: ImageSource) -> None:
    frame = embedding_map(system, "pixels", 2)
    images = torch.as_tensor(frame.panels[1][0].images)
    first = (tiny_images.test()[0][1, 0] + 1) / 2
    torch.testing.assert_close(images[0], first, atol=0.02, rtol=0)  # shades are rounded
    assert len(frame.panels[0][0].groups) == len(tiny_images.test_labels.unique())


def test_every_setting_can_be_drawn_and_every_knob_changes_something(system: SimCLR) -> None:
    assert EXPLORABLE.knobs[0].values == LAYERS
    check(replace(EXPLORABLE, compute=lambda **setting: embedding_map(system, **setting), from_run=None))
