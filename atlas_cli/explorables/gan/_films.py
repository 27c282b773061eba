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
N_CARRIED = 1_000  # of both kinds, between which the distance is taken
FRESH_STEPS, FRESH_BATCH, FRESH_LR, FRESH_WEIGHT = 400, 256, 5e-3, 50.0  # a critic's, and of its penalty
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

    from atlas_cli.systems.gan.figures import wasserstein_distance
    from atlas_cli.systems.gan.gan import discriminator_loss, generator_loss

    places = torch.linspace(WINDOW, -WINDOW, GRID)  # the first row is at the top
    plane = torch.stack([places.flip(0).repeat(GRID), places.repeat_interleave(GRID)], dim=1)
    z = torch.randn(N_JUDGED, gan.config.z_dim, generator=gan.setting.generator("film"))
    with torch.no_grad():
        points, real = gan.generator(z, None).float(), gan.setting.data.held_out(N_JUDGED)
        logits = [gan.discriminator(x, None) for x in (real, points)]
        view = gan.discriminator(plane, None).sigmoid().view(GRID, GRID)
    with torch.no_grad(), ema.applied(gan):
        smooth = gan.generator(z, None).float()
    with torch.enable_grad():
        moved = points[:N_PULLED].clone().requires_grad_()
        loss = generator_loss(gan.discriminator(moved, None), gan.config.loss) * N_PULLED
        (slope,) = torch.autograd.grad(loss, moved)
    clouds = smooth[:N_CARRIED], real[:N_CARRIED]
    return {
        "points": _thousandths(points[:N_SHOWN]), "smooth": _thousandths(smooth[:N_SHOWN]),
        "pulls": _thousandths(-slope), "view": _thousandths(view),
        "counts": counts(points, gan.setting.data), "average": counts(smooth, gan.setting.data),
        "d_real": _mean_belief(logits[0]), "d_fake": _mean_belief(logits[1]),
        "losses": [round(float(told), 4) for told in
                   (discriminator_loss(*logits), generator_loss(logits[1], gan.config.loss))],
        "apart": round(wasserstein_distance(*clouds), 4), "gap": round(fresh_gap(*clouds), 4),
    }  # fmt: skip


def fresh_gap(fake: Any, real: Any) -> float:
    """What a critic finds between two clouds that stand still: it is new, and trained by WGAN-GP's loss.

    The gap between its means is an estimate of the Wasserstein distance, from below if it is nowhere steeper
    than one. The draws are its own.
    """
    import torch

    from atlas_cli.systems.gan.games import gradient_penalty, wasserstein_loss
    from atlas_cli.systems.gan.gan import Config, Discriminator

    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(0)
        critic = Discriminator(Config.model_validate({"dim": 2, "width": 64}))
        adam = torch.optim.Adam(critic.parameters(), lr=FRESH_LR, betas=(0.0, 0.9))
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, FRESH_STEPS)
        for _ in range(FRESH_STEPS):
            x, y = (cloud[torch.randint(len(cloud), (FRESH_BATCH,))] for cloud in (fake, real))
            price = gradient_penalty(critic, y, x, torch.rand(FRESH_BATCH), None, FRESH_WEIGHT)
            loss = wasserstein_loss(critic(y, None), critic(x, None)) + price
            adam.zero_grad()
            loss.backward()
            adam.step()
            schedule.step()
    with torch.no_grad():
        return float(critic(real, None).mean() - critic(fake, None).mean())


def _mean_belief(logits: Any) -> float:
    return round(float(logits.sigmoid().mean()), 4)


def facts(gan: Any) -> dict[str, Any]:
    """What holds for all stills of a training; the floor is what both distances say of two clouds of data."""
    from atlas_cli.systems.gan.figures import wasserstein_distance

    clouds = [gan.setting.data.held_out(N_CARRIED, seed=seed) for seed in (1, 2)]
    floor = {"apart": round(wasserstein_distance(*clouds), 4), "gap": round(fresh_gap(*clouds), 4)}
    return {
        "rounds_of_recipe": gan.setting.train.steps, "modes": len(gan.setting.data.modes), "floor": floor,
    }  # fmt: skip


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
