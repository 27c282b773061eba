"""Latent diffusion: compress the images first, then diffuse in the small space, and decode once at the end.

Source:  Rombach et al. 2021, arXiv:2112.10752. Here: section 3.1 (the autoencoder, KL-regularised, f = 4),
         eq. 2 (the loss on latents), appendix G (latents scaled to unit variance).
Stages:  the first share of the steps trains the autoencoder; then it stands still, and the rest trains a DDPM
         on its latents, unchanged but for the space that it works in.
Shapes:  B batch, C channels, H height, W width of the image; Z latent channels; h = H/4, w = W/4.
Parent:  a trained DDPM on pixels, which is what this one is compared with.
Beside:  `first_stage: none`, the same denoiser without an autoencoder. With `patch: 4` it works on the grid
         of the latents, whose places then hold 16 pixels each: what a first stage must beat.
Differs: squared error alone trains the autoencoder; the paper adds a perceptual and an adversarial loss, and
         digits of 28x28 can do without. It is frozen as its last step left it, so its learning rate falls to
         zero first; averaged weights (`ema`) come to the frozen ones in the course of the second stage.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor

from atlas_cli.config import MOST_STEPS, WIDEST, sampling
from atlas_cli.data.images import to_float
from atlas_cli.draws import BatchRandom
from atlas_cli.engine.decay import decay_groups
from atlas_cli.engine.system import Metrics, Optimizers, SampleRequest, System
from atlas_cli.metrics.effort import laps, operations
from atlas_cli.metrics.judge import N_SAMPLES, Judge
from atlas_cli.nets.unet import Multipliers, require_whole_levels
from atlas_cli.present.artifacts.images import Images
from atlas_cli.screen import messages
from atlas_cli.systems.diffusion import ddpm
from atlas_cli.systems.diffusion.ddpm import DDPM
from atlas_cli.systems.diffusion.first_stage import Autoencoder
from atlas_cli.systems.diffusion.sampler import SamplerConfig

FACTOR = 4  # pixels along one side of a latent
SCALED_ON = 2048  # training images whose latents are measured
SPEED_BATCH, SPEED_REPEATS = 128, 5  # images drawn at once, as `evaluate` does, and how often, to time both

Space = Literal["latent", "pixel"]
FirstStage = Literal["autoencoder", "none"]


class Config(SamplerConfig):
    """The `model:` section of a latent-diffusion recipe."""

    data_kinds: ClassVar[tuple[str, ...]] = ("images",)
    parents: ClassVar[tuple[str, ...]] = ("ddpm",)
    image_size: int = Field(28, gt=0, multiple_of=FACTOR, le=WIDEST)  # pixels; from the data
    channels: int = Field(1, gt=0, le=WIDEST)  # from the data
    n_classes: int = Field(10, gt=0, le=WIDEST)  # from the data
    first_stage: FirstStage = "autoencoder"  # none: the denoiser works on the pixels themselves
    patch: int = Field(1, gt=0, le=WIDEST)  # places folded into channels before the denoiser
    latent_channels: int = Field(4, gt=0, le=WIDEST)  # numbers in each of the h x w latents
    kl_weight: float = Field(0.1, ge=0)  # of the KL beside the squared error, both summed over an image
    autoencoder_width: int = Field(
        32, gt=0, multiple_of=8, le=WIDEST
    )  # channels at H/2; twice as many at H/4
    autoencoder_share: float = Field(0.25, gt=0, lt=1)  # of the steps, trains the autoencoder
    n_steps: int = Field(1000, gt=0, le=MOST_STEPS)  # T
    width: int = Field(64, gt=0, multiple_of=4, le=WIDEST)  # channels of the denoiser
    multipliers: Multipliers = Field((1,), strict=False)  # channels of its levels over width
    label_dropout: float = Field(0.15, ge=0, lt=1)  # share of training labels replaced by "no class"
    space: Space = sampling("latent")  # pixel: the parent samples instead, at equal steps and guidance

    @model_validator(mode="after")
    def _latents_can_be_halved(self) -> Config:
        require_whole_levels(self.latent_shape[1], self.patch, self.multipliers)
        return self

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """(Z, h, w); without a first stage that of the image."""
        if self.first_stage == "none":
            return self.channels, self.image_size, self.image_size
        side = self.image_size // FACTOR
        return self.latent_channels, side, side

    def denoiser(self) -> ddpm.Config:
        """The DDPM in the latent space; a latent has no bounds, so nothing but pixels is clipped."""
        channels, side, _ = self.latent_shape
        own = {"image_size": side, "channels": channels, "clip": self.first_stage == "none"}
        shared = ("n_classes", "n_steps", "width", "multipliers", "patch", "label_dropout")
        return ddpm.Config.model_validate({**own, **{name: getattr(self, name) for name in shared}})


# --- the loss of the autoencoder ---------------------------------------------------------------------


def kl_to_standard_normal(
    mean: Float[Tensor, "B Z h w"], log_var: Float[Tensor, "B Z h w"]
) -> Float[Tensor, "B"]:
    """KL(N(mean, var) || N(0, 1)) in nats, summed over a latent: (mean^2 + var - 1 - log var) / 2 each."""
    # exercise: kl
    return 0.5 * (mean.square() + log_var.exp() - 1 - log_var).flatten(1).sum(1)
    # end


@dataclass(frozen=True)
class Batch:
    """A training batch with all its randomness in it; the two stages read different parts."""

    step: int  # decides the stage
    images: Float[Tensor, "B C H W"]  # in [-1, 1]
    label: Int[Tensor, "B"]  # n_classes where the label was dropped
    latent_noise: Float[Tensor, "B Z h w"]  # which latent of q(z | x) is taken
    t: Int[Tensor, "B"]
    noise: Float[Tensor, "B Z h w"]  # of the diffusion


class LatentDiffusion(System):
    """An autoencoder, and a DDPM in its latent space."""

    best_by: ClassVar[str | None] = None  # the two stages descend different losses: the latest is kept
    unit: ClassVar[str] = "images"
    steers: ClassVar[frozenset[str]] = frozenset({"label"})
    compiled: ClassVar[tuple[str, ...]] = ("loss",)
    config: Config
    latent_std: Float[Tensor, ""]

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.autoencoder = (
            Autoencoder(config.channels, config.latent_channels, config.autoencoder_width)
            if config.first_stage == "autoencoder"
            else None
        )
        self.denoiser = DDPM(config.denoiser())
        self.register_buffer("latent_std", torch.ones(()))  # measured once, when the autoencoder is done

    # --- between images and latents -------------------------------------------------------------------

    def encode(
        self, images: Float[Tensor, "B C H W"], noise: Float[Tensor, "B Z h w"]
    ) -> Float[Tensor, "B Z h w"]:
        """A latent of each image, of unit variance over the data; without a first stage the image itself."""
        if self.autoencoder is None:
            return images
        # exercise: encode
        mean, log_var = self.autoencoder.encode(images)
        return (mean + (log_var / 2).exp() * noise) / self.latent_std
        # end

    def decode(self, z: Float[Tensor, "B Z h w"]) -> Float[Tensor, "B C H W"]:
        """The images of latents of unit variance."""
        return z if self.autoencoder is None else self.autoencoder.decode(z * self.latent_std)

    # --- training: first the autoencoder, then the denoiser -------------------------------------------

    @property
    def autoencoder_steps(self) -> int:
        """The step at which the autoencoder is done and the denoiser begins."""
        if self.autoencoder is None:
            return 0
        return max(1, round(self.config.autoencoder_share * self.setting.train.steps))

    def batch(self, step: int) -> Batch:
        random = self.setting.random(step)
        images, label = self.setting.data.batch(random)
        return self._noised(step, images, label, random)

    def held_out(self, step: int) -> Batch:
        random = self.setting.held_out_random()
        images, label = self.setting.data.test_batch(random)
        return self._noised(step, images, label, random)

    def _noised(
        self, step: int, images: Float[Tensor, "B C H W"], label: Int[Tensor, "B"], random: BatchRandom
    ) -> Batch:
        """Images with all the draws that either stage needs; some lose their class."""
        c = self.config
        dropped = random.uniform() < c.label_dropout
        return Batch(
            step=step,
            images=images,
            label=torch.where(dropped, c.n_classes, label),
            latent_noise=random.normal(*c.latent_shape),
            t=random.integers(0, c.n_steps),
            noise=random.normal(*c.latent_shape),
        )

    def step(self, batch: Batch, optimizers: Optimizers) -> Metrics:
        """A step of the stage that the batch belongs to; the other part is not touched."""
        stage = "autoencoder" if batch.step < self.autoencoder_steps else "denoiser"
        if self.autoencoder is not None and batch.step == self.autoencoder_steps:
            with self.setting.autocast():
                self.measure_latents()
        optimizer = optimizers[stage]
        for group in optimizer.param_groups:
            group["lr"] *= self._stage_rate(batch.step)
        return super().step(batch, {stage: optimizer})

    def loss(self, batch: Batch) -> tuple[Tensor, Metrics]:
        """Squared error and KL of the autoencoder; then the DDPM's own loss, on latents (eq. 2)."""
        if batch.step < self.autoencoder_steps:
            return self.autoencoder_loss(batch)
        with torch.no_grad():
            z = self.encode(batch.images, batch.latent_noise)
        return self.denoiser.loss(ddpm.Batch(z, batch.label, batch.t, batch.noise))

    def autoencoder_loss(self, batch: Batch) -> tuple[Tensor, Metrics]:
        """-ELBO up to constants and the weight of its KL, per pixel."""
        assert self.autoencoder is not None
        mean, log_var = self.autoencoder.encode(batch.images)
        images = self.autoencoder.decode(mean + (log_var / 2).exp() * batch.latent_noise)
        error = F.mse_loss(images, batch.images)
        kl = kl_to_standard_normal(mean, log_var).mean()  # nats an image
        loss = error + self.config.kl_weight * kl / batch.images[0].numel()
        return loss, {"mse": error.detach(), "kl": kl.detach()}

    @torch.no_grad()
    def measure_latents(self) -> None:
        """Set the scale that gives latents unit variance: the schedule of noise assumes data of that size.

        The paper takes the first batch of the second stage; more images say it more exactly.
        """
        assert self.autoencoder is not None
        images = self.setting.data.train_images[:SCALED_ON]
        moments = [self.autoencoder.encode(to_float(part)) for part in images.split(256)]
        mean, log_var = (torch.cat(m) for m in zip(*moments, strict=True))
        self.latent_std.copy_((mean.var() + log_var.exp().mean()).sqrt())  # total variance of z

    def _stage_rate(self, step: int) -> float:
        """Share of the engine's learning rate: the autoencoder's ends at zero, the denoiser's warms up."""
        first = self.autoencoder_steps
        if first == 0:
            return 1.0  # the only stage warms up as the engine says
        if step < first:
            return 1 - step / first
        return min(1.0, (step - first + 1) / max(1, self.setting.train.warmup))

    def optimizers(self) -> Optimizers:
        train = self.setting.train
        parts = {"autoencoder": self.autoencoder, "denoiser": self.denoiser}
        return {
            name: torch.optim.AdamW(
                decay_groups(part.parameters(), train.weight_decay),
                lr=train.lr,
                betas=train.betas,
                fused=True,
            )
            for name, part in parts.items()
            if part is not None
        }

    # --- sampling -------------------------------------------------------------------------------------

    def walk(self, label: Int[Tensor, "B"], generator: torch.Generator, space: Space) -> list[Tensor]:
        """From noise to a latent or, by the parent, to an image, in equal steps with equal guidance."""
        model = self.denoiser if space == "latent" else self.setting.parent
        assert isinstance(model, DDPM), "a recipe's `from:` names a ddpm"
        return model.draw(label, generator, walk=self.config.walk(model.config.clip))

    def draw(
        self, label: Int[Tensor, "B"], generator: torch.Generator, space: Space
    ) -> Float[Tensor, "B C H W"]:
        """Images of the wanted classes."""
        end = self.walk(label, generator, space)[-1]
        return self.decode(end) if space == "latent" else end

    # --- what the run is judged by, and what it shows -------------------------------------------------

    def evaluate(self) -> Mapping[str, float]:
        generator, space = self.setting.generator("evaluate"), self.config.space
        label = torch.arange(N_SAMPLES, device=self.setting.device) % self.config.n_classes
        images = torch.cat([self.draw(part, generator, space) for part in label.split(128)])
        judge = Judge.load_or_train(self.setting.data, messages.say)
        restored = {} if self.autoencoder is None else self.reconstruction(judge)
        return judge.score(images, label) | restored | self.speed()

    def reconstruction(self, judge: Judge) -> dict[str, float]:
        """What decoding alone costs: the limit of every sample that is decoded.

        Restored are test images that are not in the reference, so that its floor is the best to be had.
        """
        images, _ = judge.kept_aside()
        generator, shape = self.setting.generator("reconstruction"), (len(images), *self.config.latent_shape)
        noise = torch.randn(shape, generator=generator, device=images.device)
        pairs = zip(images.split(128), noise.split(128), strict=True)
        back = torch.cat([self.decode(self.encode(*pair)) for pair in pairs])
        mse = ((back.clamp(-1, 1) - images) / 2).square().mean()  # pixels of [0, 1]
        scores = judge.score(back, from_tests=True)
        return {
            "reconstruction_frechet": scores["judge_frechet"],
            "reconstruction_floor": scores["judge_frechet_floor"],
            "reconstruction_over_floor": scores["judge_frechet_over_floor"],
            "reconstruction_psnr": float(-10 * mse.log10()),
        }

    def speed(self) -> dict[str, float]:
        """Images a second in both spaces, decoder included, in turn, and how many operations fewer."""

        def drawing(space: Space, n: int) -> Callable[[], Tensor]:
            label = torch.arange(n, device=self.setting.device) % self.config.n_classes
            return lambda: self.draw(label, self.setting.generator("speed"), space)

        own = self.config.space
        spaces: tuple[Space, ...] = ("latent", "pixel")
        rounds = laps({s: drawing(s, SPEED_BATCH) for s in spaces}, SPEED_REPEATS, self.setting.device)
        return {
            "images_per_second": SPEED_BATCH / statistics.median(lap[own] for lap in rounds),
            "pixel_images_per_second": SPEED_BATCH / statistics.median(lap["pixel"] for lap in rounds),
            "speedup": statistics.median(lap["pixel"] / lap[own] for lap in rounds),
            "fewer_operations": operations(drawing("pixel", 1)) / operations(drawing(own, 1)),
        }

    def sample(self, request: SampleRequest) -> Images:
        """Digits, and the path to them, every latent on it decoded."""
        label = torch.arange(request.n, device=self.setting.device) % self.config.n_classes
        if request.label is not None:
            label = torch.full_like(label, request.label)
        space = self.config.space
        path = self.walk(label, self.setting.generator("sample", request.seed), space)
        shown = [self.decode(z) for z in path] if space == "latent" else path
        frames = [((x.clamp(-1, 1) + 1) / 2).cpu().numpy() for x in shown]
        return Images(frames[-1], frames=frames, columns=min(10, request.n))
