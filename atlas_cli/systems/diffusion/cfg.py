"""Classifier-free guidance: how far the class is exaggerated, and what that buys and costs.

Source:  Ho, Salimans 2022, arXiv:2207.12598. Here: eq. 6, in the convention where w = 1 is the conditional
         network alone and w = 0 ignores the class (the paper's weight is this one minus 1); Algorithm 2.
Shapes:  B batch, C channels, H height, W width, D features of the judge, K axes.
Trains:  nothing. The ddpm recipe named in `from:` was trained with its labels dropped at random, which is all
         that guidance asks of training; `DDPM.predict_data` mixes the two answers.
Differs: variety is measured on a judge's features within each class, where the paper uses Inception scores.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor

from atlas_cli import messages
from atlas_cli.config import SystemConfig, sampling
from atlas_cli.data.images import to_float
from atlas_cli.engine.artifact import Artifact
from atlas_cli.engine.system import Optimizers, SampleRequest, System
from atlas_cli.metrics.judge import N_SAMPLES, Judge

if TYPE_CHECKING:
    from atlas_cli.systems.diffusion.ddpm import DDPM

AXES = 8  # K: leading axes of a class's features on which its variety is measured
SHOWN = (0.0, 1.0, 2.0, 4.0, 8.0)  # weights of a sample's rows


class Config(SystemConfig):
    """The `model:` section of a cfg recipe."""

    data_kinds: ClassVar[tuple[str, ...]] = ("images",)
    parents: ClassVar[tuple[str, ...]] = ("ddpm",)
    image_size: int = Field(28, gt=0)  # pixels; from the data
    channels: int = Field(1, gt=0)  # from the data
    n_classes: int = Field(10, gt=0)  # from the data
    guidance: float = sampling(2.0, ge=0)  # the weight that is judged: 0 ignores the class, 1 is not guided
    weights: tuple[float, ...] = sampling(
        (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0), strict=False
    )  # curve
    sampler_steps: int = sampling(20, gt=0)
    clip: bool = sampling(True)  # keep each estimate of the image within [-1, 1]


class CFG(System):
    """A trained DDPM, guided."""

    config: Config

    @property
    def base(self) -> DDPM:
        """The trained network of the recipe's parent."""
        base: DDPM = self.setting.parent  # type: ignore[assignment]
        return base

    def optimizers(self) -> Optimizers:
        return {}  # nothing is trained

    def draw(
        self, noise: Float[Tensor, "B C H W"], label: Int[Tensor, "B"], weight: float
    ) -> list[Float[Tensor, "B C H W"]]:
        """The deterministic walk from these noises under one weight, every step of it."""
        c = self.config
        self.base.config = self.base.config.model_copy(
            update={
                "guidance": weight, "sampler": "ddim", "sampler_eta": 0.0, "sampler_steps": c.sampler_steps,
                "clip": c.clip,
            }
        )  # fmt: skip
        return list(self.base.denoise(noise, label, self.setting.generator("unused")))

    # --- what the run is judged by, and what it shows -------------------------------------------------

    def evaluate(self) -> Mapping[str, float]:
        c, device = self.config, self.setting.device
        judge = Judge.load_or_train(self.setting.data, messages.say)
        noise = self.base.noise(N_SAMPLES, self.setting.generator("evaluate"))  # the same for every weight
        label = torch.arange(N_SAMPLES, device=device) % c.n_classes
        curve = {w: self._judged(judge, noise, label, w) for w in sorted({*c.weights, c.guidance})}
        accuracy, frechet, entropy = (
            {w: scores[name] for w, scores in curve.items()}
            for name in ("class_accuracy", "judge_frechet", "class_variety")
        )
        figures = dict(curve[c.guidance])
        for w in c.weights:
            name = f"{w:g}".replace(".", "_")
            figures |= {f"accuracy_w{name}": accuracy[w], f"entropy_w{name}": entropy[w]}
            figures[f"frechet_w{name}"] = frechet[w]
        if len(c.weights) > 1:
            most = max(c.weights)
            figures["best_w"] = min(c.weights, key=frechet.__getitem__)
            figures["rise"] = accuracy[most] - accuracy[min(c.weights)]
            figures["fall"] = max(entropy.values()) - entropy[most]
        return figures

    def _judged(
        self, judge: Judge, noise: Float[Tensor, "B C H W"], label: Int[Tensor, "B"], weight: float
    ) -> dict[str, float]:
        parts = zip(noise.split(128), label.split(128), strict=True)
        images = torch.cat([self.draw(z, y, weight)[-1] for z, y in parts])
        scores = judge.score(images, label)
        kept = ("class_accuracy", "judge_frechet", "judge_frechet_floor", "judge_frechet_over_floor")
        real = judge.features(to_float(self.setting.data.test_images))
        variety = class_variety(judge.features(images), label, real, self.setting.data.test_labels)
        return {name: scores[name] for name in kept} | {"class_variety": variety}

    def sample(self, request: SampleRequest) -> Artifact:
        """A row a weight, a column a noise: the same beginnings, exaggerated more and more."""
        columns = max(1, request.n // len(SHOWN))
        label = torch.arange(columns, device=self.setting.device) % self.config.n_classes
        if request.label is not None:
            label = torch.full_like(label, request.label)
        noise = self.base.noise(columns, self.setting.generator("sample", request.seed))
        paths = [self.draw(noise, label, weight) for weight in SHOWN]
        frames = [((torch.cat(rows).clamp(-1, 1) + 1) / 2).cpu().numpy() for rows in zip(*paths, strict=True)]
        caption = f"Rows: guidance {', '.join(f'{w:g}' for w in SHOWN)}. Columns begin with the same noise."
        return Artifact("images", images=frames[-1], frames=frames, columns=columns, caption=caption)


def class_variety(
    drawn: Float[Tensor, "N D"], label: Int[Tensor, "N"],
    real: Float[Tensor, "M D"], real_label: Int[Tensor, "M"],
) -> float:  # fmt: skip
    """How varied the images of one class are against the real ones of it, mean over the classes, in nats.

    Half of a class's real images name the K axes along which its features vary most. Gaussians are fitted on
    those axes to the drawn images and to as many of the other half: no figure then gains by its number of
    images or by having chosen the axes. The entropy a dimension is log det(covariance) / 2K and a constant.
    Returns the difference: 0 is as varied as reality, -1 is 1/e of its width in every direction.
    """
    differences = []
    for y in label.unique():
        mine, theirs = drawn[label == y].double(), real[real_label == y].double()
        n = min(len(mine), len(theirs) // 2)
        axes = torch.linalg.eigh(theirs[n:].T.cov()).eigenvectors[:, -AXES:]  # (D, K), the largest
        entropies = [torch.logdet((x[:n] @ axes).T.cov()) / (2 * AXES) for x in (mine, theirs)]
        differences.append(float(entropies[0] - entropies[1]))
    return math.fsum(differences) / len(differences)
