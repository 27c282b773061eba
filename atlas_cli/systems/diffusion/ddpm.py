"""DDPM: learn to undo Gaussian noise, one small step at a time.

Source:  Ho, Jain, Abbeel 2020, arXiv:2006.11239. Here: eq. 4, eq. 6-7, eq. 14, Algorithms 1 and 2.
Time:    t = 0 is the least noisy, T-1 pure noise (the paper counts 1..T).
Shapes:  B batch, C channels, H height, W width, T diffusion steps.
Differs: cosine schedule (arXiv:2102.09672) in place of the linear one, which wastes its last fifth at 28x28.
         v-prediction (arXiv:2202.00512) by default: at high noise a predicted epsilon says nothing about the
         image, and few sampling steps then suffer; `prediction: epsilon` is the paper's choice.
         The class is an input, dropped at random, and guides sampling (arXiv:2207.12598), so that "did it
         draw what was asked?" has an answer. Sampling may visit fewer than T steps: the posterior of eq. 6
         is then taken between the visited steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor

from atlas_cli.config import MOST_STEPS, WIDEST, sampling
from atlas_cli.draws import BatchRandom
from atlas_cli.engine.system import Metrics, SampleRequest, System
from atlas_cli.metrics.judge import Judge
from atlas_cli.nets.unet import Multipliers, UNet, require_whole_levels
from atlas_cli.present.artifacts.images import Images
from atlas_cli.screen import messages
from atlas_cli.systems.diffusion.sampler import SamplerConfig, Walk

Predict = Callable[[Tensor, Tensor, Tensor], Tensor]  # (x_t, t, label) -> the net's output

MOST_NOISE = (
    50.0  # nats, by the mean beta; the true sum is at most half as much again, and e^-75 is a float32
)
EVALUATION_SAMPLES = 512  # the Frechet distance falls with the sample size, so it is fixed


class Config(SamplerConfig):
    """The `model:` section of a ddpm recipe."""

    data_kinds: ClassVar[tuple[str, ...]] = ("images",)
    image_size: int = Field(28, gt=0, le=WIDEST)  # pixels; from the data
    channels: int = Field(1, gt=0, le=WIDEST)  # from the data
    n_classes: int = Field(10, gt=0, le=WIDEST)  # from the data
    n_steps: int = Field(1000, gt=0, le=MOST_STEPS)  # T
    schedule: Literal["cosine", "linear"] = "cosine"
    beta_start: float = Field(1e-4, ge=1e-6, lt=1)  # linear schedule only
    beta_end: float = Field(0.02, ge=1e-6, lt=1)  # linear schedule only
    prediction: Literal["epsilon", "x0", "v"] = "v"
    width: int = Field(64, gt=0, multiple_of=4, le=WIDEST)  # channels of the U-Net at its finest level
    multipliers: Multipliers = Field((1, 1), strict=False)  # channels of its levels over width
    patch: int = Field(2, gt=0, le=WIDEST)  # pixels folded into channels before the U-Net
    label_dropout: float = Field(0.15, ge=0, lt=1)  # share of training labels replaced by "no class"
    sampler_steps: int = sampling(50, gt=0, le=MOST_STEPS)  # steps visited when sampling, at most n_steps
    guidance: float = sampling(1.5, ge=0)  # 1: the class-conditional net alone; more: exaggerate the class
    clip: bool = sampling(True)  # keep each estimate of the image within [-1, 1]

    @model_validator(mode="after")
    def _image_can_be_halved(self) -> Config:
        require_whole_levels(self.image_size, self.patch, self.multipliers)
        return self

    @model_validator(mode="after")
    def _something_is_left(self) -> Config:
        if self.schedule == "linear":
            mean = (self.beta_start + self.beta_end) / 2
            nats = -self.n_steps * math.log1p(-mean)  # about -ln of what is left of the image's variance
            if nats > MOST_NOISE:
                raise ValueError(
                    f"{self.n_steps} linear steps up to beta_end = {self.beta_end:g} leave nothing of the "
                    "image: take fewer n_steps or a smaller beta_end"
                )
        return self


@dataclass(frozen=True)
class Batch:
    """A training batch with all its randomness in it."""

    data: Float[Tensor, "B C H W"]  # images in [-1, 1]
    label: Int[Tensor, "B"]  # n_classes where the label was dropped
    t: Int[Tensor, "B"]
    noise: Float[Tensor, "B C H W"]


class DDPM(System):
    """Denoising diffusion with a U-Net."""

    unit: ClassVar[str] = "images"
    steers: ClassVar[frozenset[str]] = frozenset({"label"})
    config: Config
    alpha_bar: Float[Tensor, "T"]

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        c = config
        self.net = UNet(c.channels, c.n_classes, c.width, c.multipliers, c.patch)
        self.register_buffer("alpha_bar", alpha_bar(c), persistent=False)

    # --- the forward process, and what one prediction tells about the others --------------------------

    def add_noise(
        self, data: Float[Tensor, "B C H W"], noise: Float[Tensor, "B C H W"], t: Int[Tensor, "B"]
    ) -> Float[Tensor, "B C H W"]:
        """Draw x_t ~ q(x_t | x_0) in one jump (eq. 4)."""
        # exercise: add_noise
        signal, sigma = self.levels(t)
        return signal * data + sigma * noise
        # end

    def levels(self, t: Int[Tensor, "B"]) -> tuple[Float[Tensor, "B 1 1 1"], Float[Tensor, "B 1 1 1"]]:
        """Size of the image and of the noise in x_t: sqrt(alpha_bar), sqrt(1 - alpha_bar)."""
        a = self.alpha_bar[t].view(-1, 1, 1, 1)  # (B, 1, 1, 1)
        return a.sqrt(), (1 - a).sqrt()

    def target(
        self, data: Float[Tensor, "B C H W"], noise: Float[Tensor, "B C H W"], t: Int[Tensor, "B"]
    ) -> Float[Tensor, "B C H W"]:
        """What the net must say: the noise, the image, or v = signal * noise - sigma * image."""
        if self.config.prediction == "epsilon":
            return noise
        if self.config.prediction == "x0":
            return data
        # exercise: target
        signal, sigma = self.levels(t)
        return signal * noise - sigma * data
        # end

    def to_data(
        self, output: Float[Tensor, "B C H W"], x_t: Float[Tensor, "B C H W"], t: Int[Tensor, "B"]
    ) -> Float[Tensor, "B C H W"]:
        """The image that an output of the net stands for; the inverse of `target` given x_t."""
        # exercise: to_data
        signal, sigma = self.levels(t)
        if self.config.prediction == "epsilon":
            return (x_t - sigma * output) / signal
        if self.config.prediction == "x0":
            return output
        return signal * x_t - sigma * output
        # end

    # --- training (Algorithm 1) -----------------------------------------------------------------------

    def batch(self, step: int) -> Batch:
        random = self.setting.random(step)
        data, label = self.setting.data.batch(random)
        return self._noised(data, label, random)

    def held_out(self, step: int) -> Batch:
        random = self.setting.held_out_random()
        data, label = self.setting.data.test_batch(random)
        return self._noised(data, label, random)

    def _noised(self, data: Float[Tensor, "B C H W"], label: Int[Tensor, "B"], random: BatchRandom) -> Batch:
        """Images with their times and their noise; some lose their class."""
        # exercise: drop
        dropped = random.uniform() < self.config.label_dropout
        return Batch(
            data=data,
            label=torch.where(dropped, self.config.n_classes, label),
            t=random.integers(0, self.config.n_steps),
            noise=random.normal(*data.shape[1:]),
        )
        # end

    def loss(self, batch: Batch) -> tuple[Tensor, Metrics]:
        """Mean squared error of the prediction (eq. 14)."""
        x_t = self.add_noise(batch.data, batch.noise, batch.t)
        output = self.predict(x_t, batch.t, batch.label)
        return F.mse_loss(output.float(), self.target(batch.data, batch.noise, batch.t)), {}

    def predict(
        self, x_t: Float[Tensor, "B C H W"], t: Int[Tensor, "B"], label: Int[Tensor, "B"]
    ) -> Float[Tensor, "B C H W"]:
        """The net's output; it sees time on a scale of 0 to 1000 whatever T is."""
        return self.net(x_t, t.float() * (1000 / self.config.n_steps), label)

    # --- sampling (Algorithm 2) -----------------------------------------------------------------------

    @property
    def walk(self) -> Walk:
        """The config's own way from noise to an image, gone where no other one is given."""
        return self.config.walk(self.config.clip)

    def predict_data(
        self, x_t: Float[Tensor, "B C H W"], t: Int[Tensor, "B"], label: Int[Tensor, "B"],
        predict: Predict | None = None, walk: Walk | None = None,
    ) -> Float[Tensor, "B C H W"]:  # fmt: skip
        """The image that the net sees in x_t, with the class exaggerated by the walk's guidance.

        Args:
            predict: Asked in place of `self.predict`, by a system that steers this one.
            walk: In place of the config's own, as below.
        """
        predict, walk = predict or self.predict, walk or self.walk
        w = walk.guidance
        if w == 1:
            output = predict(x_t, t, label).float()
        else:  # one pass for both: the conditional half and the "no class" half
            # exercise: guide
            nobody = torch.full_like(label, self.config.n_classes)
            both = predict(x_t.repeat(2, 1, 1, 1), t.repeat(2), torch.cat([label, nobody]))
            conditional, unconditional = both.float().chunk(2)
            output = unconditional + w * (conditional - unconditional)
            # end
        data = self.to_data(output, x_t, t)
        return data.clamp(-1, 1) if walk.clip else data

    def posterior(
        self, x_t: Float[Tensor, "B C H W"], data: Float[Tensor, "B C H W"], t: int, s: int
    ) -> tuple[Float[Tensor, "B C H W"], float]:
        """Mean and standard deviation of q(x_s | x_t, x_0) for s < t (eq. 6-7; s = -1: the image)."""
        a_t, a_s = self.kept(t, s)
        # exercise: posterior
        alpha = a_t / a_s  # of the whole stride; the paper's alpha_t when s = t - 1
        mean = (a_s**0.5 * (1 - alpha) * data + alpha**0.5 * (1 - a_s) * x_t) / (1 - a_t)
        variance = (1 - a_s) / (1 - a_t) * (1 - alpha)
        return mean, variance**0.5
        # end

    def move(
        self, x_t: Float[Tensor, "B C H W"], data: Float[Tensor, "B C H W"], t: int, s: int,
        walk: Walk | None = None,
    ) -> tuple[Float[Tensor, "B C H W"], float]:  # fmt: skip
        """Where the sampler goes from x_t: the mean of x_s, and the noise to be added to it."""
        walk = walk or self.walk
        if walk.sampler == "ddpm":
            return self.posterior(x_t, data, t, s)
        a_t, a_s = self.kept(t, s)
        return ddim_posterior(x_t, data, a_t, a_s, walk.eta)

    def kept(self, *steps: int) -> list[float]:
        """alpha_bar at some steps; -1 is the image itself, of which everything is left."""
        return [float(self.alpha_bar[t]) if t >= 0 else 1.0 for t in steps]

    def timesteps(self, walk: Walk | None = None) -> list[int]:
        """The steps that sampling visits, from T-1 down: of n, the k-th leaves T (1 - k/n) of them to go.

        The last stride is as long as the others (arXiv:2305.08891): a walk that visited t = 0 too
        would spend one of its few steps where nothing is left to do.
        """
        total = self.config.n_steps
        n = min((walk or self.walk).steps, total)
        return [round(total * k / n) - 1 for k in range(n, 0, -1)]

    def denoise(
        self, x: Float[Tensor, "B C H W"], label: Int[Tensor, "B"], generator: torch.Generator,
        predict: Predict | None = None, walk: Walk | None = None,
    ) -> Iterator[Float[Tensor, "B C H W"]]:  # fmt: skip
        """Walk from pure noise to images (Algorithm 2), yielding x after every step; no noise on the last."""
        walk = walk or self.walk
        visited = self.timesteps(walk)
        for t, s in messages.steps([*zip(visited, [*visited[1:], -1], strict=True)], "denoising"):
            data = self.predict_data(x, torch.full_like(label, t), label, predict, walk)
            x, sigma = self.move(x, data, t, s, walk)
            if s >= 0 and sigma > 0:
                x = x + sigma * torch.randn(x.shape, generator=generator, device=x.device)
            yield x

    def noise(self, n: int, generator: torch.Generator) -> Float[Tensor, "N C H W"]:
        """Where a walk begins."""
        c = self.config
        shape = (n, c.channels, c.image_size, c.image_size)
        return torch.randn(shape, generator=generator, device=self.alpha_bar.device)

    @torch.no_grad()
    def draw(
        self, label: Int[Tensor, "B"], generator: torch.Generator, predict: Predict | None = None,
        walk: Walk | None = None,
    ) -> list[Float[Tensor, "B C H W"]]:  # fmt: skip
        """Images of the wanted classes, with the whole path to them; the last one is the result."""
        noise = self.noise(len(label), generator)
        return [noise, *self.denoise(noise, label, generator, predict, walk)]

    # --- what the run is judged by, and what it shows -------------------------------------------------

    def evaluate(self) -> Mapping[str, float]:
        generator = self.setting.generator("evaluate")
        label = torch.arange(EVALUATION_SAMPLES, device=self.setting.device) % self.config.n_classes
        images = torch.cat([self.draw(part, generator)[-1] for part in label.split(128)])
        judge = Judge.load_or_train(self.setting.data, messages.say)
        return judge.score(images, label)

    def sample(self, request: SampleRequest) -> Images:
        label = torch.arange(request.n, device=self.setting.device) % self.config.n_classes
        if request.label is not None:
            label = torch.full_like(label, request.label)
        path = self.draw(label, self.setting.generator("sample", request.seed))
        frames = [((x.clamp(-1, 1) + 1) / 2).cpu().numpy() for x in path]
        return Images(frames[-1], frames=frames, columns=min(10, request.n))


def ddim_posterior(
    x_t: Float[Tensor, "B C H W"], data: Float[Tensor, "B C H W"], a_t: float, a_s: float, eta: float
) -> tuple[Float[Tensor, "B C H W"], float]:
    """Mean of x_s given x_t and an estimate of the image, and the noise to be added (eq. 12, eq. 16).

    The step keeps the noise that is in x_t already, and only turns a share of it, sigma, into fresh noise.

    Args:
        x_t: Where the walk stands.
        data: The estimate of the image.
        a_t: alpha_bar at x_t.
        a_s: alpha_bar where the step goes; larger than a_t on the way to the image, smaller on the way back.
        eta: 0: none of the noise is fresh; 1: as much as in DDPM's posterior.
    """
    # exercise: step
    noise = (x_t - a_t**0.5 * data) / (1 - a_t) ** 0.5
    sigma = eta * ((1 - a_s) / (1 - a_t) * (1 - a_t / a_s)) ** 0.5 if eta else 0.0
    return a_s**0.5 * data + max(0.0, 1 - a_s - sigma**2) ** 0.5 * noise, sigma
    # end


def alpha_bar(config: Config) -> Float[Tensor, "T"]:
    """Share of the image's variance that is left at each step: prod (1 - beta)."""
    t = torch.arange(config.n_steps + 1, dtype=torch.float64) / config.n_steps
    if config.schedule == "cosine":  # arXiv:2102.09672 eq. 17, with its offset s and its largest beta
        f = torch.cos((t + 0.008) / 1.008 * torch.pi / 2) ** 2
        betas = (1 - f[1:] / f[:-1]).clamp(max=0.999)
    else:
        betas = torch.linspace(config.beta_start, config.beta_end, config.n_steps, dtype=torch.float64)
    return torch.cumprod(1 - betas, dim=0).float()
