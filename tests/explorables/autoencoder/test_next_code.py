"""What a run would write next, held against its prior asked plainly."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from atlas_cli.explorables.autoencoder import next_code
from atlas_cli.systems.autoencoder.image_tokenizer import ImageTokenizer
from tests.explorables.house import check
from tests.systems.autoencoder.small_prior import parent, source, system

SHARE = 0.5


@pytest.fixture(params=[1, 2])
def own(request: pytest.FixtureRequest) -> ImageTokenizer:
    """Ten classes, a grid of 4 x 4 codes, in one stage and in two."""
    data = source(size=16, n_classes=10)
    return system(data, parent(data, stages=request.param))


def plainly(own: ImageTokenizer, digit: int, label: int) -> torch.Tensor:
    """P of what stands at the ninth place of the digit that is shown, after the eight before it."""
    text, stages = next_code._text(own, digit), own.tokenizer.quantiser.n_stages
    read = torch.cat([torch.tensor([own.prior.vocab_size]), text[: 8 * stages]])[None]
    with torch.no_grad():
        return own.prior(read, torch.tensor([label]))[0, -1].softmax(-1)


@pytest.mark.parametrize("weight", [0.0, 1.0, 2.0])
def test_the_chances_are_the_priors_under_the_weight(own: ImageTokenizer, weight: float):
    given, without = plainly(own, 3, 3), plainly(own, 3, own.prior.no_class)
    expected = given**weight * without ** (1 - weight)
    expected = (expected / expected.sum()).sort(descending=True).values[: next_code.N_SHOWN]
    bars = next_code.next_code(own, 3, SHARE, weight).panels[0][1]
    assert bars.values[:-1] == pytest.approx(expected.tolist(), abs=1e-3)
    assert sum(bars.values) == pytest.approx(1, abs=2e-3)


def test_bits_are_the_entropy_of_the_next_code(own: ImageTokenizer):
    p = plainly(own, 3, 3)
    facts = next_code.next_code(own, 3, SHARE, 1.0).facts
    assert facts["bits of the next"] == pytest.approx(float(-(p * p.log2()).sum()), rel=1e-3)
    most = p.sort(descending=True).values.cumsum(0)
    least = facts["codes that share nine tenths"]
    assert most[least - 1] >= 0.9
    assert least == 1 or most[least - 2] < 0.9


def test_candidates_differ_at_the_next_place_and_end_there(own: ImageTokenizer):
    frame = next_code.next_code(own, 3, SHARE, 1.0)
    (so_far,), candidates = frame.panels[0][0].images, frame.panels[1][0].images
    so_far, candidates = torch.tensor(so_far), torch.tensor(candidates)
    assert not so_far[8:].any()  # two rows of codes, of four pixels each
    assert so_far[:8].any()
    margin = next_code.MARGIN
    assert candidates.shape[1:] == (4 + 2 * margin, 4 + 2 * margin)
    assert candidates[:, :margin, margin:].any()  # what is written
    assert not candidates[:, margin:, margin + 4 :].any()  # what is not written yet
    assert not candidates[:, margin + 4 :].any()
    assert not candidates[:, :, :margin].any()  # beyond the edge
    there = slice(margin, margin + 4)
    assert len({tuple(c[there, there].flatten().tolist()) for c in candidates}) > 1


def test_a_code_of_two_stages_is_finished_by_what_is_likeliest_after_the_first():
    data = source(size=16, n_classes=10)
    two = system(data, parent(data, stages=2))
    text, tokens = next_code._text(two, 3), torch.tensor([4, 1])
    continued = next_code._continued(two, text, 8, tokens, 3)
    for row, token in zip(continued, tokens, strict=True):
        read = torch.cat([torch.tensor([two.prior.vocab_size]), text[:16], token[None]])[None]
        with torch.no_grad():
            assert row[17] == two.prior(read, torch.tensor([3]))[0, -1].argmax()
        assert row[16] == token
        assert torch.equal(row[:16], text[:16])


def test_every_setting_can_be_drawn_and_every_knob_changes_something(own: ImageTokenizer):
    shown = next_code.EXPLORABLE
    check(replace(shown, compute=lambda **setting: shown.from_run(own, **setting), from_run=None))
