"""Latent diffusion: compress the images first, then diffuse in the small space, and decode once at the end.

Source:  Rombach et al. 2021, arXiv:2112.10752. Here: section 3.1 (the first stage, f = 4; of its two kinds
         the quantised one), eq. 2 (the loss on latents), appendix G (latents of unit variance).
Parents: a tokenizer, which is the first stage: trained before, by its own recipe, and frozen here. And a DDPM
         on pixels, which is what this one is compared with.
Shapes:  B batch, C channels, H height, W width of the image; Z latent channels; h = H/4, w = W/4.
Names:   z is what the tokenizer's encoder gives, before anything is rounded; the rounding is the first layer
         of the decoder, as in the official code's VQModelInterface (github.com/CompVis/latent-diffusion).
Beside:  `first_stage: none`, the same denoiser without a tokenizer. With `patch: 4` it works on the grid
         of the latents, whose places then hold 16 pixels each: what a first stage must beat.
Differs: squared error alone trained the tokenizer; the paper adds a perceptual and an adversarial loss, and
         digits of 28x28 can do without.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor

from atlas_cli.config import MOST_STEPS, WIDEST, sampling
from atlas_cli.data.images import to_float
from atlas_cli.draws import BatchRandom
from atlas_cli.engine.system import Metrics, Optimizers, SampleRequest, System
from atlas_cli.metrics.effort import laps, operations
from atlas_cli.metrics.judge import N_SAMPLES, Judge
from atlas_cli.nets.unet import Multipliers, require_whole_levels
from atlas_cli.present.artifacts.images import Images
from atlas_cli.screen import messages
from atlas_cli.systems.autoencoder.tokenizer import FACTOR, Tokenizer, error_figures
from atlas_cli.systems.diffusion import ddpm
from atlas_cli.systems.diffusion.ddpm import DDPM
from atlas_cli.systems.diffusion.sampler import SamplerConfig

SCALED_ON = 2048  # training images whose latents are measured
SPEED_BATCH, SPEED_REPEATS = 32, 5  # images drawn at once, and how often, to time both

Space = Literal["latent", "pixel"]
FirstStage = Literal["tokenizer", "none"]


class Config(SamplerConfig):
    """The `model:` section of a latent-diffusion recipe."""

    data_kinds: ClassVar[tuple[str, ...]] = ("images",)
    parents: ClassVar[dict[str, tuple[str, ...]]] = {"tokenizer": ("fsq", "vq-vae"), "pixels": ("ddpm",)}
    image_size: int = Field(28, gt=0, multiple_of=FACTOR, le=WIDEST)  # pixels; from the data
    channels: int = Field(1, gt=0, le=WIDEST)  # from the data
    n_classes: int = Field(10, gt=0, le=WIDEST)  # from the data
    first_stage: FirstStage = "tokenizer"  # none: the denoiser works on the pixels themselves
    patch: int = Field(1, gt=0, le=WIDEST)  # places folded into channels before the denoiser
    latent_channels: int = Field(3, gt=0, le=WIDEST)  # numbers in each of the h x w latents; the tokenizer's
    n_steps: int = Field(1000, gt=0, le=MOST_STEPS)  # T
    width: int = Field(64, gt=0, multiple_of=4, le=WIDEST)  # channels of the denoiser
    multipliers: Multipliers = Field((1,), strict=False)  # channels of its levels over width
    label_dropout: float = Field(0.15, ge=0, lt=1)  # share of training labels replaced by "no class"
    space: Space = sampling(
        "latent"
    )  # pixel: the DDPM on pixels samples instead, at equal steps and guidance

    @model_validator(mode="after")
    def _latents_can_be_halved(self) -> Config:
        require_whole_levels(self.latent_shape[1], self.patch, self.multipliers)
        return self

    def misfits(self, parents: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
        """The tokenizer must give as many numbers a place as the denoiser expects."""
        yield from super().misfits(parents)
        model = parents["tokenizer"]
        codebook = model.get("quantiser") == "codebook"
        numbers = None if codebook else model.get("dim") or len(model["levels"])
        if codebook:
            yield "latent_channels", "an fsq with `quantiser: codebook` is a vq-vae: name a recipe of that"
        elif numbers != self.latent_channels:
            yield "latent_channels", f"is {self.latent_channels}, but the tokenizer gives {numbers} a place"

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


@dataclass(frozen=True)
class Batch:
    """A training batch with all its randomness in it."""

    step: int  # at the first one the latents are measured
    images: Float[Tensor, "B C H W"]  # in [-1, 1]
    label: Int[Tensor, "B"]  # n_classes where the label was dropped
    t: Int[Tensor, "B"]
    noise: Float[Tensor, "B Z h w"]


class LatentDiffusion(System):
    """A DDPM in the latent space of a tokenizer."""

    unit: ClassVar[str] = "images"
    steers: ClassVar[frozenset[str]] = frozenset({"label"})
    compiled: ClassVar[tuple[str, ...]] = ("loss",)
    config: Config
    latent_std: Float[Tensor, ""]

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.denoiser = DDPM(config.denoiser())
        self.register_buffer("latent_std", torch.ones(()))  # measured once, before the first step

    @property
    def tokenizer(self) -> Tokenizer:
        """The first stage, trained and frozen."""
        tokenizer = self.setting.parents["tokenizer"]
        assert isinstance(tokenizer, Tokenizer), "a recipe's `from:` names a tokenizer"
        return tokenizer

    # --- between images and latents -------------------------------------------------------------------

    def encode(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B Z h w"]:
        """Latents of unit variance over the data; without a first stage the images themselves."""
        if self.config.first_stage == "none":
            return images
        # exercise: encode
        return self.tokenizer.encoder(images).float() / self.latent_std
        # end

    def decode(self, z: Float[Tensor, "B Z h w"]) -> Float[Tensor, "B C H W"]:
        """The images of latents of unit variance: rounded to codes, and those decoded."""
        if self.config.first_stage == "none":
            return z
        # exercise: decode
        codes = self.tokenizer.quantiser(z * self.latent_std).indices
        return self.tokenizer.decode(codes)
        # end

    # --- training -------------------------------------------------------------------------------------

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
        """Images with their times and the noise of their latents; some lose their class."""
        c = self.config
        dropped = random.uniform() < c.label_dropout
        return Batch(
            step=step,
            images=images,
            label=torch.where(dropped, c.n_classes, label),
            t=random.integers(0, c.n_steps),
            noise=random.normal(*c.latent_shape),
        )

    def step(self, batch: Batch, optimizers: Optimizers) -> Metrics:
        if batch.step == 0 and self.config.first_stage == "tokenizer":
            self.measure_latents()
        return super().step(batch, optimizers)

    def loss(self, batch: Batch) -> tuple[Tensor, Metrics]:
        """The DDPM's own loss, on latents (eq. 2)."""
        with torch.no_grad():
            z = self.encode(batch.images)
        return self.denoiser.loss(ddpm.Batch(z, batch.label, batch.t, batch.noise))

    @torch.no_grad()
    def measure_latents(self) -> None:
        """Set the scale that gives latents unit variance: the schedule of noise assumes data of that size.

        The paper takes the first batch; more images say it more exactly.
        """
        images = self.setting.data.train_images[:SCALED_ON]
        z = torch.cat([self.tokenizer.encoder(to_float(part)).float() for part in images.split(256)])
        self.latent_std.copy_(z.std())

    # --- sampling -------------------------------------------------------------------------------------

    def walk(self, label: Int[Tensor, "B"], generator: torch.Generator, space: Space) -> list[Tensor]:
        """From noise to a latent or, by the DDPM on pixels, to an image: equal steps, equal guidance."""
        model = self.denoiser if space == "latent" else self.setting.parents["pixels"]
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
        figures = {**judge.score(images, label), **self.speed()}
        if self.config.first_stage == "none":
            return figures
        return figures | self.reconstruction(judge) | {"latent_std": float(self.latent_std)}

    def reconstruction(self, judge: Judge) -> dict[str, float]:
        """What decoding alone costs: the limit of every sample that is decoded.

        Restored are test images that are not in the reference, so that its floor is the best to be had.
        """
        images, _ = judge.kept_aside()
        back = torch.cat([self.decode(self.encode(part)) for part in images.split(128)])
        scores = judge.score(back, from_tests=True)
        return {
            "reconstruction_frechet": scores["judge_frechet"],
            "reconstruction_floor": scores["judge_frechet_floor"],
            "reconstruction_over_floor": scores["judge_frechet_over_floor"],
            "reconstruction_psnr": error_figures(images, back)["reconstruction_psnr"],
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
