"""What a translator is asked for: to be near, and to look real in every patch."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake

if TYPE_CHECKING:
    from torch import Tensor


def inputs(draw: Draw) -> tuple[Any, ...]:
    """A discriminator that compares image and edges, two images with their edges, and their translations."""
    system = _system(draw.pick((100.0, 10.0)), draw.pick((1.0, 0.5, 0.0)))
    return system, _batch(draw.normal(2, 1, 4, 4), draw.normal(2, 1, 4, 4)), draw.normal(2, 1, 4, 4)


def _system(l1_weight: float, adversarial_weight: float) -> Any:
    def discriminator(edges: Tensor, image: Tensor) -> Tensor:
        return (image - edges)[:, 0, ::2, ::2]

    config = SimpleNamespace(l1_weight=l1_weight, adversarial_weight=adversarial_weight)
    setting = SimpleNamespace(autocast=nullcontext)
    return SimpleNamespace(config=config, setting=setting, discriminator=discriminator)


def _batch(edges: Tensor, image: Tensor) -> Any:
    from atlas_cli.systems.gan.patchgan import Batch

    return Batch(edges=edges, image=image, noise=edges)


def sure_of_nothing(translation_loss: Function) -> tuple[Any, Any]:
    """All patches at a logit of 0, half a unit from the image: 100 · 0.5 + ln 2 = 50.693."""
    import torch

    edges = torch.zeros(1, 1, 4, 4)
    loss, l1 = translation_loss(_system(100.0, 1.0), _batch(edges, edges + 0.5), edges.clone())
    return torch.stack([loss, l1]), torch.tensor([50.693147, 0.5])


EXERCISE = Exercise(
    topic="patchgan",
    name="translation_loss",
    title="near to the image, and real in every patch",
    task="""
        Return the generator's loss and the L1 distance in it, a mean over all pixels. The loss is
        `self.config.l1_weight` times that distance; unless `self.config.adversarial_weight` is 0, add it
        times the non-saturating loss of all patches: `generator_loss(logits, "non_saturating")` takes them
        as one row, and `self.discriminator(edges, image)` gives them as a map. Its forward pass stands in
        `with self.setting.autocast():`.
        """,
    equation=r"\lambda\, \mathrm{E}\, |y - G(x, z)| - \mathrm{E} \log D(x, G(x, z))",
    hints=(
        "The discriminator sees pairs: the edges that were given, and what was made of them.",
        "`(fake.float() - batch.image).abs().mean()` is the distance; a map becomes a row by `.flatten()`.",
        "With the verdict: `loss + c.adversarial_weight * generator_loss(logit.flatten(), "
        '"non_saturating")`.',
    ),
    mistakes=(
        Mistake(
            ".abs().mean()",
            ".square().mean()",
            "you took the squared distance: its best answer is the mean of what is possible, that of L1 the "
            "median, which blurs less",
        ),
        Mistake(
            '"non_saturating"',
            '"saturating"',
            "you took the loss of the min-max game: where the discriminator is sure, its gradient is gone",
        ),
        Mistake(
            "self.discriminator(batch.edges, fake)",
            "self.discriminator(batch.edges, batch.image)",
            "you had the real image judged: the verdict must be on the translation, or no gradient reaches "
            "the generator",
        ),
    ),
    inputs=inputs,
    by_hand=(sure_of_nothing,),
    place=10,
)
