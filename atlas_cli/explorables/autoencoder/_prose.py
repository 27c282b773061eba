"""A tokenizer trained on the atlas's own English pages, for what is drawn without a run."""

from __future__ import annotations

import gzip
from collections import Counter
from functools import cache
from pathlib import Path

from atlas_cli import data
from atlas_cli.systems.autoencoder.merging import Encoder, Learner, Pair
from atlas_cli.systems.autoencoder.pieces import cut

_PROSE = Path(data.__file__).with_name("frozen") / "atlas-1.txt.gz"
N_MERGES = 2048


@cache
def merges() -> tuple[Pair, ...]:
    """The first merges of the pages that the atlas's text corpus trains on."""
    training = gzip.decompress(_PROSE.read_bytes()).partition(b"\f")[0]
    learner = Learner(Counter(cut(training, "gpt2")))
    found: list[Pair] = []
    while len(found) < N_MERGES and (pair := learner.most_frequent()) is not None:
        learner.merge(pair)
        found.append(pair)
    return tuple(found)


@cache
def encoder(n: int) -> Encoder:
    """With the first n of them."""
    return Encoder(merges()[:n], "gpt2")
