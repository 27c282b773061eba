"""Two distributions that share no point: what each distance says, and what each critic tells a sample.

Source:  Arjovsky, Chintala, Bottou 2017, arXiv:1701.07875, example 1, with a width.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Curves, Drag, Explorable, Frame, Knob, Series
from atlas_cli.diagrams.sketch import Shape, Sketch
from atlas_cli.explorables._ranges import evenly

if TYPE_CHECKING:
    from torch import Tensor

SHIFTS = evenly(-3, 3, 25)  # from the middle of the data to that of the samples
WIDTHS = (0.25, 0.5, 1.0, 2.0)
N_PLACES = 1024  # of each distribution, evenly
N_CARRIED = 5  # of them drawn on their way
EDGE = 4.2  # the picture shows -EDGE .. EDGE
TALL = 1.0  # of a box in the picture, whatever its width
LOW = -2.6  # of the picture: critics are drawn below 0
FLOOR, RISE = -2.3, 0.55  # where D = 0 is drawn, and how far a height of 1 goes
CENTRE, REACH = -0.85, 1.4  # of the other critic's line: its middle, and how far it is drawn to both sides


def places(middle: float, width: float) -> Tensor:
    """What stands for a box: the middles of equal parts."""
    import torch

    parts = (torch.arange(N_PLACES, dtype=torch.float64) + 0.5) / N_PLACES
    return middle + width * (parts - 0.5)


def log_odds(x: Tensor, shift: float, width: float) -> Tensor:
    """The logit of the best discriminator, log p/q of two boxes."""
    import torch

    real, fake = (((x - middle).abs() <= width / 2).double() for middle in (0.0, shift))
    return torch.log(real) - torch.log(fake)


@cache
def jensen_shannon(shift: float, width: float) -> float:
    """log 2 less half of what the best discriminator's loss comes to, as the page derives it."""
    from atlas_cli.systems.gan.gan import discriminator_loss

    real, fake = (log_odds(places(middle, width), shift, width) for middle in (0.0, shift))
    return math.log(2) - float(discriminator_loss(real, fake)) / 2


@cache
def wasserstein_distance(shift: float, width: float) -> float:
    """How far mass is carried on average where none crosses: on a line nothing is cheaper."""
    return float((places(shift, width).sort().values - places(0.0, width).sort().values).abs().mean())


def wasserstein(shift: float, width: float) -> Frame:
    """The two boxes, both critics below them, and both distances over the shift."""
    apart, divergence = wasserstein_distance(shift, width), jensen_shannon(shift, width)
    curves = (
        Series("Wasserstein", SHIFTS, tuple(wasserstein_distance(s, width) for s in SHIFTS)),
        Series("Jensen-Shannon", SHIFTS, tuple(jensen_shannon(s, width) for s in SHIFTS), "dashed"),
        Series("log 2", (SHIFTS[0], SHIFTS[-1]), (math.log(2),) * 2, "points"),
    )
    shared = max(0.0, 1 - abs(shift) / width)
    return Frame(
        (
            (_boxes(shift, width),),
            (Curves("How far apart the two are", curves, "shift of the samples", "", marker=shift,
                    drag="shift"),),
        ),
        f"The samples are {abs(shift):g} away and share {shared:.0%} of their width, {width:g}, with the "
        f"data: the Wasserstein distance is {apart:.3g}, the Jensen-Shannon divergence {divergence:.3g} of "
        f"at most log 2 = {math.log(2):.3g}. {_heard(shift, width)}",
        {
            "Wasserstein": apart, "Jensen-Shannon": divergence, "width in common": shared,
            "slope of Wasserstein's critic": 0.0 if shift == 0 else math.copysign(1.0, -shift),
        },
    )  # fmt: skip


def _heard(shift: float, width: float) -> str:
    """What a sample is told by either critic."""
    if shift == 0:
        return "Both are at their least, and neither critic has anything to say."
    if abs(shift) >= width:
        return (
            "The best D is 0 wherever samples lie: it is flat, and no sample hears which way to go. The "
            "critic of slope one tells every sample the way, however far."
        )
    return (
        "The best D is a half where both lie and has steps at the ends: between these no sample hears which "
        "way to go. The critic of slope one tells all of them."
    )


def _boxes(shift: float, width: float) -> Sketch:
    """The boxes, some of the mass on its way, and what the two critics say along the line."""
    carried = [
        ((float(a), 0.12 + 0.16 * n), (float(b), 0.12 + 0.16 * n))
        for n, (a, b) in enumerate(_pairs(shift, width))
        if abs(float(a) - float(b)) > 0.1
    ]
    shapes = (
        Shape("data", [_box(0.0, width)], "area", 0),
        Shape("samples", [_box(shift, width)], "area", 1),
        Shape("mass on its way", carried, "arrow", None),
        Shape("best D, from 0 to 1", _best(shift, width), "line", 2),
        Shape("critic of slope one", [_ramp(shift)], "dashed", 5),
    )
    return Sketch(
        "Data, samples, and what either critic says along the line", shapes, (-EDGE, EDGE, LOW, 1.3),
        ratio=0.42, x_label="x", y_ticks=(("D = 1", FLOOR + RISE), ("D = 0", FLOOR)),
        drag=Drag("shift", "x"),
    )  # fmt: skip


def _pairs(shift: float, width: float) -> list[tuple[float, float]]:
    """From where to where some of the samples' mass goes, the leftmost first."""
    every = N_PLACES // N_CARRIED
    chosen = slice(every // 2, None, every)
    fake, real = places(shift, width)[chosen], places(0.0, width)[chosen]
    return list(zip(fake.tolist(), real.tolist(), strict=True))[:N_CARRIED]


def _box(middle: float, width: float) -> list[tuple[float, float]]:
    left, right = middle - width / 2, middle + width / 2
    return [(left, 0.0), (left, TALL), (right, TALL), (right, 0.0)]


def _best(shift: float, width: float) -> list[list[tuple[float, float]]]:
    """D* over each stretch where data or samples lie; elsewhere it may be anything."""
    import torch

    ends = sorted({middle + side * width / 2 for middle in (0.0, shift) for side in (-1, 1)})
    stretches = []
    for left, right in pairwise(ends):
        belief = torch.sigmoid(log_odds(torch.tensor([(left + right) / 2]).double(), shift, width))
        if not belief.isnan().any():
            height = FLOOR + RISE * float(belief)
            stretches.append([(left, height), (right, height)])
    return stretches


def _ramp(shift: float) -> list[tuple[float, float]]:
    """The steepest critic that is allowed, high at the data, drawn about the middle of both."""
    way, middle = (0.0 if shift == 0 else math.copysign(1.0, -shift)), shift / 2
    rise = way * RISE * REACH
    return [(middle - REACH, CENTRE - rise), (middle + REACH, CENTRE + rise)]


EXPLORABLE = Explorable(
    "wasserstein", "gan", ("gan",), "Apart is apart, or how far?",
    "Where does each distance tell that the samples came nearer? Does a smaller width change that?",
    (
        Knob("shift", "shift", SHIFTS, 2.0, "slider"),
        Knob("width", "width", WIDTHS, 1.0, "slider"),
    ),
    wasserstein,
    place=70,
)  # fmt: skip
