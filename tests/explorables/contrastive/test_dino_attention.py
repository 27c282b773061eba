"""Attention of a run over held-out images, with maps that are known."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from atlas_cli.data.images import ImageSource
from atlas_cli.engine.system import Setting
from atlas_cli.explorables.contrastive import dino_attention as shown
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.contrastive.dino import DINO, Config
from tests.explorables.house import check


@pytest.fixture
def system(tiny_images: ImageSource) -> DINO:
    torch.manual_seed(0)
    config = Config(image_size=8, d_model=8, stem=4, n_head=2, d_hidden=8, d_unit=4, n_out=6)
    own = DINO(config).attach(Setting(tiny_images, TrainConfig(steps=1, batch_size=4, lr=1e-3)))
    assert isinstance(own, DINO)
    return own.eval()


def test_a_net_that_looks_at_the_digit_alone_overlaps_fully(
    system: DINO, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, mask = shown._images(system)
    share = mask.float() / mask.sum(1, keepdim=True)
    monkeypatch.setattr(system, "attention", lambda images, body=None: share[:, None].expand(-1, 2, -1))
    facts = shown.dino_attention(system, "trained", 1, 90).facts
    assert facts["overlap"] == 1
    assert facts["trained"] == 1


def test_every_setting_can_be_drawn_and_every_knob_changes_something(system: DINO) -> None:
    check(replace(
        shown.EXPLORABLE, compute=lambda **setting: shown.dino_attention(system, **setting), from_run=None
    ))  # fmt: skip
