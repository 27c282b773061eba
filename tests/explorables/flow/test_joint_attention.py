"""The words that patches read: shares that add up, and a net of which it is known what it reads."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from atlas_cli.errors import UsageError
from atlas_cli.explorables.flow.joint_attention import COLOURS, DONE, SENTENCES, joint_attention
from atlas_cli.systems.flow.mmdit import Config, MMDiT


@pytest.fixture
def mmdit() -> MMDiT:
    torch.manual_seed(0)
    system = MMDiT(Config(d_model=16, n_layer=3, n_head=2, guidance=1.0))
    for parameter in system.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    system.setting = SimpleNamespace(device=torch.device("cpu"))  # type: ignore[assignment]
    return system


def deafen(system: MMDiT) -> None:
    """Keys of words that point nowhere: every patch then reads all words alike."""
    for block in system.net.blocks:
        torch.nn.init.zeros_(block.text.norm_k.weight)
        torch.nn.init.zeros_(block.image.norm_k.weight)


def test_a_net_whose_keys_are_all_zero_reads_everything_alike(mmdit: MMDiT):
    deafen(mmdit)
    frame = joint_attention(mmdit, 2, 2, 4, SENTENCES[0])
    assert frame.facts["even share"] == pytest.approx(1 / 24, rel=1e-3)
    assert frame.facts["to all words"] == pytest.approx(8 / 24, rel=1e-3)
    assert frame.facts["most to red"] == pytest.approx(1 / 24, rel=1e-3)
    assert {note for _, _, note in frame.panels[0][0].tokens} == {"4.2"}


def test_the_knobs_choose_word_block_and_step(mmdit: MMDiT):
    first = joint_attention(mmdit, 2, 1, 0, SENTENCES[0])
    assert [word for word, _, _ in first.panels[0][0].tokens] == SENTENCES[0].split()
    assert first.panels[1][1].title.endswith("word 2, red")
    for other in ((3, 1, 0), (2, 2, 0), (2, 1, DONE[-1])):
        assert joint_attention(mmdit, *other, SENTENCES[0]) != first
    assert joint_attention(mmdit, 2, 9, 0, SENTENCES[0]).panels[0][0].title.startswith("Block 3")


def test_words_of_the_last_block_ask_nothing(mmdit: MMDiT):
    frame = joint_attention(mmdit, 2, 3, 4, SENTENCES[0])
    assert {value for row in frame.panels[1][2].rows for value in row} == {0.0}


def test_the_picture_is_told_in_colours_of_the_palette(mmdit: MMDiT):
    from atlas_cli import data

    scene = data.load({"name": "compositions", "n_train": 1, "n_test": 1}).train
    mmdit.net.forward = lambda x_t, t, tokens: scene.data.expand_as(x_t)  # type: ignore[method-assign]
    picture = joint_attention(mmdit, 1, 1, 8, SENTENCES[0]).panels[1][0]
    said = [COLOURS.index(word) for word in scene.captions[0].split() if word in COLOURS]
    shown = [value for row in picture.rows for value in row]
    assert shown.count(0.0) > len(shown) / 2
    assert all(shown.count(float(colour)) >= 8 for colour in said)


def test_a_sentence_of_ones_own_must_be_a_caption(mmdit: MMDiT):
    assert joint_attention(mmdit, 1, 1, 0, "a green circle above a red square")
    with pytest.raises(UsageError):
        joint_attention(mmdit, 1, 1, 0, "a red dog")


def test_a_run_without_words_is_refused(mmdit: MMDiT):
    mmdit.net.words = False
    with pytest.raises(UsageError, match="without words"):
        joint_attention(mmdit, 1, 1, 0, SENTENCES[1])
