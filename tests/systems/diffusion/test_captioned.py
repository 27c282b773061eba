"""The denoiser that reads captions: what guidance makes of its answers, and what its training is told."""

from __future__ import annotations

import pytest
import torch

from atlas_cli.data import captions
from atlas_cli.draws import BatchRandom
from atlas_cli.systems.diffusion.captioned import NONE, Captioned, CaptionEncoder
from atlas_cli.systems.diffusion.ddpm import Config


def tiny(**fields: object) -> Captioned:
    torch.manual_seed(0)
    config = Config(
        **{
            "image_size": 8,
            "channels": 3,
            "n_steps": 20,
            "width": 8,
            "clip": False,
            "sampler": "ddim",
            **fields,
        }
    )
    made = Captioned(config, captions.VOCAB_SIZE, captions.LENGTH)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return made


def tokens_of(*texts: str) -> torch.Tensor:
    return torch.tensor([captions.tokenize(text) for text in texts])


TOKENS = tokens_of("a red circle", "a blue square above a red circle", "a large green circle")


def test_padding_is_the_caption_that_says_nothing() -> None:
    assert captions.PADDING == NONE


def test_the_answer_is_linear_in_the_weight_between_no_caption_and_the_caption() -> None:
    model, x_t, t = tiny(), torch.randn(3, 3, 8, 8), torch.tensor([3, 9, 15])
    without = model.predict(x_t, t, torch.zeros_like(TOKENS))
    with_caption = model.predict(x_t, t, TOKENS)
    assert not torch.allclose(without, with_caption, atol=1e-3)
    for w in (0.0, 1.0, 2.5):
        expected = (1 - w) * without + w * with_caption
        torch.testing.assert_close(model.guided(x_t, t, TOKENS, w), expected, atol=1e-4, rtol=1e-4)


def test_a_walk_under_one_weight_is_ddims_with_the_guided_answers() -> None:
    """Step by step as equation 12 of the DDIM paper says, for eta = 0."""
    model = tiny(sampler_steps=4)
    noise = torch.randn(3, 3, 8, 8)
    path = model.draw(noise, TOKENS, 3.0, torch.Generator())
    x, visited = noise, model.ddpm.timesteps()
    for at, (t, s) in enumerate(zip(visited, [*visited[1:], -1], strict=True)):
        steps = torch.full((3,), t)
        data = model.ddpm.to_data(model.guided(x, steps, TOKENS, 3.0), x, steps)
        a_t, a_s = model.ddpm.alpha_bar[t], model.ddpm.alpha_bar[s] if s >= 0 else torch.tensor(1.0)
        epsilon = (x - a_t.sqrt() * data) / (1 - a_t).sqrt()
        x = a_s.sqrt() * data + (1 - a_s).sqrt() * epsilon
        torch.testing.assert_close(path[at], x, atol=1e-3, rtol=1e-3)


def test_the_order_of_the_words_is_read() -> None:
    torch.manual_seed(0)
    read = CaptionEncoder(captions.VOCAB_SIZE, captions.LENGTH, 32)
    one, other = read(tokens_of("a red circle left of a blue square", "a blue square left of a red circle"))
    assert (one - other).abs().max() > 0.01
    alone, among = read(TOKENS[:1]), read(TOKENS)[:1]
    torch.testing.assert_close(alone, among)  # no caption sees another one of its batch


def test_captions_are_left_out_whole_and_as_often_as_told() -> None:
    model, n = tiny(label_dropout=0.15), 4000
    data, tokens = torch.zeros(n, 3, 8, 8), TOKENS[torch.arange(n) % 3]
    batch = model.batch(data, tokens, BatchRandom(0, 0, n))
    dropped = (batch.tokens == NONE).all(1)
    assert dropped.float().mean().item() == pytest.approx(0.15, abs=0.02)
    assert torch.equal(batch.tokens[~dropped], tokens[~dropped])
    assert set(batch.t.tolist()) == set(range(20))


def test_a_perfect_answer_has_no_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny()
    batch = model.batch(torch.randn(3, 3, 8, 8), TOKENS, BatchRandom(0, 0, 3))
    target = model.ddpm.target(batch.data, batch.noise, batch.t)
    assert model.loss(batch) > 0.1
    monkeypatch.setattr(model, "predict", lambda x_t, t, tokens: target)
    assert model.loss(batch) == 0
