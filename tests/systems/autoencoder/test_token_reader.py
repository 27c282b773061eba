"""The reader: the same work for every vocabulary, bits over bytes, and a known text costs what it should."""

from __future__ import annotations

import math

import pytest
import torch

from atlas_cli.engine.system import Setting
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.autoencoder import token_reader
from atlas_cli.systems.autoencoder.bpe import Config
from atlas_cli.systems.autoencoder.merging import Encoder

from .test_bpe import SOURCE, trained

SMALL = {
    "reader_context": 16,
    "reader_batch": 4,
    "reader_d_model": 16,
    "reader_n_layer": 2,
    "reader_n_head": 2,
}
CONFIG = Config(context_len=64, reader_cost=1e-5, **SMALL)
SETTING = Setting(SOURCE, TrainConfig(steps=1, batch_size=4, lr=1.0, precision="fp32"))


def test_work_is_counted_from_the_shapes() -> None:
    """By hand: a layer has 4 d d of attention, 3 d h of the network and 2 d a pair; d V at the end."""
    gpt = token_reader.make_reader(300, SETTING, CONFIG)
    d, h = 16, gpt.config.d_hidden
    matrices = 2 * (4 * d * d + 3 * d * h) + d * 300
    assert token_reader.multiply_adds(gpt) == round(matrices + 2 * 2 * d * 8.5)


def test_each_vocabulary_gets_the_same_work() -> None:
    found = [trained(n_merges=n, reader_cost=1e-5, **SMALL).evaluate() for n in (0, 200)]
    a_step = 4 * 16
    spent = [figures["reader_steps"] * a_step * figures["reader_work"] for figures in found]
    assert spent == pytest.approx([1e7, 1e7], rel=0.05)
    assert found[0]["reader_steps"] > found[1]["reader_steps"]
    assert found[0]["reader_bytes"] < found[1]["reader_bytes"]


def test_a_reader_that_knows_nothing_pays_for_every_token_alike() -> None:
    """log2 V bits for each token, over the bytes of those tokens."""
    gpt = token_reader.make_reader(256, SETTING, CONFIG)
    torch.nn.init.zeros_(gpt.head.weight)
    tokens, lengths = torch.arange(200), torch.full((256,), 2)
    assert token_reader.bits_per_byte(gpt, tokens, lengths, SETTING, 16) == pytest.approx(8 / 2)


def test_training_helps_and_is_the_same_every_time() -> None:
    encoder = Encoder([], "gpt2")
    few, many, again = (
        token_reader.figures(encoder, SETTING, CONFIG.model_copy(update={"reader_cost": cost}))
        for cost in (1e-7, 3e-5, 3e-5)
    )
    assert many["reader_bits_per_byte"] < few["reader_bits_per_byte"] - 1
    assert many == again


def test_the_autocast_of_an_evaluation_does_not_hold_the_weights_still() -> None:
    """Casts of weights are kept until the outermost autocast ends: within one, no step would be seen."""
    setting = Setting(SOURCE, SETTING.train.model_copy(update={"precision": "bf16"}))
    config = CONFIG.model_copy(update={"reader_cost": 3e-5})
    alone = token_reader.figures(Encoder([], "gpt2"), setting, config)
    with torch.no_grad(), setting.autocast():
        within = token_reader.figures(Encoder([], "gpt2"), setting, config)
    assert within == alone


def test_the_rate_rises_and_falls_once() -> None:
    rates = [token_reader.rate(step, 100) for step in range(100)]
    assert rates[0] == 1 / 8
    assert max(rates) == rates[7] == 1
    assert rates[8:] == sorted(rates[8:], reverse=True)
    assert rates[-1] == pytest.approx(token_reader.FINAL_LR, abs=1e-3)
    assert math.isclose(token_reader.rate(0, 1), 1)


def test_evaluating_without_gradients_still_trains_the_reader() -> None:
    with torch.no_grad():
        found = token_reader.figures(Encoder([], "gpt2"), SETTING, CONFIG)
    assert found["reader_bits_per_byte"] < 7
