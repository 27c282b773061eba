"""Which times to train on: where the velocity is hard to learn, and where a logit-normal puts the training.

Source:  Esser et al. 2024, arXiv:2403.03206, eq. 19.
"""

from __future__ import annotations

import math
from functools import cache

from atlas_cli.diagrams.frames import Bars, Curves, Explorable, Frame, Knob, Series
from atlas_cli.explorables._ranges import evenly
from atlas_cli.explorables.flow._velocity import velocity


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
def hard_part(t: float) -> float:
    """Variance of the best velocity that no straight line in x explains: what the network is needed for.

    For a mixture of two modes on a line, by a sum over a fine grid of x.
    """
    import torch

    from atlas_cli.explorables._mixtures import equal_mixture

    mixture = equal_mixture([(-1.0,), (1.0,)], 0.15)
    x = torch.linspace(-5, 5, 2001)[:, None]
    weight = mixture.density(x, t, 1 - t)
    weight = weight / weight.sum()
    v, at = velocity(mixture, x, t)[:, 0], x[:, 0]  # both have mean 0, for the mixture is symmetric
    slope = (weight * v * at).sum() / (weight * at * at).sum()
    return float((weight * (v - slope * at).square()).sum())


def time_sampling(mean: float, width: float) -> Frame:
    """Where training time goes, and where the velocity is hard to learn."""
    times = evenly(0.02, 0.98, 49)
    density = tuple(time_density(t, mean, width) for t in times)
    hard = tuple(hard_part(round(t, 4)) for t in times)
    scale = sum(hard) / len(hard)
    curves = (
        Series("training times", times, density),
        Series("hard to learn", times, tuple(value / scale for value in hard), "dashed"),
    )
    thirds = tuple(time_share(a, b, mean, width) for a, b in ((0.0, 1 / 3), (1 / 3, 2 / 3), (2 / 3, 1.0)))
    total = sum(density)
    overlap = sum(min(d / total, h / sum(hard)) for d, h in zip(density, hard, strict=True))
    return Frame(
        (
            (
                Curves("Density over time", curves, "t (0 noise, 1 data)", "density"),
                Bars("Share of the training", ("near noise", "middle", "near data"), thirds, 1.0),
            ),
        ),
        f"Training times of mean {mean:g} and width {width:g} share {overlap:.0%} with what is hard to "
        "learn, the dashed curve: the part of the velocity that is no straight line. Near noise and near "
        "data there is little of it.",
        {"overlap with what is hard": overlap, "share in the middle third": thirds[1]},
    )


EXPLORABLE = Explorable(
    "time-sampling", "flow", ("mmdit", "cfm"), "Which times to train on",
    "Which mean and width put the training where it is hard? What if some t are never seen?",
    (
        Knob("mean", "mean", evenly(-2, 2, 17), 0, "slider"),
        Knob("width", "width", (0.3, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0), 1.0, "slider"),
    ),
    time_sampling,
    place=50,
)  # fmt: skip
