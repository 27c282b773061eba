"""The answers of sixteen scenes, with logits that are known."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from atlas_cli.engine.system import Setting
from atlas_cli.explorables.contrastive.yes_or_no import EXPLORABLE, SCENES, SUREST, yes_or_no
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.contrastive.siglip import Config, SigLIP
from tests.explorables.house import check
from tests.systems.contrastive.house import TINY, scenes


def attached(**fields: object) -> SigLIP:
    torch.manual_seed(0)
    system = SigLIP(Config(**{**TINY, "bias": -1.0, **fields}))
    system.attach(Setting(scenes(), TrainConfig(steps=2, batch_size=16, lr=1e-3)))
    return system.eval()


def knowing(monkeypatch: pytest.MonkeyPatch, right: float, wrong: float, **fields: object) -> SigLIP:
    """A run whose logits are `right` for a scene's own caption and `wrong` for any other."""
    system = attached(**fields)
    logits = wrong + (right - wrong) * torch.eye(SCENES)
    monkeypatch.setattr(system, "score", lambda images, tokens: logits)
    return system


def test_who_knows_the_pairs_says_yes_to_them_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = yes_or_no(knowing(monkeypatch, 3.0, -5.0), 4, 0).facts
    assert facts["right yes"] == SCENES
    assert facts["wrong yes"] == 0
    assert facts["own caption"] == pytest.approx(1 / (1 + math.exp(-3)), rel=1e-3)


def test_a_bias_that_is_moved_turns_every_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    system = knowing(monkeypatch, 3.0, -5.0)
    low, high = (yes_or_no(system, 1, moved).facts for moved in (-4, 6))
    assert low["right yes"] + low["wrong yes"] == 0
    assert high["right yes"] + high["wrong yes"] == SCENES**2


def test_no_caption_is_shown_twice_and_each_is_true_of_its_own_scene() -> None:
    frame = yes_or_no(attached(), 1, 0)
    truth = torch.tensor(frame.panels[0][1].rows)
    assert (truth.diagonal() == 1).all()
    lines = frame.panels[1][0].lines
    assert len({line.partition("%")[2] for line in lines}) == len(lines) == SUREST


def test_with_a_softmax_a_bias_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    system = knowing(monkeypatch, 3.0, -5.0, loss="softmax")
    first, second = (yes_or_no(system, 2, moved) for moved in (-4, 4))
    assert first.facts == second.facts
    torch.testing.assert_close(
        torch.tensor(first.panels[0][0].rows).sum(1), torch.ones(SCENES), atol=1e-3, rtol=0
    )


def test_every_setting_can_be_drawn_and_every_knob_changes_something(monkeypatch: pytest.MonkeyPatch) -> None:
    system = attached()
    torch.manual_seed(1)
    monkeypatch.setattr(system, "score", lambda images, tokens: _LOGITS)
    check(replace(EXPLORABLE, compute=lambda **setting: yes_or_no(system, **setting), from_run=None))


_LOGITS = 4 * torch.randn(SCENES, SCENES, generator=torch.Generator().manual_seed(0))
