"""Byte-pair encoding fast enough to use: what bpe.py writes out plainly, without counting again.

Learning: a merge changes the counts of the pairs beside it and of no others, so these are corrected where the
         merged pair stands; a heap has the most frequent one on top. What in it is out of date is put right
         when it comes up, as in github.com/huggingface/tokenizers.
Encoding: the tokens of a piece are a linked list, and a heap holds the pairs that may be merged: n log n for
         a piece of n bytes, where the plain loop takes up to n^2.
Ties:    of pairs that are as frequent the one with the smaller tokens is merged, as `tokenizers` does.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from atlas_cli.systems.autoencoder.pieces import BYTES, Split, cut, spelled

Pair = tuple[int, int]
MOST_KEPT = 1 << 16  # pieces whose tokens are remembered


class Learner:
    """A corpus as words with counts, in which pairs are merged one after the other.

    Args:
        pieces: The pieces of the corpus, and how often each stands in it.
    """

    def __init__(self, pieces: Mapping[bytes, int]) -> None:
        self.words = [list(spelled(piece)) for piece in pieces]
        self.counts = list(pieces.values())
        self.spellings = [bytes([byte]) for byte in BYTES]
        self._tokens = {spelling: token for token, spelling in enumerate(self.spellings)}
        self.pairs: Counter[Pair] = Counter()
        self._where: dict[Pair, set[int]] = {}
        for i, word in enumerate(self.words):
            self._count(i, word, self.counts[i])
        self._heap = [(-count, pair) for pair, count in self.pairs.items()]
        heapq.heapify(self._heap)

    @property
    def n_tokens(self) -> int:
        """Tokens of the corpus as it stands."""
        return sum(len(word) * count for word, count in zip(self.words, self.counts, strict=True))

    def most_frequent(self) -> Pair | None:
        """The pair that stands most often in the corpus; None: no two tokens stand side by side."""
        while self._heap:
            stale, pair = self._heap[0]
            count = self.pairs[pair]
            if count == -stale:
                return pair
            if count:
                heapq.heapreplace(self._heap, (-count, pair))
            else:
                heapq.heappop(self._heap)
        return None

    def any_pair(self, choice: random.Random) -> Pair | None:
        """Two neighbours in a word drawn at random: a merge without the idea."""
        if not self.pairs:
            return None
        while True:
            word = self.words[choice.randrange(len(self.words))]
            if len(word) > 1:
                at = choice.randrange(len(word) - 1)
                return word[at], word[at + 1]

    def merge(self, pair: Pair) -> None:
        """Make one token of the pair wherever it stands; a spelling that there is already keeps its token."""
        spelling = self.spellings[pair[0]] + self.spellings[pair[1]]
        new = self._tokens.setdefault(spelling, len(self.spellings))
        if new == len(self.spellings):
            self.spellings.append(spelling)
        changed: set[Pair] = set()
        for i in self._where.get(pair, set()).copy():
            word, count = self.words[i], self.counts[i]
            self._count(i, word, -count)
            word[:] = joined(word, pair, new)
            changed |= self._count(i, word, count)
        for other in changed:  # those that became rarer are put right when they come up
            heapq.heappush(self._heap, (-self.pairs[other], other))

    def _count(self, i: int, word: Sequence[int], count: int) -> set[Pair]:
        """Add a word to the counts, or take it away with a negative count; its pairs."""
        found = set(pairwise(word))
        for pair in pairwise(word):
            self.pairs[pair] += count
        for pair in found:
            if count > 0:
                self._where.setdefault(pair, set()).add(i)
            else:
                self._where[pair].discard(i)
            if not self.pairs[pair]:
                del self.pairs[pair], self._where[pair]
        return found


def joined(word: Sequence[int], pair: Pair, new: int) -> list[int]:
    """The word with the pair as one token, from the left."""
    tokens: list[int] = []
    for token in word:
        if tokens and (tokens[-1], token) == pair:
            tokens[-1] = new
        else:
            tokens.append(token)
    return tokens


class Encoder:
    """Merges, ready to be replayed.

    Attributes:
        spellings: Token -> its bytes.
        ranks: Pair -> which merge it is, and the token that it makes.

    Args:
        merges: The pairs in the order in which they were learned.
        split: Where text is cut before it is merged.
    """

    def __init__(self, merges: Iterable[Pair], split: Split) -> None:
        self.split = split
        self.spellings = [bytes([byte]) for byte in BYTES]
        self.ranks: dict[Pair, tuple[int, int]] = {}
        tokens = {spelling: token for token, spelling in enumerate(self.spellings)}
        for rank, pair in enumerate(merges):
            spelling = self.spellings[pair[0]] + self.spellings[pair[1]]
            new = tokens.setdefault(spelling, len(self.spellings))
            if new == len(self.spellings):
                self.spellings.append(spelling)
            self.ranks.setdefault(pair, (rank, new))
        self._kept: dict[bytes, tuple[int, ...]] = {}

    @property
    def vocab_size(self) -> int:
        """Tokens that there are: 256 bytes and what was merged."""
        return len(self.spellings)

    def encode(self, text: bytes) -> list[int]:
        """Tokens of any bytes."""
        tokens: list[int] = []
        for piece in cut(text, self.split):
            known = self._kept.get(piece)
            if known is None:
                known = tuple(self.encode_piece(piece))
                if len(self._kept) < MOST_KEPT:
                    self._kept[piece] = known
            tokens += known
        return tokens

    def decode(self, tokens: Iterable[int]) -> bytes:
        """The bytes that the tokens spell."""
        return b"".join(self.spellings[token] for token in tokens)

    def encode_piece(self, piece: bytes) -> list[int]:
        """Tokens of one piece: of all pairs side by side the first learned is merged, until none is known."""
        tokens, ranks = list(spelled(piece)), self.ranks
        n = len(tokens)
        after, before = [*range(1, n + 1)], [*range(-1, n - 1)]  # the linked list; n and -1 are its ends
        waiting = [  # which merge, where its left token stands, the pair
            (ranks[pair][0], at, pair) for at, pair in enumerate(pairwise(tokens)) if pair in ranks
        ]
        heapq.heapify(waiting)
        while waiting:
            _, at, pair = heapq.heappop(waiting)
            right = after[at]
            if right >= n or (tokens[at], tokens[right]) != pair:
                continue  # one of the two has been merged since
            tokens[at], tokens[right] = ranks[pair][1], -1  # no pair holds a token of -1
            after[at] = after[right]
            if after[at] < n:
                before[after[at]] = at
            for left in (before[at], at):  # the two pairs that the new token stands in
                if left >= 0 and after[left] < n:
                    found = tokens[left], tokens[after[left]]
                    if found in ranks:
                        heapq.heappush(waiting, (ranks[found][0], left, found))
        return [token for token in tokens if token >= 0]
