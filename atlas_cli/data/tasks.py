"""The field's synthetic sequence tasks: endless, exact, made on the device.

Source:  Gu and Dao 2023, arXiv:2312.00752. Here: section 4.1.1 selective copying, 4.1.2 induction heads.
Shapes:  B batch, L sequence length, K data tokens.
Targets: -100 (the index that cross_entropy ignores) wherever the task asks for nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Int
from pydantic import Field, model_validator
from torch import Tensor

from atlas_cli.config import DataConfig
from atlas_cli.data import Place
from atlas_cli.engine.randomness import BatchRandom, stable_seed

IGNORED = -100

Sequences = tuple[Int[Tensor, "B L"], Int[Tensor, "B L"]]  # tokens, targets


class SelectiveCopyingConfig(DataConfig):
    """Data tokens scattered over noise, to be said in order at the markers that end the sequence."""

    kind: ClassVar[str] = "sequences"

    n_tokens: int = Field(8, gt=0)  # data tokens to remember, and markers
    length: int = Field(64, gt=0)  # positions over which they are scattered
    n_symbols: int = Field(14, gt=0)  # alphabet of the data tokens

    @model_validator(mode="after")
    def _tokens_fit(self) -> SelectiveCopyingConfig:
        if self.n_tokens > self.length:
            raise ValueError(f"n_tokens = {self.n_tokens} do not fit into length = {self.length}")
        return self

    def facts(self) -> dict[str, Any]:
        """Symbols, then one noise token and one marker."""
        return {"vocab_size": self.n_symbols + 2, "context_len": self.length + self.n_tokens}


class InductionHeadsConfig(DataConfig):
    """A special token comes twice; say the symbol that followed it the first time.

    Training lengths are mixed: every step draws one for all its rows. Equal bounds fix the length.
    """

    kind: ClassVar[str] = "sequences"

    min_length: int = Field(64, ge=3)
    max_length: int = Field(64, ge=3)
    n_symbols: int = Field(16, gt=0)

    @model_validator(mode="after")
    def _bounds_in_order(self) -> InductionHeadsConfig:
        if self.min_length > self.max_length:
            raise ValueError(f"min_length = {self.min_length} is above max_length = {self.max_length}")
        return self

    def facts(self) -> dict[str, Any]:
        """Symbols, then one special token."""
        return {"vocab_size": self.n_symbols + 1, "context_len": self.max_length}


@dataclass(eq=False)
class SequenceSource(ABC):
    """An endless sequence task.

    Attributes:
        name: The task.
        vocab_size: Tokens are 0 .. vocab_size - 1.
        place: Its device is where sequences are made, its seed that of held-out sequences.
    """

    name: str
    vocab_size: int
    place: Place

    @abstractmethod
    def batch(self, random: BatchRandom) -> Sequences:
        """Training sequences: a pure function of the step's random draws."""

    @abstractmethod
    def _draw(self, random: BatchRandom, length: int | None) -> Sequences:
        """Sequences of a given length; None: the config's."""

    def held_out(self, n: int, seed: int | None = None, length: int | None = None) -> Sequences:
        """n sequences from a stream of draws that no training step uses.

        Args:
            n: How many.
            seed: None: the seed that the source was loaded with.
            length: Another length than the config's, to see whether a model extrapolates.
        """
        seed = stable_seed("held-out", self.name, self.place.seed if seed is None else seed)
        return self._draw(BatchRandom(seed, 0, n, device=self.place.device), length)


@dataclass(eq=False)
class SelectiveCopying(SequenceSource):
    """Tokens (B, length + n_tokens): scattered data, then markers; targets at the markers only."""

    config: SelectiveCopyingConfig

    def batch(self, random: BatchRandom) -> Sequences:
        """See SequenceSource."""
        return self._draw(random, None)

    def _draw(self, random: BatchRandom, length: int | None) -> Sequences:
        n_tokens, n_symbols = self.config.n_tokens, self.config.n_symbols
        length = length or self.config.length
        noise, marker = n_symbols, n_symbols + 1
        where = random.permutations(length)[:, :n_tokens].sort(dim=1).values  # (B, K)
        data = random.integers(0, n_symbols, n_tokens)  # (B, K)
        tokens = data.new_full((len(data), length + n_tokens), noise)
        tokens[:, length:] = marker
        tokens.scatter_(1, where, data)
        targets = torch.full_like(tokens, IGNORED)
        targets[:, length:] = data
        return tokens, targets


@dataclass(eq=False)
class InductionHeads(SequenceSource):
    """Tokens (B, L) that end with the second special token; the only target is at that position."""

    config: InductionHeadsConfig

    def batch(self, random: BatchRandom) -> Sequences:
        """See SequenceSource."""
        return self._draw(random, random.common_integer(self.config.min_length, self.config.max_length + 1))

    def _draw(self, random: BatchRandom, length: int | None) -> Sequences:
        length = length or self.config.max_length
        special = self.config.n_symbols
        tokens = random.integers(0, special, length)  # (B, L)
        # The first special token and its successor both lie before the second one.
        first = random.integers(0, length - 2)[:, None]  # (B, 1)
        answer = tokens.gather(1, first + 1)
        tokens.scatter_(1, first, special)
        tokens[:, -1] = special
        targets = torch.full_like(tokens, IGNORED)
        targets[:, -1:] = answer
        return tokens, targets


def load(config: SelectiveCopyingConfig | InductionHeadsConfig, place: Place) -> SequenceSource:
    """The task of a config."""
    vocab_size = config.facts()["vocab_size"]
    if isinstance(config, SelectiveCopyingConfig):
        return SelectiveCopying("selective_copying", vocab_size, place, config)
    return InductionHeads("induction_heads", vocab_size, place, config)
