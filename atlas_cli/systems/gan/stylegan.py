"""StyleGAN: noise becomes a style, and the style scales the features of every layer.

Source:  Karras, Laine, Aila 2018, arXiv:1812.04948: mapping network, noise for each pixel, style mixing,
         truncation in W, path length. Karras et al. 2019, arXiv:1912.04958 (StyleGAN2): the scaling moved
         into the weights, eq. 1 to 3. Official code: github.com/NVlabs/stylegan3.
Names:   z latent vector, w = f(z) its style, `affine` the paper's A, `strength` its B, psi of truncation.
Shapes:  B batch, Z latent dimensions, D those of a style, L layers with a style, P pixels of all noise maps,
         C channels, H height, W width.
Differs: two layers of mapping and no eight. The class enters beside z, and a style is pulled towards the mean
         of its class. Three sizes, a constant start at a quarter of the image, no skips to the image; where
         the size doubles, four channels unfold into 2x2 pixels. The image ends in a tanh. Weights are not
         rescaled at run time, and the mapping learns as fast as the rest. R1 as in `gan.py`; path length is
         measured and not regularised.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from atlas_cli.config import WIDEST
from atlas_cli.engine.system import Extra, Metrics, Optimizers, SampleRequest
from atlas_cli.errors import UsageError
from atlas_cli.metrics.judge import N_SAMPLES, Judge
from atlas_cli.present.artifacts.images import Images
from atlas_cli.screen import messages
from atlas_cli.systems.gan import style_figures
from atlas_cli.systems.gan.gan import GAN, PixelNorm
from atlas_cli.systems.gan.gan import Batch as GANBatch
from atlas_cli.systems.gan.gan import Config as GANConfig
from atlas_cli.systems.gan.style_bottom import Bottom

SIZES = (4, 2, 2, 1)  # the image's size over that of each convolution's output
N_LAYERS = len(SIZES) + 1  # with a style each; the last makes the image
N_MEAN = 1_000  # styles of a class, behind its mean
N_FRAMES = 12  # of the film from the mean style to the samples


class Config(GANConfig):
    """Fields of `model:`; the data give the first three."""

    data_kinds: ClassVar[tuple[str, ...]] = ("images",)

    dim: int = Field(0, ge=0, le=0)  # no points: a point has no coarse and fine
    width: int = Field(64, gt=0, multiple_of=4, le=WIDEST)  # channels at a quarter of the image's size
    style_dim: int = Field(128, gt=0, le=WIDEST)  # of w
    mapping_layers: int = Field(2, ge=0, le=64)  # 0: the styles are read off z itself; 8 in the paper
    enters: Literal["styles", "bottom"] = "styles"  # where z does; at the bottom no layer has a style
    mixing: float = Field(0.5, ge=0, le=1)  # share of the training images with two styles
    pixel_noise: bool = True


# --- the generator -----------------------------------------------------------------------------------


def modulated_convolution(
    x: Float[Tensor, "B I H W"], weight: Float[Tensor, "O I K K"], style: Float[Tensor, "B I"],
    demodulate: bool = True,
) -> Float[Tensor, "B O H W"]:  # fmt: skip
    """Each image is convolved with weights of its own, scaled by its style (StyleGAN2, eq. 1 and 3).

    This is the plain form: B sets of weights, and one group of channels for each image.
    """
    # exercise: modulated_convolution
    own = weight * style[:, None, :, None, None]  # (B, O, I, K, K)
    if demodulate:  # to length one, so that unit variance in gives unit variance out
        own = own / (own.square().sum((2, 3, 4), keepdim=True) + 1e-8).sqrt()
    groups = x.flatten(0, 1)[None]  # (1, B I, H, W)
    y = F.conv2d(groups, own.flatten(0, 1), padding=weight.shape[-1] // 2, groups=len(x))
    return y.unflatten(1, (len(x), -1))[0]
    # end


def scaled_convolution(
    x: Float[Tensor, "B I H W"], weight: Float[Tensor, "O I K K"], style: Float[Tensor, "B I"],
    demodulate: bool = True,
) -> Float[Tensor, "B O H W"]:  # fmt: skip
    """The same, faster: the style scales the input, its norm the output, and all share the weights."""
    y = F.conv2d(x * style[:, :, None, None], weight, padding=weight.shape[-1] // 2)
    if demodulate:
        squared = style.square() @ weight.square().sum((2, 3)).T  # (B, O)
        y = y * (squared + 1e-8).rsqrt()[:, :, None, None]
    return y


class MappingNetwork(nn.Module):
    """z, and the class if there is one -> the style w."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        n_layers = c.mapping_layers if c.enters == "styles" else 0
        self.widths = [c.z_dim * (2 if c.given_classes else 1)] + n_layers * [c.style_dim]
        self.embed = nn.Embedding(c.given_classes, c.z_dim) if c.given_classes else None
        self.norm = PixelNorm()
        layers = [nn.Linear(a, b) for a, b in pairwise(self.widths)]
        for layer in layers:  # w of unit variance
            nn.init.kaiming_normal_(layer.weight, a=0.2)
        self.body = nn.Sequential(*(part for layer in layers for part in (layer, nn.LeakyReLU(0.2))))

    def forward(self, z: Float[Tensor, "B Z"], label: Int[Tensor, "B"] | None) -> Float[Tensor, "B D"]:
        z = self.norm(z)
        if self.embed is not None:
            z = torch.cat([z, self.norm(self.embed(label))], dim=1)  # (B, 2Z)
        return self.body(z)


class StyledLayer(nn.Module):
    """A 3x3 convolution whose input channels are scaled by a style."""

    def __init__(self, n_in: int, n_out: int, style_dim: int) -> None:
        """style_dim 0: no style, and the weights are used as they are."""
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_out, n_in, 3, 3) / math.sqrt(9 * n_in))
        self.affine = nn.Linear(style_dim, n_in) if style_dim else None
        if self.affine is not None:
            nn.init.normal_(self.affine.weight, std=style_dim**-0.5)
            nn.init.ones_(self.affine.bias)  # scales of 1, give or take 1, from the start

    def forward(
        self, x: Float[Tensor, "B I H W"], w: Float[Tensor, "B D"], demodulate: bool = True
    ) -> Float[Tensor, "B O H W"]:
        if self.affine is None:
            return F.conv2d(x, self.weight, padding=1)
        return scaled_convolution(x, self.weight, self.affine(w), demodulate)


class Convolution(StyledLayer):
    """A layer, then noise for each pixel; if it upscales, four channels unfold into 2x2 pixels."""

    def __init__(self, n_in: int, n_out: int, style_dim: int, upscale: bool, noise: bool) -> None:
        super().__init__(n_in, 4 * n_out if upscale else n_out, style_dim)
        self.bias = nn.Parameter(torch.zeros(n_out, 1, 1))
        self.strength = nn.Parameter(torch.zeros(n_out, 1, 1)) if noise else None
        self.upscale = upscale
        # What keeps features in bounds where no weights are demodulated, as in `gan`.
        self.norm = PixelNorm() if self.affine is None else nn.Identity()

    def forward(  # type: ignore[override]
        self, x: Float[Tensor, "B I h w"], w: Float[Tensor, "B D"], noise: Float[Tensor, "B 1 H W"]
    ) -> Float[Tensor, "B O H W"]:
        y = super().forward(x, w)
        if self.upscale:
            y = F.pixel_shuffle(y, 2)
        y = y + self.bias
        if self.strength is not None:
            y = y + self.strength * noise
        return math.sqrt(2) * F.leaky_relu(self.norm(y), 0.2)  # the root keeps the mean square


class Constant(nn.Module):
    """Where every image starts: the same map, whatever its style."""

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        self.map = nn.Parameter(torch.randn(width, size, size))

    def forward(self, w: Float[Tensor, "B D"]) -> Float[Tensor, "B I h w"]:
        return self.map.expand(len(w), -1, -1, -1)


class Generator(nn.Module):
    """Styles, one for each layer, and noise -> an image in [-1, 1]."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        self.mapping = MappingNetwork(c)
        n_in, d, w = self.mapping.widths[0], self.mapping.widths[-1], c.width
        widths = (w, w, w // 2, w // 2, w // 4)  # of the input of each layer with a style
        self.sizes = [c.image_size // size for size in SIZES]
        if c.enters == "styles":
            self.start: nn.Module = Constant(w, self.sizes[0])
        else:  # with the weights of a mapping, of the styles' affine layers and of the constant
            mapping = [n_in] + c.mapping_layers * [c.style_dim]
            spare = sum((a + 1) * b for a, b in pairwise(mapping)) + (mapping[-1] + 1) * sum(widths)
            self.start, d = Bottom(n_in, w, self.sizes[0], spare + w * self.sizes[0] ** 2), 0
        self.convolutions = nn.ModuleList(
            Convolution(n_in, n_out, d, upscale=i in (1, 3), noise=c.pixel_noise)
            for i, (n_in, n_out) in enumerate(pairwise(widths))
        )
        self.to_image = StyledLayer(widths[-1], c.channels, d)
        self.image_bias = nn.Parameter(torch.zeros(c.channels, 1, 1))

    def forward(
        self, z: Float[Tensor, "B 2 Z"], label: Int[Tensor, "B"] | None, crossover: Int[Tensor, "B"],
        noise: Float[Tensor, "B P"],
    ) -> Float[Tensor, "B C H W"]:  # fmt: skip
        coarse, fine = (self.mapping(part, label) for part in z.unbind(1))
        return self.draw(mixed(coarse, fine, crossover), noise)

    def draw(self, styles: Float[Tensor, "B L D"], noise: Float[Tensor, "B P"]) -> Float[Tensor, "B C H W"]:
        """The synthesis network."""
        x = self.start(styles[:, 0])
        maps = noise.split([size**2 for size in self.sizes], dim=1)
        for i, convolution in enumerate(self.convolutions):
            x = convolution(x, styles[:, i], maps[i].unflatten(1, (1, self.sizes[i], self.sizes[i])))
        return torch.tanh(self.to_image(x, styles[:, -1], demodulate=False) + self.image_bias)


def mixed(
    coarse: Float[Tensor, "B D"], fine: Float[Tensor, "B D"], crossover: Int[Tensor, "B"]
) -> Float[Tensor, "B L D"]:
    """A style for each layer: the coarse one below the crossover, the fine one from there on."""
    below = torch.arange(N_LAYERS, device=crossover.device) < crossover[:, None]  # (B, L)
    return torch.where(below[:, :, None], coarse[:, None], fine[:, None])


def truncated(w: Float[Tensor, "B D"], mean: Float[Tensor, "B D"], psi: float) -> Float[Tensor, "B D"]:
    """Styles pulled towards the mean: psi = 1 leaves them, psi = 0 leaves nothing but the mean."""
    # exercise: truncated
    return mean + psi * (w - mean)
    # end


@dataclass(frozen=True, kw_only=True)
class Batch(GANBatch):
    """A training batch with all its randomness in it: as in `gan`, with two latents for each fake."""

    z: Float[Tensor, "B 2 Z"]
    crossover: Int[Tensor, "B"]  # the first layer of the second style; N_LAYERS: there is none
    noise: Float[Tensor, "B P"]


class StyleGAN(GAN):
    """The game of `gan`, with a generator that is steered at every layer."""

    extras: ClassVar[tuple[Extra, ...]] = (
        Extra("psi", float, "how far styles are from their mean: 0 all alike, 1 as they were trained"),
        Extra("mix", int, "a grid: rows give the styles of so many layers from the bottom, columns the rest"),
    )
    config: Config
    generator: Generator  # type: ignore[assignment]

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.generator = Generator(config)

    # --- training -------------------------------------------------------------------------------------

    def batch(self, step: int) -> Batch:
        random, c = self.setting.random(step), self.config
        real, label = self.setting.data.batch(random)
        z, noise = random.normal(2, c.z_dim), random.normal(self.n_noise)
        crossover = random.integers(1, N_LAYERS)
        crossover = torch.where(random.uniform() < c.mixing, crossover, N_LAYERS)
        label = label if c.given_classes else None
        return Batch(step=step, real=real, label=label, z=z, crossover=crossover, noise=noise)

    def step(self, batch: Batch, optimizers: Optimizers) -> Metrics:  # type: ignore[override]
        """As in `gan`; some fakes have two styles, so that no layer can rely on its neighbour's."""
        with self.setting.autocast():
            fake = self.generator(batch.z, batch.label, batch.crossover, batch.noise)
        seen = self.discriminator_step(batch, fake.detach(), optimizers["discriminator"])
        return {**seen, **self.generator_step(batch, fake, optimizers["generator"])}

    @property
    def n_noise(self) -> int:
        """Pixels of all noise maps of an image."""
        return sum(size**2 for size in self.generator.sizes)

    def styles(self, z: Float[Tensor, "N Z"], label: Int[Tensor, "N"] | None, psi: float = 1.0) -> Tensor:
        """w of each z, (N, D), truncated."""
        w = self.generator.mapping(z, label).float()
        return w if psi == 1 else truncated(w, self.mean_styles(label).expand_as(w), psi)

    def mean_styles(self, label: Int[Tensor, "N"] | None) -> Float[Tensor, "N D"]:
        """The mean style of each label's class; of all, where there are no classes."""
        random = self.setting.generator("mean style")
        z = torch.randn(N_MEAN, self.config.z_dim, generator=random, device=self.setting.device)
        if label is None:
            return self.generator.mapping(z, None).float().mean(0, keepdim=True)
        found, place = label.unique(return_inverse=True)
        means = [self.generator.mapping(z, one.expand(len(z))).float().mean(0) for one in found]
        return torch.stack(means)[place]

    def noise(self, n: int, random: torch.Generator) -> Float[Tensor, "n P"]:
        """Of n images."""
        return torch.randn(n, self.n_noise, generator=random, device=self.setting.device)

    def images(
        self, coarse: Float[Tensor, "N D"], noise: Float[Tensor, "N P"],
        fine: Float[Tensor, "N D"] | None = None, crossover: int = N_LAYERS,
    ) -> Float[Tensor, "N C H W"]:  # fmt: skip
        """What styles draw, in parts that fit the memory; layers from `crossover` on have the fine ones."""
        layer = torch.full((len(coarse),), crossover, device=coarse.device)
        styles = mixed(coarse, coarse if fine is None else fine, layer)
        parts = zip(styles.split(128), noise.split(128), strict=True)
        return torch.cat([self.generator.draw(*part).float() for part in parts])

    # --- what the run is judged by, and what it shows -------------------------------------------------

    def evaluate(self) -> Mapping[str, float]:
        judge = Judge.load_or_train(self.setting.data, messages.say)
        random = self.setting.generator("evaluate")
        z, label = self._latents(N_SAMPLES, random)
        figures = judge.score(self.images(self.styles(z, label), self.noise(len(z), random)), label)
        return figures | style_figures.of(self, judge, N_LAYERS if self.config.enters == "styles" else 0)

    def sample(self, request: SampleRequest) -> Images:
        """Samples, reached from the mean style of their class; with `mix` a grid of mixtures."""
        random, psi = self.setting.generator("sample", request.seed), request.extras.get("psi", 1.0)
        if "mix" in request.extras:
            return self._grid(request, request.extras["mix"], psi)
        z, label = self._latents(request.n, random, request.label)
        noise = self.noise(request.n, random)
        film = [self.images(self.styles(z, label, psi * i / N_FRAMES), noise) for i in range(N_FRAMES + 1)]
        frames = [((images + 1) / 2).cpu().numpy() for images in film]
        moves = f"from the mean style of each class, psi = 0, out to psi = {psi:g}"
        return Images(frames[-1], frames=frames, columns=min(10, request.n), moves=moves)

    def _grid(self, request: SampleRequest, crossover: int, psi: float) -> Images:
        """Rows of one coarse style, columns of one fine style; what each alone draws stands at the edge."""
        if not 0 <= crossover <= N_LAYERS:
            raise UsageError(
                f"this generator has {N_LAYERS} layers with a style, not {crossover}",
                f"name a --mix from 0 to {N_LAYERS}",
            )
        side, random = math.ceil(math.sqrt(request.n)), self.setting.generator("sample", request.seed)
        z, label = self._latents(2 * side, random, request.label)
        w = self.styles(z, label, psi)
        noise = self.noise(1, random).expand(side * side, -1)
        rows, columns = w[:side], w[side:]
        alone = [self.images(part, noise[:side]) for part in (rows, columns)]
        mixtures = self.images(rows.repeat_interleave(side, 0), noise, columns.repeat(side, 1), crossover)
        body = torch.cat([alone[0][:, None], mixtures.unflatten(0, (side, side))], dim=1).flatten(0, 1)
        sheet = torch.cat([torch.full_like(body[:1], -1), alone[1], body])
        caption = (
            f"Rows: the image on the left gives the styles of the {crossover} layers from the bottom. "
            f"Columns: the image on top gives those of the other {N_LAYERS - crossover}."
        )
        return Images(((sheet + 1) / 2).cpu().numpy(), columns=side + 1, caption=caption)
