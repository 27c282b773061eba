"""controlnet/small on the edges of one digit: before its training, after it, and what it draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from atlas_cli.worked.diffusion._digits import DIGIT, SEED, digit, noise_like, strength
from atlas_cli.worked.example import Example, Telling, grey, words

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.systems.diffusion.controlnet import ControlBranch, ControlNet

TIME = 0.6  # of all steps: when the digit is noised


class Aside(NamedTuple):
    """What the branch finds in one noisy image."""

    read: Tensor
    hint: Tensor
    found: Tensor  # of the copy, finest skip
    control: list[Tensor]


def tell(system: ControlNet) -> Telling:
    """Every box: the branch as it begins up to step 4, as it was trained from step 5 on."""
    import torch
    from torch.nn import functional as F

    from atlas_cli.draws import generator, stable_seed
    from atlas_cli.metrics.edges import edge_agreement, edge_map
    from atlas_cli.systems.diffusion.controlnet import ControlBranch

    base, image = system.base, digit(system.setting.data)
    edges, noise = edge_map(image), noise_like(image, "diffusion")
    step = round(TIME * base.config.n_steps)
    t, label = (
        torch.tensor([step]),
        torch.tensor([system.config.n_classes]),
    )  # no class: the edges must tell it
    x_t = base.add_noise(image, noise, t)
    time = t.float() * (1000 / base.config.n_steps)
    _, skips = base.net.encode(x_t, base.net.embed(time, label))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stable_seed(SEED, "worked", "novice"))
        novice = ControlBranch(base.net, system.config.hint_width)
    began, trained = (_aside(branch, x_t, time, label, edges) for branch in (novice, system.branch))
    most = float(skips[0][0].abs().mean(0).max())  # one scale for the encoder and the copy as it begins

    def loss(control: list[Tensor]) -> float:
        output = base.net(x_t, time, label, control)
        return float(F.mse_loss(output, base.target(image, noise, t)))

    def guess(control: list[Tensor]) -> Tensor:
        return base.to_data(base.net(x_t, time, label, control), x_t, t).clamp(-1, 1)

    drawn = [system.draw(label, edges, generator(SEED, "worked", "walk"), scale)[-1] for scale in (0.0, 1.0)]
    kept = [edge_agreement(edge_map(one), edges)["edge_f1"] for one in drawn]
    told = Telling(
        f"on a {DIGIT} of the test digits, without its class; of features the mean strength is drawn"
    )
    told.show("x", 1, grey(x_t[0, 0].clamp(-1, 1), f"t = {step}"))
    told.show("encoder", 1, strength(skips[0], most=most))
    told.show("add", 1, strength(skips[0], most=most))
    told.show("decoder", 1, grey(guess(began.control)[0, 0], "its guess"))
    told.show("edges", 2, grey(2 * edges[0, 0] - 1))
    told.show("read", 2, strength(began.read))
    told.show("zero_in", 2, strength(began.hint, "all nought", most=1.0))
    told.show("copy", 2, strength(began.found, most=most))
    told.show("zero_out", 3, strength(began.control[0], "all nought", most=1.0))
    told.show("loss", 4, words(f"{loss(began.control):.4f}"))
    told.show("read", 5, strength(trained.read))
    told.show("zero_in", 5, strength(trained.hint, "trained"))
    told.show("copy", 5, strength(trained.found))
    told.show("zero_out", 5, strength(trained.control[0], "trained"))
    told.show("loss", 5, words(f"{loss(began.control):.4f} → {loss(trained.control):.4f}"))
    told.show("add", 6, strength(skips[0] + trained.control[0]))
    told.show("decoder", 6, grey(drawn[0][0, 0], "control 0"), grey(drawn[1][0, 0], "control 1"))
    told.seen[2] = "The copy finds what the encoder finds, number for number: its hint is nought."
    told.seen[3] = "Blank because every number of it is nought."
    told.seen[6] = (
        f"From one noise, without a class: the edges asked for are kept to {kept[0]:.0%} by control 0 and "
        f"to {kept[1]:.0%} by control 1 (F1)."
    )
    return told


def _aside(branch: ControlBranch, x_t: Tensor, time: Tensor, label: Tensor, edges: Tensor) -> Aside:
    """As `ControlBranch.forward` computes it."""
    *read, joint = branch.read_edges
    features = edges
    for part in read:
        features = part(features)
    hint = joint(features)
    _, skips = branch.copy.encode(x_t, branch.copy.embed(time, label), hint=hint)
    return Aside(features, hint, skips[0], branch(x_t, time, label, edges))


EXAMPLE = Example("controlnet/small", tell)
