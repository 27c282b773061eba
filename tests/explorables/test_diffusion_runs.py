"""Diagrams of a diffusion run, with a net whose walk is known."""

from __future__ import annotations

import pytest
import torch

from atlas_cli.explorables import diffusion_runs
from atlas_cli.explorables.diffusion_runs import SHARES, noise_path
from atlas_cli.systems.diffusion.ddpm import DDPM, Config


@pytest.fixture
def ddpm() -> DDPM:
    """Eight steps, and a net that always sees the same picture."""
    config = Config(
        n_steps=40, width=4, multipliers=(1,), image_size=8, sampler_steps=8, clip=False, guidance=1.0
    )
    system = DDPM(config)
    picture = torch.linspace(-1, 1, 64).view(1, 1, 8, 8)
    system.predict_data = lambda x_t, t, label, predict=None: picture.expand_as(x_t)
    return system.eval()


def test_the_walk_ends_at_what_the_net_sees(ddpm: DDPM):
    frame = noise_path(ddpm, 100, 3)
    (walked, seen), _ = frame.panels[0][0].images, None
    assert walked == seen
    assert frame.facts["distance of x_t"] == frame.facts["distance of the estimate"] == 0
    assert frame.facts["step"] == "8 of 8"
    expected = (torch.linspace(0, 1, 64) * diffusion_runs.SHADES).round() / diffusion_runs.SHADES
    torch.testing.assert_close(torch.tensor(seen).flatten(), expected, atol=1e-3, rtol=0)


def test_a_net_that_is_sure_is_right_from_the_start_while_the_walk_comes_nearer(ddpm: DDPM):
    frames = [noise_path(ddpm, done, 1) for done in (0, 50, 100)]
    assert [frame.facts["distance of the estimate"] for frame in frames] == pytest.approx([0, 0, 0], abs=1e-6)
    away = [frame.facts["distance of x_t"] for frame in frames]
    assert away[0] > away[1] > away[2] == 0
    assert frames[0].facts["t"] == 39


def test_samples_start_from_noise_of_their_own_and_ask_for_a_class_of_their_own(ddpm: DDPM):
    first, second = (noise_path(ddpm, 0, sample).panels[0][0] for sample in (0, 1))
    assert first.images[0] != second.images[0]
    assert first.title.startswith("Class 0:")
    assert second.title.startswith("Class 1:")


def test_the_marker_and_the_step_follow_the_knob(ddpm: DDPM):
    for done in SHARES:
        frame = noise_path(ddpm, done, 0)
        step = int(str(frame.facts["step"]).split()[0])
        assert abs(step / 8 - done / 100) <= 1 / 16 + 1e-9
        assert frame.panels[0][1].marker == pytest.approx(100 * step / 8)
        assert "?" in frame.caption


def test_every_weight_starts_from_the_same_noise_and_leaves_the_run_as_it_was(
    monkeypatch: pytest.MonkeyPatch, ddpm: DDPM
):
    """A net whose class is a shade of grey: told louder, it moves further."""
    from types import SimpleNamespace

    from atlas_cli.metrics.judge import Judge

    def shade(x_t, t, label, predict=None):
        w = ddpm.config.guidance
        return (0.3 * x_t + w * (label.view(-1, 1, 1, 1) / 45 - 0.1)).clamp(-1, 1)

    ddpm.predict_data = shade
    labels = torch.arange(10).repeat_interleave(diffusion_runs.COPIES)
    images = torch.randint(0, 256, (len(labels), 1, 8, 8), dtype=torch.uint8)
    ddpm.setting = SimpleNamespace(data=SimpleNamespace(test_images=images, test_labels=labels))
    read = SimpleNamespace(score=lambda images, label: {"class_accuracy": float(images.std())})
    monkeypatch.setattr(Judge, "load_or_train", lambda *_: read)
    own = ddpm.config
    frames = [diffusion_runs.guidance_curve(ddpm, w) for w in (0.0, 1.0, 8.0)]
    assert ddpm.config is own
    assert len(frames[0].panels[0][0].images) == diffusion_runs.SHOWN**2
    assert [f.panels[1][0].marker for f in frames] == [0.0, 1.0, 8.0]
    told = [f.facts["read as asked"] for f in frames]
    assert told[0] < told[1] < told[2]
    spreads = [f.facts["spread within a class, over real"] for f in frames]
    assert spreads[2] < spreads[0]
