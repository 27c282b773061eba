"""mmdit: times, loss and sampler against closed forms, and what a prompt may say."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from atlas_cli import data
from atlas_cli.data import captions
from atlas_cli.draws import BatchRandom
from atlas_cli.engine.system import SampleRequest, Setting
from atlas_cli.errors import UsageError
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.flow.mmdit import LATEST, NONE, Batch, Config, MMDiT, asked_tokens

EXAMPLE = "a red circle left of a blue square"


def tiny(**fields: object) -> MMDiT:
    torch.manual_seed(0)
    made = MMDiT(Config(**{"d_model": 16, "n_layer": 2, "n_head": 2, "sampler_steps": 3, **fields}))
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return made


def attached(**fields: object) -> MMDiT:
    source = data.load({"name": "compositions", "n_train": 64, "n_test": 16})
    system = tiny(**fields)
    system.attach(Setting(source, TrainConfig(steps=2, batch_size=8, lr=1e-3)))
    return system


def draws(n: int) -> BatchRandom:
    return BatchRandom(0, 0, n)


# --- times --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mean", "width"), [(0.0, 1.0), (-0.8, 0.6)])
def test_half_of_the_times_lie_before_the_sigmoid_of_the_mean(mean: float, width: float) -> None:
    t = tiny(time_mean=mean, time_width=width).time(draws(100_000)).flatten()
    assert float((t < 1 / (1 + math.exp(-mean))).float().mean()) == pytest.approx(0.5, abs=0.01)
    normal = (t / (1 - t)).log()
    assert float(normal.mean()) == pytest.approx(mean, abs=0.02)
    assert float(normal.std()) == pytest.approx(width, abs=0.02)


def test_uniform_times_are_uniform() -> None:
    t = tiny(times="uniform").time(draws(100_000)).flatten()
    assert torch.histc(t, 10, 0, 1).div(10_000).sub(1).abs().max() < 0.05


# --- training -----------------------------------------------------------------------------------------


def batch(n: int = 4, t: float = 0.5) -> Batch:
    random = torch.Generator().manual_seed(1)
    images, noise = (torch.randn(n, 3, 16, 16, generator=random) for _ in range(2))
    return Batch(
        images, torch.tensor([captions.tokenize(EXAMPLE)[:8]] * n), torch.full((n, 1, 1, 1), t), noise
    )


@pytest.mark.parametrize("predicts", ["data", "velocity"])
def test_who_names_the_truth_has_no_loss(predicts: str) -> None:
    system, b = tiny(predicts=predicts), batch()
    answer = b.data if predicts == "data" else b.data - b.noise
    system.net.forward = lambda x_t, t, tokens: answer  # type: ignore[method-assign]
    assert system.loss(b)[0] == 0


@pytest.mark.parametrize("t", [0.1, 0.5, 0.85])
def test_both_ways_to_name_it_have_the_loss_of_the_velocity(t: float) -> None:
    b = batch(t=t)
    picture = b.data + 0.3
    x_t = t * b.data + (1 - t) * b.noise
    losses = []
    for predicts, answer in (("data", picture), ("velocity", (picture - x_t) / (1 - t))):
        system = tiny(predicts=predicts)
        system.net.forward = lambda x, t, tokens, answer=answer: answer  # type: ignore[method-assign]
        losses.append(float(system.loss(b)[0]))
    assert losses[0] == pytest.approx(losses[1], rel=1e-4) == pytest.approx((0.3 / (1 - t)) ** 2, rel=1e-4)


def test_the_last_moments_do_not_weigh_more_than_those_before() -> None:
    weights = []
    for t in (LATEST, 0.999):
        system, b = tiny(), batch(t=t)
        system.net.forward = lambda x_t, t, tokens, b=b: b.data + 1  # type: ignore[method-assign]
        weights.append(float(system.loss(b)[0]))
    assert weights[0] == pytest.approx(weights[1], rel=1e-4)


def test_some_captions_are_left_out_and_the_others_kept() -> None:
    system = attached(caption_dropout=0.5)
    system.setting = Setting(system.setting.data, TrainConfig(steps=1, batch_size=400, lr=1e-3))
    tokens = system.batch(0).tokens
    said = (tokens != NONE).any(1)
    assert 0.4 < float(said.float().mean()) < 0.6
    known = {tuple(row) for row in system.setting.data.train.tokens.tolist()}
    assert {tuple(row) for row in tokens[said].tolist()} <= known


def test_the_blocks_matrices_are_muons_and_all_else_is_adamws() -> None:
    optimizers = attached().optimizers()
    held = {name: {id(p) for g in o.param_groups for p in g["params"]} for name, o in optimizers.items()}
    system = attached()
    assert sum(map(len, held.values())) == len(list(system.parameters()))
    assert set(attached(optimizer="adamw").optimizers()) == {"main"}


# --- sampling -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [1, 4])
def test_who_always_names_one_picture_arrives_there(steps: int) -> None:
    """Straight to it, from any noise: every step of Euler's method is exact."""
    system = attached(sampler_steps=steps, guidance=1.0)
    picture = torch.randn(1, 3, 16, 16)
    system.net.forward = lambda x_t, t, tokens: picture.expand_as(x_t)  # type: ignore[method-assign]
    noise = torch.randn(2, 3, 16, 16)
    path = list(system.follow(noise, batch(2).tokens))
    torch.testing.assert_close(path[-1], picture.expand_as(noise), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(path[0], noise + (picture - noise) / steps, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("predicts", ["data", "velocity"])
def test_guidance_is_linear_between_no_caption_and_the_caption(predicts: str) -> None:
    system, x, tokens = attached(predicts=predicts), torch.randn(2, 3, 16, 16), batch(2).tokens
    t = torch.full((2,), 0.3)
    said, unsaid = system.predict(x, t, tokens), system.predict(x, t, torch.zeros_like(tokens))
    assert not torch.allclose(said, unsaid, atol=1e-3)
    for w in (0.0, 1.0, 2.5):
        system.config = system.config.model_copy(update={"guidance": w})
        torch.testing.assert_close(
            system.field(x, 0.3, tokens), unsaid + w * (said - unsaid), atol=1e-4, rtol=1e-4
        )


def test_a_perfect_painter_is_judged_perfect() -> None:
    """Each caption is answered by a scene of it: the figures see the sampler's end and nothing else."""
    system = attached(guidance=1.0)
    source = system.setting.data
    shown: dict[tuple[int, ...], Tensor] = {}
    for scenes in (source.test, source.regrouped, source.unseen):
        shown |= dict(zip(map(tuple, scenes.tokens.tolist()), scenes.data, strict=True))
    system.net.forward = lambda x_t, t, tokens: torch.stack(  # type: ignore[method-assign]
        [shown[tuple(row)] for row in tokens.tolist()]
    )
    figures = system.evaluate()
    assert len(figures) == 9
    assert set(figures.values()) == {1.0}


# --- what it shows ------------------------------------------------------------------------------------


def test_a_prompt_is_drawn_as_often_as_asked_and_the_same_for_the_same_seed() -> None:
    system = attached()
    request = SampleRequest(n=3, seed=5, prompt=EXAMPLE)
    one, again = system.sample(request), system.sample(request)
    assert one.images.shape == (3, 3, 16, 16)
    assert (one.images == again.images).all()
    assert one.facts["prompts"] == [EXAMPLE] * 3
    assert not (system.sample(SampleRequest(n=3, seed=6, prompt=EXAMPLE)).images == one.images).all()


def test_without_a_prompt_each_row_is_of_a_pair_that_was_never_shown() -> None:
    system = attached()
    shown = system.sample(SampleRequest(n=20))
    unseen = system.setting.data.unseen.captions
    assert shown.columns == 5
    assert shown.facts["prompts"] == [caption for caption in unseen[:4] for _ in range(5)]
    assert unseen[3] in shown.caption


@pytest.mark.parametrize(
    ("prompt", "why"),
    [
        ("a red circle", "two things"),
        ("a small red circle left of a blue square", "small or large"),
        ("a red circle below a blue square", "word 'below'"),
        ("red circle blue square", "no caption"),
    ],
)
def test_a_prompt_that_is_no_caption_of_two_things_is_refused(prompt: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        asked_tokens(prompt)


@pytest.mark.parametrize("fields", [{"patch": 3}, {"n_head": 3}])
def test_what_does_not_divide_is_refused(fields: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        Config(**{"d_model": 16, **fields})


@pytest.mark.parametrize("fields", [{"streams": 1}, {"text": "sentence"}])
def test_words_that_are_only_read_need_weights_of_their_own(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="weights of their own"):
        Config(**{"d_model": 16, "n_head": 2, "one_way": True, **fields})
