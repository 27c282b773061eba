"""What the generator is told: where its gradient goes when the discriminator is sure."""

from __future__ import annotations

import math

from atlas_cli.diagrams.frames import Bars, Curves, Drag, Explorable, Frame, Knob, LineStyle, Series

LOSSES = ("non-saturating", "saturating")
STYLES: tuple[LineStyle, ...] = ("line", "dashed")
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


def min_max(confidence: float) -> Frame:
    """What the generator is told when the discriminator gives its sample a probability of being real."""
    values = {name: [generator_at(d, name) for d in CONFIDENCES] for name in LOSSES}
    logits, here = [_logit(d) for d in CONFIDENCES], _logit(confidence)

    def curves(part: int, sign: float) -> tuple[Series, ...]:
        return tuple(
            Series(name, logits, [sign * pair[part] for pair in pairs], style)
            for (name, pairs), style in zip(values.items(), STYLES, strict=True)
        )

    strong, weak = (-generator_at(confidence, name)[1] for name in LOSSES)
    held = Drag("confidence", values=CONFIDENCES, at=logits)
    axis = "logit of D(G(z)): 0 where D cannot tell"
    return Frame(
        (
            (
                Curves("Generator's loss", curves(0, 1), axis, "loss", marker=here, drag=held),
                Curves(
                    "Pull on the logit: how steeply the loss falls",
                    curves(1, -1),
                    axis,
                    "pull",
                    marker=here,
                    drag=held,
                ),
            ),
            (Bars("Pull at this confidence", LOSSES, (strong, weak), 1.0),),
        ),
        f"Where D(G(z)) is {confidence:g}, the non-saturating loss pulls the sample with {strong:.2g} and "
        f"the saturating one with {weak:.2g}. Early on the discriminator is sure of every fake: D(G(z)) is "
        "near 0, far to the left, just when the generator has most to learn.",
        {"pull, non-saturating": strong, "pull, saturating": weak, "logit": here},
    )


def _logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


EXPLORABLE = Explorable(
    "min-max", "gan", ("gan",), "What the generator is told",
    "Which loss still pulls where D is sure of every fake, and where do the two pull alike?",
    (Knob("confidence", "D(G(z))", CONFIDENCES, 0.05, "slider"),),
    min_max,
    place=10,
)  # fmt: skip
