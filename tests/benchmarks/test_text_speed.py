"""Mamba beside a transformer of as many parameters, on text: tokens a second over length, and what they hold.

The nets of mamba/text and gpt/small, fp32 on one thread. Training takes at least 4,096 tokens a step; writing
is one text, a byte at a time, after a prompt of the length. Figures are printed: run with `-s`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch

from atlas_cli.engine.build import create
from atlas_cli.language import figures, writing
from atlas_cli.metrics.timing import least_seconds
from atlas_cli.recipe import recipes

pytestmark = pytest.mark.bench

LENGTHS = (64, 256, 1024, 4096)
TOKENS = 4096
WRITTEN = 50


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def nets() -> dict[str, Any]:
    torch.manual_seed(0)
    return {
        name: create(recipes.resolve(ref)) for name, ref in (("mamba", "mamba/text"), ("gpt", "gpt/small"))
    }


def train(net, tokens):
    loss, _ = figures.answer_loss(net(tokens), tokens)
    torch.autograd.grad(loss, list(net.parameters()))


@torch.no_grad()
def write(net, state):
    token = torch.zeros(1, 1, dtype=torch.long)
    for _ in range(WRITTEN):
        _, state = net.extend(token, state)


def rates(runs, tokens):
    """Tokens a second of each."""
    return {name: tokens / seconds for name, seconds in least_seconds(runs, rounds=3).items()}


def test_they_have_about_as_many_parameters(nets):
    counts = {name: sum(p.numel() for p in net.parameters()) for name, net in nets.items()}
    print(f"\nparameters: {counts}")
    assert max(counts.values()) < 1.1 * min(counts.values())


def test_training_over_length(nets):
    rows = {}
    print("\ntokens a second in training")
    for length in LENGTHS:
        tokens = torch.randint(0, 256, (TOKENS // length, length))
        rows[length] = rates({name: partial(train, net, tokens) for name, net in nets.items()}, TOKENS)
        print(f"{length:6}  " + "  ".join(f"{name} {rate:8,.0f}" for name, rate in rows[length].items()))
    assert rows[4096]["mamba"] > 0.6 * rows[256]["mamba"]  # every token costs alike
    ahead = {length: row["mamba"] / row["gpt"] for length, row in rows.items()}
    assert ahead[4096] > 1.5 * ahead[256]


@torch.no_grad()
def test_writing_after_a_prompt(nets):
    print("\ntokens a second in writing, and bytes held")
    held = {}
    for length in LENGTHS:
        prompt = torch.randint(0, 256, (1, length))
        states = {name: net.extend(prompt, net.first_state(1))[1] for name, net in nets.items()}
        written = rates({name: partial(write, net, states[name]) for name, net in nets.items()}, WRITTEN)
        held[length] = {name: writing.state_bytes(state) for name, state in states.items()}
        print(
            f"{length:6}  "
            + "  ".join(f"{n} {rate:6,.0f} ({held[length][n]:,} bytes)" for n, rate in written.items())
        )
    assert held[4096]["mamba"] == held[64]["mamba"]
    assert held[4096]["gpt"] > 30 * held[64]["gpt"]
