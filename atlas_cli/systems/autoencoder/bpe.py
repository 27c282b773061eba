"""Byte-pair encoding: a vocabulary out of the pairs of tokens that stand most often side by side.

Source:  Sennrich, Haddow, Birch 2016, arXiv:1508.07909, Algorithm 1. On bytes: Radford et al. 2019, "Language
         Models are Unsupervised Multitask Learners", section 2.2.
Reading: `learn` and `encode` below are the method as it is written: every merge counts the whole corpus
         again, every encoding looks through the whole word again. merging.py gives the same, fast; the tests
         hold the two against each other, and both against github.com/huggingface/tokenizers.
Trains:  a table of pairs, and no weights. A step makes `n_merges / steps` merges from the counts of the whole
         training text. What it descends is the number of tokens: of all merges, that of the most frequent
         pair removes the most. The batch is text on which this is measured, in tokens a byte.
Differs: pairs that stand equally often are taken in the order of their tokens, as `tokenizers` does. No token
         marks the end of a word; a blank belongs to the word after it, as in GPT-2. The tokens 0 to 255 are
         the bytes in GPT-2's order.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import ClassVar, Literal

import torch
from jaxtyping import Int
from pydantic import Field
from torch import Tensor

from atlas_cli.config import LONGEST
from atlas_cli.data.text import encode as bytes_of
from atlas_cli.draws import stable_seed
from atlas_cli.engine.system import Metrics, Optimizers, SampleRequest, System
from atlas_cli.present.artifacts.tokens import Tokens
from atlas_cli.systems.autoencoder import token_figures, token_reader
from atlas_cli.systems.autoencoder.merging import Encoder, Learner
from atlas_cli.systems.autoencoder.pieces import Split, cut
from atlas_cli.systems.autoencoder.token_reader import ReaderConfig

Pair = tuple[int, int]
Word = tuple[int, ...]
SHOWN = 160  # bytes of a held-out text that a sample shows


class Config(ReaderConfig):
    """The `model:` section of a bpe recipe."""

    data_kinds: ClassVar[tuple[str, ...]] = ("text",)
    context_len: int = Field(256, gt=0, le=LONGEST)  # bytes of a text of a batch; from the data
    n_merges: int = Field(4096, ge=0, le=LONGEST)  # the vocabulary has 256 bytes and so many tokens more
    split: Split = "gpt2"  # where text is cut first: as GPT-2 does, or as GPT-4
    # frequent: the pair that stands most often; once: pairs of bytes by their first counts, so that no token
    # is longer than two bytes; random: two neighbours in a random word
    rule: Literal["frequent", "once", "random"] = "frequent"  # which pair is merged


def learn(words: Mapping[Word, int], n_merges: int) -> list[Pair]:
    """Algorithm 1 as it is written: count all pairs, merge the most frequent one everywhere, begin again.

    Args:
        words: A word as tokens -> how often it stands in the corpus.
        n_merges: The new token of merge i is 256 + i; fewer where no pair is left.
    """
    merges: list[Pair] = []
    for new in range(256, 256 + n_merges):
        counts = count_pairs(words)
        if not counts:
            break
        pair = most_frequent(counts)
        words = {join(word, pair, new): count for word, count in words.items()}
        merges.append(pair)
    return merges


def count_pairs(words: Mapping[Word, int]) -> Counter[Pair]:
    """How often each pair of tokens stands side by side within a word."""
    counts: Counter[Pair] = Counter()
    for word, count in words.items():
        for pair in pairwise(word):
            counts[pair] += count
    return counts


def most_frequent(counts: Mapping[Pair, int]) -> Pair:
    """The pair of the largest count; of several, the one with the smallest tokens."""
    # exercise: most_frequent
    return min(counts, key=lambda pair: (-counts[pair], pair))
    # end


def join(word: Sequence[int], pair: Pair, new: int) -> Word:
    """The word with `new` wherever the pair stands, found from the left."""
    # exercise: join
    tokens: list[int] = []
    i = 0
    while i < len(word):
        found = tuple(word[i : i + 2]) == pair
        tokens.append(new if found else word[i])
        i += 2 if found else 1
    return tuple(tokens)
    # end


def encode(word: Sequence[int], merges: Sequence[Pair]) -> Word:
    """Replay the merges on one word: of the pairs in it the one learned first, until none is left."""
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    word = tuple(word)
    # exercise: encode
    while known := [pair for pair in pairwise(word) if pair in ranks]:
        first = min(known, key=ranks.__getitem__)
        word = join(word, first, 256 + ranks[first])
    return word
    # end


class BPE(System):
    """A tokenizer: text to numbers and back."""

    best_by: ClassVar[str | None] = None
    unit: ClassVar[str] = "merges"
    steers: ClassVar[frozenset[str]] = frozenset({"prompt"})
    sample_count: ClassVar[int] = 2
    glimpse_count: ClassVar[int] = 1
    compiled: ClassVar[tuple[str, ...]] = ()

    config: Config
    merges: Int[Tensor, "n_merges 2"]  # the tokens of each pair, in the order in which they were learned
    learned: Int[Tensor, ""]  # how many of them are

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.register_buffer("merges", torch.full((config.n_merges, 2), -1, dtype=torch.int32))
        self.register_buffer("learned", torch.zeros((), dtype=torch.int64))
        self._kept: tuple[int, Encoder] | None = None

    @property
    def encoder(self) -> Encoder:
        """The merges learned so far, ready to be replayed."""
        n = int(self.learned)
        if self._kept is None or self._kept[0] != n:
            pairs = [(left, right) for left, right in self.merges[:n].tolist()]
            self._kept = n, Encoder(pairs, self.config.split)
        return self._kept[1]

    @cached_property
    def pieces(self) -> Counter[bytes]:
        """The pieces of the training text, and how often each stands there."""
        return Counter(cut(self.training_text, self.config.split))

    @property
    def training_text(self) -> bytes:
        """All of it, as bytes."""
        return bytes(self.setting.data.train_bytes.cpu().numpy())

    @cached_property
    def learner(self) -> Learner:
        """The training text, merged as far as the run has come: of a resumed run, as it was left."""
        learner = Learner(self.pieces)
        for left, right in self.merges[: int(self.learned)].tolist():
            learner.merge((left, right))
        return learner

    # --- the verbs -------------------------------------------------------------------------------------

    def batch(self, step: int) -> Int[Tensor, "B T"]:
        """Windows of training text, as bytes: where the loss is measured. Merges count all of the text."""
        windows: Tensor = self.setting.data.batch(self.setting.random(step))[0]
        return windows

    def loss(self, batch: Int[Tensor, "B T"]) -> tuple[Tensor, Metrics]:
        """Tokens a byte."""
        tokens = sum(len(self.encoder.encode(bytes(window))) for window in batch.tolist())
        return torch.tensor(tokens / batch.numel(), device=batch.device), {"vocabulary": 256 + self.learned}

    def step(self, batch: Int[Tensor, "B T"], optimizers: Optimizers) -> Metrics:
        """A few merges more."""
        done = int(self.learned)
        for i in range(done, min(done + self.merges_a_step, self.config.n_merges)):
            pair = self.next_pair(i)
            if pair is None:  # the whole corpus is one token a piece
                break
            self.learner.merge(pair)
            self.merges[i] = torch.tensor(pair)
            self.learned += 1
        loss, metrics = self.loss(batch)
        return {"loss": loss, **metrics}

    def next_pair(self, i: int) -> Pair | None:
        """The pair of merge i; None: there is none left."""
        if self.config.rule == "frequent":
            return self.learner.most_frequent()
        if self.config.rule == "once":
            return self._byte_pairs[i] if i < len(self._byte_pairs) else None
        return self.learner.any_pair(random.Random(stable_seed(self.setting.train.seed, "pair", i)))

    @cached_property
    def _byte_pairs(self) -> list[Pair]:
        """All pairs of bytes, the most frequent first."""
        counts = Learner(self.pieces).pairs
        return sorted(counts, key=lambda pair: (-counts[pair], pair))

    @property
    def merges_a_step(self) -> int:
        """So many that the last step makes the last one."""
        return -(-self.config.n_merges // max(self.setting.train.steps, 1))

    def optimizers(self) -> Optimizers:
        return {}  # nothing is descended by gradients

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """How short texts become, what goes wrong, and how well a GPT reads it where one is asked for."""
        figures = token_figures.figures(self.encoder, self.setting.data, self.pieces)
        if self.config.reader_cost:
            figures |= token_reader.figures(self.encoder, self.setting, self.config)
        return figures

    def sample(self, request: SampleRequest) -> Tokens:
        """A text in its tokens with their numbers, and whether it came back; else held-out text."""
        texts = [*self._texts(request)]
        rows = [self.encoder.encode(text) for text in texts]
        back = sum(self.encoder.decode(row) == text for row, text in zip(rows, texts, strict=True))
        n_bytes, n_tokens = sum(map(len, texts)), sum(map(len, rows))
        return Tokens(
            [[(self.encoder.spellings[token], token) for token in row] for row in rows],
            caption=f"{n_bytes} bytes in {n_tokens} tokens; "
            f"{back} of {len(texts)} came back byte for byte when they were decoded",
            facts={
                "bytes": n_bytes, "tokens": n_tokens, "came_back": back,
                "vocabulary": self.encoder.vocab_size,
            },
        )  # fmt: skip

    def _texts(self, request: SampleRequest) -> Iterator[bytes]:
        if request.prompt is not None:
            yield bytes(bytes_of(request.prompt, "cpu").tolist())
            return
        windows = self.setting.data.held_out(request.n, seed=request.seed)[0]
        for window in windows.tolist():
            yield bytes(window[:SHOWN])

    # --- while it trains ---------------------------------------------------------------------------------

    def held_out(self, step: int) -> Int[Tensor, "B T"]:
        """Windows of held-out text."""
        windows: Tensor = self.setting.data.held_out(self.setting.train.batch_size)[0]
        return windows

    def items_per_step(self) -> int:
        """Merges."""
        return self.merges_a_step
