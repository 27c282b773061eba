"""How far apart two images are."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Pairs of images, some near and some far; both kinds of distance."""
    near = draw.uniform(0.01, 2.0, 4, 1, 1, 1)
    a = draw.normal(4, 1, 3, 3)
    return _with(draw.pick(("huber", "l2")), 0.5), a, a + near * draw.normal(4, 1, 3, 3)


def _with(distance: str, huber_c: float) -> Any:
    return SimpleNamespace(config=SimpleNamespace(distance=distance, huber_c=huber_c))


def three_four(distance: Function) -> tuple[Any, Any]:
    """huber, c = 3, |a - b| = 4: √(16 + 9) - 3 = 2."""
    import torch

    a, b = torch.tensor([[0.0, 0.0]]), torch.tensor([[4.0, 0.0]])
    return distance(_with("huber", 3.0), a, b).flatten(), torch.tensor([2.0])


EXERCISE = Exercise(
    topic="consistency",
    name="distance",
    title="a distance that forgives",
    task="""
        Return the distance of each pair of images, (B,), for `self.config.distance` of "l2", the mean
        squared difference, or else the pseudo-Huber one, with `self.config.huber_c`: squared for small
        differences, linear for large.
        """,
    equation=r"d(a, b) = \sqrt{|a - b|^2 + c^2} - c",
    hints=(
        "Both begin with |a - b|² of each image: a sum over all dimensions but the first.",
        "l2 divides that by the numbers in an image, so that it does not grow with the size.",
        "The root minus c is right; `square / ((square + c**2).sqrt() + c)` is the same, and does not lose "
        "the digits where the two are almost equal.",
    ),
    mistakes=(
        Mistake(
            "square / ((square + c**2).sqrt() + c)",
            "(square + c**2).sqrt()",
            "you left out - c: two equal images would be c apart",
        ),
        Mistake(
            "square / ((square + c**2).sqrt() + c)",
            "square.sqrt()",
            "you took the plain length: its slope does not shrink where the images agree, and training "
            "never settles",
        ),
        Mistake(
            "return square / a[0].numel()",
            "return square",
            "for l2 you summed over the pixels: it is their mean, whatever the size of the image",
        ),
    ),
    inputs=inputs,
    by_hand=(three_four,),
    place=20,
)
