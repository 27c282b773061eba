"""Which times to train on: where the velocity is hard to learn, and where a logit-normal puts the training.

Source:  Esser et al. 2024, arXiv:2403.03206, eq. 19.
"""

from __future__ import annotations

import math
from functools import cache
from statistics import NormalDist
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Drag, Explorable, Frame, Knob
from atlas_cli.diagrams.sketch import Note, Shape, Sketch
from atlas_cli.explorables._ranges import evenly
from atlas_cli.explorables.flow._velocity import velocity

if TYPE_CHECKING:
    from torch import Tensor

MEANS = evenly(-2, 2, 17)
TIMES = evenly(0.02, 0.98, 49)
N_DROPS = 80
LEAST_NOTED = 0.1  # of the training; a smaller area has no room for its share
GOLDEN = (math.sqrt(5) - 1) / 2  # its multiples spread evenly


def time_density(t: float, mean: float, width: float) -> float:
    """Density of t = sigmoid(mean + width * normal), the logit-normal of Esser et al. 2024, eq. 19."""
    z = (math.log(t / (1 - t)) - mean) / width
    return math.exp(-z * z / 2) / (width * math.sqrt(2 * math.pi) * t * (1 - t))


def time_share(low: float, high: float, mean: float, width: float) -> float:
    """Share of training times between low and high, both inside (0, 1) or at its ends."""

    def below(t: float) -> float:
        if t in (0.0, 1.0):
            return t
        return 0.5 * (1 + math.erf((math.log(t / (1 - t)) - mean) / (width * math.sqrt(2))))

    return below(high) - below(low)


@cache
def best_velocity(t: float) -> tuple[Tensor, Tensor, Tensor, float]:
    """A fine grid of x, how likely each is at time t, the best velocity there, and the nearest line's slope.

    The data are a mixture of two modes on a line.
    """
    import torch

    from atlas_cli.explorables._mixtures import equal_mixture

    mixture = equal_mixture([(-1.0,), (1.0,)], 0.15)
    x = torch.linspace(-5, 5, 2001)[:, None]
    weight = mixture.density(x, t, 1 - t)
    weight = weight / weight.sum()
    v, at = velocity(mixture, x, t)[:, 0], x[:, 0]  # both have mean 0, for the mixture is symmetric
    return at, weight, v, float((weight * v * at).sum() / (weight * at * at).sum())


@cache
def hard_part(t: float) -> float:
    """Variance of the best velocity that no straight line in x explains: what the network is needed for."""
    x, weight, v, slope = best_velocity(t)
    return float((weight * (v - slope * x).square()).sum())


def time_sampling(mean: float, width: float) -> Frame:
    """Where training time goes, and where the velocity is hard to learn."""
    middle = time_share(1 / 3, 2 / 3, mean, width)
    overlap = sum(min(both) for both in zip(*_shares(mean, width), strict=True)) / len(TIMES)
    median = time_at(0.5, mean, width)
    return Frame(
        ((_densities(mean, width), _velocities(median)),),
        f"Training times whose logits have mean {mean:g} and width {width:g} share {overlap:.0%} with what "
        "is hard to learn; the rest is spent where it is easier. Half of them lie before "
        f"t = {median:.2g}; there the velocity strays from a straight line by "
        f"{math.sqrt(hard_part(round(median, 4))):.2g} on average. Near noise and near data it hardly "
        "strays, and there is little for a network to learn.",
        {"overlap with what is hard": overlap, "share in the middle third": middle, "median time": median},
    )


def time_at(share: float, mean: float, width: float) -> float:
    """The time before which that share of the training lies."""
    return 1 / (1 + math.exp(-(mean + width * NormalDist().inv_cdf(share))))


def _shares(mean: float, width: float) -> tuple[list[float], list[float]]:
    """Densities at `TIMES` of the training and of what is hard; each has mean 1."""
    both = (
        [time_density(t, mean, width) for t in TIMES],
        [hard_part(round(t, 4)) for t in TIMES],
    )
    training, hard = ([value * len(TIMES) / sum(values) for value in values] for values in both)
    return training, hard


def _densities(mean: float, width: float) -> Sketch:
    """Both densities, what they share and what is spent in vain, and the times of a batch as dots below."""
    training, hard = _shares(mean, width)
    top = 1.06 * max(*training, *hard)
    least = [min(both) for both in zip(training, hard, strict=True)]
    shared, trained = (list(zip(TIMES, heights, strict=True)) for heights in (least, training))
    median = time_at(0.5, mean, width)
    rain = [
        (time_at((k + 0.5) / N_DROPS, mean, width), -top * (0.05 + 0.13 * (k * GOLDEN % 1)))
        for k in range(N_DROPS)
    ]
    shapes = (
        Shape("what both share", [[(TIMES[0], 0), *shared, (TIMES[-1], 0)]], "area", 2),
        Shape("spent where it is easier", [[*trained, *reversed(shared)]], "area", 3),
        Shape("training", [trained], "line", 0),
        Shape("hard to learn", [list(zip(TIMES, hard, strict=True))], "dashed", 1),
        Shape(f"{N_DROPS} training times", [rain], "dots", 0),
        Shape("their median", [[(median, -0.22 * top), (median, top)]], "dashed", None),
    )
    spent = [most - both for most, both in zip(training, least, strict=True)]
    notes = (_share_of(least, [0.0] * len(least)), _share_of(spent, least))
    return Sketch(
        "Where the training goes, and where it is hard", shapes, (0, 1, -0.22 * top, top),
        tuple(filter(None, notes)), ratio=0.75,
        x_label="t (0 noise, 1 data)",
        y_ticks=(("0", 0.0), ("1", 1.0), (f"{top:.2g}", top)),
        drag=Drag("mean", values=MEANS, at=[time_at(0.5, m, 1.0) for m in MEANS]),
    )  # fmt: skip


def _share_of(heights: list[float], floor: list[float]) -> Note | None:
    """The share of the training that lies in an area, written where it is highest; None: hardly any."""
    share = sum(heights) / len(TIMES)
    if share < LEAST_NOTED:
        return None
    i = max(range(len(TIMES)), key=lambda i: heights[i])
    return Note(f"{share:.0%}", min(max(TIMES[i], 0.06), 0.94), floor[i] + heights[i] / 2)


def _velocities(t: float) -> Sketch:
    """The best velocity at a time by place, the nearest straight line, and what lies between."""
    x, weight, v, slope = best_velocity(round(t, 4))
    seen = (weight > 0.01 * weight.max()).nonzero()[:, 0]
    x, weight, v = (part[seen[0] : seen[-1] + 1 : 8] for part in (x, weight, v))
    best, line = (list(zip(x.tolist(), y.tolist(), strict=True)) for y in (v, slope * x))
    reach = 1.06 * max(2.0, float(v.abs().max()))
    cloud = list(zip(x.tolist(), (reach * (0.35 * weight / weight.max() - 1)).tolist(), strict=True))
    shapes = (
        Shape(
            "where the points are", [[(cloud[0][0], -reach), *cloud, (cloud[-1][0], -reach)]], "area", None
        ),
        Shape("what no line explains", [[*best, *reversed(line)]], "area", 2),
        Shape("nearest line", [line], "dashed", 5),
        Shape("best velocity", [best], "line", 0),
    )
    return Sketch(
        f"Velocity at the median, t = {t:.2g}",
        shapes,
        (-2.8, 2.8, -reach, reach),
        ratio=0.75,
        x_label="x",
    )


EXPLORABLE = Explorable(
    "time-sampling", "flow", ("mmdit", "cfm"), "Which times to train on",
    "Which mean and width put the training where it is hard? What if some t are never seen?",
    (
        Knob("mean", "mean of t's logit", MEANS, 0, "slider"),
        Knob("width", "width of t's logit", (0.3, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0), 1.0, "slider"),
    ),
    time_sampling,
    place=50,
)  # fmt: skip
