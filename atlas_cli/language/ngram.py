"""A byte n-gram with Witten-Bell smoothing: what a language model of bytes has to beat.

Source:  Witten and Bell 1991, IEEE Transactions on Information Theory 37(4), method C, interpolated:

    P_n(w | c) = (count(c w) + kinds(c) P_{n-1}(w | c')) / (count(c) + kinds(c))

Names:   order is how many bytes of context; kinds(c) is how many different bytes followed c; c' is c without
         its first byte. Order -1 is uniform over 256 bytes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Codes = NDArray[np.int64]


class ByteNgram:
    """Counts of every context up to `order` bytes, in sorted tables."""

    def __init__(self, data: Bytes, order: int) -> None:
        self.order = order
        self._tables = [_Table(data, n) for n in range(order + 1)]

    def bits(self, rows: Bytes, order: int | None = None) -> NDArray[np.float64]:
        """-log2 P of every byte but the first of each row (N, T) given those before it: (N, T - 1)."""
        order = self.order if order is None else order
        p = np.full((len(rows), rows.shape[1] - 1), 1 / 256)
        for n, table in enumerate(self._tables[: order + 1]):
            first = max(n, 1)  # the first byte with n bytes before it
            windows = np.lib.stride_tricks.sliding_window_view(rows, n + 1, axis=1)[:, first - n :]
            codes = _codes(windows)
            followed, total, kinds = table.look_up(codes)
            lower = p[:, first - 1 :]
            smoothed = (followed + kinds * lower) / np.maximum(total + kinds, 1)
            p[:, first - 1 :] = np.where(total > 0, smoothed, lower)  # a context never seen says nothing
        return -np.log2(p)


class _Table:
    """Counts of one context length."""

    def __init__(self, data: Bytes, n: int) -> None:
        codes = _codes(np.lib.stride_tricks.sliding_window_view(data, n + 1))
        self.grams, self.counts = np.unique(codes, return_counts=True)
        contexts, first = np.unique(self.grams >> 8, return_index=True)
        self.contexts = contexts
        self.kinds = np.diff(np.append(first, len(self.grams)))
        self.totals = np.add.reduceat(self.counts, first)

    def look_up(self, codes: Codes) -> tuple[Codes, Codes, Codes]:
        """count(c w), count(c) and kinds(c) for every code; 0 where it was never seen."""
        where, known = _find(self.contexts, codes >> 8)
        at, seen = _find(self.grams, codes)
        return self.counts[at] * seen, self.totals[where] * known, self.kinds[where] * known


def _codes(windows: Bytes) -> Codes:
    """(..., n + 1) bytes as one number each, the last byte lowest."""
    code = np.zeros(windows.shape[:-1], dtype=np.int64)
    for i in range(windows.shape[-1]):
        code = (code << 8) | windows[..., i]
    return code


def _find(table: Codes, codes: Codes) -> tuple[Codes, NDArray[np.bool_]]:
    where = np.minimum(np.searchsorted(table, codes), len(table) - 1)
    return where, table[where] == codes
