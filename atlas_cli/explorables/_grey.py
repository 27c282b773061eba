"""Pictures of a trained run in shades of grey."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

SHADES = 32  # of a picture: noise is hard to pack, and no eye tells more shades of it


def shades(picture: Tensor, n: int = SHADES) -> Tensor:
    """From [-1, 1] to grey, in n steps."""
    grey = (picture.clamp(-1, 1) + 1) / 2
    return (grey * n).round() / n
