"""The field's synthetic sequence tasks: endless, exact, made on the device.

Source:  Gu and Dao 2023, arXiv:2312.00752. Here: section 4.1.1 selective copying, 4.1.2 induction heads.
         Multi-query associative recall: Arora et al. 2023, arXiv:2312.04927, section 3.1.
Shapes:  B batch, L sequence length, K data tokens.
Targets: -100 (the index that cross_entropy ignores) wherever the task asks for nothing.
Glyphs:  one character a token, to show sequences and to type them: letters for symbols, "." for noise, "?"
         for the token that asks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from string import ascii_letters, ascii_lowercase, ascii_uppercase
from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Int
from pydantic import Field, model_validator
from torch import Tensor

from atlas_cli.config import LONGEST, DataConfig
from atlas_cli.data import Place
from atlas_cli.draws import BatchRandom, stable_seed
from atlas_cli.errors import UsageError, quoted

IGNORED = -100
LONGEST_PROMPT = 4_096  # characters: who asks what is found by comparing each with each
MOST_SYMBOLS = 10_000  # of one kind: each has a character of its own
KEYS = ascii_lowercase + "".join(map(chr, range(0x3B1, 0x3CA)))  # Latin and Greek; then Chinese signs
VALUES = ascii_uppercase + "".join(map(chr, range(0x410, 0x430)))  # Latin and Cyrillic; then Korean signs
LONGER = (2, 4, 8)  # times the longest sequence of training, at which induction heads are read too

Sequences = tuple[Int[Tensor, "B L"], Int[Tensor, "B L"]]  # tokens, targets
Accuracy = Callable[[int | None], float]  # length of held-out sequences (None: the task's) -> share right


class SelectiveCopyingConfig(DataConfig):
    """Data tokens scattered over noise, to be said in order at the markers that end the sequence."""

    kind: ClassVar[str] = "sequences"

    n_tokens: int = Field(8, gt=0, le=LONGEST)  # data tokens to remember, and markers
    length: int = Field(64, gt=0, le=LONGEST)  # positions over which they are scattered
    n_symbols: int = Field(14, gt=0, le=MOST_SYMBOLS)  # alphabet of the data tokens

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

    min_length: int = Field(64, ge=3, le=LONGEST)
    max_length: int = Field(64, ge=3, le=LONGEST)
    n_symbols: int = Field(16, gt=0, le=MOST_SYMBOLS)

    @model_validator(mode="after")
    def _bounds_in_order(self) -> InductionHeadsConfig:
        if self.min_length > self.max_length:
            raise ValueError(f"min_length = {self.min_length} is above max_length = {self.max_length}")
        return self

    def facts(self) -> dict[str, Any]:
        """Symbols, then one special token."""
        return {"vocab_size": self.n_symbols + 1, "context_len": self.max_length}


class AssociativeRecallConfig(DataConfig):
    """Pairs of a key and a value, then the keys again in any order: say the value of each.

    With `curriculum: [a, b]` the pairs and the length double at steps a and b, to end at the config's.
    """

    kind: ClassVar[str] = "sequences"

    n_pairs: int = Field(8, gt=0, le=LONGEST)
    length: int = Field(64, gt=0, le=LONGEST)  # pairs first, then queries scattered over filler
    n_keys: int = Field(32, gt=0, le=MOST_SYMBOLS)  # alphabet of the keys
    n_values: int = Field(32, gt=0, le=MOST_SYMBOLS)  # alphabet of the values
    curriculum: tuple[int, ...] = Field((), strict=False, max_length=20)  # steps at which the task doubles

    @model_validator(mode="after")
    def _it_fits(self) -> AssociativeRecallConfig:
        if 3 * self.n_pairs > self.length:
            raise ValueError(f"{self.n_pairs} pairs and their queries do not fit into length = {self.length}")
        if self.n_pairs > self.n_keys:
            raise ValueError(f"n_pairs = {self.n_pairs} needs as many keys, n_keys = {self.n_keys}")
        share = 2 ** len(self.curriculum)
        if self.n_pairs % share or self.length % share:
            raise ValueError(f"n_pairs and length cannot be halved {len(self.curriculum)} times")
        return self

    def facts(self) -> dict[str, Any]:
        """Keys, values, one filler."""
        return {"vocab_size": self.n_keys + self.n_values + 1, "context_len": self.length}


@dataclass(eq=False)
class SequenceSource(ABC):
    """An endless sequence task.

    Attributes:
        name: The task.
        vocab_size: Tokens are 0 .. vocab_size - 1.
        place: Its device is where sequences are made, its seed that of held-out sequences.
    """

    #: What the share of right answers is called among a recipe's figures.
    figure: ClassVar[str] = "accuracy"

    #: What its glyphs mean and what is asked, for who has never seen it.
    key: ClassVar[str] = ""

    name: str
    vocab_size: int
    place: Place
    config: Any

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

    def figures(self, accuracy: Accuracy) -> dict[str, float]:
        """What a model of this task is judged by, under the names that a recipe's `expect` knows."""
        return {self.figure: accuracy(None)}

    @property
    def glyphs(self) -> str:
        """One character a token."""
        n_symbols = self.config.n_symbols
        return _letters(n_symbols) + ".?"[n_symbols - self.vocab_size :]

    def encode(self, text: str) -> Int[Tensor, "L"]:
        """Glyphs to tokens.

        Raises:
            UsageError: a character is no glyph, or the sequence asks for nothing.
        """
        if len(text) > LONGEST_PROMPT:
            what = f"a prompt of {len(text):,} characters is too long"
            raise UsageError(what, f"{self.name} is asked in at most {LONGEST_PROMPT:,}")
        glyphs = self.glyphs
        wrong = next((c for c in text if c not in glyphs), None)
        hint = f"write with {glyphs if len(glyphs) <= 80 else glyphs[:60] + '...'} and {self._how_to_ask}"
        if wrong is not None:
            raise UsageError(f"{quoted(wrong)} is not in the alphabet of {self.name}", hint)
        tokens = torch.tensor([glyphs.index(c) for c in text], dtype=torch.long, device=self.place.device)
        if not self.asked(tokens[None]).any():
            raise UsageError(f"the prompt asks nothing of {self.name}", hint)
        return tokens

    def decode(self, tokens: Int[Tensor, "L"]) -> str:
        """Tokens to glyphs."""
        glyphs = self.glyphs
        return "".join(glyphs[i] for i in tokens.tolist())

    _how_to_ask: ClassVar[str] = "end it with ?"

    def asked(self, tokens: Int[Tensor, "B L"]) -> Bool[Tensor, "B L"]:
        """Where an answer is wanted: from where only the token that asks follows."""
        asks = tokens == self.vocab_size - 1
        return asks.flip(1).cumprod(1).flip(1).bool()


@dataclass(eq=False)
class SelectiveCopying(SequenceSource):
    """Tokens (B, length + n_tokens): scattered data, then markers; targets at the markers only."""

    figure: ClassVar[str] = "copy_accuracy"
    key: ClassVar[str] = (
        "letters lie scattered among dots; at each ? the next of them is to be said, in order"
    )
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

    key: ClassVar[str] = "at the second ? the letter is to be said that followed the first ?"
    config: InductionHeadsConfig

    def batch(self, random: BatchRandom) -> Sequences:
        """See SequenceSource."""
        return self._draw(random, random.common_integer(self.config.min_length, self.config.max_length + 1))

    def figures(self, accuracy: Accuracy) -> dict[str, float]:
        """Also at lengths beyond those of training: who has learned the rule does not notice."""
        longest = self.config.max_length
        return {"accuracy": accuracy(longest)} | {f"accuracy_{k}x": accuracy(k * longest) for k in LONGER}

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


@dataclass(eq=False)
class AssociativeRecall(SequenceSource):
    """Tokens (B, length): k1 v1 k2 v2 ..., then filler with the keys in it; targets at those keys only."""

    figure: ClassVar[str] = "recall"
    key: ClassVar[str] = (
        "pairs of a key (small) and its value (capital), then keys among dots: say their values"
    )
    config: AssociativeRecallConfig

    _how_to_ask: ClassVar[str] = "name a key a second time, as in aAbBa with a, b keys and A, B values"

    def batch(self, random: BatchRandom) -> Sequences:
        """See SequenceSource; early steps of a curriculum have fewer pairs in shorter sequences."""
        halvings = sum(random.step < step for step in self.config.curriculum)
        return self._pairs(random, self.config.n_pairs >> halvings, self.config.length >> halvings)

    def _draw(self, random: BatchRandom, length: int | None) -> Sequences:
        return self._pairs(random, self.config.n_pairs, length or self.config.length)

    def _pairs(self, random: BatchRandom, n_pairs: int, length: int) -> Sequences:
        n_keys = self.config.n_keys
        keys = random.permutations(n_keys)[:, :n_pairs]  # (B, K), no key twice
        values = n_keys + random.integers(0, self.config.n_values, n_pairs)  # (B, K)
        where = 2 * n_pairs + random.permutations(length - 2 * n_pairs)[:, :n_pairs]  # of the queries
        tokens = keys.new_full((len(keys), length), self.vocab_size - 1)
        tokens[:, : 2 * n_pairs : 2] = keys
        tokens[:, 1 : 2 * n_pairs : 2] = values
        tokens.scatter_(1, where, keys)
        targets = torch.full_like(tokens, IGNORED).scatter_(1, where, values)
        return tokens, targets

    @property
    def glyphs(self) -> str:
        """Small letters for keys, capitals for values, then rarer ones; "." for filler."""
        n_keys, n_values = self.config.n_keys, self.config.n_values
        return _alphabet(KEYS, 0x4E00, n_keys) + _alphabet(VALUES, 0xAC00, n_values) + "."

    def asked(self, tokens: Int[Tensor, "B L"]) -> Bool[Tensor, "B L"]:
        """At a key that came before."""
        same = (tokens[:, :, None] == tokens[:, None, :]).tril(-1).any(-1)
        return same & (tokens < self.config.n_keys)


def _letters(n: int) -> str:
    """n characters that tell apart."""
    return (ascii_letters + "".join(map(chr, range(0x4E00, 0x4E00 + n))))[:n]


def _alphabet(letters: str, further: int, n: int) -> str:
    """n characters: these letters, then the signs from code point `further` on."""
    return (letters + "".join(map(chr, range(further, further + n))))[:n]


_SOURCES: dict[type[DataConfig], tuple[str, type[SequenceSource]]] = {
    SelectiveCopyingConfig: ("selective_copying", SelectiveCopying),
    InductionHeadsConfig: ("induction_heads", InductionHeads),
    AssociativeRecallConfig: ("associative_recall", AssociativeRecall),
}


def load(config: DataConfig, place: Place) -> SequenceSource:
    """The task of a config."""
    name, source = _SOURCES[type(config)]
    return source(name, config.facts()["vocab_size"], place, config)
