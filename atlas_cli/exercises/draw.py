"""Random inputs of an exercise's cases: the same for everyone who asks with the same number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")


class Draw:
    """The draws of one case.

    Args:
        number: Of the case, from 0.
    """

    def __init__(self, number: int) -> None:
        import torch  # here: exercises are listed and handed out without it

        self._torch, self.number = torch, number
        self.generator = torch.Generator().manual_seed(1000 + number)

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers."""
        return self._torch.randn(shape, generator=self.generator)

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Numbers spread evenly between two."""
        return low + (high - low) * self._torch.rand(shape, generator=self.generator)

    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        """Whole numbers from low to high - 1."""
        return self._torch.randint(low, high, shape, generator=self.generator)

    def pick(self, choices: Sequence[T]) -> T:
        """One of a few, in turn from case to case."""
        return choices[self.number % len(choices)]
