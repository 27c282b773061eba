"""Vectors of scenes and captions as towers would give them that know some of what is there.

A scene is the sum of a direction for each colour, shape and relation in it, and a caption the same; who has
learned little adds much of something else. The losses are the systems' own.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

MOST = 64  # pairs there are
DIM = 48
KNOWN = (0.0, 0.25, 0.5, 0.75, 1.0)  # share of a vector that says what is there


@cache
def captions() -> tuple[str, ...]:
    """What is said of the scenes, sizes left out."""
    from atlas_cli.data import captions as words
    from atlas_cli.data.shapes import draw

    texts = [words.detokenize(row) for row in draw(MOST, seed=3).tokens.tolist()]
    return tuple(" ".join(w for w in text.split() if w not in words.SIZES) for text in texts)


@cache
def vectors(known: float) -> tuple[Tensor, Tensor]:
    """Pictures and captions, (MOST, DIM) each, of length one."""
    import torch
    from torch.nn import functional as F

    from atlas_cli.data.captions import tokenize
    from atlas_cli.systems.contrastive.examination import said

    facts = said(torch.tensor([tokenize(text) for text in captions()]))  # (MOST, 7)
    random = torch.Generator().manual_seed(5)
    directions = torch.randn(7, 5, DIM, generator=random, dtype=torch.float64)
    parts = [directions[k][facts[:, k]] for k in (1, 2, 4, 5, 6)]  # what is not there has one of its own: -1
    content = F.normalize(torch.stack(parts).sum(0), dim=1)
    both = [
        known * content
        + (1 - known) * F.normalize(torch.randn(MOST, DIM, generator=random, dtype=torch.float64), dim=1)
        for _ in range(2)
    ]
    return F.normalize(both[0], dim=1), F.normalize(both[1], dim=1)
