"""The matrix of state-space duality in chunks, against the letters, the decay and counted entries."""

from __future__ import annotations

import pytest
import torch

from atlas_cli.explorables.ssm import ssd
from atlas_cli.explorables.ssm.ssd import CHUNKS, LENGTH, OTHERS, TEXT


@pytest.mark.parametrize("chunk", CHUNKS)
def test_a_letter_weighs_what_it_is_alike_times_what_is_left_of_it(chunk):
    matrix = ssd.weights(0.8, chunk)
    for t in range(LENGTH):
        for s in range(LENGTH):
            alike = 1.0 if TEXT[t] == TEXT[s] else OTHERS
            expected = alike * 0.8 ** (t - s) if s <= t else 0.0
            assert float(matrix[t, s]) == pytest.approx(expected, abs=1e-6)


def test_the_chunk_changes_the_way_and_not_the_weights():
    first = ssd.ssd_chunks(1, 0.9)
    for chunk in CHUNKS[1:]:
        frame = ssd.ssd_chunks(chunk, 0.9)
        assert torch.allclose(
            torch.tensor(frame.panels[0][0].rows), torch.tensor(first.panels[0][0].rows), atol=1e-4
        )
        assert frame.panels[0][1] != first.panels[0][1]
        assert frame.facts["largest difference from the recurrence"] < 1e-6


@pytest.mark.parametrize("chunk", CHUNKS)
def test_every_pair_that_is_not_later_takes_one_way(chunk):
    facts = ssd.ssd_chunks(chunk, 0.9).facts
    inside, by_state = facts["pairs multiplied out"], facts["pairs by a state"]
    assert inside + by_state == LENGTH * (LENGTH + 1) / 2
    assert inside == LENGTH // chunk * chunk * (chunk + 1) / 2
    assert facts["states handed on"] == LENGTH // chunk - 1


def test_work_is_least_where_the_chunk_is_the_root_of_the_states():
    total = {q: sum(ssd.work(q).values()) for q in (1, 4, ssd.N**0.5, 8, 64)}
    assert min(total, key=total.get) == ssd.N**0.5
