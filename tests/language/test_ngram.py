"""The byte n-gram against counting in dictionaries, and as a distribution."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest

from atlas_cli.language.ngram import ByteNgram


def as_bytes(text):
    return np.frombuffer(text, dtype=np.uint8)


TRAIN = b"the cat sat on the mat; the rat sat on the cat. " * 3 + bytes(range(60, 90)) + b"\x00\xff\x00\xff"


class Slow:
    """Witten-Bell as the formula says it, one byte at a time."""

    def __init__(self, data, order):
        self.counts = [defaultdict(lambda: defaultdict(int)) for _ in range(order + 1)]
        for n, counts in enumerate(self.counts):
            for i in range(n, len(data)):
                counts[data[i - n : i]][data[i]] += 1

    def probability(self, context, byte, order):
        if order < 0:
            return 1 / 256
        context = context[len(context) - order :] if order else b""
        followers = self.counts[order].get(context, {})
        lower = self.probability(context[1:], byte, order - 1)
        total, kinds = sum(followers.values()), len(followers)
        return (followers.get(byte, 0) + kinds * lower) / (total + kinds) if total else lower

    def bits(self, row, order):
        found = []
        for i in range(1, len(row)):
            n = min(order, i)
            found.append(-np.log2(self.probability(row[:i], row[i], n)))
        return found


@pytest.mark.parametrize("order", [0, 1, 2, 3, 4])
def test_equal_to_counting_in_dictionaries(order):
    texts = (b"the rat sat on a hat", b"unseen: \x01\x02 XYZ [\\] ", b"\x00\xff\x00\xffthe cat. the")
    rows = [text[:16] for text in texts]
    fast = ByteNgram(as_bytes(TRAIN), 4).bits(np.stack([as_bytes(row) for row in rows]), order)
    slow = Slow(TRAIN, 4)
    np.testing.assert_allclose(fast, [slow.bits(row, order) for row in rows], rtol=1e-12)


@pytest.mark.parametrize("context", [b"the ", b"zzzz", b"sat ", b"\xff\x00\xff\x00"])
@pytest.mark.parametrize("order", [0, 2, 4])
def test_probabilities_of_all_256_bytes_sum_to_one(order, context):
    rows = np.stack([as_bytes(context + bytes([byte])) for byte in range(256)])
    last = ByteNgram(as_bytes(TRAIN), 4).bits(rows, order)[:, -1]
    assert (2**-last).sum() == pytest.approx(1)


def test_two_bytes_by_hand():
    """In "aab" stand a 2 times, b once, two kinds: P(a) = (2 + 2/256) / 5. After a: a 1, b 1, two kinds."""
    model = ByteNgram(as_bytes(b"aab"), 1)
    row = as_bytes(b"xa")[None]
    p0 = (2 + 2 / 256) / 5
    assert 2 ** -model.bits(row, 0)[0, 0] == pytest.approx(p0)
    assert 2 ** -model.bits(row, 1)[0, 0] == pytest.approx(p0)  # x was never seen: nothing is known of it
    assert 2 ** -model.bits(as_bytes(b"aa")[None], 1)[0, 0] == pytest.approx((1 + 2 * p0) / 4)


def test_text_that_repeats_costs_almost_nothing_and_longer_contexts_cost_less():
    text = b"abcdefghij" * 2_000
    model = ByteNgram(as_bytes(text), 3)
    rows = as_bytes(text[:200])[None]
    mean = [model.bits(rows, n).mean() for n in range(4)]
    assert mean[1] < 0.02 < 3 < mean[0] < 3.4
    assert all(longer < shorter + 1e-3 for shorter, longer in pairwise(mean))
