"""The loss of siglip: of every picture and every caption, whether they are a pair."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Pictures, captions of which theirs are a part, a scale and a bias."""
    import torch
    from torch.nn import functional as F

    image, text = (F.normalize(draw.normal(n, 5), dim=1) for n in (4, 7))
    scale, bias = torch.tensor(draw.pick((10.0, 3.0))), torch.tensor(draw.pick((-2.7, -10.0, 0.0)))
    return image, text, scale, bias, draw.pick((0, 3, 1))


def two_pairs(siglip_loss: Function) -> tuple[Any, Any]:
    """Logits 0.5 at pairs and -0.5 elsewhere: two errors a picture, 2 log(1 + exp(-0.5)) = 0.9482."""
    import torch

    image = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    text = torch.tensor([[0.8, 0.6], [0.6, 0.8]])
    found = siglip_loss(image, text, torch.tensor(5.0), torch.tensor(-3.5))
    return found, torch.tensor(0.948154)


EXERCISE = Exercise(
    topic="siglip",
    name="siglip_loss",
    title="yes or no for every picture and caption",
    task="""
        Every picture meets every caption: the logit is `scale` times their cosine, plus `bias`. A pair
        should have a large one, all others a small one. Sum -log sigmoid of the logits, those of no pair
        negated, and divide by the number of pictures. The caption of picture i is number i + `first`.
        """,
    equation=r"-\frac{1}{N} \sum_i \sum_j \log \frac{1}{1 + e^{-y_{ij} (s \cos_{ij} + b)}}",
    hints=(
        "There are as many questions as logits; each is answered by itself, so no row has to sum to one.",
        "The sign is 1 where the caption's number is that of the picture plus `first`, and -1 elsewhere.",
        "`F.logsigmoid(sign * logits)` is exact where a sigmoid would be rounded to 0.",
    ),
    mistakes=(
        Mistake(
            "sign * logits).sum() / len(image)",
            "sign * logits).mean()",
            "you took the mean over all questions: the one pair of a picture then counts less the more "
            "captions there are",
        ),
        Mistake(
            " + bias",
            "",
            "you left out the bias: at the start most answers are no, and all of the training would go into "
            "saying so",
        ),
        Mistake(
            "[:, None] + first",
            "[:, None]",
            "you took the first captions for the pictures' own: on another rank they begin further on",
        ),
    ),
    inputs=inputs,
    by_hand=(two_pairs,),
    place=10,
)
