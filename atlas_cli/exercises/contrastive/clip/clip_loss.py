"""The loss of clip: which caption is this picture's, and which picture this caption's."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Pictures and captions of length one, a scale, and in every second case captions that fit nothing."""
    import torch
    from torch.nn import functional as F

    image, text, further = (F.normalize(draw.normal(n, 5), dim=1) for n in (6, 6, 3))
    scale = torch.tensor(draw.pick((14.3, 2.0, 50.0)))
    return image, text, scale, draw.pick((None, further))


def two_pairs(clip_loss: Function) -> tuple[Any, Any]:
    """Logits 4 and 3 at each picture and each caption: log(1 + 1/e) = 0.3133."""
    import torch

    image = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    text = torch.tensor([[0.8, 0.6], [0.6, 0.8]])
    return clip_loss(image, text, torch.tensor(5.0)), torch.tensor(0.313262)


EXERCISE = Exercise(
    topic="clip",
    name="clip_loss",
    title="each picture to its caption, each caption to its picture",
    task="""
        Return the mean of two cross-entropies over the cosines times `scale`. For a picture the choices are
        all captions, and after them the `further` ones, if there are any; for a caption the choices are the
        pictures. Row i of `image` belongs to row i of `text`.
        """,
    equation=r"-\frac{1}{2N} \sum_i \left( \log \frac{e^{s_{ii}}}{\sum_j e^{s_{ij}}} + "
    r"\log \frac{e^{s_{ii}}}{\sum_j e^{s_{ji}}} \right)",
    hints=(
        "All cosines at once are `image @ text.T`, for every vector has length one.",
        "`F.cross_entropy(logits, own)` takes the number of the right column in every row.",
        "The captions' side is the same of the transposed matrix, before `further` is put to its right.",
    ),
    mistakes=(
        Mistake(
            "from_text = F.cross_entropy(logits.T, own)",
            "from_text = F.cross_entropy(logits, own)",
            "you asked the pictures twice: a caption that fits two pictures then costs nothing",
        ),
        Mistake(
            "logits = scale * image @ text.T",
            "logits = image @ text.T / scale",
            "you divided by the scale: it is one over the temperature, and cosines alone are too much alike",
        ),
        Mistake(
            "from_text) / 2",
            "from_text)",
            "you took the sum of both directions; the loss is their mean",
        ),
    ),
    inputs=inputs,
    by_hand=(two_pairs,),
    place=10,
)
