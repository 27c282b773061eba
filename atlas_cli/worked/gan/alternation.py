"""One round of gan/ci amid its training: the discriminator's map, and where generated points move."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from atlas_cli.worked.example import Example, Raw, Telling, amount, over_points, words

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.systems.gan.gan import GAN

ROUNDS = 10  # that were played before the one that is shown: early, the players still move far
WINDOW = 4.0  # the map shows -WINDOW .. WINDOW
GRID = 16  # places of the map along a side
SHOWN = 40  # points of either kind


def tell(gan: GAN) -> Telling:
    """Play until then, and then one round slowly; the steps are those of `GAN.step`."""
    import torch

    optimizers = gan.optimizers()
    for number in range(ROUNDS):
        gan.step(gan.batch(number), optimizers)
    batch = gan.batch(ROUNDS)
    fake = gan.generator(batch.z, batch.label)
    before, first = _map(gan), _losses(gan, batch.real, fake)
    gan.discriminator_step(batch, fake.detach(), optimizers["discriminator"])
    after, second = _map(gan), _losses(gan, batch.real, fake)
    gan.generator_step(batch, fake, optimizers["generator"])
    with torch.no_grad():
        moved = gan.generator(batch.z, batch.label)
    third = _losses(gan, batch.real, moved)
    low, high = (float(f(torch.stack([before, after]))) for f in (torch.min, torch.max))

    def board(level: Tensor | None, **clouds: Tensor) -> Raw:
        ground = torch.zeros(GRID, GRID) if level is None else (level - low) / (high - low)
        return over_points(amount(ground, most=1.0), {name: _in_cells(c) for name, c in clouds.items()})

    nowhere = torch.empty(0, 2)
    told = Telling(
        f"in round {ROUNDS + 1} of its training, on its own batch, of which {SHOWN} points are drawn"
    )
    told.show("z", 1, board(None, real=nowhere, made=batch.z * WINDOW / 3))
    told.show("fake", 1, board(None, real=nowhere, made=fake))
    told.show("real", 2, board(None, real=batch.real))
    told.show("discriminator", 2, board(before, real=batch.real, made=fake))
    told.show("discriminator", 3, board(after, real=batch.real, made=fake))
    told.show("discriminator_loss", 3, words(f"{first[0]:.3f} → {second[0]:.3f}"))
    told.show("generator_loss", 4, words(f"{second[1]:.3f}"))
    told.show("generator_loss", 5, words(f"{second[1]:.3f} → {third[1]:.3f}"))
    told.show("discriminator", 5, board(after, real=batch.real, made=moved))
    told.show("fake", 5, board(None, real=nowhere, made=moved))
    way = float((moved - fake.detach()).norm(dim=1).mean())
    told.seen[2] = f"Full where D says real: {low:.2f} to {high:.2f}. Rings are real points, discs samples."
    told.seen[3] = f"One step of it changes the map by up to {float((after - before).abs().max()):.2f}."
    told.seen[5] = f"The samples move by {way:.2f} on average, and the map stays as it was."
    return told


def _map(gan: GAN) -> Tensor:
    """D at every place of the window, the first row at the top: (GRID, GRID)."""
    import torch

    places = torch.linspace(WINDOW, -WINDOW, GRID)
    plane = torch.stack([places.flip(0).repeat(GRID), places.repeat_interleave(GRID)], dim=1)
    with torch.no_grad():
        return gan.discriminator(plane, None).sigmoid().view(GRID, GRID)


def _losses(gan: GAN, real: Tensor, fake: Tensor) -> tuple[float, float]:
    """The discriminator's and the generator's."""
    import torch

    from atlas_cli.systems.gan.games import critic_objective, generator_objective

    with torch.no_grad():
        seen, logit, kind = gan.discriminator(real, None), gan.discriminator(fake, None), gan.config.loss
        return float(critic_objective(kind, seen, logit)), float(generator_objective(kind, seen, logit))


def _in_cells(points: Tensor) -> Sequence[tuple[float, float]]:
    """Points of the plane as places on the map."""
    side = GRID / (2 * WINDOW)
    return [((x + WINDOW) * side, (WINDOW - y) * side) for x, y in points[:SHOWN].tolist()]


EXAMPLE = Example("gan/ci", tell, fresh=True)
