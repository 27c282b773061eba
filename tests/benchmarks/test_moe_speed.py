"""The mixture of experts, forward and backward, beside transformers' Mixtral, padded blocks, a dense layer.

All in fp32 on one thread: 4,096 tokens of 128 channels, two of eight experts of 176, against a dense layer of
352. Figures are printed: run with `-s`.
"""

from __future__ import annotations

import time

import pytest
import torch
from torch.nn import functional as F

from atlas_cli.nets.feed_forward import SwiGLU
from atlas_cli.nets.moe import MoE

pytestmark = pytest.mark.bench

TOKENS, D, WIDTH, E, K = 4096, 128, 176, 8, 2
ROUNDS = 9


class Padded(MoE):
    """All blocks filled up to the busiest expert's, for one batched product."""

    def serve(self, rows, counts):
        blocks = torch.nn.utils.rnn.pad_sequence(rows.split(counts), batch_first=True)  # (E, busiest, D)
        hidden = F.silu(blocks @ self.gate.mT) * (blocks @ self.up.mT)
        answers = hidden @ self.down.mT
        return torch.cat([answer[:n] for answer, n in zip(answers, counts, strict=True)])


def mixtral(implementation):
    from transformers import MixtralConfig
    from transformers.models.mixtral.modeling_mixtral import MixtralSparseMoeBlock

    config = MixtralConfig(hidden_size=D, intermediate_size=WIDTH, num_local_experts=E, num_experts_per_tok=K)
    config._experts_implementation = implementation
    block = MixtralSparseMoeBlock(config)
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    return block


def layers():
    torch.manual_seed(0)
    return {
        "ours": MoE(D, WIDTH, E, K),
        "padded": Padded(D, WIDTH, E, K),
        "mixtral": mixtral("eager"),
        "mixtral grouped": mixtral("grouped_mm"),
        "dense": SwiGLU(D, K * WIDTH),
    }


def seconds():
    """Processor time, the least of several rounds; a round runs every layer, to disturb all alike."""
    x = torch.randn(1, TOKENS, D, requires_grad=True)
    every = layers()
    taken = {name: [] for name in every}
    for _ in range(ROUNDS):
        for name, layer in every.items():
            began = time.process_time()
            y = layer(x)
            (y[0] if isinstance(y, tuple) else y).sum().backward()
            taken[name].append(time.process_time() - began)
    return {name: min(times) for name, times in taken.items()}


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_padded_computes_the_same():
    every, x = layers(), torch.randn(3, 50, D)
    every["padded"].load_state_dict(every["ours"].state_dict())
    torch.testing.assert_close(every["padded"](x)[0], every["ours"](x)[0], atol=1e-5, rtol=1e-5)


def test_time_forward_and_backward():
    taken = seconds()
    times = ", ".join(f"{name} {1e3 * t:.1f} ms ({t / taken['ours']:.2f})" for name, t in taken.items())
    print(f"\n{K} of {E} experts, {TOKENS} tokens: {times}")
    assert taken["ours"] <= min(taken["mixtral"], taken["mixtral grouped"], taken["padded"])
    assert taken["ours"] <= 1.35 * taken["dense"]
