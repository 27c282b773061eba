"""Low-rank updates, against the normal equations and descent."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from atlas_cli.explorables.transformer import lora_rank

CHANGES, HALF = lora_rank.CHANGES, lora_rank.HALF


@pytest.mark.parametrize("change", CHANGES)
def test_the_full_update_solves_the_normal_equations(change: str):
    task = lora_rank.task_of(change)
    full = lora_rank.best_updates(change)[-1]
    S, cross = task.moments()
    assert full @ S == pytest.approx(cross, abs=1e-7)
    assert task.loss(full) < task.loss(0 * full)


@pytest.mark.parametrize("change", CHANGES)
def test_updates_have_their_rank_and_each_rank_gains(change: str):
    updates = lora_rank.best_updates(change)
    gains = [lora_rank.gain(change, update) for update in updates]
    assert [np.linalg.matrix_rank(updates[r]) for r in (0, 1, 5)] == [0, 1, 5]
    assert gains[0] == 0
    assert gains[-1] == 1
    assert all(b >= a - 1e-12 for a, b in pairwise(gains))


@pytest.mark.parametrize("rank", [1, 3])
def test_no_descent_finds_a_better_update_of_that_rank(rank: int):
    """Gradient descent on B and A, from near the closed form and from chance."""
    task = lora_rank.task_of("other digits")
    upper, lower, W = (torch.from_numpy(a.copy()) for a in (task.upper, task.lower, task.W))
    best = task.loss(lora_rank.best_updates("other digits")[rank])
    torch.manual_seed(0)
    B, A = (0.1 * torch.randn(s, dtype=torch.float64) for s in ((HALF, rank), (rank, HALF)))
    B.requires_grad_()
    A.requires_grad_()
    optimizer = torch.optim.LBFGS([B, A], max_iter=400, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        errors = (lower - upper @ (W + B @ A).T).square().sum() + lora_rank.RIDGE * (B @ A).square().sum()
        (errors / len(upper)).backward()
        return errors / len(upper)

    optimizer.step(loss)
    found = task.loss((B @ A).detach().numpy())
    assert found >= best - 1e-9
    assert found == pytest.approx(best, rel=1e-3)


def test_directions_at_random_gain_less_until_they_span_everything():
    updates, chance = lora_rank.best_updates("other digits"), lora_rank.random_updates("other digits")
    for rank in (1, 4, 12):
        assert lora_rank.gain("other digits", chance[rank]) < lora_rank.gain("other digits", updates[rank])
    assert chance[-1] == pytest.approx(updates[-1], abs=1e-6)


def test_inverted_ink_is_one_direction_and_other_digits_are_many():
    needed = {change: lora_rank.lora_rank(2, change).facts["rank for 90% of the gain"] for change in CHANGES}
    assert needed["inverted"] == 1
    assert needed["other digits"] > 3


def test_half_the_rank_is_as_many_numbers_as_the_full_update():
    assert lora_rank.parameters(HALF // 2) == HALF * HALF
    assert lora_rank.parameters(1) == 2 * HALF


def test_a_direction_is_drawn_as_what_it_reads_above_what_it_writes():
    images = lora_rank.lora_rank(2, "other digits").panels[0][0]
    B, A, _ = lora_rank.factors("other digits")
    first = np.array(images.images[0]).reshape(-1) - 0.5
    read, written = first[:HALF], first[HALF:]
    assert abs(np.corrcoef(read, A[0])[0, 1]) > 0.99
    assert np.sign(np.corrcoef(read, A[0])[0, 1]) == np.sign(np.corrcoef(written, B[:, 0])[0, 1])
    assert np.unique(images.images[2:]) == [0.5]
    assert images.captions[1:3] == ("2", "3: not yet")
