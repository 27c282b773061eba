"""Classifier-free guidance: how far the class, or the caption, is exaggerated, and what that buys and costs.

Source:  Ho, Salimans 2022, arXiv:2207.12598. Here: eq. 6, in the convention where w = 1 is the conditional
         network alone and w = 0 ignores the class (the paper's weight is this one minus 1); Algorithm 2.
Shapes:  B batch, C channels, H height, W width, L tokens of a caption, D features of the judge, K axes.
Trains:  nothing where the data have classes. The ddpm recipe named in `from:` was trained with its labels
         dropped at random, which is all that guidance asks of training; `DDPM.predict_data` mixes the two
         answers. Where the data have captions, a network that reads them (`captioned`), in the same manner.
Differs: variety is measured on a judge's features within each class, where the paper uses Inception scores.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor

from atlas_cli.config import MOST_STEPS, WIDEST, SystemConfig, sampling
from atlas_cli.data import captions
from atlas_cli.data.images import to_float
from atlas_cli.data.scenes import Scenes
from atlas_cli.engine.system import Metrics, Optimizers, SampleRequest, System
from atlas_cli.errors import DataError, UsageError
from atlas_cli.metrics.judge import N_SAMPLES, Judge
from atlas_cli.metrics.scenes import scene_accuracy
from atlas_cli.nets.unet import Multipliers, require_whole_levels
from atlas_cli.present.artifacts.images import Images
from atlas_cli.screen import messages
from atlas_cli.systems.diffusion import ddpm
from atlas_cli.systems.diffusion.captioned import Batch, Captioned
from atlas_cli.systems.diffusion.sampler import Walk

AXES = 8  # K: leading axes of a class's features on which its variety is measured
SHOWN = (0.0, 1.0, 2.0, 4.0, 8.0)  # weights of a sample's rows


class Config(SystemConfig):
    """The `model:` section of a cfg recipe."""

    data_kinds: ClassVar[tuple[str, ...]] = ("images", "scenes")
    parents: ClassVar[tuple[str, ...]] = ("ddpm",)
    kinds_without_parent: ClassVar[tuple[str, ...]] = ("scenes",)
    image_size: int = Field(28, gt=0, le=WIDEST)  # pixels; from the data
    channels: int = Field(1, gt=0, le=WIDEST)  # from the data
    n_classes: int = Field(10, gt=0, le=WIDEST)  # from the data, unless it has captions
    vocab_size: int = Field(0, ge=0, le=WIDEST)  # from the data; 0: it has classes, and no network is trained
    caption_length: int = Field(0, ge=0, le=WIDEST)  # from the data
    n_steps: int = Field(
        1000, gt=0, le=MOST_STEPS
    )  # T; this and the next four: of the network that reads captions
    width: int = Field(64, gt=0, multiple_of=4, le=WIDEST)  # channels of its U-Net at the finest level
    multipliers: Multipliers = Field((1, 2), strict=False)  # channels of its levels over width
    patch: int = Field(4, gt=0, le=WIDEST)  # pixels folded into channels before the U-Net
    caption_dropout: float = Field(0.15, ge=0, lt=1)  # share of training captions left out
    guidance: float = sampling(2.0, ge=0)  # the weight that is judged: 0 ignores the wish, 1 is not guided
    sampler_steps: int = sampling(20, gt=0, le=MOST_STEPS)
    clip: bool = sampling(True)  # keep each estimate of the image within [-1, 1]

    @model_validator(mode="after")
    def _image_can_be_halved(self) -> Config:
        if self.vocab_size:
            require_whole_levels(self.image_size, self.patch, self.multipliers)
        return self


class CFG(System):
    """A trained DDPM, guided: its parent's by classes, its own by captions."""

    unit: ClassVar[str] = "images"
    steers: ClassVar[frozenset[str]] = frozenset({"label", "prompt"})
    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.captioned = None
        if config.vocab_size:
            shared = ("image_size", "channels", "n_steps", "width", "multipliers", "patch")
            fields = {name: getattr(config, name) for name in shared}
            # The image itself is predicted: a patch of noise has more to say than fits through a narrow net.
            inner = ddpm.Config(**fields, prediction="x0", label_dropout=config.caption_dropout)
            self.captioned = Captioned(inner, config.vocab_size, config.caption_length)

    @property
    def base(self) -> ddpm.DDPM:
        """The network that is guided: its own if it reads captions, else that of the recipe's parent."""
        if self.captioned is not None:
            return self.captioned.ddpm
        base: ddpm.DDPM = self.setting.parent  # type: ignore[assignment]
        return base

    # --- training, by captions only -------------------------------------------------------------------

    def batch(self, step: int) -> Batch:
        assert self.captioned is not None
        random = self.setting.random(step)
        scenes = self.setting.data.batch(random)
        return self.captioned.batch(scenes.data, scenes.tokens, random)

    def held_out(self, step: int) -> Batch | None:
        if self.captioned is None:
            return None
        random = self.setting.held_out_random()
        scenes = self.setting.data.test_batch(random)
        return self.captioned.batch(scenes.data, scenes.tokens, random)

    def loss(self, batch: Batch) -> tuple[Tensor, Metrics]:
        assert self.captioned is not None
        return self.captioned.loss(batch), {}

    def optimizers(self) -> Optimizers:
        return super().optimizers() if self.captioned is not None else {}

    # --- sampling -------------------------------------------------------------------------------------

    def draw(
        self, noise: Float[Tensor, "B C H W"], wish: Int[Tensor, "B *L"], weight: float
    ) -> list[Float[Tensor, "B C H W"]]:
        """The deterministic walk from these noises under one weight, every step of it.

        Args:
            wish: A class, or the tokens of a caption, for each image.
        """
        c, base, generator = self.config, self.base, self.setting.generator("unused")
        if self.captioned is not None:  # which exaggerates the caption itself
            walk = Walk("ddim", c.sampler_steps, eta=0.0, guidance=1.0, clip=c.clip)
            return self.captioned.draw(noise, wish, weight, generator, walk)
        walk = Walk("ddim", c.sampler_steps, eta=0.0, guidance=weight, clip=c.clip)
        return list(base.denoise(noise, wish, generator, walk=walk))

    def _drawn(
        self, noise: Float[Tensor, "N C H W"], wish: Int[Tensor, "N *L"], weight: float
    ) -> Float[Tensor, "N C H W"]:
        """Images of many wishes, some at a time."""
        parts = zip(noise.split(128), wish.split(128), strict=True)
        return torch.cat([self.draw(z, y, weight)[-1] for z, y in parts])

    # --- what the run is judged by --------------------------------------------------------------------

    def evaluate(self) -> Mapping[str, float]:
        """The figures under the recipe's own weight; others are rows of its `vary:`, from the same noise."""
        return self._judge_classes() if self.captioned is None else self._judge_captions()

    def _judge_captions(self) -> dict[str, float]:
        """Share of the scenes that are as their captions say."""
        weight, source = self.config.guidance, self.setting.data
        noise = self.base.noise(N_SAMPLES, self.setting.generator("evaluate"))

        def accuracy(scenes: Scenes) -> float:
            return scene_accuracy(self._drawn(noise[: len(scenes)], scenes.tokens, weight), scenes.captions)

        test, unseen = source.test[:N_SAMPLES], source.unseen[:N_SAMPLES]
        return {"scene_accuracy": accuracy(test), "unseen_scene_accuracy": accuracy(unseen)}

    def _judge_classes(self) -> dict[str, float]:
        """How near the digits lie to real ones, how many are as asked, how varied those of a class are."""
        self._require_varied_classes()
        judge = Judge.load_or_train(self.setting.data, messages.say)
        noise = self.base.noise(N_SAMPLES, self.setting.generator("evaluate"))
        label = torch.arange(N_SAMPLES, device=self.setting.device) % self.config.n_classes
        images = self._drawn(noise, label, self.config.guidance)
        real, real_label = to_float(self.setting.data.test_images), self.setting.data.test_labels
        variety = class_variety(judge.features(images), label, judge.features(real), real_label)
        return judge.score(images, label) | {"class_variety": variety}

    def _require_varied_classes(self) -> None:
        """Refuse to judge by a test set of which a class has too few images to have K axes.

        Raises:
            DataError: some class has.
        """
        counts = self.setting.data.test_labels.bincount(minlength=self.config.n_classes)
        least = 2 * (AXES + 1)  # half of them name the axes; the other half must fill them
        if int(counts.min()) < least:
            what = (
                f"class {int(counts.argmin())} has {int(counts.min())} test images; its variety needs {least}"
            )
            raise DataError(what, "judge by more test images: --set data.n_test=2000")

    # --- what it shows --------------------------------------------------------------------------------

    def sample(self, request: SampleRequest) -> Images:
        """A row a weight, a column a noise: the same beginnings, exaggerated more and more.

        Raises:
            UsageError: a class is asked of captions, a prompt of classes, or the prompt is no caption.
        """
        if request.prompt is not None:
            return self._sample_prompt(request, request.prompt)
        columns = math.ceil(request.n / len(SHOWN))
        wish, captions_shown = self._wishes(columns, request.label)
        noise = self.base.noise(columns, self.setting.generator("sample", request.seed))
        shown = SHOWN[: math.ceil(request.n / columns)]
        paths = [self.draw(noise, wish, weight) for weight in shown]
        frames = [_shades(torch.cat(rows)[: request.n]) for rows in zip(*paths, strict=True)]
        caption = f"Rows: guidance {', '.join(f'{w:g}' for w in shown)}. Columns begin with the same noise."
        if captions_shown:
            caption += f" They were asked for: {'; '.join(captions_shown)}."
        return Images(frames[-1], frames=frames, columns=columns, caption=caption)

    def _wishes(self, n: int, label: int | None) -> tuple[Tensor, list[str]]:
        """Classes in turn or the one wanted; or the first captions of the test, and their words."""
        if self.captioned is None:
            every = torch.arange(n, device=self.setting.device) % self.config.n_classes
            return (every if label is None else torch.full_like(every, label)), []
        if label is not None:
            raise UsageError("this run knows captions, no classes", f'say --prompt "{captions.EXAMPLE}"')
        test: Scenes = self.setting.data.test
        rows = torch.arange(n, device=self.setting.device) % len(test)
        return test.tokens[rows], [captions.detokenize(row) for row in test.tokens[rows].tolist()]

    def _sample_prompt(self, request: SampleRequest, prompt: str) -> Images:
        """Scenes of one caption under the recipe's weight, and how many are as it says."""
        if self.captioned is None:
            raise UsageError("this run knows classes, no words", "say --label 3, or train cfg --recipe text")
        if request.label is not None:
            raise UsageError("this run knows captions, no classes", "sample it without --label")
        captions.parse(prompt)
        wish = torch.tensor([captions.tokenize(prompt)] * request.n, device=self.setting.device)
        noise = self.base.noise(request.n, self.setting.generator("sample", request.seed))
        path = self.draw(noise, wish, self.config.guidance)
        right = round(request.n * scene_accuracy(path[-1], [prompt] * request.n))
        frames = [_shades(x) for x in path]
        return Images(
            frames[-1], frames=frames, columns=min(10, request.n),
            caption=f"{right} of {request.n} are as asked, at guidance {self.config.guidance:g}: {prompt}.",
            facts={"prompt": prompt, "as_asked": right, "guidance": self.config.guidance},
        )  # fmt: skip


def _shades(images: Float[Tensor, "N C H W"]) -> np.ndarray:
    """Images in [0, 1] for the eye."""
    shades: np.ndarray = ((images.float().clamp(-1, 1) + 1) / 2).cpu().numpy()
    return shades


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
        mine, theirs = drawn[label == y].cpu().double(), real[real_label == y].cpu().double()
        n = min(len(mine), len(theirs) // 2)
        axes = torch.linalg.eigh(theirs[n:].T.cov()).eigenvectors[:, -AXES:]  # (D, K), the largest
        entropies = [torch.logdet((x[:n] @ axes).T.cov()) / (2 * AXES) for x in (mine, theirs)]
        differences.append(float(entropies[0] - entropies[1]))
    return math.fsum(differences) / len(differences)
