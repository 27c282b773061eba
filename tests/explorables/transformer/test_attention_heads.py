"""Diagrams of a transformer's run, with heads whose habits are known."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import torch

from atlas_cli import data
from atlas_cli.engine.system import Setting
from atlas_cli.errors import UsageError
from atlas_cli.explorables.transformer.attention_heads import EXPLORABLE, SHARES, attention_heads
from atlas_cli.systems.transformer.gpt import GPT, Config
from tests.explorables.house import check
from tests.systems.transformer.house import TRAIN, gpt

HABITS = 2  # the row of panels that tells them


@pytest.fixture
def system():
    return gpt(context_len=48).requires_grad_(False)


def look(system, weights):
    """Give every head of every layer these weights (H, L, L) for texts of any length up to L."""
    for block in system.blocks:
        block.mixing.weights = lambda x: weights[None, :, : x.shape[1], : x.shape[1]]


def habits(frame):
    bars = frame.panels[HABITS][0]
    return dict(zip(bars.labels, bars.values, strict=True))


def test_every_setting_is_a_frame_and_every_knob_changes_it(system):
    for block in system.blocks:  # where all weights are small, every head is the mean
        block.mixing.q_proj.weight.data *= 20
    shown = replace(EXPLORABLE, compute=partial(attention_heads, system))
    layers = tuple(replace(k, values=(1, 2)) if k.name == "layer" else k for k in shown.knobs)
    check(replace(shown, knobs=layers))


def test_a_head_that_keeps_to_its_neighbour_and_one_that_averages(system):
    before = torch.eye(48).roll(-1, 1)
    before[0], before[-1, 0] = torch.eye(48)[0], 0
    mean = torch.ones(48, 48).tril() / torch.arange(1, 49)[:, None]
    look(system, torch.stack([before, mean]))
    near = attention_heads(system, 100, 1, 1, "held-out 1")
    assert habits(near)["previous"] == pytest.approx(47 / 48, abs=1e-3)
    assert near.facts["mean distance"] == pytest.approx(47 / 48, abs=1e-3)
    assert near.panels[1][1].series[0].ys[:3] == (pytest.approx(1 / 48, abs=1e-3), 1, 0)
    far = attention_heads(system, 100, 1, 2, "held-out 1")
    assert far.facts["mean distance"] == pytest.approx(23.5 / 2, abs=1e-2)
    assert [token[1] for token in far.panels[0][0].tokens] == [pytest.approx(1)] * 48


def test_an_induction_head_is_told_from_one_that_seeks_the_same(system):
    """In abcabc each letter of the second round finds itself 3 back, and what followed it 2 back."""
    text, same, induction = "abcabc", torch.eye(6), torch.eye(6)
    for asks in (3, 4, 5):
        same[asks] = torch.eye(6)[asks - 3]
        induction[asks] = torch.eye(6)[asks - 2]
    look(system, torch.stack([same, induction]))
    seeks, follows = (habits(attention_heads(system, 0, 2, head, text)) for head in (1, 2))
    assert (seeks["same, earlier"], seeks["after the same"]) == (0.5, 0)
    assert (follows["same, earlier"], follows["after the same"]) == (0, 0.5)


@pytest.mark.parametrize("asks", SHARES)
def test_the_token_that_asks_goes_through_the_text_and_sees_no_later_one(system, asks):
    frame = attention_heads(system, asks, 1, 1, "def f(x):\n    return x")
    at = round(asks / 100 * 21)
    told = frame.panels[0][0]
    assert f"token {at + 1}, listens" in told.title
    assert all(weight == 0 for _, weight, _ in told.tokens[at + 1 :])
    assert sum(int(share) for *_, share in told.tokens) == pytest.approx(100, abs=11)
    assert "".join(glyph for glyph, *_ in told.tokens) == "def·f(x):↵····return·x"


def test_what_it_expects_next_is_what_the_net_says(system):
    tokens = system.setting.data.encode("import ")[None]
    p, byte = system(tokens)[0, -1].softmax(-1).max(-1)
    expected = attention_heads(system, 100, 1, 1, "import ").facts["expects next"]
    assert expected.endswith(f", {float(p):.0%}")
    assert len(expected.split(",")[0]) <= 1 or chr(int(byte)) in expected


def test_the_tokens_of_a_task_are_read_as_its_glyphs():
    source = data.load({"name": "selective_copying", "n_tokens": 2, "length": 10, "n_symbols": 4})
    net = GPT(Config(**source.config.facts(), d_model=32, n_layer=1)).requires_grad_(False)
    net.attach(Setting(source, TRAIN))
    told = attention_heads(net, 100, 4, 1, "..a.b??").panels[0][0]
    assert "".join(glyph for glyph, *_ in told.tokens) == "..a.b??"


def test_a_run_without_attention_says_so():
    with pytest.raises(UsageError, match="without attention"):
        attention_heads(gpt(mixing="mean").requires_grad_(False), 100, 1, 1, "held-out 1")
