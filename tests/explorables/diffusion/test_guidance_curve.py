"""Guidance of a diffusion run, with a net whose class is a shade of grey."""

from __future__ import annotations

import pytest
import torch

from atlas_cli.explorables.diffusion import guidance_curve
from atlas_cli.systems.diffusion.ddpm import DDPM


def test_every_weight_starts_from_the_same_noise_and_leaves_the_run_as_it_was(
    monkeypatch: pytest.MonkeyPatch, ddpm: DDPM
):
    """A net whose class is a shade of grey: told louder, it moves further."""
    from types import SimpleNamespace

    from atlas_cli.metrics.judge import Judge

    def shade(x_t, t, label, predict, walk):
        w = walk.guidance
        return (0.3 * x_t + w * (label.view(-1, 1, 1, 1) / 45 - 0.1)).clamp(-1, 1)

    ddpm.predict_data = shade
    labels = torch.arange(10).repeat_interleave(guidance_curve.COPIES)
    images = torch.randint(0, 256, (len(labels), 1, 8, 8), dtype=torch.uint8)
    ddpm.setting = SimpleNamespace(data=SimpleNamespace(test_images=images, test_labels=labels))
    read = SimpleNamespace(score=lambda images, label: {"class_accuracy": float(images.std())})
    monkeypatch.setattr(Judge, "load_or_train", lambda *_: read)
    own = ddpm.config
    frames = [guidance_curve.guidance_curve(ddpm, w) for w in (0.0, 1.0, 8.0)]
    assert ddpm.config is own
    assert len(frames[0].panels[0][0].images) == guidance_curve.SHOWN**2
    assert [f.panels[1][0].marker for f in frames] == [0.0, 1.0, 8.0]
    told = [f.facts["read as asked"] for f in frames]
    assert told[0] < told[1] < told[2]
    spreads = [f.facts["spread within a class, over real"] for f in frames]
    assert spreads[2] < spreads[0]
