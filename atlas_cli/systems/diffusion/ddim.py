"""DDIM: the same trained network, sampled in few steps and without fresh noise.

Source:  Song, Meng, Ermon 2020, arXiv:2010.02502. Here: eq. 12 (one step), eq. 16 (sigma and eta), section
         4.3 (the way back, from an image to its noise), section 5.3 (interpolation between noises).
Shapes:  B batch, C channels, H height, W width.
Trains:  nothing. The network is that of the ddpm recipe named in `from:`; only the walk differs.
Differs: the noise in eq. 12 is what x_t holds beside the clipped estimate of the image, so that clipping
         keeps x_s on the right level; the class guides as in ddpm.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor

from atlas_cli.config import MOST_STEPS, WIDEST, SystemConfig, sampling
from atlas_cli.data.images import to_float
from atlas_cli.engine.system import Optimizers, SampleRequest, System
from atlas_cli.metrics.judge import N_SAMPLES, Judge
from atlas_cli.present.artifacts.images import Images
from atlas_cli.screen import messages
from atlas_cli.systems.diffusion.ddpm import DDPM, ddim_posterior
from atlas_cli.systems.diffusion.sampler import Walk

COUNTS = (5, 10, 20, 50, 100)  # sampler steps of the table, as in table 1 of the paper
COLUMNS = 10  # images from one noise to the other
ROUND_TRIPS = 64  # test images that are sent to noise and back


class Config(SystemConfig):
    """The `model:` section of a ddim recipe."""

    data_kinds: ClassVar[tuple[str, ...]] = ("images",)
    parents: ClassVar[tuple[str, ...]] = ("ddpm",)
    image_size: int = Field(28, gt=0, le=WIDEST)  # pixels; from the data
    channels: int = Field(1, gt=0, le=WIDEST)  # from the data
    n_classes: int = Field(10, gt=0, le=WIDEST)  # from the data
    sampler_steps: int = sampling(
        20, gt=0, le=MOST_STEPS
    )  # steps of a sample; evaluation goes through COUNTS
    sampler_eta: float = sampling(0.0, ge=0, le=1)  # 0: deterministic; 1: as much noise as DDPM adds
    guidance: float = sampling(1.75, ge=0)  # 1: the class-conditional net alone; more: exaggerate the class
    clip: bool = sampling(True)  # keep each estimate of the image within [-1, 1]


class DDIM(System):
    """A trained DDPM, sampled by another walk."""

    steers: ClassVar[frozenset[str]] = frozenset({"label"})
    config: Config

    @property
    def base(self) -> DDPM:
        """The trained network of the recipe's parent."""
        base: DDPM = self.setting.parent  # type: ignore[assignment]
        return base

    def walk(self, steps: int, guidance: float | None = None) -> Walk:
        """This system's walk in so many steps."""
        c = self.config
        return Walk("ddim", steps, c.sampler_eta, c.guidance if guidance is None else guidance, c.clip)

    def optimizers(self) -> Optimizers:
        return {}  # nothing is trained

    # --- from an image to the noise that it comes from ------------------------------------------------

    @torch.no_grad()
    def encode(
        self, data: Float[Tensor, "B C H W"], label: Int[Tensor, "B"], steps: int
    ) -> Float[Tensor, "B C H W"]:
        """The noise from which the deterministic walk draws these images: eq. 12 run towards more noise.

        A step up asks the net at the level that it leaves, the step down over the same stretch at the level
        that it comes from. That difference is the error of the round trip; it shrinks with the stretch.
        """
        base, walk = self.base, self.walk(steps, guidance=1.0)
        x, levels = (
            data,
            [0, *base.timesteps(walk)[::-1]],
        )  # the image is taken as standing on the lowest level
        for t, s in pairwise(levels):
            seen = base.predict_data(x, torch.full_like(label, t), label, walk=walk)
            a_t, a_s = base.kept(t, s)
            x, _ = ddim_posterior(x, seen, a_t, a_s, eta=0.0)
        return x

    @torch.no_grad()
    def decode(
        self, noise: Float[Tensor, "B C H W"], label: Int[Tensor, "B"], steps: int
    ) -> Float[Tensor, "B C H W"]:
        """The images at the end of the walk from these noises, unguided as `encode` is."""
        walk = self.walk(steps, guidance=1.0)
        *_, images = self.base.denoise(noise, label, self.setting.generator("decode"), walk=walk)
        return images

    def round_trip(self, steps: int) -> float:
        """Mean squared error of image -> noise -> image on test images, in pixels of [0, 1] (table 2)."""
        source = self.setting.data
        data, label = to_float(source.test_images[:ROUND_TRIPS]), source.test_labels[:ROUND_TRIPS]
        back = self.decode(self.encode(data, label, steps), label, steps)
        return float(((back - data).float() / 2).square().mean())

    # --- what the run is judged by, and what it shows -------------------------------------------------

    def evaluate(self) -> Mapping[str, float]:
        label = torch.arange(N_SAMPLES, device=self.setting.device) % self.config.n_classes
        judge = Judge.load_or_train(self.setting.data, messages.say)
        figures = {**judge.floor(), "judge_accuracy": judge.accuracy}
        for steps in COUNTS:
            walk, generator = self.walk(steps), self.setting.generator("evaluate")
            images = torch.cat([self.base.draw(part, generator, walk=walk)[-1] for part in label.split(128)])
            scores = judge.score(images, label)
            figures[f"judge_frechet_{steps}"] = scores["judge_frechet"]
            figures[f"class_accuracy_{steps}"] = scores["class_accuracy"]
        return figures | {f"round_trip_{steps}": self.round_trip(steps) for steps in (10, 100)}

    def sample(self, request: SampleRequest) -> Images:
        """Each row walks from one noise to another on the sphere (section 5.3), drawing what lies between."""
        columns = min(COLUMNS, request.n)
        rows = math.ceil(request.n / columns)
        generator = self.setting.generator("sample", request.seed)
        base, walk = self.base, self.walk(self.config.sampler_steps)
        ends = base.noise(2 * rows, generator).view(2, rows, 1, *base.noise(1, generator).shape[1:])
        share = torch.linspace(0, 1, columns, device=ends.device).view(1, -1, 1, 1, 1)
        noise = spherical(ends[0], ends[1], share).flatten(0, 1)[: request.n]
        label = torch.arange(rows, device=ends.device) % self.config.n_classes
        if request.label is not None:
            label = torch.full_like(label, request.label)
        label = label.repeat_interleave(columns)[: request.n]
        path = [noise, *base.denoise(noise, label, generator, walk=walk)]
        frames = [((x.clamp(-1, 1) + 1) / 2).cpu().numpy() for x in path]
        caption = "Every row goes from one noise to another, and the same network draws what lies between."
        return Images(frames[-1], frames=frames, columns=columns, caption=caption)


def spherical(
    a: Float[Tensor, "*A"], b: Float[Tensor, "*A"], share: Float[Tensor, "*S"]
) -> Float[Tensor, "*AS"]:
    """Between two noises at constant length (section 5.3): a straight line would pass too near to zero.

    Args:
        a: Noises; the last three dimensions are one noise.
        b: The noises at the other end.
        share: 0 at a, 1 at b; broadcast against both.
    """
    dims = (-3, -2, -1)
    # exercise: spherical
    cosine = (a * b).sum(dims, keepdim=True) / (
        a.square().sum(dims, keepdim=True) * b.square().sum(dims, keepdim=True)
    ).sqrt()
    angle = cosine.clamp(-1, 1).acos()
    return (((1 - share) * angle).sin() * a + (share * angle).sin() * b) / angle.sin()
    # end
