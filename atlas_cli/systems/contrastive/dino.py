"""DINO: a student tells what its own moving average, the teacher, says of other crops of the image.

Source:  Caron, Touvron, Misra, Jegou, Mairal, Bojanowski, Joulin 2021, arXiv:2104.14294. Here: Algorithm 1,
         eq. 1 to 4, section 5.3 (the two collapses). Official code: github.com/facebookresearch/dino.
Names:   s and t are the outputs of student and teacher, `student_temperature` and `teacher_temperature` tau_s
         and tau_t, `momentum` lambda, `centre` C and `centre_momentum` m.
Shapes:  B batch, C channels, H height, W width; D features, K outputs; T = 2 large crops, which both nets
         see, and S = 2 + n_small crops in all, which the student sees.
Differs: what a few hundred steps need. Outputs are centred within the batch by Sinkhorn and Knopp's rule
         (Caron et al. 2020, arXiv:2006.09882, section 3.1), as DINOv2 does, and features are spread by its
         KoLeo loss (arXiv:2304.07193, section 4); `centring: mean` and `spreading: 0` are the paper's way.
         Small K, batch norm in stem and head, a faster teacher, a stem of convolutions (vit.py).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import torch
import torch.distributed as dist
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from atlas_cli.config import DEEPEST, WIDEST, SystemConfig
from atlas_cli.data.backgrounds import over_textures
from atlas_cli.data.images import to_float
from atlas_cli.draws import BatchRandom
from atlas_cli.engine.descent import descend
from atlas_cli.engine.system import Extra, Metrics, Optimizers, SampleRequest, System
from atlas_cli.metrics import probe
from atlas_cli.metrics.probe import Labelled
from atlas_cli.present.artifacts.images import Images
from atlas_cli.screen import messages
from atlas_cli.systems.contrastive import objects
from atlas_cli.systems.contrastive.attention_sheet import sheet
from atlas_cli.systems.contrastive.crops import crop
from atlas_cli.systems.contrastive.vit import PATCH, ViT

LARGE = 2  # crops of an image that the teacher sees
WATCHED_FROM, LOOKS = 0.25, 20  # share of training after which a collapse is named; looks at the outputs
COLLAPSED = 0.05  # share of log K: less of it said about the image, and the outputs are all the same
ROUNDS = 3  # of Sinkhorn and Knopp's rule
N_TRAIN, N_TEST = 10_000, 2_000  # images of a probe, at most


class Config(SystemConfig):
    """Fields of `model:`; the data give the first three."""

    data_kinds: ClassVar[tuple[str, ...]] = ("images",)

    image_size: int = Field(28, ge=8, multiple_of=4, le=WIDEST)  # px
    channels: int = Field(1, gt=0, le=WIDEST)
    n_classes: int = Field(10, gt=0, le=WIDEST)  # only the probes ask for classes
    textured: bool = True  # every crop over a texture of its own, in white or black ink
    objective: Literal["dino", "supervised"] = "dino"
    d_model: int = Field(64, gt=0, multiple_of=4, le=WIDEST)  # D
    n_layer: int = Field(2, gt=0, le=DEEPEST)
    n_head: int = Field(4, gt=0, le=64)
    stem: int = Field(24, gt=0, le=WIDEST)  # channels of the first convolution
    d_hidden: int = Field(256, gt=0, le=WIDEST)  # of the head
    d_unit: int = Field(64, gt=0, le=WIDEST)  # of the head before its last layer, where lengths are one
    n_out: int = Field(256, gt=1, le=WIDEST)  # K
    n_small: int = Field(0, ge=0, le=64)  # small crops of an image
    small_size: int = Field(16, ge=8, multiple_of=4, le=WIDEST)  # px
    large_area: tuple[float, float] = Field((0.7, 1.1), strict=False)  # of the image
    small_area: tuple[float, float] = Field((0.3, 0.6), strict=False)
    student_temperature: float = Field(0.1, gt=0, le=100)
    teacher_temperature: float = Field(0.02, gt=0, le=100)
    centring: Literal["batch", "mean", "none"] = "batch"  # batch: Sinkhorn and Knopp; mean: the paper's
    centre_momentum: float = Field(0.9, ge=0, lt=1)  # mean: of the centre
    momentum: float = Field(0.9, ge=0, lt=1)  # of the teacher at first
    last_momentum: float = Field(0.95, ge=0, le=1)  # and at the end; it rises along a cosine
    spreading: float = Field(0.2, ge=0, le=100)  # weight of the KoLeo loss
    frozen: float = Field(0.03, ge=0, lt=1)  # share of the steps in which the last layer stands still


class Head(nn.Module):
    """Features to K outputs, which are cosines: an MLP, length one, and directions of length one."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        d = c.d_hidden
        self.mlp = nn.Sequential(
            nn.Linear(c.d_model, d, bias=False), nn.BatchNorm1d(d), nn.GELU(),
            nn.Linear(d, d, bias=False), nn.BatchNorm1d(d), nn.GELU(), nn.Linear(d, c.d_unit),
        )  # fmt: skip
        self.last = nn.Parameter(torch.randn(c.n_out, c.d_unit))

    def forward(self, h: Float[Tensor, "N D"], frozen: bool = False) -> Float[Tensor, "N K"]:
        directions = F.normalize(self.last.detach() if frozen else self.last, dim=1)
        return F.normalize(self.mlp(h), dim=1) @ directions.T


class Net(nn.Module):
    """What student and teacher both are."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        self.body = ViT(c.channels, c.image_size, c.d_model, c.n_layer, c.n_head, c.stem)
        if c.objective == "dino":
            self.head = Head(c)
        else:
            self.classifier = nn.Linear(c.d_model, c.n_classes)


def follower(net: Net) -> Net:
    """A copy whose weights no optimizer and no gradient reaches: they are buffers."""
    copied = copy.deepcopy(net)
    for module in copied.modules():
        for name, weight in list(module.named_parameters(recurse=False)):
            delattr(module, name)
            module.register_buffer(name, weight.detach())
    return copied


def sharpened(
    t: Float[Tensor, "T B K"], centre: Float[Tensor, "K"], temperature: float
) -> Float[Tensor, "T B K"]:
    """The teacher's answers (eq. 1 with the centre of eq. 4): what all share is taken out, then sharpened."""
    return ((t - centre) / temperature).softmax(2)


def evened(t: Float[Tensor, "T B K"], temperature: float, rounds: int = ROUNDS) -> Float[Tensor, "T B K"]:
    """The same, centred so that over a batch each output is used equally often (Sinkhorn and Knopp)."""
    logs = (t / temperature).flatten(0, 1)  # (TB, K)
    for _ in range(rounds):
        logs = logs - logs.logsumexp(0, keepdim=True)  # every output as much as any other
        logs = logs - logs.logsumexp(1, keepdim=True)  # every image one whole answer
    return logs.exp().view_as(t)


def dino_loss(p: Float[Tensor, "T B K"], s: Float[Tensor, "S B K"], temperature: float) -> Tensor:
    """Cross-entropy of every crop that the student sees with each of the teacher's others (eq. 3), nats.

    Args:
        p: Answers of the teacher, of the large crops.
        s: Outputs of the student; the first T are of the same crops.
        temperature: The student's.
    """
    log_q = (s / temperature).log_softmax(2)
    pairs = [-(p[i] * log_q[j]).sum(1).mean() for i in range(len(p)) for j in range(len(s)) if i != j]
    return torch.stack(pairs).mean()


def koleo(h: Float[Tensor, "B D"]) -> Tensor:
    """Minus the mean log distance from each image's features to the nearest other's, on the unit sphere."""
    unit = F.normalize(h, dim=1)
    near = (unit @ unit.T).detach().fill_diagonal_(-2.0).argmax(1)
    return -((unit - unit[near]).norm(dim=1) + 1e-6).log().mean()


@torch.no_grad()
def entropies(p: Float[Tensor, "T B K"]) -> tuple[Tensor, Tensor]:
    """Mean entropy of an answer, and the entropy of the mean answer, nats: the gap tells images apart."""
    mean = p.mean((0, 1))
    return -torch.xlogy(p, p).sum(2).mean(), -torch.xlogy(mean, mean).sum()


def collapse(entropy: float, of_mean: float, n_out: int) -> str:
    """Which collapse the teacher's answers are in: "uniform", "one output", or "" for none.

    Args:
        entropy: Of an answer, nats.
        of_mean: Of the mean answer.
        n_out: K.
    """
    whole = math.log(n_out)
    if of_mean - entropy >= COLLAPSED * whole:
        return ""
    return "uniform" if entropy > whole / 2 else "one output"


def momentum_at(share: float, first: float, last: float = 1.0) -> float:
    """The teacher's momentum after a share of training: from `first` to `last` along a cosine."""
    return last - (last - first) * (1 + math.cos(math.pi * share)) / 2


@dataclass(frozen=True)
class Batch:
    """A training batch with all its randomness in it."""

    step: int
    large: Float[Tensor, "TB C H W"]  # all first crops, then all second ones
    small: Float[Tensor, "MB C h w"]
    label: Int[Tensor, "B"]  # for `supervised` alone


class DINO(System):
    """A student, and its moving average as the teacher; the teacher's body is what is kept."""

    unit: ClassVar[str] = "images"
    sample_count: ClassVar[int] = 8
    glimpse_count: ClassVar[int] = 4
    best_by: ClassVar[str | None] = None  # a collapsed loss is a low one
    extras: ClassVar[tuple[Extra, ...]] = (Extra("image", Path, "a picture file to look at"),)
    compiled: ClassVar[tuple[str, ...]] = ("student",)
    centre: Tensor
    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.student = Net(config)
        self.teacher = follower(self.student)
        self.register_buffer("centre", torch.zeros(config.n_out))
        self._named = ""

    # --- training -------------------------------------------------------------------------------------

    def batch(self, step: int) -> Batch:
        random = self.setting.random(step)
        images, label = self.setting.data.batch(random)
        return self._cropped(step, images, label, random)

    def held_out(self, step: int) -> Batch:
        random = self.setting.held_out_random()
        images, label = self.setting.data.test_batch(random)
        return self._cropped(step, images, label, random)

    def _cropped(self, step: int, images: Tensor, label: Tensor, random: BatchRandom) -> Batch:
        c = self.config
        n_small = c.n_small if c.objective == "dino" else 0
        kinds = ((LARGE, c.image_size, c.large_area), (n_small, c.small_size, c.small_area))
        large, small = (
            [self.laid(crop(images, random, size, area), random) for _ in range(n)] for n, size, area in kinds
        )
        return Batch(step, torch.cat(large), torch.cat(small) if small else images[:0], label)

    def laid(self, images: Tensor, random: BatchRandom) -> Tensor:
        """Images over a texture each, where there are textures."""
        return over_textures(images, random) if self.config.textured else images

    def loss(self, batch: Batch) -> tuple[Tensor, Metrics]:
        """The objective's loss, with the teacher's entropy and the distance between the two nets."""
        c, h = self.config, self.student.body(batch.large)
        if c.objective == "supervised":
            logits, label = self.student.classifier(h).float(), batch.label.repeat(LARGE)
            return F.cross_entropy(logits, label), {"accuracy": (logits.argmax(1) == label).float().mean()}
        parts = [h, self.student.body(batch.small)] if len(batch.small) else [h]
        frozen = batch.step < c.frozen * self.setting.train.steps
        s = torch.cat([self.student.head(part, frozen) for part in parts]).float()
        p = self._answers(batch)
        loss = dino_loss(p, s.view(-1, p.shape[1], c.n_out), c.student_temperature)
        entropy, of_mean = entropies(p)
        seen: Metrics = {"entropy": entropy, "of_mean": of_mean, "kl": loss.detach() - entropy}
        if c.spreading:
            loss = loss + c.spreading * torch.stack([koleo(part) for part in h.float().chunk(LARGE)]).mean()
        return loss, seen

    @torch.no_grad()
    def _answers(self, batch: Batch) -> Float[Tensor, "T B K"]:
        """What the teacher says of the large crops, centred and sharpened; the mean centre moves on."""
        c = self.config
        t = self.teacher.head(self.teacher.body(batch.large)).float().unflatten(0, (LARGE, -1))
        if c.centring == "batch":
            return evened(t, c.teacher_temperature)
        p = sharpened(t, self.centre, c.teacher_temperature)
        if c.centring == "mean" and self.training:
            self.centre.lerp_(_mean_of_ranks(t.mean((0, 1))), 1 - c.centre_momentum)
        return p

    def step(self, batch: Batch, optimizers: Optimizers) -> Metrics:
        """A descent of the student; the teacher follows it. Now and then a look for a collapse."""
        with self.setting.autocast():
            loss, seen = self.loss(batch)
        descend(loss, *optimizers.values())
        self.follow(batch.step)
        steps = self.setting.train.steps
        if "kl" in seen and batch.step >= WATCHED_FROM * steps and batch.step % max(1, steps // LOOKS) == 0:
            self._name_collapse(float(seen["entropy"]), float(seen["of_mean"]))
        return {"loss": loss.detach(), **seen}

    @torch.no_grad()
    def follow(self, step: int) -> None:
        """The teacher's weights move towards the student's; those of a supervised run are the same."""
        c, steps = self.config, self.setting.train.steps
        m = momentum_at(step / steps, c.momentum, c.last_momentum) if c.objective == "dino" else 0.0
        own, theirs = dict(self.teacher.named_buffers()), dict(self.student.named_parameters())
        torch._foreach_lerp_([own[name] for name in theirs], list(theirs.values()), 1 - m)
        if c.objective == "supervised":
            for name, buffer in self.student.named_buffers():
                own[name].copy_(buffer)

    def _name_collapse(self, entropy: float, of_mean: float) -> None:
        kind, whole = collapse(entropy, of_mean, self.config.n_out), math.log(self.config.n_out)
        if kind and kind != self._named:
            what = {
                "uniform": "every image gets all outputs alike: sharpening is missing or too weak",
                "one output": "the same few outputs answer every image: centring is missing or too weak",
            }[kind]
            messages.say(f"collapse: {what} (the teacher's entropy is {entropy:.2f} of {whole:.2f} nats)")
        self._named = kind

    # --- what the run is judged by, and what it shows -------------------------------------------------

    def evaluate(self) -> Mapping[str, float]:
        """Probes and attention, of the run and of an untrained net; opponents; the teacher's answers."""
        train, test = self._labelled()
        known, mask = (objects.of_patches(to_float(part), PATCH) for part in self._inks())
        figures: dict[str, float] = {}
        for who, body in (("", self.teacher.body), ("random_", self.untrained())):
            parts = [Labelled(self.features(part.x, body), part.label) for part in (train, test)]
            found = probe.probe(*parts) | {"iou": objects.best_of(self.attention(test.x, body), mask)}
            figures |= {f"{who}{name}": value for name, value in found.items()}
        figures |= {f"pixels_{name}": value for name, value in probe.pixel_probe(train, test).items()}
        figures |= objects.opponents(test.x, mask, known, PATCH)
        if self.config.objective == "supervised":
            return figures
        with torch.no_grad():
            _, seen = self.loss(self.held_out(self.setting.train.steps))
            whole = math.log(self.config.n_out)
        entropy, of_mean = float(seen["entropy"]), float(seen["of_mean"])
        told = {"entropy": entropy, "mean_entropy": of_mean, "kl": float(seen["kl"])}
        return figures | told | {"told_apart": (of_mean - entropy) / whole}

    def _inks(self) -> tuple[Tensor, Tensor]:
        source = self.setting.data
        return source.train_images[:N_TRAIN], source.test_images[:N_TEST]

    def _labelled(self) -> tuple[Labelled, Labelled]:
        """Training and test images of a probe; textures are the same for every run."""
        source, (train, test) = self.setting.data, self._inks()
        return (
            Labelled(self.shown(train, "probed"), source.train_labels[:N_TRAIN]),
            Labelled(self.shown(test, "tested"), source.test_labels[:N_TEST]),
        )

    def shown(self, images: Tensor, purpose: str) -> Float[Tensor, "N C H W"]:
        """Images as the nets see them, each over its texture."""
        x = to_float(images)
        return self.laid(x, BatchRandom(0, 0, len(x), device=x.device, purpose=purpose))

    def untrained(self) -> ViT:
        """The same body before its first step, with norms that know the images."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.setting.train.seed)
            body = Net(self.config).body.to(self.setting.device)
        for module in body.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = None  # the plain mean over what it is shown
        for part in self._labelled()[0].x[:1024].split(256):
            with torch.no_grad():
                body(part)
        return body.eval()

    def features(self, images: Float[Tensor, "N C H W"], body: ViT | None = None) -> Float[Tensor, "N D"]:
        """What [CLS] holds of images, in parts that fit the cache."""
        with torch.no_grad():
            return torch.cat([(body or self.teacher.body)(part).float() for part in images.split(256)])

    def attention(self, images: Float[Tensor, "N C H W"], body: ViT | None = None) -> Float[Tensor, "N h P"]:
        """Where [CLS] looks in the last layer, by heads."""
        with torch.no_grad():
            parts = [(body or self.teacher.body).attention(part).float() for part in images.split(256)]
        return torch.cat(parts)

    def sample(self, request: SampleRequest) -> Images:
        """Held-out images, or one of one's own, each with the attention of every head over it."""
        return sheet(self, request)


def _mean_of_ranks(x: Tensor) -> Tensor:
    """The mean over all ranks, each of which holds as many images."""
    if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
        x = x.clone()
        dist.all_reduce(x)
        x = x / dist.get_world_size()
    return x
