"""Rotary position embedding: a position is an angle, so a score depends on how far apart two tokens are.

Source:  Su et al. 2021, arXiv:2104.09864, eq. 13 to 15 and 34. Position interpolation: Chen et al. 2023,
         arXiv:2306.15595, eq. 3. A larger base for longer texts ("NTK-aware"): Peng et al. 2023,
         arXiv:2309.00071, section 3.1, eq. 15 and 16.
Shapes:  B batch, H heads, L positions, Dh width of a head (even).
Differs: channel i turns with channel i + Dh/2, as in the transformers library; the paper, and Meta's Llama
         code with it, turns neighbours, 2i with 2i+1. The two are the same up to a permutation of the
         channels of q and k, which training does not see.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from jaxtyping import Float, Int
from torch import Tensor

Angles = tuple[Float[Tensor, "L pairs"], Float[Tensor, "L pairs"]]  # cosine and sine


def frequencies(d_head: int, base: float = 10_000.0, ntk: float = 1.0) -> Float[Tensor, " pairs"]:
    """Radians a position by which each pair of channels turns, from 1 down to about 1 / base.

    Args:
        d_head: Width of a head.
        base: The paper's 10,000.
        ntk: How many times longer the text gets: the slowest pair turns that much slower, the fastest not.
    """
    # exercise: frequencies
    pairs = d_head // 2
    if ntk != 1.0:
        base = base * ntk ** (d_head / (d_head - 2))
    return base ** (-torch.arange(pairs, dtype=torch.float64) / pairs)
    # end


def angles(
    positions: Int[Tensor, " L"], frequency: Float[Tensor, " pairs"], interpolation: float = 1.0
) -> Angles:
    """Cosine and sine of every position's angles; `interpolation` squeezes positions by that factor.

    Computed on the CPU in float64, which not every device has, and moved to where the positions are.
    """
    turned = torch.outer(positions.cpu().double() / interpolation, frequency.cpu().double())
    return turned.cos().float().to(positions.device), turned.sin().float().to(positions.device)


def angles_between(
    start: int, end: int, d_head: int, base: float = 10_000.0, interpolation: float = 1.0, ntk: float = 1.0,
    device: torch.device | str | None = None,
) -> Angles:  # fmt: skip
    """`angles` of the positions start .. end - 1, looked up: every layer and step asks for the same."""
    rows = 1 << (end - 1).bit_length()
    cos, sin = _table(rows, d_head, base, interpolation, ntk, torch.device(device or "cpu"))
    return cos[start:end], sin[start:end]


@lru_cache(maxsize=32)
def _table(
    rows: int, d_head: int, base: float, interpolation: float, ntk: float, device: torch.device
) -> Angles:
    with torch.inference_mode(False):  # a table made while sampling may serve training later
        positions = torch.arange(rows, device=device)
        return angles(positions, frequencies(d_head, base, ntk), interpolation)


def rotate(
    x: Float[Tensor, "B H L Dh"], cos: Float[Tensor, "L pairs"], sin: Float[Tensor, "L pairs"]
) -> Float[Tensor, "B H L Dh"]:
    """Turn each pair of channels by its angle (eq. 34)."""
    cos, sin = cos.to(x.dtype), sin.to(x.dtype)
    # exercise: rotate
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)
    # end
