"""The trainings that the diagrams of the family play: of a recipe of the atlas, and of what it warns of.

Places, arrows and D's opinions are kept in thousandths.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from atlas_cli.diagrams import films
from atlas_cli.diagrams.films import Film

WINDOW = 5.2  # the picture shows -WINDOW .. WINDOW
GRID = 21  # places of the discriminator's map on a side
N_SHOWN, N_PULLED, N_JUDGED = 150, 30, 2_500  # samples drawn, those with an arrow, and those that are counted
GOOD_WITHIN, FAIR_SHARE = 3.0, 0.1  # a good point, and a mode that is found: as in the figures of the recipe
THOUSANDTHS = 1000


class Take(NamedTuple):
    """What is filmed: a recipe, what is changed of it, and after which rounds there is a still."""

    recipe: str
    changes: tuple[str, ...]
    steps: tuple[int, ...]


STEPS = (
    0, 100, 250, 500, 750, 1000, 1250, 1500, 1750, 2000, 2250, 2500, 2750, 3000, 3250, 3500, 3750, 4000, 4250,
    4500, 4750, 5000, 5250, 5500, 5750, 6000,
)  # fmt: skip
TAKES = {
    "modes": Take("gan/modes", (), STEPS),
    "modes-without-r1": Take("gan/modes", ("r1_gamma=0",), STEPS),
}


def film(name: str) -> Film:
    """A recorded training."""
    return films.read(films.path("gan", name))


def still(gan: Any, ema: Any) -> dict[str, Any]:
    """What is noted of one moment, with draws of its own.

    It is of the players as they stand, for it is these that answer each other; and of the average of the
    generator's weights, from which a run takes its samples, what it got of the modes.
    """
    import torch

    from atlas_cli.systems.gan.gan import generator_loss

    places = torch.linspace(WINDOW, -WINDOW, GRID)  # the first row is at the top
    plane = torch.stack([places.flip(0).repeat(GRID), places.repeat_interleave(GRID)], dim=1)
    z = torch.randn(N_JUDGED, gan.config.z_dim, generator=gan.setting.generator("film"))
    with torch.no_grad():
        points, real = gan.generator(z, None).float(), gan.setting.data.held_out(N_JUDGED)
        d_real, d_fake = (gan.discriminator(x, None).sigmoid().mean() for x in (real, points))
        view = gan.discriminator(plane, None).sigmoid().view(GRID, GRID)
    with torch.no_grad(), ema.applied(gan):
        smooth = gan.generator(z, None).float()
    with torch.enable_grad():
        moved = points[:N_PULLED].clone().requires_grad_()
        loss = generator_loss(gan.discriminator(moved, None), gan.config.loss) * N_PULLED
        (slope,) = torch.autograd.grad(loss, moved)
    return {
        "points": _thousandths(points[:N_SHOWN]), "smooth": _thousandths(smooth[:N_SHOWN]),
        "pulls": _thousandths(-slope), "view": _thousandths(view),
        "counts": counts(points, gan.setting.data), "average": counts(smooth, gan.setting.data),
        "d_real": round(float(d_real), 4), "d_fake": round(float(d_fake), 4),
    }  # fmt: skip


def facts(gan: Any) -> dict[str, Any]:
    """What holds for all stills of a training."""
    return {"rounds_of_recipe": gan.setting.train.steps, "modes": len(gan.setting.data.modes)}


def counts(points: Any, source: Any) -> list[int]:
    """Good points on each mode of a mixture."""
    import torch

    distance, nearest = torch.cdist(points, source.modes).min(dim=1)
    good = distance < GOOD_WITHIN * source.std
    return nearest[good].bincount(minlength=len(source.modes)).tolist()


def _thousandths(numbers: Any) -> Any:
    return (THOUSANDTHS * numbers).round().int().tolist()


def modes_found(counts: list[int]) -> int:
    """Modes with at least a tenth of an even share of the points."""
    fair = FAIR_SHARE * N_JUDGED / len(counts)
    return sum(count >= fair for count in counts)


def good_share(counts: list[int]) -> float:
    """Share of points that lie on a mode."""
    return sum(counts) / N_JUDGED


def whole(thousandths: list[Any]) -> list[Any]:
    """Numbers from thousandths, lists of them likewise."""
    return [whole(n) if isinstance(n, list) else n / THOUSANDTHS for n in thousandths]


def in_window(points: list[Any]) -> list[Any]:
    """Those that the picture shows."""
    return [point for point in points if max(map(abs, point)) < WINDOW]
