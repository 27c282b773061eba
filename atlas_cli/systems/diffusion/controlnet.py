"""ControlNet: a trained, frozen diffusion model learns to follow edges, through a copy joined by zeros.

Source:  Zhang, Rao, Agrawala 2023, arXiv:2302.05543. Here: eq. 2-3 (zero convolutions), section 3.2 (where
         the copy joins a U-Net), section 3.3 and eq. 5 (training, with half of the prompts left out).
Shapes:  B batch, C channels, H height, W width; K features, of the base at one of its levels.
Base:    the ddpm recipe named in `from:`. It stays as it is; only the copy and its joints are trained.
Differs: the prompt is a class. The edges are those of `metrics.edges`, folded into patches as the base's
         input is, so that two small convolutions can read them. Guidance sees the edges in both of its
         passes, so that it exaggerates the class alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn

from atlas_cli.config import WIDEST, sampling
from atlas_cli.data.drawing import read_drawing
from atlas_cli.draws import BatchRandom
from atlas_cli.engine.system import Extra, Metrics, SampleRequest, Setting, System
from atlas_cli.metrics.edges import edge_agreement, edge_map
from atlas_cli.metrics.judge import Judge
from atlas_cli.nets.unet import UNet
from atlas_cli.present.artifacts.images import Images
from atlas_cli.screen import messages
from atlas_cli.systems.diffusion.ddpm import DDPM
from atlas_cli.systems.diffusion.sampler import SamplerConfig

SCALES = (0.25, 0.5, 1.5)  # beside 0 and 1, of the curve of edge F1 over the strength of the control
CURVE_SAMPLES = 100  # test digits behind each point of that curve
RESULTS = 4  # images beside each edge map


class Config(SamplerConfig):
    """The `model:` section of a controlnet recipe."""

    data_kinds: ClassVar[tuple[str, ...]] = ("images",)
    parents: ClassVar[tuple[str, ...]] = ("ddpm",)
    image_size: int = Field(28, gt=0, le=WIDEST)  # pixels; from the data
    channels: int = Field(1, gt=0, le=WIDEST)  # from the data
    n_classes: int = Field(10, gt=0, le=WIDEST)  # from the data
    hint_width: int = Field(16, gt=0, le=WIDEST)  # channels of the convolutions that read the edges
    label_dropout: float = Field(0.5, ge=0, lt=1)  # share of training labels left out: edges must do alone
    control_scale: float = sampling(1.0, ge=0)  # strength of the control; 0: the base alone
    control_kind: Literal["drawing", "edges"] = sampling("drawing")  # what --control gives: ink, or its edges
    clip: bool = sampling(True)  # keep each estimate of the image within [-1, 1]


@dataclass(frozen=True)
class Batch:
    """A training batch with all its randomness in it."""

    data: Float[Tensor, "B C H W"]  # images in [-1, 1]
    edges: Float[Tensor, "B 1 H W"]  # of these images, 1 on an edge
    label: Int[Tensor, "B"]  # n_classes where the label was dropped
    t: Int[Tensor, "B"]
    noise: Float[Tensor, "B C H W"]


class ControlBranch(nn.Module):
    """The trainable copy of a U-Net's encoder, which also sees the edges, and the zero convolutions."""

    def __init__(self, net: UNet, hint_width: int) -> None:
        super().__init__()
        self.copy = deepcopy(net).requires_grad_(True)
        for unused in ("up", "grow", "norm_out", "conv_out", "unfold"):  # the decoder is the base's own
            delattr(self.copy, unused)
        patch = net.fold.downscale_factor
        self.read_edges = nn.Sequential(
            nn.PixelUnshuffle(patch),
            nn.Conv2d(patch**2, hint_width, 3, padding=1), nn.SiLU(),
            nn.Conv2d(hint_width, hint_width, 3, padding=1), nn.SiLU(),
            zero_convolution(hint_width, net.levels[0]),  # Z(c; theta_z1) of eq. 2
        )  # fmt: skip
        widths = [*net.levels, net.levels[-1]]  # of the skips, and of the middle
        self.joints = nn.ModuleList(zero_convolution(k, k) for k in widths)  # Z( . ; theta_z2)

    def forward(
        self, x: Float[Tensor, "B C H W"], t: Float[Tensor, "B"], label: Int[Tensor, "B"],
        edges: Float[Tensor, "B 1 H W"],
    ) -> list[Float[Tensor, "B K _ _"]]:  # fmt: skip
        """What is to be added to the base's skips and to its middle: Z(F(x + Z(c))) of eq. 2."""
        middle, skips = self.copy.encode(x, self.copy.embed(t, label), hint=self.read_edges(edges))
        return [joint(h) for joint, h in zip(self.joints, [*skips, middle], strict=True)]


def zero_convolution(c_in: int, c_out: int) -> nn.Conv2d:
    """A 1x1 convolution with weight and bias zero: at first it says nothing.

    It learns all the same. The gradient of w a by w is a, which is not zero; the gradient by a is w, so that
    what lies before it follows one step later.
    """
    # exercise: zero_convolution
    conv = nn.Conv2d(c_in, c_out, 1)
    nn.init.zeros_(conv.weight)
    nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
    return conv
    # end


class ControlNet(System):
    """A frozen DDPM steered by edge maps."""

    unit: ClassVar[str] = "images"
    steers: ClassVar[frozenset[str]] = frozenset({"label"})
    extras: ClassVar[tuple[Extra, ...]] = (Extra("control", Path, "a PNG drawing that the samples follow"),)
    config: Config

    def attach(self, setting: Setting) -> System:
        """Copy the encoder of the base, which the setting brings."""
        base: DDPM = setting.parent  # type: ignore[assignment]
        self.branch = ControlBranch(base.net, self.config.hint_width)
        return super().attach(setting)

    @property
    def base(self) -> DDPM:
        """The trained model of the recipe's parent; no submodule: no checkpoint or optimizer holds it."""
        base: DDPM = self.setting.parent  # type: ignore[assignment]
        return base

    # --- training (eq. 5) -----------------------------------------------------------------------------

    def batch(self, step: int) -> Batch:
        random = self.setting.random(step)
        data, label = self.setting.data.batch(random)
        return self._noised(data, label, random)

    def held_out(self, step: int) -> Batch:
        random = self.setting.held_out_random()
        data, label = self.setting.data.test_batch(random)
        return self._noised(data, label, random)

    def _noised(self, data: Float[Tensor, "B C H W"], label: Int[Tensor, "B"], random: BatchRandom) -> Batch:
        """Images with their edges, their times and their noise; some lose their class."""
        dropped = random.uniform() < self.config.label_dropout
        return Batch(
            data=data,
            edges=edge_map(data),
            label=torch.where(dropped, self.config.n_classes, label),
            t=random.integers(0, self.base.config.n_steps),
            noise=random.normal(*data.shape[1:]),
        )

    def loss(self, batch: Batch) -> tuple[Tensor, Metrics]:
        """The loss of the base, which now also sees the edges."""
        x_t = self.base.add_noise(batch.data, batch.noise, batch.t)
        output = self.predict(x_t, batch.t, batch.label, batch.edges)
        return F.mse_loss(output.float(), self.base.target(batch.data, batch.noise, batch.t)), {}

    def predict(
        self, x_t: Float[Tensor, "B C H W"], t: Int[Tensor, "B"], label: Int[Tensor, "B"],
        edges: Float[Tensor, "B 1 H W"], scale: float = 1.0,
    ) -> Float[Tensor, "B C H W"]:  # fmt: skip
        """The base's output, with the branch's features times `scale` added to its skips and its middle."""
        if scale == 0:
            return self.base.predict(x_t, t, label)
        # exercise: steer
        time = t.float() * (1000 / self.base.config.n_steps)  # the scale on which the base was trained
        control = self.branch(x_t, time, label, edges)
        return self.base.net(x_t, time, label, [scale * c for c in control])
        # end

    # --- sampling -------------------------------------------------------------------------------------

    def draw(
        self, label: Int[Tensor, "B"], edges: Float[Tensor, "B 1 H W"], generator: torch.Generator,
        scale: float | None = None,
    ) -> list[Float[Tensor, "B C H W"]]:  # fmt: skip
        """Images of the wanted classes along the edges, with the path to them; scale: `control_scale`."""
        c = self.config
        strength = c.control_scale if scale is None else scale

        def predict(x_t: Tensor, t: Tensor, label: Tensor) -> Tensor:
            passes = len(x_t) // len(edges)  # two with guidance, with the class and without
            return self.predict(x_t, t, label, edges.repeat(passes, 1, 1, 1), strength)

        return self.base.draw(label, generator, predict, c.walk(c.clip))

    # --- what the run is judged by, and what it shows -------------------------------------------------

    def evaluate(self) -> Mapping[str, float]:
        """Digits drawn along the edges of test digits, which neither the base nor the copy has seen.

        The distance is taken to other test digits: along its own edges each lies nearer to the first ones
        than fresh digits do.
        """
        judge = Judge.load_or_train(self.setting.data, messages.say)
        images, label = judge.kept_aside()
        edges = edge_map(images)
        drawn = self._draw_all(label, edges)
        figures = judge.score(drawn, label, from_tests=True) | edge_agreement(edge_map(drawn), edges)
        figures["edge_f1_exact"] = edge_agreement(edge_map(drawn), edges, tolerance=False)["edge_f1"]
        if self.config.control_scale == 0:  # the base alone has no curve
            return figures
        label, edges = label[:CURVE_SAMPLES], edges[:CURVE_SAMPLES]
        for scale in SCALES:
            agreement = edge_agreement(edge_map(self._draw_all(label, edges, scale)), edges)
            figures[f"edge_f1_at_{round(100 * scale)}"] = agreement["edge_f1"]
        unasked = self._draw_all(torch.full_like(label, self.config.n_classes), edges)
        figures["unprompted_accuracy"] = judge.score(unasked, label)["class_accuracy"]
        return figures

    def _draw_all(
        self, label: Int[Tensor, "N"], edges: Float[Tensor, "N 1 H W"], scale: float | None = None
    ) -> Float[Tensor, "N C H W"]:
        """Results alone, in parts that fit the memory, from the same noise at every call."""
        generator = self.setting.generator("evaluate")
        parts = zip(label.split(128), edges.split(128), strict=True)
        return torch.cat([self.draw(some, lines, generator, scale)[-1] for some, lines in parts])

    def sample(self, request: SampleRequest) -> Images:
        """Rows that begin with an edge map, of a test digit or the user's drawing, and go on with results."""
        columns = min(RESULTS, request.n)
        rows = math.ceil(request.n / columns)
        generator = self.setting.generator("sample", request.seed)
        label, edges = self._hints(request, rows, generator)
        row = torch.arange(request.n, device=label.device) // columns  # of each result
        path = self.draw(label[row], edges[row], generator)
        lines = edges.expand(-1, self.config.channels, -1, -1)
        frames = [_sheet(lines, (x.clamp(-1, 1) + 1) / 2, columns).cpu().numpy() for x in path]
        caption = "Every row: the edges that were asked for, then what was drawn along them."
        return Images(frames[-1], frames=frames, columns=columns + 1, caption=caption)

    def _hints(
        self, request: SampleRequest, rows: int, generator: torch.Generator
    ) -> tuple[Int[Tensor, "R"], Float[Tensor, "R 1 H W"]]:
        """Class and edges of each row. A drawing without a label has no class: its edges must tell it."""
        source, n_classes = self.setting.data, self.config.n_classes
        if "control" in request.extras:
            wanted = n_classes if request.label is None else request.label
            drawing = read_drawing(request.extras["control"], self.config.image_size)
            edges = self.edges_of(torch.from_numpy(drawing))
            return torch.full((rows,), wanted, device=edges.device), edges.expand(rows, -1, -1, -1)
        label = torch.arange(rows, device=self.setting.device) % n_classes
        if request.label is not None:
            label = torch.full_like(label, request.label)
        for wanted in label.unique().tolist():
            source.require_class(wanted)
        images, found = source.test()
        keys = torch.rand(rows, len(found), generator=generator, device=label.device)
        chosen = (keys * (found == label[:, None])).argmax(1)  # one at random of each row's class
        return label, edge_map(images[chosen])

    def edges_of(self, drawing: Float[Tensor, "H W"]) -> Float[Tensor, "1 1 H W"]:
        """Edge map of a drawing (1 is ink), or its ink where `control_kind` says that the lines are edges."""
        page = drawing[None, None].to(self.setting.device)
        return (page > 0.5).float() if self.config.control_kind == "edges" else edge_map(2 * page - 1)


def _sheet(
    edges: Float[Tensor, "R C H W"], images: Float[Tensor, "N C H W"], columns: int
) -> Float[Tensor, "_ C H W"]:
    """Each row's edges before its images."""
    rows = zip(edges.split(1), images.split(columns), strict=True)
    return torch.cat([part for row in rows for part in row])
