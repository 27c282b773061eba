"""What a run's codebook shows, with a tokenizer whose codes are known: one code for each patch."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from atlas_cli.explorables.autoencoder import own_codebook, reconstruction_limit
from atlas_cli.systems.autoencoder.fsq import FSQ, Config
from atlas_cli.systems.autoencoder.patches import cut
from tests.explorables.house import check

LEVELS = 4


@pytest.fixture
def system() -> FSQ:
    """A tokenizer whose code is the grey of a patch, in four levels, and which gives back that grey."""
    torch.manual_seed(0)
    own = FSQ(Config(levels=[LEVELS], width=8, image_size=16))
    grey = torch.tensor([0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 1]).view(1, 1, 4, 4)
    shift = torch.arange(60).view(-1, 1, 1, 1) % 2  # every second image is one level lighter, where it can be
    levels = (grey + shift * (grey > 0)).clamp(max=LEVELS - 1)
    images = (levels.float() / (LEVELS - 1) * 2 - 1).repeat_interleave(4, 2).repeat_interleave(4, 3)
    source = SimpleNamespace(test=lambda n=None: (images[:n], torch.zeros(60).long()))
    own.setting = SimpleNamespace(data=source, device=torch.device("cpu"))  # type: ignore[assignment]

    def encode(given: torch.Tensor) -> torch.Tensor:
        level = ((cut(given, 4).mean(1) + 1) / 2 * (LEVELS - 1)).round().long()
        return level.view(len(given), 4, 4)

    def decode(indices: torch.Tensor) -> torch.Tensor:
        grey = indices.float()[:, None] / (LEVELS - 1) * 2 - 1
        return grey.repeat_interleave(4, 2).repeat_interleave(4, 3)

    own.encode, own.decode = encode, decode  # type: ignore[method-assign]
    return own


def test_the_most_used_code_comes_first_and_its_places_are_shown(system: FSQ):
    frame = own_codebook.own_codebook(system, 1, "the images")
    assert frame.facts["code"] == 0
    assert frame.facts["share of the places"] == pytest.approx(0.5)
    pieces = frame.panels[0][0].images
    assert len(pieces) == own_codebook.N_SHOWN
    assert all(torch.as_tensor(piece)[4:8, 4:8].max() == 0 for piece in pieces)  # the patch itself is blank


def test_perplexity_and_usage_are_those_of_the_counts(system: FSQ):
    counts = {0: 8 * 60, 1: 5 * 30, 2: 2 * 30 + 5 * 30, 3: 30 + 3 * 30}
    total = sum(counts.values())
    expected = torch.tensor([n / total for n in counts.values()])
    frame = own_codebook.own_codebook(system, 3, "what comes back")
    assert frame.facts["perplexity"] == pytest.approx(
        float(torch.special.entr(expected).sum().exp()), rel=1e-3
    )
    assert frame.facts["codes in use"] == 4
    assert frame.panels[1][0].series[0].ys[-1] == pytest.approx(1)


def test_with_all_codes_nothing_is_lost_and_with_fewer_ever_more(system: FSQ):
    errors = [
        reconstruction_limit.reconstruction_limit(system, n, 0).facts["squared error"] for n in (4, 2, 1)
    ]
    assert errors[0] == pytest.approx(0, abs=1e-12)
    assert 0 < errors[1] < errors[2]


def test_a_dropped_code_is_replaced_by_the_kept_one_whose_vector_is_nearest(system: FSQ):
    """Two kept: the two most used, 0 and 2. Code 1 lies half way and takes the first; 3 takes 2."""
    kept = reconstruction_limit._rebuilt(system, 2)
    indices, order = reconstruction_limit._codes(system)
    assert order[:2].tolist() == [0, 2]
    stand_in = torch.tensor([0, 0, 2, 2])
    torch.testing.assert_close(kept.back, system.decode(stand_in[indices])[:, 0])


def test_bits_are_those_of_the_codes_that_are_kept(system: FSQ):
    assert reconstruction_limit.reconstruction_limit(system, 2, 0).facts["bits an image"] == 16
    assert reconstruction_limit.reconstruction_limit(system, 4, 0).facts["bits an image"] == 32


@pytest.mark.parametrize("module", [own_codebook, reconstruction_limit])
def test_every_setting_can_be_drawn_and_every_knob_changes_something(module, system: FSQ):
    exact, shown = system.decode, module.EXPLORABLE
    system.decode = lambda indices: 0.5 * exact(indices)  # type: ignore[method-assign]  # not the images themselves
    knob = shown.knobs[0]
    few = tuple(value for value in knob.values if value <= LEVELS)
    shown = replace(shown, knobs=(replace(knob, values=few, default=few[-1]), *shown.knobs[1:]))
    if module is reconstruction_limit:
        shown = replace(shown, knobs=(shown.knobs[0], replace(shown.knobs[1], values=(0, 1), default=0)))
    of_system = replace(shown, compute=lambda **setting: shown.from_run(system, **setting), from_run=None)
    check(of_system)
