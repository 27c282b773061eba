"""Guidance against the exact denoiser of a mixture, and variety against Gaussians of known width."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from atlas_cli.engine.build import Options, build, inference
from atlas_cli.engine.loop import fit
from atlas_cli.engine.system import SampleRequest
from atlas_cli.errors import UsageError
from atlas_cli.explorables._mixtures import Mixture
from atlas_cli.present.reporter import SilentReporter
from atlas_cli.recipe import recipes
from atlas_cli.systems.diffusion.cfg import AXES, CFG, class_variety
from atlas_cli.systems.diffusion.ddpm import DDPM, Config


def tiny(**fields: object) -> DDPM:
    torch.manual_seed(0)
    ddpm = DDPM(Config(**{"image_size": 8, "n_steps": 20, "width": 8, "clip": False, **fields}))
    for parameter in ddpm.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return ddpm


@pytest.mark.parametrize("prediction", ["epsilon", "x0", "v"])
def test_the_estimate_is_linear_in_the_weight(prediction: str) -> None:
    """Noise, image and v are affine in each other, so guidance of one is guidance of all."""
    x_t, t, label = torch.randn(4, 1, 8, 8), torch.full((4,), 9), torch.arange(4)
    at = {}
    for w in (0.0, 1.0, 3.0):
        at[w] = tiny(prediction=prediction, guidance=w).predict_data(x_t, t, label)
    torch.testing.assert_close(at[3.0], at[0.0] + 3 * (at[1.0] - at[0.0]), atol=1e-4, rtol=1e-4)
    assert not torch.allclose(at[0.0], at[1.0], atol=1e-3)


def test_the_formula_of_the_paper_counts_its_weight_from_one() -> None:
    x_t, t, label = torch.randn(4, 1, 8, 8), torch.full((4,), 9), torch.arange(4)
    ddpm = tiny(prediction="epsilon", guidance=1.5)
    with_label = ddpm.predict(x_t, t, label)
    without = ddpm.predict(x_t, t, torch.full((4,), 10))
    noise = (1 + 0.5) * with_label - 0.5 * without  # eq. 6 with w = 0.5
    torch.testing.assert_close(
        ddpm.predict_data(x_t, t, label), ddpm.to_data(noise, x_t, t), atol=1e-5, rtol=1e-5
    )


def test_with_exact_answers_the_guided_one_is_that_of_a_tilted_gaussian() -> None:
    """p(x) p(y|x)^w is again a Gaussian for Gaussians of one width: its denoiser at each level is known."""
    std, w = 0.4, 2.5
    part = Mixture(torch.tensor([[1.0]]), torch.ones(1), std)
    every = Mixture(torch.tensor([[0.0]]), torch.ones(1), std)
    tilted = Mixture(torch.tensor([[w * 1.0]]), torch.ones(1), std)  # mean moves by w times the difference
    x = torch.linspace(-3, 3, 50)[:, None]
    for signal in (0.1, 0.6, 0.95):
        sigma = math.sqrt(1 - signal**2)
        anyone = every.posterior_mean(x, signal, sigma)
        guided = anyone + w * (part.posterior_mean(x, signal, sigma) - anyone)
        torch.testing.assert_close(guided, tilted.posterior_mean(x, signal, sigma), atol=1e-5, rtol=1e-5)


def test_variety_is_the_logarithm_of_the_width() -> None:
    """Features half as wide in every direction have log 2 nats a dimension less."""
    draws = torch.Generator().manual_seed(0)
    label = torch.arange(4000) % 4
    real = torch.randn(4000, 32, generator=draws) + 5 * label[:, None]
    again = torch.randn(4000, 32, generator=draws) + 5 * label[:, None]
    narrow = 5 * label[:, None] + 0.5 * (again - 5 * label[:, None])
    assert class_variety(again, label, real, label) == pytest.approx(0, abs=0.05)
    assert class_variety(narrow, label, real, label) == pytest.approx(-math.log(2), abs=0.05)
    few = slice(0, 400)  # a smaller number of drawn images does not look less varied
    assert class_variety(again[few], label[few], real, label) == pytest.approx(0, abs=0.05)


def test_variety_falls_along_one_lost_axis_only_by_its_share() -> None:
    draws = torch.Generator().manual_seed(1)
    scales = torch.tensor([10.0] * AXES + [0.1] * 24)  # the leading axes are the first ones
    real = torch.randn(4000, 32, generator=draws) * scales
    squeezed = torch.randn(4000, 32, generator=draws) * scales
    squeezed[:, 0] *= math.exp(-4)
    one = torch.zeros(4000, dtype=torch.long)
    assert class_variety(squeezed, one, real, one) == pytest.approx(-4 / AXES, abs=0.05)


# --- captions -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def text() -> CFG:
    """A small network on few scenes, trained for three steps."""
    changes = ["data.n_train=64", "data.n_test=40", "model.width=8", "model.sampler_steps=2"]
    changes += ["train.steps=3", "train.batch_size=8", "train.precision=fp32"]
    recipe = recipes.resolve("cfg/text", [*changes, "train.threads=1"])
    system = build(recipe, Options(device="cpu"), SilentReporter())
    assert isinstance(system, CFG)
    return system


def test_where_the_data_have_captions_a_network_is_trained_without_a_parent(text: CFG) -> None:
    before = {n: p.detach().clone() for n, p in text.named_parameters()}
    fit(text)
    assert all(not torch.equal(p, before[n]) for n, p in text.named_parameters())
    assert any("embed_class.token" in n for n in before)
    first, again, other = text.batch(3), text.batch(3), text.batch(4)
    assert torch.equal(first.data, again.data)
    assert torch.equal(first.tokens, again.tokens)
    assert not torch.equal(first.noise, other.noise)


def test_captions_are_judged_under_the_weight_of_the_recipe(
    text: CFG, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, draw = set(), CFG.draw
    monkeypatch.setattr(CFG, "draw", lambda own, z, y, w: (asked.add(w), draw(own, z, y, w))[1])
    with inference(text):
        figures = text.evaluate()
    assert set(figures) == {"scene_accuracy", "unseen_scene_accuracy"}
    assert all(0 <= value <= 1 for value in figures.values())
    assert asked == {text.config.guidance}


@pytest.mark.parametrize("name", ["small", "text"])
def test_what_is_taken_away_is_the_exaggeration_and_not_the_class(name: str) -> None:
    """The weight 0 ignores the class: any conditional network beats that, guided or not."""
    recipe = recipes.resolve(f"cfg/{name}")
    assert recipe.ablate == {"guidance": 1.0}
    assert not recipe.ablation_trains
    assert "guidance=0.0" in recipe.vary
    assert not any(recipe.trains_anew(changes) for changes in recipe.vary.values())


def test_a_prompt_is_drawn_and_read(text: CFG) -> None:
    prompt = "a red circle left of a blue square"
    with inference(text):
        first, again = (text.sample(SampleRequest(n=3, seed=1, prompt=prompt)) for _ in range(2))
        other = text.sample(SampleRequest(n=3, seed=1, prompt="a red circle"))
    assert first.images is not None
    assert first.images.shape == (3, 3, 32, 32)
    assert (first.images == again.images).all()
    assert (first.images != other.images).any()
    assert prompt in first.caption
    assert first.facts["as_asked"] in range(4)


def test_a_word_that_no_caption_has_is_refused_with_those_it_knows(text: CFG) -> None:
    with pytest.raises(UsageError, match="'pink'") as caught:
        text.sample(SampleRequest(prompt="a pink circle"))
    assert "red, green, blue, yellow" in caught.value.hint
    with pytest.raises(UsageError, match="captions, no classes"):
        text.sample(SampleRequest(label=3))


def test_without_a_prompt_it_shows_captions_of_the_test(text: CFG) -> None:
    with inference(text):
        shown = text.sample(SampleRequest(n=10))
    assert shown.images is not None
    assert len(shown.images) == 10
    assert shown.columns == 2
    assert all(caption in shown.caption for caption in text.setting.data.test.captions[:2])


def test_classes_need_a_parent_and_captions_refuse_one(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    body = "system: cfg\ndata: {{name: {data}}}\ntrain: {{steps: {steps}, lr: 1.0e-3}}\n"
    own.write_text(body.format(data="strokes", steps=0))
    with pytest.raises(UsageError) as caught:
        recipes.resolve(own)
    assert any("from is missing: the system builds on ddpm" in line for line in caught.value.details)
    own.write_text(body.format(data="shapes", steps=5) + "from: ddpm/small\n")
    with pytest.raises(UsageError) as caught:
        recipes.resolve(own)
    assert any("from shapes the system learns by itself" in line for line in caught.value.details)
