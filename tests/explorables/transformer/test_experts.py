"""The diagram of a mixture's run, with a net whose experts are dealt out by hand."""

from __future__ import annotations

import json

import pytest
import torch

from atlas_cli import data
from atlas_cli.engine.system import Setting
from atlas_cli.explorables.transformer.experts import EXPLORABLE, SHOWN_BYTES, WINDOWS, _shares, experts
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.transformer.moe import Config, MoETransformer

N_EXPERTS = 4


@pytest.fixture
def system() -> MoETransformer:
    """Blanks go to experts 4 and 3 of the first layer, every other byte to 1 and 2."""
    torch.manual_seed(0)
    sizes = {"vocab_size": 256, "context_len": 64, "d_model": 8, "n_layer": 2, "n_head": 2}
    made = MoETransformer(Config(**sizes, n_experts=N_EXPERTS))
    source = data.load({"name": "text", "corpus": "atlas", "context_len": 64})
    made.attach(Setting(source, TrainConfig(steps=1, batch_size=1, lr=1e-3)))
    with torch.no_grad():
        made.embed.weight.zero_()
        made.embed.weight[:, 0] = 1.0
        made.embed.weight[ord(" "), 0] = -1.0
        first = made.blocks[0]
        first.mixing.out_proj.weight.zero_()
        first.feed_forward.router.weight.zero_()
        first.feed_forward.router.weight[:, 0] = torch.tensor([1.5, 0.5, -0.5, -1.5])
    return made.eval()


def frame(system, **knobs):
    with torch.no_grad():
        return experts(system, **{"expert": 1, "layer": 1, "window": 0, **knobs})


def test_blanks_are_told_from_all_others(system: MoETransformer):
    share = sum(row.count(ord(" ")) for row in _shares(system).tokens.tolist())
    share /= WINDOWS * 64
    kinds, _ = frame(system).panels[2]
    assert kinds.rows[0] == (0, 0, 1, 1)  # blank
    assert kinds.rows[2] == (1, 1, 0, 0)  # small letter
    for expert, load in enumerate((1 - share, 1 - share, share, share), start=1):
        assert frame(system, expert=expert).facts["share of all bytes"] == pytest.approx(load, rel=1e-3)


def test_each_byte_shows_the_part_of_the_expert(system: MoETransformer):
    for expert, blank in ((1, 0.0), (4, 1.0)):
        shown = frame(system, expert=expert).panels[0][0].tokens
        assert len(shown) == SHOWN_BYTES
        assert {glyph == "·" for glyph, _, _ in shown} == {True, False}
        for glyph, gate, told in shown:
            assert (gate > 0.5) == ((glyph == "·") == bool(blank))  # the first of two has the larger part
            assert told == (f"{100 * gate:.0f}" if gate else "")


def test_the_map_has_the_part_of_every_expert_in_the_bytes_above(system: MoETransformer):
    for expert in (1, 4):
        (strip,), (who,), _ = frame(system, expert=expert).panels
        assert who.rows[expert - 1] == pytest.approx([gate for _, gate, _ in strip.tokens], abs=1e-3)
        assert [sum(column) for column in zip(*who.rows, strict=True)] == pytest.approx(
            [1] * SHOWN_BYTES, abs=1e-3
        )
        assert {sum(part > 0 for part in column) for column in zip(*who.rows, strict=True)} == {2}


def test_an_expert_is_told_by_the_bytes_that_it_takes_more_often(system: MoETransformer):
    of_4, of_1 = (frame(system, expert=expert).panels[2][1] for expert in (4, 1))
    assert (of_4.labels, of_4.values) == (("·",), (1,))
    assert "·" not in of_1.labels
    assert of_1.values == (1,) * len(of_1.labels)


def test_knobs_beyond_a_small_net_reach_its_last_layer_and_go_round_its_experts(system: MoETransformer):
    assert frame(system, layer=4).as_dict() == frame(system, layer=2).as_dict()
    assert frame(system, expert=5).as_dict() == frame(system, expert=1).as_dict()
    assert frame(system, layer=2).as_dict() != frame(system).as_dict()
    assert frame(system, window=1).panels[0] != frame(system).panels[0]


def test_every_frame_can_be_stored(system: MoETransformer):
    shown = frame(system, **EXPLORABLE.defaults)
    assert len(json.dumps(shown.as_dict(), allow_nan=False)) < 60_000
    assert shown.caption.startswith("Expert ")
    assert EXPLORABLE.needs_run
