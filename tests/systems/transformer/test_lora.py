"""LoRA against peft with the same weights, its start, and its merging."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from atlas_cli.engine.loop import fit
from atlas_cli.engine.system import Setting
from atlas_cli.systems.transformer.lora import Config, LoRA, LoRALinear

from .house import SOURCE, TRAIN, gpt

ALL = ("q_proj", "k_proj", "v_proj", "out_proj", "gate", "up", "down")


def lora(base, **fields):
    torch.manual_seed(1)
    config = Config(**{"vocab_size": 256, "context_len": 48, "rank": 3, "targets": ALL, **fields})
    return LoRA(config).attach(Setting(SOURCE, TRAIN, parent=base))


def stirred(system):
    """With B away from zero, so that the adapters say something."""
    with torch.no_grad():
        for p in system.parameters():
            p.add_(0.03 * torch.randn_like(p))
    return system


def tokens(n=2, length=20):
    return torch.randint(0, 256, (n, length), generator=torch.Generator().manual_seed(0))


def test_a_layer_and_its_gradients_are_those_of_peft():
    from peft import LoraConfig
    from peft.tuners.lora import Linear as Reference

    torch.manual_seed(0)
    base, r, alpha = nn.Linear(6, 5, bias=False), 3, 7.0
    theirs = Reference(base, "default", LoraConfig(r=r, lora_alpha=alpha), r=r, lora_alpha=alpha)
    ours = LoRALinear(nn.Linear(6, 5, bias=False), r, alpha)
    with torch.no_grad():
        ours.base.weight.copy_(base.weight)
        theirs.lora_B["default"].weight.normal_()
        ours.A.copy_(theirs.lora_A["default"].weight)
        ours.B.copy_(theirs.lora_B["default"].weight)
    x, weights = torch.randn(4, 6), torch.randn(4, 5)
    torch.testing.assert_close(ours(x), theirs(x))
    (ours(x) * weights).sum().backward()
    (theirs(x) * weights).sum().backward()
    torch.testing.assert_close(ours.A.grad, theirs.lora_A["default"].weight.grad)
    torch.testing.assert_close(ours.B.grad, theirs.lora_B["default"].weight.grad)
    theirs.merge()
    torch.testing.assert_close(ours.merged().weight, theirs.base_layer.weight)


def test_it_starts_as_the_base():
    base = gpt()
    with torch.no_grad():
        torch.testing.assert_close(lora(base)(tokens()), base(tokens()), atol=0, rtol=0)


def test_merged_is_the_same_network_in_the_base_s_own_layers():
    base = gpt()
    system = stirred(lora(base))
    merged = system.merged()
    with torch.no_grad():
        assert (system(tokens()) - base(tokens())).abs().max() > 0.02
        torch.testing.assert_close(merged(tokens()), system(tokens()), atol=1e-5, rtol=1e-5)
        assert system.merged_error() < 1e-5
    assert [n for n, _ in merged.named_parameters()] == [n for n, _ in base.named_parameters()]


def test_token_by_token_equals_all_at_once():
    system = stirred(lora(gpt()))
    state, read = system.first_state(2), []
    with torch.no_grad():
        for part in tokens().split([3, 1, 16], dim=1):
            logits, state = system.extend(part, state)
            read.append(logits)
        torch.testing.assert_close(torch.cat(read, dim=1), system(tokens()), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("targets", "per_rank"), [(("q_proj", "v_proj"), 2 * 64), (ALL, 4 * 64 + 3 * 128)])
@pytest.mark.parametrize("rank", [1, 4])
def test_only_the_adapters_are_trained_and_saved(targets, per_rank, rank):
    base = gpt(d_ff=96)
    system = lora(base, targets=targets, rank=rank)
    counted = sum(p.numel() for p in system.parameters())
    assert counted == 2 * rank * per_rank  # two layers
    assert sum(t.numel() for t in system.state_dict().values()) == counted
    assert system.evaluate()["trained_share"] == counted / sum(p.numel() for p in base.parameters())


@pytest.mark.parametrize("adapt", ["lora", "full"])
def test_eval_and_train_reach_the_frozen_network_too(adapt):
    system = lora(gpt(), adapt=adapt)
    assert all(m.training for m in system.model.modules())
    assert not any(m.training for m in system.eval().model.modules())
    assert all(m.training for m in system.train().model.modules())


@pytest.mark.parametrize("adapt", ["lora", "full"])
def test_training_leaves_the_base_as_it_is(adapt):
    base = gpt()
    before = {name: t.clone() for name, t in base.state_dict().items()}
    system = lora(base, adapt=adapt)
    fit(system)
    for name, tensor in base.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    trained = {"lora": 14 * 2, "full": len(list(base.parameters()))}[adapt]
    assert len(list(system.parameters())) == trained


def test_full_fine_tuning_takes_smaller_steps():
    base = gpt()
    rates = [
        lora(base, adapt=a, full_lr=0.2).optimizers()["main"].param_groups[0]["lr"] for a in ("lora", "full")
    ]
    assert rates == [TRAIN.lr, TRAIN.lr * 0.2]


def test_a_few_examples_are_all_that_is_read_whichever_way_it_adapts():
    base, text = gpt(), bytes(SOURCE.train_bytes.tolist())
    own, full = (lora(base, adapt=adapt, examples=3) for adapt in ("lora", "full"))
    read = set()
    for step in range(20):
        tokens, targets = own.batch(step)
        assert torch.equal(tokens, full.batch(step)[0])
        read |= {bytes(row) for row in torch.cat([tokens, targets[:, -1:]], dim=1).tolist()}
    assert len(read) == 3
    assert all(len(row) == 49 and row in text for row in read)


def test_the_gain_is_what_the_base_lost_on_the_new_text():
    base = gpt()
    figures = lora(base).evaluate()
    assert figures["gain"] == figures["forgotten"] == 0  # nothing learned yet
    assert figures["bits_per_byte"] == figures["base_bits_per_byte"] > 1
