"""Values for knobs, without numpy."""

from __future__ import annotations


def evenly(low: float, high: float, n: int) -> tuple[float, ...]:
    """n values from low to high, at equal distances."""
    return tuple(low + (high - low) * i / (n - 1) for i in range(n))


def by_ratio(low: float, high: float, n: int) -> tuple[float, ...]:
    """n values from low to high, each the same multiple of the one before."""
    return tuple(low * (high / low) ** (i / (n - 1)) for i in range(n))
