"""MeanFlow: learn the average velocity of a stretch of the way, so that one step goes all of it.

Source:  Geng, Deng, Bai, Kolter, He 2025, arXiv:2505.13447: eq. 3 (average velocity), eq. 6 (the identity),
         eq. 9 to 11 (the loss), section 4.2 (guidance), Algorithm 1.
Time:    t = 0 is noise and t = 1 is data, as in the family; the paper counts the other way, and signs turn.
Names:   u(x_t, t, s) is the mean of the velocity from t to s along the way through x_t, so that
         x_s = x_t + (s - t) u. v = data - noise is the velocity of a pair.
Shapes:  B batch; an image is C H W.
Differs: the net is cfm's U-Net, to which the length s - t is told beside time and class. Times are told to it
         on a scale of 10 and not of 1000: the faster an embedding turns with time, the steeper the
         derivative in the target. The guided velocity is that of eq. 13 with one weight:
         w v + (1 - w) u(x_t, t, t, no class). The loss has their weight with power 1 (section 4.3).
         Everything is in float32: the derivative is small beside what it is taken of.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from atlas_cli.config import MOST_STEPS, WIDEST, SystemConfig, sampling
from atlas_cli.draws import BatchRandom
from atlas_cli.engine.system import Metrics, SampleRequest, System
from atlas_cli.metrics.judge import N_SAMPLES, Judge
from atlas_cli.nets.unet import Multipliers, UNet, require_whole_levels, timestep_embedding
from atlas_cli.present.artifacts.images import Images
from atlas_cli.screen import messages

COUNTS = (1, 2, 5)  # steps, each one call of the network
WEIGHT_FLOOR = 1e-3  # of the squared error by which the loss is divided (their c)


class Config(SystemConfig):
    """The `model:` section of a meanflow recipe."""

    data_kinds: ClassVar[tuple[str, ...]] = ("images",)
    image_size: int = Field(28, gt=0, le=WIDEST)  # pixels; from the data
    channels: int = Field(1, gt=0, le=WIDEST)  # from the data
    n_classes: int = Field(10, gt=0, le=WIDEST)  # from the data
    width: int = Field(64, gt=0, multiple_of=4, le=WIDEST)  # channels of the U-Net at its finest level
    multipliers: Multipliers = Field((1, 1), strict=False)  # channels of its levels over width
    patch: int = Field(2, gt=0, le=WIDEST)  # pixels folded into channels before the U-Net
    label_dropout: float = Field(0.1, ge=0, lt=1)  # share of training labels replaced by "no class"
    long_share: float = Field(0.5, ge=0, le=1)  # of a batch learns stretches; the rest velocities, s = t
    guidance: float = Field(1.5, ge=0)  # of the velocity that is learned; 1: none
    time_mean: float = -0.4  # of the logit of the share of noise, from whose distribution times are drawn
    time_std: float = Field(1.0, gt=0)
    time_scale: float = Field(10.0, gt=0, le=1e4)  # times are told to the net times this; ddpm's is 1000
    sampler_steps: int = sampling(1, gt=0, le=MOST_STEPS)

    @model_validator(mode="after")
    def _image_can_be_halved(self) -> Config:
        require_whole_levels(self.image_size, self.patch, self.multipliers)
        return self


@dataclass(frozen=True)
class Batch:
    """A training batch with all its randomness in it."""

    data: Float[Tensor, "B C H W"]  # images in [-1, 1]
    label: Int[Tensor, "B"]  # n_classes where the label was dropped
    t: Float[Tensor, "B"]
    s: Float[Tensor, "B"]  # t or later
    noise: Float[Tensor, "B C H W"]


class MeanFlow(System):
    """A network of average velocities, trained from nothing."""

    unit: ClassVar[str] = "images"
    steers: ClassVar[frozenset[str]] = frozenset({"label"})
    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        c = config
        self.net = UNet(c.channels, c.n_classes, c.width, c.multipliers, c.patch)
        d = self.net.d_embed
        self.embed_length = nn.Sequential(nn.Linear(self.net.d_time, d), nn.SiLU(), nn.Linear(d, d))
        _load_forward_mode()

    # --- training -------------------------------------------------------------------------------------

    def batch(self, step: int) -> Batch:
        random = self.setting.random(step)
        data, label = self.setting.data.batch(random)
        return self._timed(data, label, random)

    def held_out(self, step: int) -> Batch:
        random = self.setting.held_out_random()
        data, label = self.setting.data.test_batch(random)
        return self._timed(data, label, random)

    def _timed(self, data: Tensor, label: Tensor, random: BatchRandom) -> Batch:
        """Every image with a noise and two times; some lose their class, some stretches their length."""
        c = self.config
        dropped = random.uniform() < c.label_dropout
        shares = (c.time_mean + c.time_std * random.normal(2)).sigmoid()  # of noise: 1 at t = 0
        t, s = (1 - shares).sort(dim=1).values.unbind(1)
        long = random.uniform() < c.long_share
        return Batch(
            data=data,
            label=torch.where(dropped, c.n_classes, label),
            t=t,
            s=torch.where(long, s, t),
            noise=random.normal(*data.shape[1:]),
        )

    def loss(self, batch: Batch) -> tuple[Tensor, Metrics]:
        """Squared distance to what the identity asks for, over its own size.

        With s fixed, (s - t) u = integral of v from t to s. Differentiate by t along the way:
        u = v + (s - t) du/dt, where du/dt = v du/dx + du/dt at a fixed place: one forward-mode derivative in
        the direction (v, 1). The right side is taken as a target, as if it did not depend on the weights.
        """
        with torch.autocast(batch.data.device.type, enabled=False):
            t, s = batch.t, batch.s
            x_t = spread(t) * batch.data + spread(1 - t) * batch.noise
            v = self.guided_velocity(x_t, batch)

            def along(x: Tensor, time: Tensor) -> Tensor:
                return self.average(x, time, s, batch.label)

            # exercise: target
            with sdpa_kernel(SDPBackend.MATH):  # the fused kernels know no forward mode
                u, rate = torch.func.jvp(along, (x_t, t), (v, torch.ones_like(t)))  # type: ignore[misc]
            target = (v + spread(s - t) * rate).detach()
            # end
            squares = (u - target).square().flatten(1).mean(1)
            weight = (squares + WEIGHT_FLOOR).reciprocal().detach()
            return (weight * squares).mean(), {"squared_error": squares.detach().mean()}

    @torch.no_grad()
    def guided_velocity(self, x_t: Float[Tensor, "B C H W"], batch: Batch) -> Float[Tensor, "B C H W"]:
        """The pair's velocity, its class exaggerated by the net's own guess without one (eq. 13)."""
        v, w = batch.data - batch.noise, self.config.guidance
        if w == 1:
            return v
        # exercise: guided_velocity
        nobody = torch.full_like(batch.label, self.config.n_classes)
        plain = self.average(x_t, batch.t, batch.t, nobody)
        return torch.where(spread(batch.label == nobody), v, w * v + (1 - w) * plain)
        # end

    def average(
        self, x_t: Float[Tensor, "B C H W"], t: Float[Tensor, "B"], s: Float[Tensor, "B"],
        label: Int[Tensor, "B"],
    ) -> Float[Tensor, "B C H W"]:  # fmt: skip
        """u(x_t, t, s): the net's mean velocity from t to s; it is told the length beside time and class."""
        net, scale = self.net, self.config.time_scale
        told = net.embed_time(timestep_embedding(scale * (1 - t), net.d_time)) + net.embed_class(label)
        e = F.silu(told + self.embed_length(timestep_embedding(scale * (s - t), net.d_time)))
        return net.decode(*net.encode(x_t, e), e)

    # --- sampling -------------------------------------------------------------------------------------

    def follow(self, noise: Float[Tensor, "B C H W"], label: Int[Tensor, "B"], steps: int) -> list[Tensor]:
        """From noise to images in so many steps; where each ends."""
        x, path = noise, []
        for k in range(steps):
            t, s = (torch.full((len(x),), at / steps, device=x.device) for at in (k, k + 1))
            x = x + self.average(x, t, s, label).float() / steps
            path.append(x)
        return path

    def _noise(self, n: int, generator: torch.Generator) -> Float[Tensor, "N C H W"]:
        c = self.config
        shape = (n, c.channels, c.image_size, c.image_size)
        return torch.randn(shape, generator=generator, device=self.setting.device)

    # --- what the run is judged by, and what it shows -------------------------------------------------

    @torch.no_grad()
    def evaluate(self) -> Mapping[str, float]:
        """The distance after so many steps, all from the same noise."""
        label = torch.arange(N_SAMPLES, device=self.setting.device) % self.config.n_classes
        judge = Judge.load_or_train(self.setting.data, messages.say)
        figures = {**judge.floor(), "judge_accuracy": judge.accuracy}
        noise = self._noise(N_SAMPLES, self.setting.generator("evaluate"))
        for steps in COUNTS:
            parts = zip(noise.split(128), label.split(128), strict=True)
            scores = judge.score(torch.cat([self.follow(part, of, steps)[-1] for part, of in parts]), label)
            figures[f"judge_frechet_{steps}"] = scores["judge_frechet"]
            figures[f"class_accuracy_{steps}"] = scores["class_accuracy"]
        return figures

    @torch.no_grad()
    def sample(self, request: SampleRequest) -> Images:
        label = torch.arange(request.n, device=self.setting.device) % self.config.n_classes
        if request.label is not None:
            label = torch.full_like(label, request.label)
        noise = self._noise(request.n, self.setting.generator("sample", request.seed))
        path = [noise, *self.follow(noise, label, self.config.sampler_steps)]
        frames = [((x.clamp(-1, 1) + 1) / 2).cpu().numpy() for x in path]
        return Images(frames[-1], frames=frames, columns=min(10, request.n))


def _load_forward_mode() -> None:
    """What torch loads for its first forward-mode derivative warns of a part of torch that will go."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        importlib.import_module("torch._decomp.decompositions_for_jvp")


def spread(x: Tensor) -> Tensor:
    """(B,) as (B, 1, 1, 1)."""
    return x.view(-1, 1, 1, 1)
