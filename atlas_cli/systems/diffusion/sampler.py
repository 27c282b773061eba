"""How a sampler goes from noise to an image: a recipe's fields that say so, and the walk that they name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from atlas_cli.config import MOST_STEPS, SystemConfig, sampling

Sampler = Literal["ddpm", "ddim"]


@dataclass(frozen=True)
class Walk:
    """One way through the noise levels of a trained denoiser.

    Attributes:
        sampler: ddpm is ancestral, with fresh noise at every step; ddim keeps the noise that is there.
        steps: Steps visited, at most as many as the denoiser was trained on.
        eta: Of ddim only: share of the ancestral noise that is added.
        guidance: 1: the class-conditional net alone; more: exaggerate the class.
        clip: Keep each estimate of the image within [-1, 1].
    """

    sampler: Sampler
    steps: int
    eta: float
    guidance: float
    clip: bool


class SamplerConfig(SystemConfig):
    """The fields of a `model:` section that steer sampling alone."""

    sampler: Sampler = sampling("ddpm")  # ddpm: ancestral, with fresh noise at every step
    sampler_steps: int = sampling(25, gt=0, le=MOST_STEPS)  # steps visited when sampling, at most n_steps
    sampler_eta: float = sampling(0.0, ge=0, le=1)  # ddim only: share of the ancestral noise that is added
    guidance: float = sampling(1.75, ge=0)  # 1: the class-conditional net alone; more: exaggerate the class

    def walk(self, clip: bool) -> Walk:
        """The walk that these fields name; whether it clips depends on the space that it goes through."""
        return Walk(self.sampler, self.sampler_steps, self.sampler_eta, self.guidance, clip)
