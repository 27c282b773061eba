"""SimCLR: two random views of one image should agree, views of different images should not.

Source:  Chen, Kornblith, Norouzi, Hinton 2020, arXiv:2002.05709. Here: eq. 1 (NT-Xent, an InfoNCE loss),
         Algorithm 1, the projection head of section 4.2.
         Official code: github.com/google-research/simclr.
         `objective: siamese` is SimSiam: Chen, He 2020, arXiv:2011.10566, eq. 1 to 4, without negatives.
Names:   h are the features that are kept, z the head's output, which the loss sees and use drops; the
         temperature is tau. SimSiam's predictor is its h, its p what that makes of z.
Shapes:  B batch, C channels, H height, W width; D features of h, P of z. Rows of both views: N = 2B, first
         all first views, then all second ones.
Differs: the views are those that written digits call for: pens and bends in place of colours and blur (crop,
         turn and noise stay). AdamW in place of LARS, and of SimSiam's SGD. The encoder has three
         convolutions. With several ranks, the loss sees all of them and a batch norm its own alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
import torch.distributed as dist
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from atlas_cli.config import WIDEST, SystemConfig
from atlas_cli.data.backgrounds import over_textures
from atlas_cli.data.images import to_float
from atlas_cli.data.views import View, view
from atlas_cli.draws import BatchRandom
from atlas_cli.engine.system import Extra, Metrics, Optimizers, SampleRequest, System
from atlas_cli.metrics import probe
from atlas_cli.metrics.probe import Labelled
from atlas_cli.present.artifacts.clusters import Clusters
from atlas_cli.screen import messages

WATCHED_FROM, LOOKS = 0.25, 20  # share of training after which a collapse is named; looks at the spread
COLLAPSED = 0.2  # spread of z below which it is one
N_TRAIN, N_TEST = 10_000, 2_000  # images of a probe, at most


class Config(SystemConfig):
    """Fields of `model:`; the data give the first three."""

    data_kinds: ClassVar[tuple[str, ...]] = ("images",)

    image_size: int = Field(28, ge=8, multiple_of=4, le=WIDEST)  # px
    channels: int = Field(1, gt=0, le=WIDEST)
    n_classes: int = Field(10, gt=0, le=WIDEST)  # only the probes ask for classes
    textured: bool = False  # every image over a texture of its own, in white or black ink
    same_texture: bool = False  # textured: both views of an image have one texture and one ink
    views: tuple[View, ...] = Field(("crop", "turn", "bend", "pen", "tone", "noise"), strict=False)
    objective: Literal["infonce", "siamese", "supervised"] = "infonce"
    temperature: float = Field(0.2, gt=0)
    width: int = Field(24, gt=0, le=WIDEST)  # channels of the first convolution
    n_features: int = Field(256, gt=0, le=WIDEST)  # D
    head: Literal["mlp", "linear", "none"] = "mlp"  # between h and the loss
    z_dim: int = Field(64, gt=0, le=WIDEST)  # P
    predictor: bool = True  # siamese: one view's z is made to tell the other's
    stop_gradient: bool = True  # siamese: only the telling side learns
    n_labels: int = Field(0, ge=0, le=10**9)  # supervised: images whose class is known; 0: all


class Encoder(nn.Module):
    """An image to its features h: three convolutions and a linear layer."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        w, side = c.width, c.image_size // 4
        self.body = nn.Sequential(
            nn.PixelUnshuffle(2),
            *_convolved(4 * c.channels, w, 1),  # (N, w, H/2, W/2)
            *_convolved(w, 2 * w, 2),  # (N, 2w, H/4, W/4)
            *_convolved(2 * w, 2 * w, 1),
            nn.Flatten(), nn.Linear(2 * w * side * side, c.n_features, bias=False),
            nn.BatchNorm1d(c.n_features), nn.ReLU(),
        )  # fmt: skip

    def forward(self, images: Float[Tensor, "N C H W"]) -> Float[Tensor, "N D"]:
        return self.body(images)


def _convolved(a: int, b: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(a, b, 3, stride, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU()]


def projection_head(c: Config) -> nn.Module:
    """h to z: g of section 4.2, or what stands in its place."""
    if c.head == "none":
        return nn.Identity()
    if c.head == "linear":
        return nn.Linear(c.n_features, c.z_dim)
    d = c.n_features
    return nn.Sequential(nn.Linear(d, d, bias=False), nn.BatchNorm1d(d), nn.ReLU(), nn.Linear(d, c.z_dim))


def info_nce(z: Float[Tensor, "N P"], temperature: float) -> Tensor:
    """Find each view's partner among all other views of the batch (eq. 1); nats, mean over the views."""
    # exercise: info_nce
    z = F.normalize(z, dim=1)
    similarity = z @ z.T / temperature  # (N, N), cosines over tau
    similarity = similarity.fill_diagonal_(-math.inf)  # never its own partner
    n = len(z)
    partner = (torch.arange(n, device=z.device) + n // 2) % n
    return F.cross_entropy(similarity, partner)
    # end


@torch.no_grad()
def partner_found(z: Float[Tensor, "N P"]) -> Tensor:
    """Share of views whose nearest other view is their partner."""
    z, n = F.normalize(z, dim=1), len(z)
    nearest = (z @ z.T).fill_diagonal_(-math.inf).argmax(1)
    return (nearest == (torch.arange(n, device=z.device) + n // 2) % n).float().mean()


def siamese_loss(
    p1: Float[Tensor, "B P"], p2: Float[Tensor, "B P"],
    z1: Float[Tensor, "B P"], z2: Float[Tensor, "B P"], stop_gradient: bool = True,
) -> Tensor:  # fmt: skip
    """SimSiam's loss: minus the cosine of what one view tells and what the other is, both ways (eq. 4)."""
    # exercise: siamese_loss
    if stop_gradient:
        z1, z2 = z1.detach(), z2.detach()  # the other view is a target, as if it were fixed
    first = F.cosine_similarity(p1, z2, dim=1)
    second = F.cosine_similarity(p2, z1, dim=1)
    return -(first + second).mean() / 2
    # end


@dataclass(frozen=True)
class Batch:
    """A training batch with all its randomness in it."""

    step: int  # decides whether a collapse is named
    views: Float[Tensor, "N C H W"]  # all first views, then all second ones
    label: Int[Tensor, "B"]  # for `supervised` alone


class SimCLR(System):
    """An encoder that learns from pairs of views, and a head that is dropped afterwards."""

    unit: ClassVar[str] = "images"
    sample_count: ClassVar[int] = 500
    glimpse_count: ClassVar[int] = 200
    extras: ClassVar[tuple[Extra, ...]] = (Extra("map", probe.way, "pca, the default, or tsne"),)
    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        c = config
        self.encoder = Encoder(c)
        if c.objective == "supervised":
            self.classifier = nn.Linear(c.n_features, c.n_classes)
        else:
            self.head = projection_head(c)
        if c.objective == "siamese" and c.predictor:
            n_in = c.n_features if c.head == "none" else c.z_dim
            self.predictor = nn.Sequential(
                nn.Linear(n_in, n_in // 2, bias=False), nn.BatchNorm1d(n_in // 2), nn.ReLU(),
                nn.Linear(n_in // 2, n_in),
            )  # fmt: skip
        self._named = False

    # --- training -------------------------------------------------------------------------------------

    def batch(self, step: int) -> Batch:
        random, source = self.setting.random(step), self.setting.data
        if self.config.n_labels:
            known = probe.even_shares(source.train_labels, self.config.n_labels, draw=0)
            index = known.to(self.setting.device)[random.integers(0, len(known))]
            images, label = to_float(source.train_images[index]), source.train_labels[index]
        else:
            images, label = source.batch(random)
        return Batch(step, torch.cat(self.pair(images, random)), label)

    def held_out(self, step: int) -> Batch:
        random = self.setting.held_out_random()
        images, label = self.setting.data.test_batch(random)
        return Batch(step, torch.cat(self.pair(images, random)), label)

    def pair(
        self, images: Float[Tensor, "B C H W"], random: BatchRandom
    ) -> tuple[Float[Tensor, "B C H W"], Float[Tensor, "B C H W"]]:
        """Two views of each image, over two textures or one where there are textures."""
        c = self.config
        if c.textured and c.same_texture:
            images = over_textures(images, random)
        apart = c.textured and not c.same_texture
        first, second = (
            view(over_textures(images, random) if apart else images, random, c.views) for _ in range(2)
        )
        return first, second

    def loss(self, batch: Batch) -> tuple[Tensor, Metrics]:
        """The objective's loss, with the share of partners found where there are partners."""
        c, h = self.config, self.encoder(batch.views)
        if c.objective == "supervised":
            logits, label = self.classifier(h).float(), batch.label.repeat(2)
            return F.cross_entropy(logits, label), {"accuracy": (logits.argmax(1) == label).float().mean()}
        z = self.head(h).float()
        seen: Metrics = {"spread": probe.spread(z.detach())}
        if c.objective == "infonce":
            z = gathered(z)
            return info_nce(z, c.temperature), {**seen, "partner_found": partner_found(z.detach())}
        p = self.predictor(z).float() if c.predictor else z
        (p1, p2), (z1, z2) = p.chunk(2), z.chunk(2)
        return siamese_loss(p1, p2, z1, z2, c.stop_gradient), seen

    def step(self, batch: Batch, optimizers: Optimizers) -> Metrics:
        """A descent on the loss; now and then a look at whether all features are the same."""
        metrics = super().step(batch, optimizers)
        steps = self.setting.train.steps
        if batch.step >= WATCHED_FROM * steps and batch.step % max(1, steps // LOOKS) == 0:
            self._name_collapse(float(metrics.get("spread", 1.0)))
        return metrics

    def _name_collapse(self, spread: float) -> None:
        if spread < COLLAPSED and not self._named:
            messages.say(
                f"collapse: all images get nearly the same features, their spread is {spread:.2f} and should "
                "be near 1"
            )
        self._named = spread < COLLAPSED

    # --- what the run is judged by, and what it shows -------------------------------------------------

    def evaluate(self) -> Mapping[str, float]:
        """Probes of h, of raw pixels and of an untrained encoder; how the features of views lie."""
        train, test = self._labelled()
        untrained = self.untrained()
        figures = probe.probe(*(Labelled(self.features(part.x), part.label) for part in (train, test)))
        figures |= {f"pixels_{name}": value for name, value in probe.pixel_probe(train, test).items()}
        raw = [Labelled(self.features(part.x, untrained), part.label) for part in (train, test)]
        figures |= {f"random_{name}": value for name, value in probe.probe(*raw).items()}
        if self.config.objective == "supervised":
            figures["own_accuracy"] = self._own_accuracy(test)
        return figures | self._geometry()

    def _own_accuracy(self, test: Labelled) -> float:
        """Share of the test images that a supervised net's own classifier reads rightly."""
        with torch.no_grad():
            logits = self.classifier(self.features(test.x))
        return (logits.argmax(1) == test.label).float().mean().item()

    def _labelled(self) -> tuple[Labelled, Labelled]:
        """Training and test images of a probe; textures are the same for every run."""
        source = self.setting.data
        splits = (
            (source.train_images[:N_TRAIN], source.train_labels[:N_TRAIN], "probed"),
            (source.test_images[:N_TEST], source.test_labels[:N_TEST], "tested"),
        )
        return self.shown(*splits[0]), self.shown(*splits[1])

    def shown(self, images: Tensor, label: Tensor, purpose: str) -> Labelled:
        x = to_float(images)
        if self.config.textured:
            x = over_textures(x, BatchRandom(0, 0, len(x), device=x.device, purpose=purpose))
        return Labelled(x, label)

    def untrained(self) -> Encoder:
        """The same encoder before its first step, with norms that know the images."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.setting.train.seed)
            encoder = Encoder(self.config).to(self.setting.device)
        for module in encoder.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                module.momentum = None  # the plain mean over what it is shown
        x = self._labelled()[0].x
        for part in x[:1024].split(256):
            encoder(part)
        return encoder.eval()

    def features(
        self, images: Float[Tensor, "N C H W"], encoder: Encoder | None = None
    ) -> Float[Tensor, "N D"]:
        """h of images, in parts that fit the cache."""
        with torch.no_grad():
            return torch.cat([(encoder or self.encoder)(part).float() for part in images.split(256)])

    def _geometry(self) -> dict[str, float]:
        """How z lies on the sphere: of two views of each image, and of different images."""
        images, _ = self.setting.data.test(N_TEST)
        random = BatchRandom(0, 0, len(images), device=images.device, purpose="geometry")
        first, second = map(self.embed, self.pair(images, random))
        return {
            "alignment": probe.alignment(first, second),
            "uniformity": probe.uniformity(first),
            "dispersion": float(probe.spread(first)),
        }

    def embed(self, images: Float[Tensor, "N C H W"]) -> Float[Tensor, "N P"]:
        """What the loss sees of images: z, or h where no head is trained."""
        h = self.features(images)
        if self.config.objective == "supervised":
            return h
        with torch.no_grad():
            return self.head(h).float()

    def sample(self, request: SampleRequest) -> Clusters:
        """Features of held-out images on a map: images that lie close are alike to the encoder."""
        source, random = self.setting.data, self.setting.generator("sample", request.seed)
        keys = torch.rand(len(source.test_labels), generator=random, device=self.setting.device)
        chosen = keys.argsort()[: request.n]
        images = self.shown(source.test_images[chosen], source.test_labels[chosen], "mapped")
        way = request.extras.get("map", "pca")
        points = probe.plane(self.features(images.x), way)
        names = tuple(source.class_names)
        unseen = "" if self.config.objective == "supervised" else ", which training never saw"
        by = "two principal components" if way == "pca" else "t-SNE"
        caption = f"Every point a held-out image, marked by its class{unseen}; by {by} of the features."
        return Clusters(points, images.label.cpu().numpy(), names, caption=caption)


def gathered(z: Float[Tensor, "n P"]) -> Float[Tensor, "N P"]:
    """The rows of all ranks, in the order of one batch; gradients flow to the rank that made them."""
    if not (dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1):
        return z
    from torch.distributed.nn.functional import all_gather

    parts = [part.chunk(2) for part in all_gather(z)]
    return torch.cat([part[view] for view in (0, 1) for part in parts])
