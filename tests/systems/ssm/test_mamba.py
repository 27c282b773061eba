"""Mamba against mambapy, its own recurrence, and oracles for its tasks."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from atlas_cli import data
from atlas_cli.engine.system import SampleRequest, Setting
from atlas_cli.errors import UsageError
from atlas_cli.language import writing
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.ssm.mamba import Config, Mamba, MambaBlock
from tests.systems.ssm.house import (
    assert_no_position_sees_a_later_one,
    assert_token_by_token_equals_all_at_once,
)

SMALL = {"vocab_size": 6, "context_len": 12, "d_model": 8, "d_state": 4, "dt_rank": 3}
TRAIN = TrainConfig(steps=1, batch_size=4, lr=1e-3)


def small(**fields):
    torch.manual_seed(0)
    return Mamba(Config(**{**SMALL, **fields}))


def attached(name, **task):
    source = data.load({"name": name, **task})
    torch.manual_seed(0)
    config = Config(**{**SMALL, **source.config.facts()})
    return Mamba(config).attach(Setting(source, TRAIN))


def answer_like(system, answer):
    """Replace the net: `answer(tokens)` gives the token said at each position."""
    system.forward = lambda tokens: F.one_hot(answer(tokens), system.config.vocab_size).float()


def copied(tokens, n_symbols=4, n_tokens=2):
    """The right answers of selective copying, at the markers."""
    answers = torch.zeros_like(tokens)
    answers[:, -n_tokens:] = tokens[tokens < n_symbols].view(len(tokens), n_tokens)
    return answers


def mambapy_names(n_layer):
    """Our parameter -> mambapy's, and how its tensor becomes ours."""
    same, squeeze = (lambda t: t), (lambda t: t.squeeze(1).T)
    rank, n = SMALL["dt_rank"], SMALL["d_state"]
    block = {
        "in_proj.weight": ("in_proj.weight", same),
        "conv_weight": ("conv1d.weight", squeeze),
        "conv_bias": ("conv1d.bias", same),
        "s_delta.0.weight": ("x_proj.weight", lambda t: t[:rank]),
        "s_delta.1.weight": ("dt_proj.weight", same),
        "s_delta.1.bias": ("dt_proj.bias", same),
        "s_B.weight": ("x_proj.weight", lambda t: t[rank : rank + n]),
        "s_C.weight": ("x_proj.weight", lambda t: t[rank + n :]),
        "A_log": ("A_log", same),
        "D": ("D", same),
        "out_proj.weight": ("out_proj.weight", same),
    }
    names = {}
    for i in range(n_layer):
        names[f"norms.{i}.weight"] = (f"layers.{i}.norm.weight", same)
        for ours, (theirs, convert) in block.items():
            names[f"blocks.{i}.{ours}"] = (f"layers.{i}.mixer.{theirs}", convert)
    return names


def test_logits_and_gradients_are_those_of_mambapy():
    from mambapy.mamba import Mamba as Reference
    from mambapy.mamba import MambaConfig

    ours = small()
    theirs = Reference(MambaConfig(d_model=8, n_layers=2, d_state=4, dt_rank=3))
    names = mambapy_names(2)
    reference = dict(theirs.named_parameters())
    parameters = dict(ours.named_parameters())
    with torch.no_grad():
        for name, (other, convert) in names.items():
            parameters[name].copy_(convert(reference[other]))
    tokens = torch.randint(0, 6, (3, 12))
    logits = ours(tokens)
    expected = ours.head(ours.final_norm(theirs(ours.embed(tokens))))
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=1e-4)
    weights = torch.randn_like(logits)
    gradients = torch.autograd.grad((logits * weights).sum(), [parameters[name] for name in names])
    (expected * weights).sum().backward()
    for gradient, (other, convert) in zip(gradients, names.values(), strict=True):
        torch.testing.assert_close(gradient, convert(reference[other].grad), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize("selective", ["delta_b_c", "delta", "b_c", "none"])
def test_token_by_token_equals_all_at_once_in_constant_memory(selective, normalise):
    system = small(selective=selective, normalise_b_c=normalise)
    first, last = assert_token_by_token_equals_all_at_once(system)
    sizes = [[part.shape for layer in state for part in layer] for state in (first, last)]
    assert sizes[0] == sizes[1]


def written_on_paper(system, prompt, n):
    """The most likely next byte, n times, each from the whole text read at once."""
    text = system.setting.data.encode(prompt)[None]
    with torch.no_grad():
        for _ in range(n):
            text = torch.cat([text, system(text)[:, -1:].argmax(-1)], dim=1)
    return system.setting.data.decode(text[0])


def on_text(**fields):
    source = data.load({"name": "text", "corpus": "atlas", "context_len": 16})
    torch.manual_seed(0)
    config = Config(**{**SMALL, "vocab_size": 256, "context_len": 16, **fields})
    return Mamba(config).attach(Setting(source, TRAIN)).eval()


def test_text_written_by_the_recurrence_is_what_reading_all_at_once_would_write():
    system, pieces = on_text(temperature=0.0, length=40), []
    text = system.sample(SampleRequest(n=1, prompt="def ", stream=pieces.append)).text[0]
    expected = written_on_paper(system, "def ", 40)
    assert text == expected.strip("\n")
    assert "".join(pieces).strip("\n") == text
    assert len(pieces) > 20


def test_the_state_is_as_large_after_a_long_text_as_before_it():
    system = on_text()
    tokens, _ = system.setting.data.held_out(2, length=200)
    state = system.first_state(2)
    with torch.no_grad():
        _, later = system.extend(tokens, state)
        torch.testing.assert_close(
            system(tokens)[:, -1:], system.extend(tokens[:, -1:], before(system, tokens))[0]
        )
    D, N, K = 16, SMALL["d_state"], system.config.d_conv
    assert writing.state_bytes(later) == writing.state_bytes(state) == 2 * 2 * D * (N + K - 1) * 4


def before(system, tokens):
    """The state before the last token."""
    return system.extend(tokens[:, :-1], system.first_state(len(tokens)))[1]


def test_no_position_sees_a_later_one():
    assert_no_position_sees_a_later_one(small())


def test_step_sizes_start_log_uniform_within_their_bounds():
    torch.manual_seed(0)
    block = MambaBlock(Config(vocab_size=2, context_len=2, d_model=512, dt_min=0.002, dt_max=0.05))
    with torch.no_grad():
        delta = F.softplus(block.s_delta(torch.zeros(1, 1, 1024))).flatten()
    assert 0.002 <= delta.min() < 0.0022
    assert 0.045 < delta.max() <= 0.0501
    assert delta.log().mean().item() == pytest.approx(math.log(0.01), abs=0.1)


def test_the_skip_alone_is_left_when_nothing_is_written():
    """With B = 0 the block is gate * D * convolution, whatever the other parameters are."""
    torch.manual_seed(0)
    block = MambaBlock(Config(vocab_size=2, context_len=2, d_model=8))
    block.s_B.weight.data.zero_()
    u = torch.randn(2, 7, 8)
    x, gate = block.in_proj(u).chunk(2, dim=-1)
    filtered = F.conv1d(F.pad(x.mT, (3, 0)), block.conv_weight.T[:, None], block.conv_bias, groups=16).mT
    torch.testing.assert_close(block(u), block.out_proj(F.silu(filtered) * F.silu(gate)))


def test_normalised_b_and_c_are_of_unit_size_whatever_comes():
    torch.manual_seed(0)
    block = MambaBlock(Config(vocab_size=2, context_len=2, d_model=8, normalise_b_c=True))
    x = torch.randn(2, 7, 16)
    for scale in (0.1, 30.0):
        _, _, B, C = block._select(scale * x)
        for m in (B, C):
            torch.testing.assert_close(m.square().mean(-1), torch.ones(2, 7), atol=2e-3, rtol=0)


def test_fixed_b_and_c_are_not_normalised():
    fixed = small(selective="delta", normalise_b_c=True)
    assert fixed.blocks[0].s_B.value.shape == (16, SMALL["d_state"])
    same = small(selective="delta", normalise_b_c=False)
    assert [n for n, _ in fixed.named_parameters()] == [n for n, _ in same.named_parameters()]


def test_the_time_invariant_ablation_has_as_many_parameters():
    def count(selective):
        system = Mamba(Config(vocab_size=16, context_len=72, selective=selective))
        return sum(p.numel() for p in system.parameters())

    assert count("none") == pytest.approx(count("delta_b_c"), rel=0.05)


def test_tied_embeddings_are_one_parameter():
    system = small(tie_embeddings=True)
    assert system.head.weight is system.embed.weight


def test_loss_is_the_cross_entropy_where_an_answer_is_asked():
    system = attached("selective_copying", n_tokens=2, length=10, n_symbols=4)
    tokens, targets = system.batch(0)
    loss, metrics = system.loss((tokens, targets))
    logits = system(tokens)
    torch.testing.assert_close(loss, F.cross_entropy(logits.mT, targets, ignore_index=-100))
    right = (logits.argmax(-1) == targets).sum() / (targets >= 0).sum()
    assert metrics["accuracy"] == right


@pytest.mark.parametrize(("shift", "expected"), [(0, 1.0), (1, 0.0)])
def test_copy_accuracy_of_an_oracle_and_of_its_opposite(shift, expected):
    system = attached("selective_copying", n_tokens=2, length=10, n_symbols=4)
    answer_like(system, lambda tokens: (copied(tokens) + shift) % 4)
    assert system.evaluate() == {"copy_accuracy": expected}


def test_induction_accuracy_is_read_at_longer_lengths_too():
    system = attached("induction_heads", min_length=8, max_length=8, n_symbols=5)

    def right_up_to_16(tokens):
        after_special = tokens.gather(1, (tokens == 5).int().argmax(1, keepdim=True) + 1)
        return after_special.expand_as(tokens) if tokens.shape[1] <= 16 else torch.full_like(tokens, 5)

    answer_like(system, right_up_to_16)
    assert system.evaluate() == {"accuracy": 1.0, "accuracy_2x": 1.0, "accuracy_4x": 0.0, "accuracy_8x": 0.0}


@pytest.mark.parametrize("power", [1, 2])
def test_time_exponent_is_the_slope_over_length(power):
    system = small().attach(Setting(None, TRAIN))
    system._seconds = lambda tokens: 3e-6 * tokens.shape[1] ** power
    assert system.time_exponent() == pytest.approx(power)


def test_samples_say_right_or_wrong():
    system = attached("selective_copying", n_tokens=2, length=10, n_symbols=4)
    tokens, _ = system.setting.data.held_out(4, seed=0)
    said = copied(tokens)
    said[1] = (said[1] + 1) % 4

    def extend(token, position):
        return F.one_hot(said[:, position : position + 1], 6).float(), position + 1

    system.first_state, system.extend = lambda batch_size: 0, extend
    artifact = system.sample(SampleRequest(n=4))
    verdicts = [text.split("\n")[1].split() for text in artifact.text]
    assert [words[2].rstrip(",") for words in verdicts] == ["right", "wrong", "right", "right"]
    for text, words in zip(artifact.text, verdicts, strict=True):
        symbols = text.split("\n")[0].replace(".", "").replace("?", "")
        assert words[-1 if words[2] == "wrong," else 1] == symbols
    assert (artifact.facts["right"], artifact.facts["asked"]) == (6, 8)


def test_a_prompt_of_the_users_own_is_answered():
    system = attached("selective_copying", n_tokens=2, length=10, n_symbols=4)
    text = system.sample(SampleRequest(prompt=".a..c.??")).text[0]
    shown, answer = text.split("\n")
    assert shown == ".a..c.??"
    assert len(answer.split()[1]) == 2


@pytest.mark.parametrize("prompt", ["", "ab..", "a.z??"])
def test_a_prompt_that_asks_nothing_or_is_in_another_alphabet_is_refused(prompt):
    system = attached("selective_copying", n_tokens=2, length=10, n_symbols=4)
    with pytest.raises(UsageError) as refused:
        system.sample(SampleRequest(prompt=prompt))
    assert "abcd.?" in refused.value.hint
