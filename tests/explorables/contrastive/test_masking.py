"""What a run paints, with a network whose paintings are known."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from atlas_cli.data.images import ImageSource
from atlas_cli.engine.system import Setting
from atlas_cli.explorables.contrastive import masking as shown
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.contrastive.mae import MAE, Config
from tests.explorables.house import check


@pytest.fixture
def system(tiny_images: ImageSource) -> MAE:
    torch.manual_seed(0)
    config = Config(image_size=8, patch=2, d_model=8, d_decoder=8, n_layer=1, n_head=2)
    own = MAE(config).attach(Setting(tiny_images, TrainConfig(steps=1, batch_size=4, lr=1e-3)))
    assert isinstance(own, MAE)
    return own.eval()


def test_one_that_paints_the_target_makes_no_error_and_shows_it(
    system: MAE, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "paint", lambda images, order, n_kept: system.target(images))
    frame = shown.masking(system, 75, 1)
    assert frame.facts["error"] == 0
    assert frame.facts["patches seen"] == 4
    _, left, painted, target = frame.panels[0][0].images
    torch.testing.assert_close(torch.as_tensor(painted), torch.as_tensor(target))
    grey = torch.as_tensor(left).unfold(0, 2, 2).unfold(1, 2, 2).flatten(2)
    assert int((grey == 0.5).all(2).sum()) >= 12


def test_one_that_paints_nothing_errs_by_the_mean_square_of_what_is_hidden(
    system: MAE, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "paint", lambda images, order, n_kept: 0 * system.target(images))
    facts = shown.masking(system, 90, 2).facts
    assert facts["error"] == pytest.approx(facts["error of painting nothing"], rel=0.1)


def test_every_setting_can_be_drawn_and_every_knob_changes_something(system: MAE) -> None:
    check(
        replace(shown.EXPLORABLE, compute=lambda **setting: shown.masking(system, **setting), from_run=None)
    )
