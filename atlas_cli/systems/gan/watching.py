"""What a training is watched for: that the game goes wrong, and when its samples come near to real ones.

Source:  Signs of a game gone wrong: Goodfellow et al. 2014, arXiv:1406.2661, section 6 ("the Helvetica
         scenario"), and Arjovsky and Bottou 2017, arXiv:1701.04862, on a discriminator that wins.
Shapes:  B batch, P parameters of the generator.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from atlas_cli.engine.system import Metrics
from atlas_cli.screen import messages

LOOKS = 100  # at the game, over a training
WATCHED_FROM = 0.1  # of the steps: fresh generators draw much the same thing
IN_A_ROW = 5  # looks at which a sign must stand
SAME = 0.1  # variety of the samples over that of real data, below which they are nearly one
SURE = 0.01  # the discriminator's mean doubt, of real and of made samples, at which it has won
GRID = 20  # measurements of the distance, over a training

SIGNS = {
    "collapsed": "mode collapse: the generator draws nearly the same thing whatever z is; "
    "a larger r1_gamma or a smaller learning rate helps, a longer training seldom does",
    "won": "the discriminator has won: it is sure of every sample, and what the generator hears says little; "
    "a larger r1_gamma keeps it unsure",
}


def variety(
    fake: Float[Tensor, "B *shape"], real: Float[Tensor, "B *shape"], label: Int[Tensor, "B"] | None
) -> float:
    """Mean distance of two samples of one class over that of two real ones; 1 where no class has two."""
    together = ~torch.eye(len(fake), dtype=torch.bool, device=fake.device)
    if label is not None:
        together &= label[:, None] == label
    if not together.any():
        return 1.0
    exact = "donot_use_mm_for_euclid_dist"  # else rounding keeps equal samples apart
    apart = [torch.cdist(x, x, compute_mode=exact)[together].mean() for x in (_flat(fake), _flat(real))]
    return float(apart[0] / apart[1].clamp(min=1e-12))


def _flat(x: Tensor) -> Tensor:
    return x.detach().float().flatten(1)


class Watch:
    """Says in plain words, once each, that the game has gone wrong."""

    def __init__(self) -> None:
        self._stood = dict.fromkeys(SIGNS, 0)

    def look(self, signs: dict[str, bool]) -> None:
        """Count at how many looks in a row each sign stands; at the fifth it is said."""
        for name, stands in signs.items():
            said = self._stood[name] >= IN_A_ROW
            self._stood[name] = self._stood[name] + 1 if stands or said else 0
            if not said and self._stood[name] == IN_A_ROW:
                messages.say(SIGNS[name])


def due(step: int, steps: int) -> bool:
    """Whether the game is looked at after this step."""
    return step >= WATCHED_FROM * steps and step % max(1, steps // LOOKS) == 0


def sure(seen: Metrics) -> bool:
    """Whether the discriminator calls nearly every real sample real and nearly every fake a fake."""
    return float(seen["d_real"]) > 1 - SURE and float(seen["d_fake"]) < SURE


class Nearness(nn.Module):
    """The step at which samples of the averaged generator first lie nearer to real data than a threshold.

    It keeps an average of its own, as the loop keeps it out of a system's sight. All is in buffers, so that a
    run that is interrupted goes on with them.
    """

    average: Tensor
    updates: Tensor
    reached: Tensor

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.register_buffer("average", parameters_to_vector(generator.parameters()).detach().clone())
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64))
        self.register_buffer("reached", torch.zeros((), dtype=torch.int64))  # step; 0: not yet

    @torch.no_grad()
    def update(self, generator: nn.Module, decay: float) -> None:
        """As `Ema` averages, early steps with less weight on what was before."""
        n = int(self.updates)
        own: Float[Tensor, "P"] = parameters_to_vector(generator.parameters())
        self.average.lerp_(own, 1 - min(decay, (1 + n) / (10 + n)))
        self.updates += 1

    @torch.no_grad()
    def measure(
        self, generator: nn.Module, distance: Callable[[], float], threshold: float, steps: int
    ) -> None:
        """At a twentieth of the training, and at each after it, until the distance is below the threshold.

        Args:
            generator: Computes with the averaged weights while the distance is measured.
            distance: Of samples of the generator.
            threshold: What counts as near.
            steps: Of the whole training.
        """
        done = int(self.updates)
        if int(self.reached) or done % max(1, steps // GRID):
            return
        own = parameters_to_vector(generator.parameters()).clone()
        vector_to_parameters(self.average.clone(), generator.parameters())
        if distance() < threshold:
            self.reached.fill_(done)
        vector_to_parameters(own, generator.parameters())
