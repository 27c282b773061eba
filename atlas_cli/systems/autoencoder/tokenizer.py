"""What every image tokenizer shares: an encoder to a small grid, a decoder back, and the verbs of a system.

A tokenizer says how a vector of the grid becomes one of finitely many codes: a `Quantiser`. All else is here:
images in, integers out, images back, and what is measured of that.
Shapes:  B batch, C channels, H height, W width of the image; h = H/4, w = W/4 the grid; D numbers that the
         encoder gives for each place of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn

from atlas_cli.config import WIDEST, SystemConfig
from atlas_cli.draws import BatchRandom
from atlas_cli.engine.descent import descend
from atlas_cli.engine.system import Metrics, Optimizers, SampleRequest, System
from atlas_cli.metrics.judge import Judge
from atlas_cli.present.artifacts.images import Images
from atlas_cli.screen import messages

FACTOR = 4  # pixels along one side of what a code stands for
AT_ONCE = 256  # images that are encoded together where nothing is trained


class TokenizerConfig(SystemConfig):
    """What the recipes of all tokenizers say of their networks."""

    data_kinds: ClassVar[tuple[str, ...]] = ("images",)
    image_size: int = Field(28, gt=0, multiple_of=FACTOR, le=WIDEST)  # pixels; from the data
    channels: int = Field(1, gt=0, le=WIDEST)  # from the data
    n_classes: int = Field(10, gt=0, le=WIDEST)  # from the data
    width: int = Field(32, gt=0, multiple_of=8, le=WIDEST)  # channels at H/2; twice as many at H/4


# --- from vectors to codes -----------------------------------------------------------------------------


class Quantised(NamedTuple):
    """What became of the encoder's vectors."""

    vectors: Float[Tensor, "B D h w"]  # as the decoder gets them; their gradient goes straight to the encoder
    indices: Int[Tensor, "B h w"]
    penalty: Float[Tensor, ""]  # joins the loss; 0 where nothing but the error is descended


class Quantiser(nn.Module):
    """From vectors to codes and back.

    Attributes:
        dim: D.
        stage_size: Codes that one stage chooses from.
        n_stages: How many choices make a code; most quantisers make one.
    """

    def __init__(self, dim: int, stage_size: int, n_stages: int = 1) -> None:
        super().__init__()
        self.dim, self.stage_size, self.n_stages = dim, stage_size, n_stages

    @property
    def size(self) -> int:
        """How many codes there are."""
        return self.stage_size**self.n_stages

    def forward(self, z: Float[Tensor, "B D h w"]) -> Quantised:
        raise NotImplementedError

    def vectors(self, indices: Int[Tensor, "B h w"]) -> Float[Tensor, "B D h w"]:
        """What the decoder is given for these codes."""
        raise NotImplementedError

    def follow(self, z: Float[Tensor, "B D h w"], spots: Int[Tensor, "B"]) -> None:
        """After a step, learn what is learned without a gradient: nothing, unless a quantiser says otherwise.

        Args:
            z: The encoder's vectors of the step.
            spots: A place of the grid in each image, drawn at random.
        """

    def join(self, choices: list[Int[Tensor, "*shape"]]) -> Int[Tensor, "*shape"]:
        """One number of what every stage chose, the first stage as the lowest digit."""
        return sum((c * self.stage_size**s for s, c in enumerate(choices)), torch.zeros_like(choices[0]))

    def split(self, indices: Int[Tensor, "*shape"]) -> list[Int[Tensor, "*shape"]]:
        """What every stage chose; the inverse of `join`."""
        return [indices // self.stage_size**s % self.stage_size for s in range(self.n_stages)]


# --- networks ------------------------------------------------------------------------------------------


class Block(nn.Module):
    """Two 3x3 convolutions beside an identity; the last one starts at zero."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        last = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(last.weight)
        assert last.bias is not None
        nn.init.zeros_(last.bias)
        self.body = nn.Sequential(
            nn.GroupNorm(channels // 8, channels), nn.SiLU(), nn.Conv2d(channels, channels, 3, padding=1),
            nn.GroupNorm(channels // 8, channels), nn.SiLU(), last,
        )  # fmt: skip

    def forward(self, x: Float[Tensor, "B D H W"]) -> Float[Tensor, "B D H W"]:
        return x + self.body(x)


def encoder(channels: int, width: int, dim: int) -> nn.Sequential:
    """Image (B, C, H, W) -> vectors (B, D, h, w); no convolution runs at full resolution."""
    fine, coarse = width, 2 * width
    return nn.Sequential(
        nn.PixelUnshuffle(2), nn.Conv2d(4 * channels, fine, 3, padding=1),
        Block(fine),  # (B, fine, H/2, W/2)
        nn.Conv2d(fine, coarse, 3, stride=2, padding=1), Block(coarse),  # (B, coarse, h, w)
        nn.GroupNorm(coarse // 8, coarse), nn.SiLU(), nn.Conv2d(coarse, dim, 1),
    )  # fmt: skip


def decoder(channels: int, width: int, dim: int) -> nn.Sequential:
    """Vectors (B, D, h, w) -> image (B, C, H, W)."""
    fine, coarse = width, 2 * width
    return nn.Sequential(
        nn.Conv2d(dim, coarse, 3, padding=1), Block(coarse),
        nn.Conv2d(coarse, 4 * fine, 1), nn.PixelShuffle(2),
        Block(fine),  # (B, fine, H/2, W/2)
        nn.GroupNorm(fine // 8, fine), nn.SiLU(), nn.Conv2d(fine, 4 * channels, 3, padding=1),
        nn.PixelShuffle(2),  # (B, C, H, W)
    )  # fmt: skip


# --- the system ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Batch:
    """A training batch with all its randomness in it."""

    images: Float[Tensor, "B C H W"]  # in [-1, 1]
    spots: Int[Tensor, "B"]  # a place of each image's grid, in case a dead code needs a new one


class Tokenizer(System):
    """Images to a grid of integers, and back.

    A system that stands on a trained one asks it to `encode` and to `decode`, into and from integers below
    `codebook_size` on a `grid`. One that takes the stages of a code apart needs its `quantiser` as well: the
    size and number of stages, `split` and `join`. What is `judged` here is of the data that trained it.
    """

    unit: ClassVar[str] = "images"
    steers: ClassVar[frozenset[str]] = frozenset({"label"})
    compiled: ClassVar[tuple[str, ...]] = ("encoder", "decoder")
    config: TokenizerConfig

    def __init__(self, config: TokenizerConfig, quantiser: Quantiser) -> None:
        super().__init__(config)
        self.quantiser = quantiser
        self.encoder = encoder(config.channels, config.width, quantiser.dim)
        self.decoder = decoder(config.channels, config.width, quantiser.dim)

    # --- images and codes -----------------------------------------------------------------------------

    @property
    def codebook_size(self) -> int:
        """How many codes there are: `encode` gives integers below it."""
        return self.quantiser.size

    @property
    def grid(self) -> tuple[int, int]:
        """(h, w)."""
        side = self.config.image_size // FACTOR
        return side, side

    @property
    def image_bits(self) -> float:
        """Bits of an image's codes, each written in as many as the size of the codebook takes."""
        h, w = self.grid
        return h * w * self.quantiser.n_stages * math.log2(self.quantiser.stage_size)

    def encode(self, images: Float[Tensor, "B C H W"]) -> Int[Tensor, "B h w"]:
        """The codes of images in [-1, 1]."""
        return self.quantiser(self.encoder(images).float()).indices

    def decode(self, indices: Int[Tensor, "B h w"]) -> Float[Tensor, "B C H W"]:
        """The images, in [-1, 1], that codes stand for."""
        return self.decoder(self.quantiser.vectors(indices)).float().clamp(-1, 1)

    # --- training -------------------------------------------------------------------------------------

    def batch(self, step: int) -> Batch:
        random = self.setting.random(step)
        return self._with_spots(self.setting.data.batch(random)[0], random)

    def held_out(self, step: int) -> Batch:
        random = self.setting.held_out_random()
        return self._with_spots(self.setting.data.test_batch(random)[0], random)

    def _with_spots(self, images: Float[Tensor, "B C H W"], random: BatchRandom) -> Batch:
        return Batch(images, random.integers(0, math.prod(self.grid)))

    def step(self, batch: Batch, optimizers: Optimizers) -> Metrics:
        """One descent; then what learns without a gradient follows the vectors that it came from."""
        with self.setting.autocast():
            z = self.encoder(batch.images).float()
            loss, metrics = self.objective(z, batch.images)
        descend(loss, *optimizers.values())
        self.quantiser.follow(z.detach(), batch.spots)
        return {"loss": loss.detach(), **metrics}

    def loss(self, batch: Batch) -> tuple[Tensor, Metrics]:
        return self.objective(self.encoder(batch.images).float(), batch.images)

    def objective(
        self, z: Float[Tensor, "B D h w"], images: Float[Tensor, "B C H W"]
    ) -> tuple[Tensor, Metrics]:
        """Squared error of the images that the codes give back, and what the quantiser adds."""
        found = self.quantiser(z)
        error = F.mse_loss(self.decoder(found.vectors).float(), images)
        metrics = {"mse": error.detach(), "perplexity": perplexity(self.shares(found.indices))}
        return error + found.penalty, metrics  # type: ignore[return-value]

    # --- what the run is judged by, and what it shows -------------------------------------------------

    def shares(self, indices: Int[Tensor, "B h w"]) -> Float[Tensor, "S K"]:
        """Share of the places that each code has, stage by stage."""
        size = self.quantiser.stage_size
        counts = [torch.bincount(c.flatten(), minlength=size) for c in self.quantiser.split(indices)]
        return torch.stack(counts).float() / indices.numel()

    @torch.no_grad()
    def evaluate(self) -> Mapping[str, float]:
        """Error on test images, what of the codebook they use, and how a judge sees what comes back.

        What is judged are test images that are not in the judge's reference.
        """
        images, _ = self.setting.data.test()
        indices = torch.cat([self.encode(part) for part in images.split(AT_ONCE)])
        shares = self.shares(indices)
        figures = {
            **error_figures(images, self._decoded(indices)),
            "codebook_usage": float((shares > 0).float().mean()),
            "perplexity": float(perplexity(shares)),
            "image_bits": self.image_bits,
        }
        return figures | self.judged(lambda images: self._decoded(self.encode(images)))

    def judged(self, rebuild: Callable[[Tensor], Tensor]) -> dict[str, float]:
        """How near to real images those that are rebuilt from a code lie."""
        judge = Judge.load_or_train(self.setting.data, messages.say)
        images, label = judge.kept_aside()
        scores = judge.score(rebuild(images), label, from_tests=True)
        return {
            "class_accuracy": scores["class_accuracy"],
            "reconstruction_frechet": scores["judge_frechet"],
            "reconstruction_floor": scores["judge_frechet_floor"],
            "reconstruction_over_floor": scores["judge_frechet_over_floor"],
        }

    def _decoded(self, indices: Int[Tensor, "N h w"]) -> Float[Tensor, "N C H W"]:
        return torch.cat([self.decode(part) for part in indices.split(AT_ONCE)])

    @torch.no_grad()
    def sample(self, request: SampleRequest) -> Images:
        """Test images, and beside each what its codes give back."""
        source, generator = self.setting.data, self.setting.generator("sample", request.seed)
        label = torch.arange(request.n, device=self.setting.device) % self.config.n_classes
        if request.label is not None:
            label = torch.full_like(label, request.label)
        images, found = source.test()
        there = (found == label[:, None]).any(1)
        if request.label is not None and not bool(there.all()):
            source.require_class(request.label)
        keys = torch.rand(request.n, len(found), generator=generator, device=label.device)
        chosen = (keys * ((found == label[:, None]) | ~there[:, None])).argmax(1)
        pair = torch.stack([images[chosen], self.decode(self.encode(images[chosen]))], 1)  # (N, 2, C, H, W)
        shown = ((pair.flatten(0, 1) + 1) / 2).cpu().numpy()
        caption = "In pairs: a test image, and what its codes give back."
        return Images(shown, columns=min(10, 2 * request.n), caption=caption)


def perplexity(shares: Float[Tensor, "S K"]) -> Float[Tensor, ""]:
    """How many codes, used evenly, would be as hard to guess; the mean over the stages."""
    return torch.special.entr(shares).sum(1).exp().mean()


def error_figures(images: Float[Tensor, "N C H W"], back: Float[Tensor, "N C H W"]) -> dict[str, float]:
    """Mean squared error of images in [-1, 1], told for pixels of [0, 1], and in decibels."""
    mse = float(((back - images) / 2).square().mean())
    return {"reconstruction_mse": mse, "reconstruction_psnr": -10 * math.log10(mse)}
