"""Kernels are chosen by their time here and by nothing else; a choice is made once and kept."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from atlas_cli.nets import kernels
from atlas_cli.nets.attention import attend, fused, strips


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    before = dict(kernels.choices)
    kernels.choices.clear()
    yield
    kernels.choices.clear()
    kernels.choices.update(before)


class Slow:
    """A kernel that takes so many milliseconds, and counts its calls."""

    def __init__(self, milliseconds: float) -> None:
        self.milliseconds, self.calls = milliseconds, 0

    def __call__(self, x: Tensor) -> Tensor:
        self.calls += 1
        time.sleep(self.milliseconds / 1000)
        return 2 * x


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("first", "second", "chosen"), [(1, 8, "a"), (8, 1, "b"), (4, 4, "a")])
def test_the_faster_one_is_taken_whatever_the_data_type(
    dtype: torch.dtype, first: float, second: float, chosen: str
) -> None:
    x = torch.ones(3, dtype=dtype, requires_grad=True)
    known = {"a": Slow(first), "b": Slow(second)}
    assert kernels.fastest("doubling", known, x) is known[chosen]


def test_a_choice_is_made_once_for_each_size_and_told() -> None:
    told: list[int] = []
    kernels.on_new_choice(lambda: told.append(len(kernels.choices)))
    known = {"a": Slow(0), "b": Slow(0)}
    x, longer = (torch.ones(n, requires_grad=True) for n in (3, 4))
    for tensor in (x, x, longer, x):
        kernels.fastest("doubling", known, tensor)
    tried = known["a"].calls
    assert tried == 2 * (1 + kernels.ROUNDS)
    assert told == [1, 2]
    kernels._listeners.pop()


def test_where_nothing_is_learned_the_first_is_taken_without_a_trial_unless_one_was_made() -> None:
    known = {"a": Slow(8), "b": Slow(0)}
    x = torch.ones(3, requires_grad=True)
    with torch.no_grad():
        assert kernels.fastest("doubling", known, x) is known["a"]
    assert known["a"].calls == 0
    kernels.fastest("doubling", known, x)
    with torch.no_grad():
        assert kernels.fastest("doubling", known, x) is known["b"]


def test_attention_obeys_the_choice_and_both_say_the_same() -> None:
    q, k, v = (torch.randn(1, 2, 8, 4, requires_grad=True) for _ in range(3))
    plain = attend(q, k, v)
    (name,) = kernels.choices
    for choice, kernel in (("fused", fused), ("strips", strips)):
        kernels.choices[name] = choice
        assert torch.equal(attend(q, k, v), kernel(q, k, v))
        torch.testing.assert_close(attend(q, k, v), plain)


def test_a_trial_leaves_gradients_and_random_numbers_alone() -> None:
    q, k, v = (torch.randn(1, 2, 8, 4, requires_grad=True) for _ in range(3))
    before = torch.get_rng_state()
    attend(q, k, v)
    assert q.grad is None
    assert torch.equal(before, torch.get_rng_state())
