"""PatchGAN (pix2pix): one picture is translated into another, and every patch of the result is judged.

Source:  Isola, Zhu, Zhou, Efros 2016, arXiv:1611.07004. Here: its objective, the U-Net with skips, and the
         Markovian discriminator, "PatchGAN".
         Official code: github.com/phillipi/pix2pix.
Names:   edges are the paper's x, the image is its y, `noise` its z; `receptive_field` its N of N x N patches.
Shapes:  B batch, C channels, H height, W width, N images; h w the map of patches, one logit each.
Differs: the images are digits in chalk, whose grain no edge tells: plain ink would be settled by its edges,
         and what is left open is the point. Noise is an input and no dropout, for a seed.
         Pixel norm replaces batch norm in the generator, and the discriminator has no norm, as in `gan.py`.
         The generator's last convolutions work at full size, and it ends with a clip and no tanh. The
         discriminator's loss is not halved.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

import torch
from jaxtyping import Float, Int, UInt8
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from atlas_cli.config import WIDEST, SystemConfig
from atlas_cli.data.drawing import read_drawing
from atlas_cli.data.images import ImageSource, to_float
from atlas_cli.draws import BatchRandom
from atlas_cli.engine.descent import descend
from atlas_cli.engine.system import Extra, Metrics, Optimizers, SampleRequest, System
from atlas_cli.metrics.edges import edge_map, sobel
from atlas_cli.metrics.judge import Judge
from atlas_cli.present.artifacts.images import Images
from atlas_cli.screen import messages
from atlas_cli.systems.gan.gan import PixelNorm, discriminator_loss, generator_loss

RESULTS = 4  # images beside each edge map
STRIDED = {
    7: 0,
    16: 1,
    34: 2,
    70: 3,
}  # receptive field in px -> 4x4 convolutions of stride 2; two of 1 follow


class Config(SystemConfig):
    """Fields of `model:`; the data give the first three."""

    data_kinds: ClassVar[tuple[str, ...]] = ("images",)

    image_size: int = Field(28, ge=8, multiple_of=4, le=WIDEST)  # px
    channels: int = Field(1, gt=0, le=WIDEST)
    n_classes: int = Field(10, gt=0, le=WIDEST)  # only the judge asks for classes
    grain: float = Field(
        0.9, ge=0, le=1
    )  # the largest share of its ink that rough paper refuses; 0: plain ink
    width: int = Field(16, gt=0, le=WIDEST)  # the generator's channels at full size
    output: Literal["clip", "tanh"] = "clip"  # what ends the generator; tanh: as in the paper
    patch_width: int = Field(32, gt=0, le=WIDEST)  # the discriminator's channels after its first layer
    receptive_field: Literal[1, 7, 16, 34, 70] = 16  # px, side of the patch behind one logit
    l1_weight: float = Field(10.0, ge=0)  # lambda; 100 in the paper
    adversarial_weight: float = Field(1.0, ge=0)  # 0: no discriminator, the L1 distance alone


def chalked(
    image: Float[Tensor, "N C H W"], normal: Float[Tensor, "N 1 _ _"], grain: float
) -> Float[Tensor, "N C H W"]:
    """The image in chalk: each pixel loses a share of its ink, uniform in [0, grain], like its neighbours.

    Args:
        image: In [-1, 1]; -1 is empty paper.
        normal: Standard normal, a pixel wider than the image on every side.
        grain: The largest share.
    """
    tall = normal[..., :-2, :] + 2 * normal[..., 1:-1, :] + normal[..., 2:, :]  # (N, 1, H, W+2)
    smooth = tall[..., :-2] + 2 * tall[..., 1:-1] + tall[..., 2:]  # (N, 1, H, W)
    refused = grain * torch.special.ndtr(smooth / 6)  # 6: the smoothed noise keeps unit variance
    return (image + 1) * (1 - refused) - 1


class Generator(nn.Module):
    """Edges and noise in, an image in [-1, 1] out: a U-Net, whose skips carry the edges past the middle."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        w = c.width
        self.down1 = _block(nn.Conv2d(2, w, 3, padding=1))  # (B, w, H, W)
        self.down2 = _block(nn.Conv2d(w, 2 * w, 4, stride=2, padding=1))  # (B, 2w, H/2, W/2)
        self.down3 = _block(nn.Conv2d(2 * w, 4 * w, 4, stride=2, padding=1))  # (B, 4w, H/4, W/4)
        self.middle = _block(nn.Conv2d(4 * w, 4 * w, 3, padding=1))
        self.up2 = _block(nn.Conv2d(4 * w, 8 * w, 3, padding=1), nn.PixelShuffle(2))  # (B, 2w, H/2, W/2)
        self.up1 = _block(nn.Conv2d(4 * w, 4 * w, 3, padding=1), nn.PixelShuffle(2))  # (B, w, H, W)
        self.out = nn.Sequential(
            _block(nn.Conv2d(2 * w, w, 3, padding=1)),
            nn.Conv2d(w, c.channels, 3, padding=1),
            nn.Tanh() if c.output == "tanh" else Clip(),
        )

    def forward(
        self, edges: Float[Tensor, "B 1 H W"], noise: Float[Tensor, "B 1 H W"]
    ) -> Float[Tensor, "B C H W"]:
        fine = self.down1(torch.cat([edges, noise], dim=1))
        coarse = self.down2(fine)
        h = self.middle(self.down3(coarse))
        h = self.up2(h)
        h = self.up1(torch.cat([h, coarse], dim=1))
        return self.out(torch.cat([h, fine], dim=1))


class Clip(nn.Module):
    """Cut off at -1 and 1, with the gradient of the identity.

    The -1 of empty paper lies at infinity for a tanh: most pixels pull there for ever, all others go along,
    and where tanh is flat no gradient brings them back. Under L1 alone no stroke is then drawn.
    """

    def forward(self, x: Float[Tensor, "B *shape"]) -> Float[Tensor, "B *shape"]:
        return x.clamp(-1, 1).detach() + (x - x.detach())  # in this order: -1 is -1 to the bit


def _block(*convolve: nn.Module) -> nn.Sequential:
    return nn.Sequential(*convolve, PixelNorm(), nn.LeakyReLU(0.2))


class PatchDiscriminator(nn.Module):
    """Edges and an image in, a logit for every patch out: all convolutions, so that no patch is told apart.

    Each of the last map's numbers sees a square of `receptive_field` pixels and nothing else.
    """

    def __init__(self, c: Config) -> None:
        super().__init__()
        n_in, w = 1 + c.channels, c.patch_width
        if c.receptive_field == 1:  # PixelGAN of the paper
            shapes = [(1, 1, 0)] * 3  # kernel, stride, padding
        else:
            shapes = [(4, 2, 1)] * STRIDED[c.receptive_field] + [(4, 1, 1)] * 2
        widths = [n_in, *(min(2**i, 8) * w for i in range(len(shapes) - 1)), 1]
        layers: list[nn.Module] = []
        for (kernel, stride, pad), a, b in zip(shapes, widths, widths[1:], strict=False):
            layers += [nn.Conv2d(a, b, kernel, stride, pad), nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*layers[:-1])  # logits are left as they are

    def forward(
        self, edges: Float[Tensor, "B 1 H W"], image: Float[Tensor, "B C H W"]
    ) -> Float[Tensor, "B h w"]:
        return self.body(torch.cat([edges, image], dim=1)).squeeze(1).float()


@dataclass(frozen=True)
class Batch:
    """A training batch with all its randomness in it."""

    edges: Float[Tensor, "B 1 H W"]  # 1 on an edge of the digit, whatever its grain
    image: Float[Tensor, "B C H W"]  # in [-1, 1], in chalk
    noise: Float[Tensor, "B 1 H W"]


class PatchGAN(System):
    """A U-Net that translates, and a discriminator of patches."""

    best_by: ClassVar[str | None] = None  # a game has no loss that falls: the latest is kept
    unit: ClassVar[str] = "images"
    steers: ClassVar[frozenset[str]] = frozenset({"label"})
    extras: ClassVar[tuple[Extra, ...]] = (Extra("control", Path, "a PNG drawing that is translated"),)
    compiled: ClassVar[tuple[str, ...]] = ("generator", "discriminator")
    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.generator = Generator(config)
        self.discriminator = PatchDiscriminator(config)

    # --- training -------------------------------------------------------------------------------------

    def batch(self, step: int) -> Batch:
        random = self.setting.random(step)
        image, _ = self.setting.data.batch(random)
        return self._drawn(image, random)

    def held_out(self, step: int) -> Batch:
        random = self.setting.held_out_random()
        image, _ = self.setting.data.test_batch(random)
        return self._drawn(image, random)

    def _drawn(self, image: Float[Tensor, "B C H W"], random: BatchRandom) -> Batch:
        """Edges of images, the images in chalk, and noise."""
        h, w = image.shape[2:]
        chalk = chalked(image, random.normal(1, h + 2, w + 2), self.config.grain)
        return Batch(edge_map(image), chalk, random.normal(1, h, w))

    def loss(self, batch: Batch) -> tuple[Tensor, Metrics]:
        """The L1 distance, the part of the game that falls as translations improve."""
        return (self.generator(batch.edges, batch.noise).float() - batch.image).abs().mean(), {}

    def step(self, batch: Batch, optimizers: Optimizers) -> Metrics:
        """The discriminator moves, then the generator answers it; with L1 alone there is nobody to answer."""
        with self.setting.autocast():
            fake = self.generator(batch.edges, batch.noise)
        seen: Metrics = {}
        if self.config.adversarial_weight:
            seen = self.discriminator_step(batch, fake.detach(), optimizers["discriminator"])
        return {**seen, **self.generator_step(batch, fake, optimizers["generator"])}

    def discriminator_step(self, batch: Batch, fake: Tensor, optimizer: torch.optim.Optimizer) -> Metrics:
        """Tell pairs of edges and image from pairs of edges and translation, patch by patch."""
        with self.setting.autocast():
            real_logit = self.discriminator(batch.edges, batch.image)
            fake_logit = self.discriminator(batch.edges, fake)
        loss = discriminator_loss(real_logit.flatten(), fake_logit.flatten())
        descend(loss, optimizer)
        d_real, d_fake = (logit.detach().sigmoid().mean() for logit in (real_logit, fake_logit))
        return {"discriminator_loss": loss.detach(), "d_real": d_real, "d_fake": d_fake}

    def generator_step(self, batch: Batch, fake: Tensor, optimizer: torch.optim.Optimizer) -> Metrics:
        """Look real in every patch, and stay near the image."""
        loss, l1 = self.translation_loss(batch, fake)
        descend(loss, optimizer, inputs=list(self.generator.parameters()))
        return {"loss": l1.detach(), "generator_loss": loss.detach()}

    def translation_loss(self, batch: Batch, fake: Tensor) -> tuple[Tensor, Tensor]:
        """The generator's loss, and the mean L1 distance of a pixel within it."""
        # exercise: translation_loss
        c = self.config
        l1 = (fake.float() - batch.image).abs().mean()
        loss = c.l1_weight * l1
        if c.adversarial_weight:
            with self.setting.autocast():
                logit = self.discriminator(batch.edges, fake)
            loss = loss + c.adversarial_weight * generator_loss(logit.flatten(), "non_saturating")
        return loss, l1
        # end

    def optimizers(self) -> Optimizers:
        train = self.setting.train
        players = {"discriminator": self.discriminator, "generator": self.generator}
        return {
            name: torch.optim.Adam(player.parameters(), lr=train.lr, betas=train.betas, fused=True)
            for name, player in players.items()
        }

    # --- what the run is judged by, and what it shows -------------------------------------------------

    def evaluate(self) -> Mapping[str, float]:
        """Digits translated from the edges of test digits; the distance is taken to other test digits."""
        judge = Judge.load_or_train(self.chalk_source(), messages.say)
        images, label = judge.kept_aside()
        ink, _ = Judge(judge.net, self.setting.data).kept_aside()  # the same: their labels alone choose them
        edges, random = edge_map(ink), self.setting.generator("evaluate")
        drawn, again = self.translate(edges, random), self.translate(edges, random)
        figures = judge.score(drawn, label, from_tests=True)
        figures["readable"] = judge.score(images, label, from_tests=True)["class_accuracy"]
        figures["read_of_readable"] = figures["class_accuracy"] / max(figures["readable"], 1 / len(images))
        figures["sharpness"] = sharpness(drawn, images)
        figures["sharpness_missed"] = abs(figures["sharpness"] - 1)
        figures["l1_distance"] = (drawn - images).abs().mean().item()
        figures["noise_effect"] = (drawn - again).abs().mean().item()
        figures["chalk_effect"] = (self.in_chalk(ink, random) - images).abs().mean().item()
        flat = (ink + 1) * (1 - self.config.grain / 2) - 1  # L1's best answer to a grain that nothing tells
        figures["median_sharpness"] = sharpness(flat, images)
        figures["median_l1"] = (flat - images).abs().mean().item()
        return figures | self._thickened(judge, edges, label, images)

    def chalk_source(self) -> ImageSource:
        """The data in chalk, whose grain never changes: what a judge of translations learns from."""
        source, random = self.setting.data, self.setting.generator("chalk", 0)
        return replace(
            source,
            name=f"{source.name}-chalk-{self.config.grain:g}",
            train_images=self._chalk_bytes(source.train_images, random),
            test_images=self._chalk_bytes(source.test_images, random),
        )

    def _chalk_bytes(
        self, images: UInt8[Tensor, "N C H W"], random: torch.Generator
    ) -> UInt8[Tensor, "N C H W"]:
        parts = (self.in_chalk(to_float(part), random) for part in images.split(1_000))
        return torch.cat([((part + 1) * 127.5).round().to(torch.uint8) for part in parts])

    def in_chalk(self, ink: Float[Tensor, "N C H W"], random: torch.Generator) -> Float[Tensor, "N C H W"]:
        n, _, h, w = ink.shape
        normal = torch.randn(n, 1, h + 2, w + 2, generator=random, device=ink.device)
        return chalked(ink, normal, self.config.grain)

    def _thickened(
        self, judge: Judge, edges: Float[Tensor, "N 1 H W"], label: Int[Tensor, "N"], images: Tensor
    ) -> dict[str, float]:
        """The opponent that learns nothing: the edges, a pixel thicker on every side, in chalk."""
        lines = 2 * F.max_pool2d(edges, 3, stride=1, padding=1) - 1
        lines = lines.expand(-1, self.config.channels, -1, -1)
        lines = self.in_chalk(lines, self.setting.generator("thickened"))
        score = judge.score(lines, label, from_tests=True)
        return {
            "thickened_accuracy": score["class_accuracy"],
            "thickened_frechet": score["judge_frechet"],
            "thickened_sharpness": sharpness(lines, images),
        }

    def translate(self, edges: Float[Tensor, "N 1 H W"], random: torch.Generator) -> Float[Tensor, "N C H W"]:
        """Images along edges, in parts that fit the memory."""
        noise = torch.randn(edges.shape, generator=random, device=edges.device)
        parts = zip(edges.split(128), noise.split(128), strict=True)
        return torch.cat([self.generator(*part).float() for part in parts])

    def sample(self, request: SampleRequest) -> Images:
        """Rows that begin with edges, of a test digit or the user's drawing, and go on with translations."""
        columns = min(RESULTS, request.n)
        rows = math.ceil(request.n / columns)
        random = self.setting.generator("sample", request.seed)
        edges = self._wanted(request, rows, random)
        row = torch.arange(request.n, device=edges.device) // columns  # of each result
        images = (self.translate(edges[row], random) + 1) / 2
        lines = edges.expand(-1, self.config.channels, -1, -1)
        parts = zip(lines.split(1), images.split(columns), strict=True)
        sheet = torch.cat([part for pair in parts for part in pair])
        caption = "Every row: the edges that were given, then what was made of them."
        return Images(sheet.cpu().numpy(), columns=columns + 1, caption=caption)

    def _wanted(self, request: SampleRequest, rows: int, random: torch.Generator) -> Float[Tensor, "R 1 H W"]:
        """Edges of each row: of the drawing, or of test images of one class or of all in turn."""
        source = self.setting.data
        if "control" in request.extras:
            drawing = torch.from_numpy(read_drawing(request.extras["control"], self.config.image_size))
            page = 2 * drawing[None, None].to(self.setting.device) - 1
            return edge_map(page).expand(rows, -1, -1, -1)
        wanted: Int[Tensor, "R"] = torch.arange(rows, device=self.setting.device) % source.n_classes
        if request.label is not None:
            wanted = torch.full_like(wanted, request.label)
        for label in wanted.unique().tolist():
            source.require_class(label)
        images, found = source.test()
        keys = torch.rand(rows, len(found), generator=random, device=wanted.device)
        chosen = (keys * (found == wanted[:, None])).argmax(1)  # one at random of each row's class
        return edge_map(images[chosen])


def sharpness(drawn: Float[Tensor, "N C H W"], real: Float[Tensor, "N C H W"]) -> float:
    """Mean squared gradient of drawn images over that of real ones: 1 is as sharp, below it is blur."""

    def energy(images: Tensor) -> Tensor:
        right, down = sobel(images)
        return (right.square() + down.square()).mean()

    return float(energy(drawn) / energy(real))
