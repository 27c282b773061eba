"""A game gone wrong is said once in plain words; the step at which samples come near is kept."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from atlas_cli.data.images import ImageSource
from atlas_cli.engine.ema import Ema
from atlas_cli.engine.loop import fit
from atlas_cli.runs import checkpoint
from atlas_cli.screen import messages
from atlas_cli.systems.gan import watching
from atlas_cli.systems.gan.gan import GAN
from tests.systems.gan.house import TRAIN, equal, on_images, on_points, weights

# --- signs -------------------------------------------------------------------------------------------


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(messages, "say", lines.append)
    return lines


def lengthened(gan: GAN, steps: int) -> GAN:
    from dataclasses import replace

    gan.setting = replace(gan.setting, train=TRAIN.model_copy(update={"steps": steps}))
    return gan


class Constant(nn.Module):
    """A generator that draws one thing whatever z is, and one for each class where it is told one."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.drawn = nn.Parameter(torch.randn(10, *shape))

    def forward(self, z: torch.Tensor, label: torch.Tensor | None) -> torch.Tensor:
        return self.drawn[torch.zeros(len(z), dtype=torch.long) if label is None else label]


@pytest.mark.parametrize("conditional", [True, False])
def test_a_generator_that_draws_one_thing_whatever_z_is_has_collapsed(
    conditional: bool, tiny_images: ImageSource, said: list[str]
) -> None:
    gan = lengthened(on_images(tiny_images, conditional=conditional), 40)
    gan.generator = Constant(1, 8, 8)  # type: ignore[assignment]
    fit(gan)
    assert sum("mode collapse" in line for line in said) == 1
    assert "r1_gamma" in next(line for line in said if "mode collapse" in line)


class Knows(nn.Module):
    """A discriminator that nothing fools: real data were moved far away."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.ones(()))

    def forward(self, x: torch.Tensor, label: None) -> torch.Tensor:
        return 40 * self.w.abs().clamp(min=0.9) * (x.mean(1) - 50).sign()


def test_a_discriminator_that_is_always_sure_has_won(said: list[str]) -> None:
    gan = lengthened(on_points(r1_gamma=0.0), 40)
    gan.discriminator = Knows()  # type: ignore[assignment]
    gan.setting.source.draw = lambda random: 100 + random.normal(2)
    fit(gan)
    assert sum("the discriminator has won" in line for line in said) == 1


def test_a_critic_whose_score_is_no_probability_is_not_said_to_have_won(said: list[str]) -> None:
    gan = lengthened(on_points(loss="wasserstein"), 40)
    for step in range(40):
        gan._look(gan.batch(step), torch.randn(8, 2), {"d_real": 1.0, "d_fake": 0.0})
    assert said == []


def test_a_healthy_training_says_nothing(tiny_images: ImageSource, said: list[str]) -> None:
    fit(lengthened(on_images(tiny_images), 40))
    fit(lengthened(on_points(), 40))
    assert said == []


def test_a_sign_must_stand_at_five_looks_in_a_row(said: list[str]) -> None:
    watch = watching.Watch()
    for stands in [True] * 4 + [False] + [True] * 4:
        watch.look({"won": stands})
    assert said == []
    for _ in range(20):
        watch.look({"won": True})
    assert said == [watching.SIGNS["won"]]


def test_the_variety_is_a_ratio_of_distances_within_a_class() -> None:
    real = torch.tensor([[0.0], [2.0], [10.0], [12.0]])
    label = torch.tensor([0, 0, 1, 1])
    assert watching.variety(3 * real, real, None) == pytest.approx(3)
    one_each = torch.tensor([[0.0], [0.0], [9.0], [9.0]])
    assert watching.variety(one_each, real, None) > 0.5  # which pairs of two classes do not tell
    assert watching.variety(one_each, real, label) == 0
    assert watching.variety(one_each, real, torch.arange(4)) == 1


# --- when samples come near --------------------------------------------------------------------------


def near_on_points(near: float, steps: int = 40) -> GAN:
    return lengthened(on_points(near=near), steps)


def test_the_average_is_the_loop_s() -> None:
    gan = near_on_points(near=1e-9)
    ema = Ema(gan, 0.9)
    gan.setting = gan.setting.__class__(gan.setting.source, gan.setting.train.model_copy(update={"ema": 0.9}))
    optimizers = gan.optimizers()
    for step in range(6):
        gan.step(gan.batch(step), optimizers)
        ema.update(gan)
    expected = torch.cat(
        [ema.average[f"generator.{n}"].flatten() for n, _ in gan.generator.named_parameters()]
    )
    assert gan.nearness is not None
    torch.testing.assert_close(gan.nearness.average, expected)


@pytest.mark.parametrize(("near", "reached"), [(100.0, 2), (1e-6, 40)])
def test_the_first_step_of_the_grid_below_the_threshold_is_told_or_the_last_of_all(
    near: float, reached: int
) -> None:
    gan = near_on_points(near)
    fit(gan)
    with torch.no_grad():
        assert gan.evaluate()["steps_to_near"] == reached


def test_the_first_time_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    gan = near_on_points(1.0)
    told = iter([5.0, 3.0, 0.5, 7.0])
    monkeypatch.setattr(gan, "distance_now", lambda: next(told))
    fit(gan)
    assert gan.nearness is not None
    assert int(gan.nearness.reached) == 6  # the third of forty steps' twentieths
    assert next(told) == 7.0  # and then it is measured no more


def test_measuring_changes_no_training() -> None:
    watched, alone = near_on_points(1e-9), lengthened(on_points(), 40)
    fit(watched)
    fit(alone)
    for player in ("generator", "discriminator"):
        assert equal(weights(getattr(watched, player)), weights(getattr(alone, player)))
    assert alone.nearness is None
    with torch.no_grad():
        assert "steps_to_near" not in alone.eval().evaluate()


def test_an_interrupted_run_goes_on_with_the_same_average() -> None:
    straight, stopped, resumed = (near_on_points(1e-9) for _ in range(3))
    fit(straight)
    fitted = fit(stopped, until=17)
    assert fitted.step == 17
    resumed.load_state_dict(stopped.state_dict())
    state = resumed.nearness
    assert state is not None
    assert int(state.updates) == 17
    assert torch.equal(state.average, stopped.nearness.average)  # type: ignore[union-attr]
    assert checkpoint.not_finite(resumed.state_dict()) is None


def test_the_distance_of_images_is_frechet_s_in_the_judge_s_features(tiny_images: ImageSource) -> None:
    from atlas_cli.data.images import to_float
    from atlas_cli.metrics.frechet import frechet_distance, moments
    from atlas_cli.metrics.judge import Judge

    gan = on_images(tiny_images, near=1.0)
    images = to_float(tiny_images.test_images)

    class Real(nn.Module):
        def forward(self, z: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
            return images[torch.arange(len(z)) % len(images)]

    far = gan.distance_now()
    gan.generator = Real()  # type: ignore[assignment]
    judge = Judge.load_or_train(tiny_images)
    drawn = moments(judge.features(images[torch.arange(256) % len(images)]))
    assert gan.distance_now() == pytest.approx(
        frechet_distance(drawn, moments(judge.features(images))), abs=1e-6
    )
    assert gan.distance_now() < far / 10
