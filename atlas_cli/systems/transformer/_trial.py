"""What it costs to continue texts one way or another: the bookkeeping of speculative.py's figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, field
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from atlas_cli.metrics.timing import wall_clock


@dataclass
class Tally:
    """What continuations cost."""

    tokens: int = 0
    calls: int = 0  # of the target
    guessed: int = 0
    accepted: int = 0

    def count(self, guessed: int, kept: int) -> None:
        """One more call of the target: all tokens that it kept but the last are guesses."""
        self.tokens += kept
        self.calls += 1
        self.guessed += guessed
        self.accepted += kept - 1


Way = Callable[[Tensor, Any, torch.Generator, Tally], Iterator[Tensor]]  # prompt (1, L), config


@dataclass
class Trial:
    """A way to continue texts, and what came of it, one entry a prompt."""

    way: Way
    config: Any  # of the system whose way it is
    text: dict[int, Tensor] = field(default_factory=dict)
    tallies: dict[int, Tally] = field(default_factory=dict)
    least: dict[int, float] = field(default_factory=dict)  # seconds of the fastest round

    def run(self, i: int, prompt: Int[Tensor, "1 L"], generator: torch.Generator) -> None:
        """Continue the i-th prompt once more."""
        tally, began = Tally(), wall_clock(prompt.device)
        self.text[i] = torch.cat(list(self.way(prompt, self.config, generator, tally)))
        self.least[i] = min(self.least.get(i, math.inf), wall_clock(prompt.device) - began)
        self.tallies[i] = tally

    @property
    def seconds(self) -> float:
        """Of all prompts together."""
        return sum(self.least.values())

    @property
    def tally(self) -> Tally:
        """Of all prompts together."""
        tallies = [astuple(tally) for tally in self.tallies.values()]
        return Tally(*map(sum, zip(*tallies, strict=True)))
