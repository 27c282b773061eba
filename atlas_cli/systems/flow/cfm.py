"""Flow matching: learn where a mixture of noise and data is going, and follow it.

Source:  Lipman, Chen, Ben-Hamu, Nickel, Le 2022, arXiv:2210.02747. Here: eq. 9 (the loss), eq. 22 and 23 with
         sigma_min = 0 (the straight path). The authors' library: github.com/facebookresearch/flow_matching.
Time:    t = 0 is noise and t = 1 is data; ddpm counts the other way.
Names:   data is x_1 and noise x_0; x_t = t x_1 + (1 - t) x_0; the velocity of a pair is u_t = x_1 - x_0, and
         `predict` is v_t, the net's.
Shapes:  B batch; a datum is an image, C H W (channels, height, width), or a point, D coordinates.
Differs: for images the net is ddpm's U-Net and reads time on its scale. As there, the class is an input that
         is dropped at random and guides sampling, and each estimate of the image is clipped. For points it
         is cnf's field, without class, guide or clip.
         `path: cosine` is the diffusion model to compare with: same net, data and sampler, along the path of
         DDPM's cosine schedule with DDPM's v as target. Euler's method is DDIM then; the page derives it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor, nn

from atlas_cli.config import MOST_STEPS, WIDEST, SystemConfig, sampling
from atlas_cli.draws import BatchRandom
from atlas_cli.engine.system import Metrics, SampleRequest, System
from atlas_cli.metrics.judge import N_SAMPLES, Judge
from atlas_cli.nets.unet import Multipliers, UNet, require_whole_levels
from atlas_cli.present.artifacts.base import Artifact
from atlas_cli.present.artifacts.images import Images
from atlas_cli.screen import messages
from atlas_cli.systems.flow import of_points
from atlas_cli.systems.flow.paths import PATHS, Path, mix, split, straight_time, velocity
from atlas_cli.systems.flow.solvers import CALLS, STEP

COUNTS = (1, 2, 5, 10, 20)  # calls of the network, for each picture of the table
NEARLY_NOTHING = 1e-6  # noise too little to be told from none in float32


class Config(SystemConfig):
    """The `model:` section of a cfm recipe."""

    data_kinds: ClassVar[tuple[str, ...]] = ("images", "points")
    image_size: int = Field(28, gt=0, le=WIDEST)  # pixels; from the data
    channels: int = Field(1, gt=0, le=WIDEST)  # from the data
    n_classes: int = Field(10, gt=0, le=WIDEST)  # from the data
    dim: int = Field(0, ge=0, le=WIDEST)  # coordinates of a point; 0: the data are images
    path: Literal["straight", "cosine"] = "straight"  # cosine: that of a diffusion model
    width: int = Field(64, gt=0, multiple_of=4, le=WIDEST)  # channels of the U-Net at its finest level; units
    n_layer: int = Field(3, gt=0, le=64)  # hidden layers, for points
    multipliers: Multipliers = Field((1, 1), strict=False)  # channels of its levels over width
    patch: int = Field(2, gt=0, le=WIDEST)  # pixels folded into channels before the U-Net
    label_dropout: float = Field(0.15, ge=0, lt=1)  # share of training labels replaced by "no class"
    solver: Literal["euler", "midpoint", "heun"] = sampling("euler")  # the last two call the net twice a step
    sampler_steps: int = sampling(10, gt=0, le=MOST_STEPS)  # of a sample; evaluation goes through COUNTS
    spacing: Literal["straight", "cosine"] | None = sampling(None)  # clock of even steps; None: the path's
    guidance: float = sampling(1.5, ge=0)  # 1: the class-conditional net alone; more: exaggerate the class
    clip: bool = sampling(True)  # keep each estimate of the image within [-1, 1]

    @model_validator(mode="after")
    def _image_can_be_halved(self) -> Config:
        require_whole_levels(self.image_size, self.patch, self.multipliers)
        return self


@dataclass(frozen=True)
class Batch:
    """A training batch with all its randomness in it."""

    data: Float[Tensor, "B *datum"]  # images in [-1, 1], or points
    label: Int[Tensor, "B"]  # n_classes where the label was dropped; of points, zeros
    t: Float[Tensor, "B *ones"]
    noise: Float[Tensor, "B *datum"]


class CFM(System):
    """Conditional flow matching of images or points."""

    unit: ClassVar[str] = "images"
    steers: ClassVar[frozenset[str]] = frozenset({"label"})
    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        c = config
        self.net: nn.Module = (
            of_points.field(c.dim, c.width, c.n_layer)
            if c.dim
            else UNet(c.channels, c.n_classes, c.width, c.multipliers, c.patch)
        )

    @property
    def classes(self) -> int:
        """Classes that a label chooses from; points have none."""
        return 0 if self.config.dim else super().classes

    @property
    def path(self) -> Path:
        """From noise to data, straight or as diffusion goes."""
        return PATHS[self.config.path]

    # --- training -------------------------------------------------------------------------------------

    def batch(self, step: int) -> Batch:
        random = self.setting.random(step)
        return self.paired(self.setting.data.batch(random), random)

    def held_out(self, step: int) -> Batch:
        random, source = self.setting.held_out_random(), self.setting.data
        return self.paired(source.batch(random) if self.config.dim else source.test_batch(random), random)

    def paired(self, drawn: Any, random: BatchRandom) -> Batch:
        """Every datum with a noise and a time of its own; some lose their class.

        Args:
            drawn: Images and their classes, or points.
            random: The draws of this batch.
        """
        data, label = (drawn, drawn.new_zeros(len(drawn)).long()) if self.config.dim else drawn
        dropped = random.uniform() < self.config.label_dropout
        return Batch(
            data=data,
            label=torch.where(dropped, self.config.n_classes, label),
            t=random.uniform(*[1] * (data.dim() - 1)),
            noise=random.normal(*data.shape[1:]),
        )

    def loss(self, batch: Batch) -> tuple[Tensor, Metrics]:
        """Mean squared error of the velocity at one point of each pair's path (eq. 9)."""
        # exercise: loss
        x_t = mix(self.path, batch.data, batch.noise, batch.t)
        output = self.predict(x_t, batch.t.flatten(), batch.label)
        return F.mse_loss(output.float(), velocity(self.path, batch.data, batch.noise, batch.t)), {}
        # end

    def predict(
        self, x_t: Float[Tensor, "B *datum"], t: Float[Tensor, "B"], label: Int[Tensor, "B"]
    ) -> Float[Tensor, "B *datum"]:
        """The net's velocity; a U-Net sees time as ddpm's does, 1000 for noise and 0 for data."""
        if self.config.dim:
            return self.net(x_t, t[:, None])
        return self.net(x_t, 1000 * (1 - t), label)

    # --- sampling -------------------------------------------------------------------------------------

    def guided(
        self, x_t: Float[Tensor, "B *datum"], t: Float[Tensor, ""], label: Int[Tensor, "B"]
    ) -> Float[Tensor, "B *datum"]:
        """The net's velocity with the class exaggerated."""
        times, w = t.repeat(len(label)), self.config.guidance
        if w == 1 or self.config.dim:
            return self.predict(x_t, times, label).float()
        # one pass for both: the conditional half and the "no class" half
        nobody = torch.full_like(label, self.config.n_classes)
        both = self.predict(x_t.repeat(2, 1, 1, 1), times.repeat(2), torch.cat([label, nobody]))
        conditional, unconditional = both.float().chunk(2)
        return unconditional + w * (conditional - unconditional)

    def field(
        self, z: Float[Tensor, "B *datum"], t: float, label: Int[Tensor, "B"]
    ) -> Float[Tensor, "B *datum"]:
        """Velocity of the straight path at z, whichever path the net was trained on.

        On the straight path it is the net's answer, unless an estimate is clipped. Another path passes
        through (a + s) z, at the time when it has data and noise in the same proportion. There the net says
        which data and which noise it sees; their difference is the velocity.
        """
        own = torch.tensor(self.path.clock(t), device=z.device)
        at = self.path.shares(own)
        x = (at.a + at.s) * z
        data, noise = split(self.path, x, self.guided(x, own, label), own)
        if self.config.clip and not self.config.dim and at.s > NEARLY_NOTHING:
            data = data.clamp(-1, 1)
            noise = (x - at.a * data) / at.s  # what is left is noise, so that z stays where it is
        return data - noise

    def times(self, steps: int) -> list[float]:
        """Straight times at which the sampler stops, from 0 to 1: even on the clock of `spacing`."""
        clock = PATHS[self.config.spacing or self.config.path]
        return [straight_time(clock, k / steps) for k in range(steps + 1)]

    def follow(
        self, noise: Float[Tensor, "B *datum"], label: Int[Tensor, "B"], steps: int
    ) -> Iterator[Float[Tensor, "B *datum"]]:
        """Walk from noise to images, yielding where each step ends."""
        step, z = STEP[self.config.solver], noise
        for t, s in messages.steps([*pairwise(self.times(steps))], "following"):
            z = step(lambda x, time: self.field(x, time, label), z, t, s - t)
            yield z

    def noise(self, n: int, generator: torch.Generator) -> Float[Tensor, "N *datum"]:
        """Where a walk begins."""
        c = self.config
        shape = (n, c.dim) if c.dim else (n, c.channels, c.image_size, c.image_size)
        return torch.randn(shape, generator=generator, device=self.setting.device)

    # --- what the run is judged by, and what it shows -------------------------------------------------

    @torch.no_grad()
    def evaluate(self) -> Mapping[str, float]:
        """The distance after so many calls of the network, all from the same noise."""
        if self.config.dim:
            return of_points.figures(self)
        label = torch.arange(N_SAMPLES, device=self.setting.device) % self.config.n_classes
        judge = Judge.load_or_train(self.setting.data, messages.say)
        figures = {**judge.floor(), "judge_accuracy": judge.accuracy}
        each = CALLS[self.config.solver]
        for calls in (n for n in COUNTS if n % each == 0):
            noise = self.noise(N_SAMPLES, self.setting.generator("evaluate"))
            parts = zip(noise.split(128), label.split(128), strict=True)
            paths = [[part, *self.follow(part, of, calls // each)] for part, of in parts]
            scores = judge.score(torch.cat([path[-1] for path in paths]), label)
            figures[f"judge_frechet_{calls}"] = scores["judge_frechet"]
            figures[f"class_accuracy_{calls}"] = scores["class_accuracy"]
        return figures | {"detour": detour(paths)}

    @torch.no_grad()
    def sample(self, request: SampleRequest) -> Artifact:
        if self.config.dim:
            return of_points.drawn(self, request)
        label = torch.arange(request.n, device=self.setting.device) % self.config.n_classes
        if request.label is not None:
            label = torch.full_like(label, request.label)
        noise = self.noise(request.n, self.setting.generator("sample", request.seed))
        path = [noise, *self.follow(noise, label, self.config.sampler_steps)]
        frames = [((x.clamp(-1, 1) + 1) / 2).cpu().numpy() for x in path]
        return Images(frames[-1], frames=frames, columns=min(10, request.n))


def detour(paths: list[list[Float[Tensor, "B *datum"]]]) -> float:
    """How much longer the paths are than the straight lines between their ends: 1 is straight."""
    found = []
    for path in paths:
        # exercise: detour
        pieces = torch.stack(path).diff(dim=0).flatten(2).norm(dim=2)  # (steps, B)
        found.append(pieces.sum(0) / (path[-1] - path[0]).flatten(1).norm(dim=1))
        # end
    return float(torch.cat(found).mean())
