"""What the generator is told: where its gradient goes when the discriminator is sure."""

from __future__ import annotations

from atlas_cli.diagrams.frames import Bars, Curves, Explorable, Frame, Knob, Series

LOSSES = ("non-saturating", "saturating")
CONFIDENCES = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.16, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55,
    0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99,
)  # fmt: skip


def generator_at(confidence: float, kind: str) -> tuple[float, float]:
    """The generator's loss, and its slope by the discriminator's logit, where D says `confidence`."""
    import torch

    from atlas_cli.systems.gan.gan import generator_loss

    logit = torch.logit(torch.tensor([confidence], dtype=torch.float64)).requires_grad_()
    loss = generator_loss(logit, kind.replace("-", "_"))  # type: ignore[arg-type]
    (slope,) = torch.autograd.grad(loss, logit)
    return float(loss.detach()), float(slope)


def min_max(confidence: float, loss: str) -> Frame:
    """What the generator is told when the discriminator gives its sample a probability of being real."""
    values = {name: [generator_at(d, name) for d in CONFIDENCES] for name in LOSSES}

    def curves(part: int, sign: float) -> tuple[Series, ...]:
        return tuple(
            Series(
                name, CONFIDENCES, tuple(sign * pair[part] for pair in pairs),
                "line" if name == loss else "dashed",
            )
            for name, pairs in values.items()
        )  # fmt: skip

    value, slope = generator_at(confidence, loss)
    strengths = tuple(-generator_at(confidence, name)[1] for name in LOSSES)
    return Frame(
        (
            (
                Curves("Generator's loss", curves(0, 1), "D(G(z))", "loss", marker=confidence),
                Curves("Pull on the logit", curves(1, -1), "D(G(z))", "-slope", marker=confidence),
            ),
            (Bars("Pull at this confidence", LOSSES, strengths, 1.0),),
        ),
        "Early on the discriminator is sure of every fake: D(G(z)) is near 0. Which loss still pulls there, "
        "and which has gone flat just when the generator has most to learn? Where do the two pull alike?",
        {"loss": value, "pull on the logit": -slope},
    )


EXPLORABLE = Explorable(
    "min-max", "gan", ("gan",), "What the generator is told",
    "Which loss still pulls when the discriminator is sure of every fake?",
    (
        Knob("confidence", "D(G(z))", CONFIDENCES, 0.05, "slider"),
        Knob("loss", "loss", LOSSES, LOSSES[0], "choice"),
    ),
    min_max,
    place=10,
)  # fmt: skip
