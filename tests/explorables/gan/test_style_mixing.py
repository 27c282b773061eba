"""The grid of mixtures and its shares, of a network whose layers are known."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from atlas_cli.data.images import ImageSource
from atlas_cli.engine.system import Setting
from atlas_cli.explorables.gan import style_mixing as shown
from atlas_cli.explorables.gan.style_mixing import EXPLORABLE, style_mixing
from atlas_cli.metrics.judge import Judge, JudgeNet
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.gan import style_figures, stylegan
from atlas_cli.systems.gan.stylegan import Config, StyleGAN
from tests.explorables.house import check


@pytest.fixture
def system(tiny_images: ImageSource, monkeypatch: pytest.MonkeyPatch) -> StyleGAN:
    torch.manual_seed(0)
    judge = Judge(JudgeNet(1, 8, 10), tiny_images)
    monkeypatch.setattr(Judge, "load_or_train", lambda source, _: judge)
    monkeypatch.setattr(shown, "N_PAIRS", 20)
    config = Config(image_size=8, width=8, z_dim=4, style_dim=6)
    own = StyleGAN(config).attach(Setting(tiny_images, TrainConfig(steps=1, batch_size=4, lr=1e-3)))
    assert isinstance(own, StyleGAN)
    return own.eval()


def test_the_layers_are_those_of_the_system() -> None:
    assert shown.N_LAYERS == stylegan.N_LAYERS
    assert EXPLORABLE.knobs[0].default == style_figures.COARSE


def test_at_the_ends_a_mixture_is_all_of_the_column_or_of_the_row(system: StyleGAN) -> None:
    for crossover, of_row in ((0, 0.0), (shown.N_LAYERS, 1.0)):
        frame = style_mixing(system, crossover, "different")
        top, *rows = (row[0].images for row in frame.panels[:-1])
        for alone, *mixtures in rows:
            for column, mixture in zip(top[1:], mixtures, strict=True):
                expected = alone if of_row else column
                assert (torch.as_tensor(mixture) - torch.as_tensor(expected)).abs().max() < 0.1
        assert frame.facts["slant from the row"] == pytest.approx(of_row, abs=1e-5)
        assert frame.facts["stroke width from the row"] == pytest.approx(of_row, abs=1e-5)


def test_a_generator_without_classes_is_shown_without_their_curve(
    tiny_images: ImageSource, system: StyleGAN
) -> None:
    config = system.config.model_copy(update={"conditional": False})
    plain = StyleGAN(config).attach(system.setting).eval()
    assert len(style_mixing(plain, 2, "one").panels[-1][0].series) == 2
    assert len(style_mixing(system, 2, "one").panels[-1][0].series) == 3


def test_every_setting_can_be_drawn_and_every_knob_changes_something(system: StyleGAN) -> None:
    check(replace(EXPLORABLE, compute=lambda **setting: style_mixing(system, **setting), from_run=None))
