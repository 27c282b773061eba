"""MAE: hide three quarters of an image's patches, and learn by painting them back in.

Source:  He, Chen, Xie, Li, Dollár, Girshick 2021, arXiv:2111.06377. Here: section 3 (masking, encoder,
         decoder, target), appendix A.1 (fine-tuning, in tuning.py).
         Official code: github.com/facebookresearch/mae.
Names:   ids_shuffle and ids_restore of the official code are `order` and its inverse; len_keep is `n_kept`.
Shapes:  B batch, C channels, H height, W width; N patches of an image, V of them visible, P numbers of a
         patch; D width of a token in the encoder, E in the decoder.
Differs: no class token: features are the mean of the patches' tokens. Views of the fine-tuning are those that
         written digits call for. Target patches are divided by the root of their mean square deviation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field, model_validator
from torch import Tensor, nn

from atlas_cli.config import WIDEST, SystemConfig
from atlas_cli.data.backgrounds import over_textures
from atlas_cli.data.images import to_float
from atlas_cli.draws import BatchRandom
from atlas_cli.engine.system import Metrics, SampleRequest, System
from atlas_cli.metrics import probe
from atlas_cli.metrics.probe import Labelled
from atlas_cli.nets.patches import grid_positions, to_image, to_patches
from atlas_cli.nets.vit import Stack
from atlas_cli.present.artifacts.images import Images
from atlas_cli.systems.contrastive.clocks import median_seconds
from atlas_cli.systems.contrastive.tuning import AT_ONCE, Plan, Tuning, accuracy

RATIOS = (0.25, 0.5, 0.75, 0.9)  # of hidden patches, at which reconstructions are judged and drawn
N_TRAIN, N_TEST = 10_000, 2_000  # images of a probe, at most
ROUNDS = 9  # in which times are taken
FLAT = 1e-6  # added to a patch's variance: empty paper stays empty


class Config(SystemConfig):
    """Fields of `model:`; the data give the first three."""

    data_kinds: ClassVar[tuple[str, ...]] = ("images",)

    image_size: int = Field(28, ge=8, multiple_of=4, le=WIDEST)  # px
    channels: int = Field(1, gt=0, le=WIDEST)
    n_classes: int = Field(10, gt=0, le=WIDEST)  # only the fine-tuning and the probes ask for classes
    textured: bool = False  # every image over a texture of its own, in white or black ink
    patch: int = Field(4, gt=0, le=WIDEST)  # side, px
    mask_ratio: float = Field(0.75, ge=0, lt=1)  # share of the patches that are hidden
    d_model: int = Field(64, gt=0, multiple_of=4, le=WIDEST)  # D
    n_layer: int = Field(4, gt=0, le=WIDEST)
    n_head: int = Field(4, gt=0, le=WIDEST)
    d_decoder: int = Field(32, gt=0, multiple_of=4, le=WIDEST)  # E
    n_decoder_layer: int = Field(1, gt=0, le=WIDEST)
    tokens_in_encoder: bool = False  # the encoder sees all places, mask tokens at those that are hidden
    loss_on: Literal["masked", "all"] = "masked"
    normalised: bool = True  # the target: each patch with mean 0 and variance 1
    n_labels: int = Field(100, ge=0, le=10**9)  # images of the fine-tuning; 0: all
    tune_steps: int = Field(150, ge=0, le=10**9)
    tune_batch: int = Field(100, gt=0, le=1 << 16)
    tune_lr: float = Field(2e-3, gt=0, le=1000)

    @model_validator(mode="after")
    def _fits(self) -> Config:
        if self.image_size % self.patch:
            raise ValueError(f"patches of {self.patch} px do not fill {self.image_size} px")
        if self.d_model % self.n_head or self.d_decoder % self.n_head:
            raise ValueError(f"{self.n_head} heads do not divide {self.d_model} and {self.d_decoder}")
        return self

    @property
    def n_patches(self) -> int:
        """N."""
        return (self.image_size // self.patch) ** 2


class Encoder(nn.Module):
    """Patches that can be seen to tokens; nothing stands for those that cannot."""

    position: Tensor

    def __init__(self, c: Config) -> None:
        super().__init__()
        side = c.image_size // c.patch
        self.patch = c.patch
        self.embed = nn.Linear(c.channels * c.patch**2, c.d_model)
        self.register_buffer("position", grid_positions(side, side, c.d_model), persistent=False)
        self.stack = Stack(c.d_model, c.n_head, c.n_layer)
        self.mask_token = nn.Parameter(0.02 * torch.randn(c.d_model)) if c.tokens_in_encoder else None

    def forward(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B N D"]:
        """Tokens of a whole image."""
        return self.stack(self.tokens(images))

    def tokens(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B N D"]:
        """What goes into the first block: each patch, and where it is."""
        return self.embed(to_patches(images, self.patch)) + self.position

    def visible(
        self, images: Float[Tensor, "B C H W"], order: Int[Tensor, "B N"], n_kept: int
    ) -> Float[Tensor, "B V D"]:
        """Tokens of the first `n_kept` patches of an order; of all places, mask tokens among them."""
        tokens = self.tokens(images)
        if self.mask_token is None:
            return self.stack(take(tokens, order[:, :n_kept]))  # (B, V, D)
        hidden = hidden_places(order, n_kept)
        return self.stack(torch.where(hidden[..., None], self.mask_token + self.position, tokens))


class Decoder(nn.Module):
    """Tokens of what was seen, and one mask token for every other place, to pixels of all places."""

    position: Tensor

    def __init__(self, c: Config) -> None:
        super().__init__()
        side = c.image_size // c.patch
        self.embed = nn.Linear(c.d_model, c.d_decoder)
        self.register_buffer("position", grid_positions(side, side, c.d_decoder), persistent=False)
        self.mask_token = None if c.tokens_in_encoder else nn.Parameter(0.02 * torch.randn(c.d_decoder))
        self.stack = Stack(c.d_decoder, c.n_head, c.n_decoder_layer)
        self.pixels = nn.Linear(c.d_decoder, c.channels * c.patch**2)

    def forward(self, tokens: Float[Tensor, "B V D"], order: Int[Tensor, "B N"]) -> Float[Tensor, "B N P"]:
        x = self.embed(tokens)  # (B, V, E)
        if self.mask_token is not None:
            n_hidden = order.shape[1] - x.shape[1]
            rest = self.mask_token.to(x.dtype).expand(len(x), n_hidden, -1)
            x = unshuffle(torch.cat([x, rest], 1), order)  # (B, N, E)
        return self.pixels(self.stack(x + self.position))


def take(rows: Tensor, index: Int[Tensor, "B V"]) -> Tensor:
    """Rows of each image by their index: (B, N, D) -> (B, V, D)."""
    return rows.gather(1, index[..., None].expand(-1, -1, rows.shape[2]))


def unshuffle(rows: Float[Tensor, "B N E"], order: Int[Tensor, "B N"]) -> Float[Tensor, "B N E"]:
    """Rows that stand in an order, back at their own places."""
    return take(rows, order.argsort(1))


def hidden_places(order: Int[Tensor, "B N"], n_kept: int) -> Bool[Tensor, "B N"]:
    """True where a patch is hidden: all but the first `n_kept` of an order."""
    return order.argsort(1) >= n_kept


def kept(n_patches: int, ratio: float) -> int:
    """V: how many patches stay visible; one at least."""
    return max(1, int(n_patches * (1 - ratio) + 1e-9))


def normalise(patches: Float[Tensor, "B N P"]) -> Float[Tensor, "B N P"]:
    """Each patch with mean 0 and variance 1: what it shows, not how bright it is (section 3)."""
    centred = patches - patches.mean(2, keepdim=True)
    return centred / (centred.square().mean(2, keepdim=True) + FLAT).sqrt()


def masked_loss(
    painted: Float[Tensor, "B N P"], target: Float[Tensor, "B N P"], counted: Bool[Tensor, "B N"]
) -> Tensor:
    """Mean squared error of the pixels of those patches that count."""
    error = (painted - target).square().mean(2)  # (B, N)
    return (error * counted).sum() / counted.sum()


@dataclass(frozen=True)
class Batch:
    """A training batch with all its randomness in it."""

    images: Float[Tensor, "B C H W"]
    order: Int[Tensor, "B N"]  # of the patches; the first of them stay visible


class MAE(System):
    """An encoder that sees a quarter of each image, and a decoder that is dropped afterwards."""

    unit: ClassVar[str] = "images"
    sample_count: ClassVar[int] = 4
    glimpse_count: ClassVar[int] = 2
    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.encoder, self.decoder = Encoder(config), Decoder(config)
        self.n_kept = kept(config.n_patches, config.mask_ratio)

    # --- training -------------------------------------------------------------------------------------

    def batch(self, step: int) -> Batch:
        random = self.setting.random(step)
        images, _ = self.setting.data.batch(random)
        return self._hidden(images, random)

    def held_out(self, step: int) -> Batch:
        random = self.setting.held_out_random()
        images, _ = self.setting.data.test_batch(random)
        return self._hidden(images, random)

    def _hidden(self, images: Tensor, random: BatchRandom) -> Batch:
        if self.config.textured:
            images = over_textures(images, random)
        return Batch(images, random.permutations(self.config.n_patches))

    def loss(self, batch: Batch) -> tuple[Tensor, Metrics]:
        """Of the hidden patches alone, or of all."""
        painted = self.paint(batch.images, batch.order, self.n_kept).float()
        hidden = hidden_places(batch.order, self.n_kept)
        counted = torch.ones_like(hidden) if self.config.loss_on == "all" else hidden
        return masked_loss(painted, self.target(batch.images), counted), {}

    def paint(
        self, images: Float[Tensor, "B C H W"], order: Int[Tensor, "B N"], n_kept: int
    ) -> Float[Tensor, "B N P"]:
        """What the decoder makes of all patches, from the first of an order."""
        return self.decoder(self.encoder.visible(images, order, n_kept), order)

    def target(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B N P"]:
        """What is to be painted."""
        patches = to_patches(images, self.config.patch)
        return normalise(patches) if self.config.normalised else patches

    # --- what the run is judged by, and what it shows -------------------------------------------------

    def evaluate(self) -> Mapping[str, float]:
        """Fine-tuning with few labels, probes of frozen features, errors at other ratios, and times."""
        train, test = self.labelled()
        tuning = self.tuning()
        times = self._times(tuning)
        figures = {"finetuned": accuracy(tuning.run(), test)}
        figures |= probe.probe(*(Labelled(self.features(part.x), part.label) for part in (train, test)))
        figures |= {f"pixels_{name}": value for name, value in probe.pixel_probe(train, test).items()}
        drawn = self.untrained()
        raw = [Labelled(self.features(part.x, drawn), part.label) for part in (train, test)]
        figures |= {f"random_{name}": value for name, value in probe.probe(*raw).items()}
        figures |= {f"error_{ratio:.0%}".rstrip("%"): self.error(test.x, ratio) for ratio in RATIOS}
        return figures | times

    def tuning(self) -> Tuning:
        """The fine-tuning of the encoder as it stands."""
        c = self.config
        plan = Plan(c.tune_steps, c.tune_batch, c.tune_lr, c.n_labels, c.textured)
        return Tuning(self.encoder, c.d_model, self.setting, plan)

    def _times(self, tuning: Tuning) -> dict[str, float]:
        """What an encoder of a part costs beside one of all patches, forward and back; and the whole run."""
        batch, c = self.batch(0), self.config
        everything = list(self.parameters())

        def back(loss: Tensor, parameters: list[nn.Parameter]) -> None:
            torch.autograd.grad(loss, parameters, allow_unused=True)

        def encode(n: int) -> None:
            tokens = self.encoder.visible(batch.images, batch.order, n)
            back(tokens.square().mean(), list(self.encoder.parameters()))

        runs: dict[str, Callable[[], None]] = {
            "part": lambda: encode(self.n_kept),
            "all": lambda: encode(c.n_patches),
            "step": lambda: back(self._error(batch, self.n_kept), everything),
            "step of all": lambda: back(self._error(batch, c.n_patches), everything),
            "pretraining": lambda: back(self.loss(self.batch(1))[0], everything),
            "tuning": lambda: back(tuning.loss(tuning.batch(0)), list(tuning.model.parameters())),
            "update": _updating(everything),
        }
        with torch.enable_grad():
            seconds = median_seconds(runs, ROUNDS, self.setting.device)
        steps = self.setting.train.steps
        pretraining, tuned = (seconds[name] + seconds["update"] for name in ("pretraining", "tuning"))
        return {
            "encoder_time": seconds["part"] / seconds["all"],
            "step_time": seconds["step"] / seconds["step of all"],
            "total_time": c.tune_steps + steps * pretraining / tuned,
        }

    def _error(self, batch: Batch, n_seen: int) -> Tensor:
        """Mean squared error of all patches from the first of an order."""
        painted = self.paint(batch.images, batch.order, n_seen)
        return (painted - self.target(batch.images)).square().mean()

    def error(self, images: Float[Tensor, "B C H W"], ratio: float) -> float:
        """Mean squared error of hidden patches; of normalised ones, 1 is what painting nothing costs."""
        random = BatchRandom(0, 0, len(images), device=images.device, purpose="hidden")
        order, n_kept = random.permutations(self.config.n_patches), kept(self.config.n_patches, ratio)
        with torch.no_grad():
            painted = torch.cat([
                self.paint(part, places, n_kept).float()
                for part, places in zip(images.split(AT_ONCE), order.split(AT_ONCE), strict=True)
            ])  # fmt: skip
            return masked_loss(painted, self.target(images), hidden_places(order, n_kept)).item()

    def features(
        self, images: Float[Tensor, "B C H W"], encoder: Encoder | None = None
    ) -> Float[Tensor, "B D"]:
        """Frozen features: the mean of the tokens of whole images."""
        with torch.no_grad():
            return torch.cat([(encoder or self.encoder)(x).float().mean(1) for x in images.split(AT_ONCE)])

    def untrained(self) -> Encoder:
        """The same encoder before its first step."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.setting.train.seed)
            return Encoder(self.config).to(self.setting.device).eval()

    def labelled(self) -> tuple[Labelled, Labelled]:
        """Training and test images of a probe; textures are the same for every run."""
        source = self.setting.data
        return (
            self.shown(source.train_images[:N_TRAIN], source.train_labels[:N_TRAIN], "probed"),
            self.shown(source.test_images[:N_TEST], source.test_labels[:N_TEST], "tested"),
        )

    def shown(self, images: Tensor, label: Tensor, purpose: str) -> Labelled:
        x = to_float(images)
        if self.config.textured:
            x = over_textures(x, BatchRandom(0, 0, len(x), device=x.device, purpose=purpose))
        return Labelled(x, label)

    def sample(self, request: SampleRequest) -> Images:
        """A row an image: itself, the target, and at each ratio what is left of it and what is painted."""
        source = self.setting.data
        keys = torch.rand(len(source.test_labels), generator=self.setting.generator("sample", request.seed),
                          device=self.setting.device)  # fmt: skip
        chosen = keys.argsort()[: request.n]
        images = self.shown(source.test_images[chosen], source.test_labels[chosen], "sampled").x
        order = BatchRandom(request.seed, 0, len(images), device=images.device,
                            purpose="sampled").permutations(self.config.n_patches)  # fmt: skip
        cells = [(images + 1) / 2, self.as_picture(self.target(images))]
        for ratio in RATIOS:
            cells += self.painted(images, order, ratio)
        sheet = torch.stack(cells, 1).flatten(0, 1).clamp(0, 1)  # (B * 10, C, H, W)
        what = "each patch with its own mean and deviation taken out" if self.config.normalised else "pixels"
        ratios = ", ".join(f"{ratio:.0%}" for ratio in RATIOS)
        caption = f"A row each: held-out image, target ({what}); then left and painted, {ratios} hidden."
        return Images(sheet.cpu().numpy(), columns=len(cells), caption=caption)

    def painted(
        self, images: Float[Tensor, "B C H W"], order: Int[Tensor, "B N"], ratio: float
    ) -> tuple[Float[Tensor, "B C H W"], Float[Tensor, "B C H W"]]:
        """What is left of images, and the target with its hidden patches painted, both in [0, 1]."""
        n_kept, patch, width = kept(self.config.n_patches, ratio), self.config.patch, images.shape[3]
        hidden = hidden_places(order, n_kept)[..., None]
        with torch.no_grad():
            painted = self.paint(images, order, n_kept).float()
        left = to_patches((images + 1) / 2, patch).masked_fill(hidden, 0.5)
        return to_image(left, patch, width), self.as_picture(painted.where(hidden, self.target(images)))

    def as_picture(self, patches: Float[Tensor, "B N P"]) -> Float[Tensor, "B C H W"]:
        """Target values to [0, 1]: of normalised ones, two deviations either way."""
        reach = 2.0 if self.config.normalised else 1.0
        side = self.config.image_size
        return ((to_image(patches, self.config.patch, side) / reach + 1) / 2).clamp(0, 1)


def _updating(parameters: list[nn.Parameter]) -> Callable[[], None]:
    """A step of AdamW on parameters of such shapes, to be timed."""
    copies = [nn.Parameter(torch.zeros_like(p)) for p in parameters]
    for parameter in copies:
        parameter.grad = torch.zeros_like(parameter)
    optimizer = torch.optim.AdamW(copies, fused=True)
    return lambda: optimizer.step()
