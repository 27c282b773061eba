"""How much of a sentence a small scene of two things keeps, read from its pixels.

The reader is that of `shapes` (metrics/scenes.py), which learns nothing; a smaller picture is laid on its
canvas, in the corner, and the rest is given the picture's own background.
Shapes:  N images, H = W pixels, at most those of `shapes`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from atlas_cli.data.captions import Claim, parse
from atlas_cli.data.shapes import SIZE
from atlas_cli.metrics.scenes import Seen, agrees, read


def composition_figures(images: Float[Tensor, "N 3 H W"], captions: Sequence[str]) -> dict[str, float]:
    """Shares of the images, in [-1, 1], that are as their captions say: in part, and in all.

    `scene_accuracy`: two things, their colours, their shapes and how they stand, all as said.
    `bound_accuracy`: each thing has its own colour and shape, wherever it stands.
    `word_accuracy`: the colours and the shapes are those of the caption, whichever thing has them.
    """
    scenes, claims = read(on_canvas(images)), [parse(caption) for caption in captions]
    pairs = list(zip(scenes, claims, strict=True))
    return {
        "scene_accuracy": float(np.mean([agrees(seen, claim) for seen, claim in pairs])),
        "bound_accuracy": float(np.mean([_bound(seen, claim) for seen, claim in pairs])),
        "word_accuracy": float(np.mean([_words(seen, claim) for seen, claim in pairs])),
    }


def on_canvas(images: Float[Tensor, "N 3 H W"]) -> Float[Tensor, "N 3 S S"]:
    """In the corner of a picture of the size of `shapes`, round it the median of its rim."""
    height, width = images.shape[-2:]
    rim = torch.cat([images[..., 0, :], images[..., -1, :], images[..., 0], images[..., -1]], dim=2)
    canvas = rim.median(dim=2).values[..., None, None].repeat(1, 1, SIZE, SIZE)
    canvas[..., :height, :width] = images
    return canvas


def _bound(seen: Sequence[Seen], claim: Claim) -> bool:
    return Counter((s.colour, s.shape) for s in seen) == Counter((t.colour, t.shape) for t in claim.things)


def _words(seen: Sequence[Seen], claim: Claim) -> bool:
    colours = Counter(s.colour for s in seen) == Counter(t.colour for t in claim.things)
    return colours and Counter(s.shape for s in seen) == Counter(t.shape for t in claim.things)
