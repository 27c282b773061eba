"""The gate of a Mamba run, on nets whose memory is known."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from atlas_cli import data
from atlas_cli.diagrams import gallery
from atlas_cli.engine.system import Setting
from atlas_cli.errors import UsageError
from atlas_cli.explorables.ssm.gate import EXPLORABLE, HELD_OUT, SHARES, _gate, gate
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.ssm.mamba import Config, Mamba, plain_scan

OWN = "..a.c..b..???"


def attached(source: dict, **fields) -> Mamba:
    loaded = data.load(source)
    torch.manual_seed(0)
    facts = {"vocab_size": loaded.vocab_size, "context_len": 16}
    config = Config(**facts, d_model=8, d_state=4, **fields)
    return Mamba(config).attach(Setting(loaded, TrainConfig(steps=1, batch_size=2, lr=1e-3))).eval()


@pytest.fixture
def mamba() -> Mamba:
    return attached({"name": "selective_copying", "n_tokens": 3, "length": 10, "n_symbols": 4}, a_start=0.0)


def open_for_letters(system: Mamba) -> None:
    """Every layer's delta is 1 at letters and 0 elsewhere, as the last `encode` of the data had them."""
    tokens = system.setting.data.encode(OWN)
    step = (tokens < 4).float()[None, :, None]
    for block in system.blocks:
        own = block._select
        block._select = lambda x, own=own: (step.expand_as(x), *own(x)[1:])


@torch.no_grad()
def test_what_is_left_is_what_the_recurrence_leaves_of_one_token_alone(mamba: Mamba):
    seen = _gate(mamba, OWN, "first")
    (norm, block), tokens = mamba.layers()[0], mamba.setting.data.encode(OWN)[None]
    x, _ = block.enter(norm(mamba.embed(tokens)))
    delta, A, B, _ = block._select(x)
    for k in (0, 4, 12):
        h = torch.zeros_like(A)  # (D, N)
        for t in range(len(OWN)):
            enters = (delta[0, t] * x[0, t])[:, None] * B[0, t]
            h = torch.exp(delta[0, t, :, None] * A) * h + (enters.abs() if t == k else 0)
            torch.testing.assert_close(seen.left[t, k], h.sum())


@torch.no_grad()
def test_what_is_read_of_a_token_is_what_the_output_lacks_without_it(mamba: Mamba):
    seen = _gate(mamba, OWN, "first")
    (norm, block), tokens = mamba.layers()[0], mamba.setting.data.encode(OWN)[None]
    x, out = block.enter(norm(mamba.embed(tokens)))
    delta, A, B, C = block._select(x)
    for k in (0, 4, 9):
        without = x.clone()
        without[:, k] = 0
        lacks = plain_scan(x, delta, A, B, C) - plain_scan(without, delta, A, B, C)
        torch.testing.assert_close(seen.reads[:, k], (lacks[0] * F.silu(out[0])).abs().sum(-1))


@torch.no_grad()
def test_shares_of_the_state_are_all_of_it_at_every_step(mamba: Mamba):
    for read in SHARES:
        rows = gate(mamba, read, "last", OWN).panels[1][0].rows
        for stop, row in zip(SHARES, rows, strict=True):
            assert sum(row) == pytest.approx(float(stop <= read), abs=5e-3)  # what was not read yet is blank
            assert not any(row[max(1, round(stop / 100 * len(OWN))) :])


@torch.no_grad()
def test_a_net_that_opens_for_letters_alone_holds_letters_alone(mamba: Mamba):
    open_for_letters(mamba)
    frame = gate(mamba, 100, "last", OWN)
    weights = [weight for _, weight, _ in frame.panels[0][0].tokens]
    written, held = (
        dict(zip(enumerate(OWN), amounts, strict=True)) for amounts in (weights, frame.panels[1][0].rows[-1])
    )
    assert all(written[i, c] == held[i, c] == 0 for i, c in enumerate(OWN) if c in ".?")
    assert all(written[i, c] > 0 and held[i, c] > 0 for i, c in enumerate(OWN) if c not in ".?")
    _, stays = frame.panels[2][0].series
    assert all((y == 1) == (c in ".?") for y, c in zip(stays.ys, OWN, strict=True))
    enters, _ = frame.panels[2][0].series
    assert [y > 0 for y in enters.ys] == [c not in ".?" for c in OWN]


@torch.no_grad()
def test_where_nothing_fades_a_token_keeps_what_it_wrote():
    system = attached(
        {"name": "selective_copying", "n_tokens": 3, "length": 10, "n_symbols": 4}, a_start=1e-9
    )
    seen = _gate(system, OWN, "last")
    torch.testing.assert_close(seen.left, seen.written.expand_as(seen.left).tril())


@torch.no_grad()
def test_the_answers_are_those_of_the_net_at_the_markers(mamba: Mamba):
    tokens = mamba.setting.data.encode(OWN)
    expected = mamba.setting.data.decode(mamba(tokens[None])[0, -3:].argmax(-1))
    frame = gate(mamba, 50, "first", OWN)
    assert frame.facts["answers"] == expected
    assert "".join(frame.panels[3][0].y_ticks) == OWN[:-3] + expected


@torch.no_grad()
def test_held_out_sequences_are_those_of_the_runs_own_task(mamba: Mamba):
    tokens, _ = mamba.setting.data.held_out(len(HELD_OUT))
    for name, row in zip(HELD_OUT, tokens, strict=True):
        shown = "".join(glyph for glyph, _, _ in gate(mamba, 100, "last", name).panels[0][0].tokens)
        assert shown == mamba.setting.data.decode(row)


@torch.no_grad()
def test_no_token_reads_a_later_one(mamba: Mamba):
    picture = gate(mamba, 100, "last", OWN).panels[3][0]
    for t, row in enumerate(picture.rows):
        assert sum(row) == pytest.approx(1, abs=2e-3)
        assert set(row[t + 1 :]) <= {0}


@torch.no_grad()
@pytest.mark.parametrize("selective", ["delta", "none"])
def test_nets_with_fixed_coefficients_have_a_gate_too(selective: str):
    task = {"name": "selective_copying", "n_tokens": 3, "length": 10, "n_symbols": 4}
    frame = gate(attached(task, selective=selective), 100, "last", OWN)
    steps = frame.panels[2][0].series[0].ys
    assert (max(steps) - min(steps) < 1e-6) == (selective == "none")


@torch.no_grad()
def test_a_text_of_ones_own_is_read_byte_by_byte_and_blanks_are_seen():
    system = attached({"name": "text", "corpus": "atlas", "context_len": 16})
    frame = gate(system, 100, "last", "a b\nc")
    assert [glyph for glyph, _, _ in frame.panels[0][0].tokens] == ["a", "·", "b", "↵", "c"]
    assert frame.facts["answers"] == "none asked"


def test_a_sequence_in_another_alphabet_is_refused_with_the_right_one(mamba: Mamba):
    with pytest.raises(UsageError) as refused:
        gate(mamba, 100, "last", "..z??")
    assert "abcd.?" in refused.value.hint


def test_the_open_knob_takes_any_text_and_shows_it_among_its_values():
    setting = gallery.setting(EXPLORABLE, [f"text={OWN}", "layer=first"])
    assert setting == {"read": 100, "layer": "first", "text": OWN}
    shown = gallery.with_own(EXPLORABLE, setting)
    assert shown.knobs[-1].values == (*HELD_OUT, OWN)
    assert gallery.with_own(EXPLORABLE, EXPLORABLE.defaults) is EXPLORABLE


def test_a_choice_that_is_not_open_refuses_what_it_does_not_know():
    closed = replace(EXPLORABLE, knobs=tuple(replace(knob, open=False) for knob in EXPLORABLE.knobs))
    with pytest.raises(UsageError):
        gallery.setting(closed, [f"text={OWN}"])
