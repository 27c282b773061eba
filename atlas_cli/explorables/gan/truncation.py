"""Truncation in the plane: closer to the middle of latent space the samples are better, and more alike.

Source:  Karras, Laine, Aila 2018, arXiv:1812.04948: w' = mean + psi (w - mean). Precision and recall by
         nearest neighbours after Kynkaanniemi et al. 2019, arXiv:1904.06991.
Data:    a ring: angle 1.5 z_1 radians, radius 2 + 0.2 z_2, with z standard normal.
Net:     the same with Taylor polynomials for sine and cosine: right for common latents and off for rare ones,
         which is where a trained generator errs, too.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Group, Knob, Scatter, Series
from atlas_cli.explorables._ranges import evenly

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPREAD = 1.5  # radians of the ring for a latent of 1
RADIUS, WIDTH = 2.0, 0.2
PSIS = evenly(0, 1.2, 25)
DEGREES = (3, 5, 7)
N_POINTS = 400
NEIGHBOURS = 3
RANGE = (-4.0, 4.0, -4.0, 4.0)


def normal(seed: int) -> NDArray:
    """Latents, (N_POINTS, 2)."""
    import numpy as np

    return np.random.default_rng(seed).standard_normal((N_POINTS, 2))


def ring(z: NDArray) -> NDArray:
    """The map that the generator should be; latents (N, 2) -> points (N, 2)."""
    import numpy as np

    angle, radius = SPREAD * z[:, 0], RADIUS + WIDTH * z[:, 1]
    return np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)


def generator(z: NDArray, degree: int) -> NDArray:
    """The ring with the Taylor polynomials of sine and cosine of that degree in place of them."""
    import numpy as np

    angle, radius = SPREAD * z[:, 0], RADIUS + WIDTH * z[:, 1]
    terms = [angle**i / math.factorial(i) for i in range(degree + 1)]
    sine = sum((-1) ** (i // 2) * term for i, term in enumerate(terms) if i % 2)
    cosine = sum((-1) ** (i // 2) * term for i, term in enumerate(terms) if i % 2 == 0)
    return np.stack([radius * sine, radius * cosine], axis=1)


def precision_recall(real: NDArray, fake: NDArray) -> tuple[float, float]:
    """Share of fakes within reach of a real point, and of real points within reach of a fake.

    A point reaches as far as its k-th neighbour of its own kind.
    """
    import numpy as np

    def reach(points: NDArray) -> NDArray:
        return np.sort(_distances(points, points), axis=1)[:, NEIGHBOURS]  # the nearest is the point itself

    between = _distances(real, fake)  # (real, fake)
    covered = (between <= reach(real)[:, None]).any(0), (between <= reach(fake)).any(1)
    return float(covered[0].mean()), float(covered[1].mean())


def _distances(a: NDArray, b: NDArray) -> NDArray:
    import numpy as np

    return np.sqrt(((a[:, None] - b) ** 2).sum(-1))


@cache
def measured(psi: float, degree: int) -> tuple[float, float]:
    """Precision and recall at a psi."""
    return precision_recall(_real(), generator(psi * normal(seed=2), degree))


@cache
def _real() -> NDArray:
    return ring(normal(seed=3))


def truncation(psi: float, degree: int) -> Frame:
    """Real and generated points, and the two figures over psi."""
    fake = generator(psi * normal(seed=2), degree)
    figures = [measured(value, degree) for value in PSIS]
    precision, recall = measured(psi, degree)
    curves = (
        Series("precision: quality", PSIS, tuple(p for p, _ in figures)),
        Series("recall: diversity", PSIS, tuple(r for _, r in figures), "dashed"),
    )
    inside = fake[(abs(fake) < RANGE[1]).all(1)]
    best = max(PSIS, key=lambda value: min(measured(value, degree)))
    return Frame(
        (
            (
                Scatter(
                    "Real points, and samples", (Group("real", _real()), Group("samples", inside)), RANGE
                ),
                Curves("Quality, and diversity", curves, "psi", "share", marker=psi, drag="psi"),
            ),
        ),
        "The latent is scaled by psi before it enters a generator that draws the ring by Taylor "
        f"polynomials of degree {degree}. At psi {psi:g}, {precision:.0%} of the samples look real and "
        f"{recall:.0%} of the real points are covered. Rare latents make the strays.",
        {
            "precision": precision,
            "recall": recall,
            "samples beyond the picture": len(fake) - len(inside),
            "psi where the lesser of both is largest": best,
        },
    )


def given() -> dict[str, object]:
    """What the page needs to compute it: the latents, the real points, and the curves of each degree."""
    figures = {degree: [measured(psi, degree) for psi in PSIS] for degree in DEGREES}
    return {
        "latents": normal(seed=2), "real": _real(), "spread": SPREAD, "radius": RADIUS, "width": WIDTH,
        "neighbours": NEIGHBOURS, "range": RANGE, "psis": PSIS, "figures": figures,
    }  # fmt: skip


EXPLORABLE = Explorable(
    "truncation", "gan", ("stylegan",), "Better and more alike",
    "Where do strays go as psi falls, and what goes with them? Which psi would you choose for a demo?",
    (
        Knob("psi", "psi", PSIS, 1.0, "slider"),
        Knob("degree", "degree of the generator", DEGREES, 3, "choice"),
    ),
    truncation,
    given=given,
    place=30,
)  # fmt: skip
