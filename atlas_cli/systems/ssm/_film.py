"""An image read pixel by pixel, in characters, with the guess after each row: what s4.py's sample shows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

RAMP = " .:-=+*#%@"
SMALL_SIDE = 20  # up to it a picture shows a pixel as two characters, above it two rows as one line


def film(
    image: Float[Tensor, "side side"], logits: Float[Tensor, "L classes"], label: int, names: Sequence[str]
) -> list[str]:
    """The image in characters, and at the right of each row the guess once it is read.

    Args:
        image: Values in [-1, 1].
        logits: After every pixel, row by row.
        label: The true class.
        names: Of the classes.
    """
    side = len(image)
    per_line = 1 if side <= SMALL_SIDE else 2
    shades = F.avg_pool2d(image[None], (per_line, 1), ceil_mode=True)[0].add(1).mul(len(RAMP) / 2)
    sure, guess = logits.softmax(-1)[per_line * side - 1 :: per_line * side].max(-1)
    lines = [f"{names[label]}, as it is read"]
    for shade, p, k in zip(shades, sure, guess, strict=True):
        drawn = "".join(RAMP[min(int(v), len(RAMP) - 1)] * (3 - per_line) for v in shade)
        lines.append(f"{drawn}  {names[int(k)]} {float(p):4.0%}")
    return [*lines, ""]


def in_pairs(films: list[list[str]], gap: int = 4, room: int = 78) -> list[str]:
    """Two beside each other where they fit in a terminal of 80 columns."""
    widest = max(len(line) for film in films for line in film)
    if 2 * widest + gap > room:
        return [line for film in films for line in film]
    pairs = zip_longest(films[::2], films[1::2], fillvalue=[""] * len(films[0]))
    return [f"{a:<{widest + gap}}{b}".rstrip() for pair in pairs for a, b in zip(*pair, strict=True)]
