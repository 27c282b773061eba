"""Two answers of one network, and beyond them."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.diffusion._ddpm import ddpm
from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """x_t, times, classes, a network that listens to its class, and a weight."""
    by_class = draw.normal(4, 1, 1, 1)  # of three classes, and of nobody

    def predict(x_t: Any, t: Any, label: Any) -> Any:
        return x_t * by_class[label] + t.view(-1, 1, 1, 1) / 10

    walk = _walk(draw.pick((0.0, 1.5, 3.0)), draw.pick((False, True)))
    stub = ddpm(draw.uniform(0.05, 0.95, 8))
    return stub, draw.normal(4, 1, 6, 6), draw.integers(0, 8, 4), draw.integers(0, 3, 4), predict, walk


def _walk(guidance: float, clip: bool) -> Any:
    from atlas_cli.systems.diffusion.sampler import Walk

    return Walk("ddim", 4, 0.0, guidance, clip)


def beyond(predict_data: Function) -> tuple[Any, Any]:
    """The class says 2, nobody 1, w = 3: 1 + 3 · (2 - 1) = 4; as an image 0.6 · 1 - 0.8 · 4 = -2.6."""
    import torch

    def predict(x_t: Any, t: Any, label: Any) -> Any:
        return torch.where(label == 3, 1.0, 2.0).view(-1, 1, 1, 1)

    x_t, walk = torch.full((1, 1, 1, 1), 1.0), _walk(3.0, clip=False)
    at = torch.tensor([0])
    return predict_data(ddpm(torch.tensor([0.36])), x_t, at, at, predict, walk).item(), -2.6


EXERCISE = Exercise(
    topic="cfg",
    name="guide",
    title="beyond what the class says",
    task="""
        Ask the network twice: for the class, and for no class at all (the label `self.config.n_classes`).
        Then go from the second answer through the first and beyond, by the weight w. Leave the result in
        `output`.

        w = 1 is the conditional network alone, w = 0 ignores the class. One call of `predict` on a batch of
        twice the size costs less than two.
        """,
    equation=r"\tilde\epsilon = \epsilon(x_t) + w\,(\epsilon(x_t, c) - \epsilon(x_t))",
    hints=(
        "The difference of the two answers is what the class changes. It is exaggerated, starting from the "
        "answer without a class.",
        "`x_t.repeat(2, 1, 1, 1)`, `t.repeat(2)` and `torch.cat([label, nobody])` make the doubled batch; "
        "`.chunk(2)` takes its answer apart, in the order in which you put it together.",
        "`output = unconditional + w * (conditional - unconditional)`: check that w = 1 gives `conditional`.",
    ),
    mistakes=(
        Mistake(
            "output = unconditional + w * (",
            "output = conditional + w * (",
            "you started from the conditional answer: so the paper writes it, where w = 0 is the plain "
            "network. Here w = 1 is, and w = 0 ignores the class",
        ),
        Mistake(
            "torch.cat([label, nobody])",
            "torch.cat([nobody, label])",
            "you exchanged the two answers: the larger w, the less your image would heed its class",
        ),
        Mistake(
            "unconditional + w * (conditional - unconditional)",
            "w * conditional",
            "you scaled the conditional answer: guidance exaggerates the difference that the class makes, "
            "and not all that is said",
        ),
    ),
    inputs=inputs,
    by_hand=(beyond,),
    source="systems.diffusion.ddpm",
    place=10,
)
