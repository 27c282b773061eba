"""The games that a generator and a discriminator can play: what each descends, and what slopes cost.

Source:  non_saturating and saturating: Goodfellow et al. 2014, arXiv:1406.2661, eq. 1 and section 3.
         hinge: Lim and Ye 2017, arXiv:1705.02894. wasserstein: Arjovsky et al. 2017, arXiv:1701.07875, eq. 2.
         relativistic: Jolicoeur-Martineau 2018, arXiv:1807.00734, paired, as in R3GAN (arXiv:2501.05441).
         Penalties: R1 and R2, Mescheder et al. 2018, arXiv:1801.04406; WGAN-GP, Gulrajani et al. 2017,
         arXiv:1704.00028, eq. 3.
Names:   D(x) = sigmoid(logit). A critic is a discriminator whose logit is no probability's.
Shapes:  B batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

GeneratorLoss = Literal["non_saturating", "saturating"]
Loss = Literal["non_saturating", "saturating", "hinge", "wasserstein", "relativistic"]
Critic = Callable[[Tensor, Tensor | None], Tensor]  # a sample and its label -> the logit

# --- the game of 2014 --------------------------------------------------------------------------------


def discriminator_loss(real_logit: Float[Tensor, "B"], fake_logit: Float[Tensor, "B"]) -> Float[Tensor, ""]:
    """-E[log D(x)] - E[log(1 - D(G(z)))], eq. 1 negated; 2 log 2 = 1.386 when it cannot tell."""
    # exercise: discriminator_loss
    return -F.logsigmoid(real_logit).mean() - F.logsigmoid(-fake_logit).mean()
    # end


def generator_loss(fake_logit: Float[Tensor, "B"], kind: GeneratorLoss) -> Float[Tensor, ""]:
    """What the generator descends: E[log(1 - D(G(z)))] of the min-max game, or -E[log D(G(z))] (section 3).

    Their slopes by the logit are -D and D - 1. Where the discriminator is sure of a fake, D = 0, the first is
    zero, just when the generator has most to learn, and the second is -1.
    """
    # exercise: generator_loss
    return F.logsigmoid(-fake_logit).mean() if kind == "saturating" else -F.logsigmoid(fake_logit).mean()
    # end


# --- other games -------------------------------------------------------------------------------------


def hinge_loss(real_logit: Float[Tensor, "B"], fake_logit: Float[Tensor, "B"]) -> Float[Tensor, ""]:
    """What is past 1 for a real sample, or below -1 for a fake, is good enough and has no slope."""
    return F.relu(1 - real_logit).mean() + F.relu(1 + fake_logit).mean()


def wasserstein_loss(real_logit: Float[Tensor, "B"], fake_logit: Float[Tensor, "B"]) -> Float[Tensor, ""]:
    """Minus the gap between both means: the distance, negated, of a best critic nowhere steeper than one."""
    return fake_logit.mean() - real_logit.mean()


def relativistic_loss(better: Float[Tensor, "B"], worse: Float[Tensor, "B"]) -> Float[Tensor, ""]:
    """-E[log sigmoid(better - worse)], pair by pair; each player wants its own to look the more real."""
    return -F.logsigmoid(better - worse).mean()


def critic_objective(
    kind: Loss, real_logit: Float[Tensor, "B"], fake_logit: Float[Tensor, "B"]
) -> Float[Tensor, ""]:
    """What the discriminator descends in a game."""
    if kind == "hinge":
        return hinge_loss(real_logit, fake_logit)
    if kind == "wasserstein":
        return wasserstein_loss(real_logit, fake_logit)
    if kind == "relativistic":
        return relativistic_loss(real_logit, fake_logit)
    return discriminator_loss(real_logit, fake_logit)


def generator_objective(
    kind: Loss, real_logit: Float[Tensor, "B"] | None, fake_logit: Float[Tensor, "B"]
) -> Float[Tensor, ""]:
    """What the generator descends in a game; only the relativistic one asks for the logits of real data."""
    if kind == "relativistic":
        assert real_logit is not None
        return relativistic_loss(fake_logit, real_logit)
    if kind == "saturating" or kind == "non_saturating":
        return generator_loss(fake_logit, kind)
    return -fake_logit.mean()  # hinge and wasserstein


# --- what slopes cost --------------------------------------------------------------------------------


def slope(
    critic: Critic, x: Float[Tensor, "B *shape"], label: Int[Tensor, "B"] | None
) -> Float[Tensor, "B *shape"]:
    """d logit / d x, through which gradients still flow to the critic's weights.

    In float32, its backward pass too: bf16 is too coarse for the derivative of a derivative.
    """
    x = x.detach().float().requires_grad_(True)
    (found,) = torch.autograd.grad(critic(x, label).sum(), x, create_graph=True)
    return found


def squared_slope(
    critic: Critic, x: Float[Tensor, "B *shape"], label: Int[Tensor, "B"] | None, gamma: float
) -> Float[Tensor, ""]:
    """gamma/2 E|d logit / d x|^2: R1 at real data, R2 at fakes."""
    return gamma / 2 * slope(critic, x, label).square().flatten(1).sum(1).mean()


def gradient_penalty(
    critic: Critic, real: Float[Tensor, "B *shape"], fake: Float[Tensor, "B *shape"],
    mix: Float[Tensor, "B"], label: Int[Tensor, "B"] | None, weight: float,
) -> Float[Tensor, ""]:  # fmt: skip
    """weight E(|d logit / d x| - 1)^2 at points on the lines from fakes to real data of the same class.

    Args:
        mix: Where on each line, 1 at the real end.
    """
    share = mix.view(-1, *[1] * (real.dim() - 1))
    between = share * real + (1 - share) * fake.float()
    steepness = slope(critic, between, label).flatten(1).norm(dim=1)  # (B,)
    return weight * (steepness - 1).square().mean()
