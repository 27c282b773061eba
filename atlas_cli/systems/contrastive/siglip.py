"""SigLIP: of every picture and every caption of a batch, whether they are a pair: yes or no, each by itself.

Source:  Zhai, Mustafa, Kolesnikov, Beyer 2023, arXiv:2303.15343. Here: eq. 2 and algorithm 1 (the loss),
         section 3.2 (temperature and bias at the start), section 3.3 and figure 1 (in blocks, over devices).
         Official code: github.com/google-research/big_vision.
Names:   `log_scale` is the paper's t', `bias` its b.
Shapes:  N pairs, C channels, H height, W width, L tokens, D of the space, A captions of a block.
Differs: the towers and scenes of clip. Captions of all ranks are gathered at once, where the paper hands them
         round; what is computed is the same. Scale and bias may learn faster than the towers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, UInt8
from pydantic import Field
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from atlas_cli.data.scenes import Scenes
from atlas_cli.engine.decay import decay_groups
from atlas_cli.engine.system import Extra, Metrics, Optimizers, SampleRequest, System
from atlas_cli.present.artifacts.base import Artifact
from atlas_cli.systems.contrastive import answers
from atlas_cli.systems.contrastive.clip import MOST, clip_loss
from atlas_cli.systems.contrastive.examination import examine, gap_figures
from atlas_cli.systems.contrastive.towers import Towers, TowersConfig, of_all_ranks

WEIGHED = 2048, 128  # pairs, and captions of a block, for which the memory of a loss is weighed


class Config(TowersConfig):
    """The `model:` section of a siglip recipe."""

    loss: Literal["sigmoid", "softmax"] = "sigmoid"
    temperature: float = Field(0.1, gt=0)  # at the start; it is learned
    bias: float = -10.0  # at the start, as in the paper; -log(N - 1) says that one caption of N is right
    scale_rate: float = Field(1.0, gt=0, le=1000)  # learning rate of the scale, in multiples of train.lr
    bias_rate: float = Field(1.0, gt=0, le=1000)  # and of the bias, which is in the units of a logit
    block: int = Field(0, ge=0, le=10**9)  # captions whose logits are held at once; 0: all


def siglip_loss(
    image: Float[Tensor, "N D"],
    text: Float[Tensor, "M D"],
    scale: Float[Tensor, ""],
    bias: Float[Tensor, ""],
    first: int = 0,
) -> Float[Tensor, ""]:
    """The mean picture's sum of errors over all captions (eq. 2).

    Args:
        image: Pictures, each of length one.
        text: Captions; of picture i the caption `first` + i is its own, if it is among them.
        scale: One over the temperature.
        bias: What is added to every logit.
        first: Where the captions of these pictures begin.
    """
    # exercise: siglip_loss
    logits = scale * image @ text.T + bias  # (N, M)
    own = torch.arange(len(image), device=image.device)[:, None] + first  # (N, 1)
    sign = 2.0 * (own == torch.arange(len(text), device=text.device)) - 1  # 1 for a pair, -1 for no pair
    return -F.logsigmoid(sign * logits).sum() / len(image)
    # end


def in_blocks(
    image: Float[Tensor, "N D"],
    text: Float[Tensor, "M D"],
    scale: Float[Tensor, ""],
    bias: Float[Tensor, ""],
    first: int,
    block: int,
) -> Float[Tensor, ""]:
    """The same, some captions at a time: no logit is kept, backwards they are computed again.

    Args:
        block: Captions at a time.
    """
    total = image.new_zeros(())
    for start in range(0, len(text), block):
        part = (image, text[start : start + block], scale, bias, first - start)
        total = total + checkpoint(siglip_loss, *part, use_reentrant=False)
    return total


@dataclass(frozen=True)
class Batch:
    """Pairs of a scene and its caption."""

    data: Float[Tensor, "B C H W"]  # in [-1, 1]
    tokens: Int[Tensor, "B L"]


class SigLIP(System):
    """The two towers of clip, a scale and a bias."""

    unit: ClassVar[str] = "pairs"
    sample_count: ClassVar[int] = 4
    glimpse_count: ClassVar[int] = 2
    steers: ClassVar[frozenset[str]] = frozenset({"prompt"})
    compares: ClassVar[bool] = True
    extras: ClassVar[tuple[Extra, ...]] = (Extra("image", Path, "a picture file that captions are held to"),)
    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.towers = Towers(config)
        self.log_scale = nn.Parameter(torch.tensor(-math.log(config.temperature)))
        self.bias = nn.Parameter(torch.tensor(config.bias)) if config.loss == "sigmoid" else None

    # --- training -------------------------------------------------------------------------------------

    def optimizers(self) -> Optimizers:
        """AdamW; scale and bias, which have a way to go, take steps of their own length."""
        train, c = self.setting.train, self.config
        rates = [
            (self.log_scale, c.scale_rate),
            *([(self.bias, c.bias_rate)] if self.bias is not None else []),
        ]
        groups = decay_groups(self.towers.parameters(), train.weight_decay)
        groups += [{"params": [p], "weight_decay": 0.0, "lr": rate * train.lr} for p, rate in rates]
        return {"main": torch.optim.AdamW(groups, lr=train.lr, betas=train.betas, fused=True)}

    def batch(self, step: int) -> Batch:
        return _pairs(self.setting.data.batch(self.setting.random(step)))

    def held_out(self, step: int) -> Batch:
        return _pairs(self.setting.data.test_batch(self.setting.held_out_random()))

    def loss(self, batch: Batch) -> tuple[Tensor, Metrics]:
        """Of this rank's pictures against the captions of all ranks."""
        image, text = self.towers.see(batch.data), of_all_ranks(self.towers.read(batch.tokens))
        scale = self.scale
        if self.bias is None:
            return clip_loss(of_all_ranks(image), text, scale), {"scale": scale.detach()}
        first = self.setting.rank * len(image)
        if self.config.block:
            loss = in_blocks(image, text, scale, self.bias, first, self.config.block)
        else:
            loss = siglip_loss(image, text, scale, self.bias, first)
        return loss, {"scale": scale.detach(), "bias": self.bias.detach()}

    @property
    def scale(self) -> Float[Tensor, ""]:
        """One over the temperature."""
        return self.log_scale.clamp(max=MOST).exp()

    # --- what the run is judged by, and what it shows -------------------------------------------------

    def score(self, images: UInt8[Tensor, "N C H W"], tokens: Int[Tensor, "M L"]) -> Float[Tensor, "N M"]:
        """The logit of each picture and caption, or what the softmax is taken of."""
        logits = self.scale * self.towers.see_all(images) @ self.towers.read_all(tokens).T
        return logits if self.bias is None else logits + self.bias

    @torch.no_grad()
    def evaluate(self) -> Mapping[str, float]:
        """As of clip, and what the logits of a large batch weigh, whole and in blocks."""
        source, c = self.setting.data, self.config
        figures = examine(self.score, source.test, source.unseen, c.caption_length)
        figures |= {"temperature": 1 / self.scale.item(), **gap_figures(self.towers, source.test)}
        if self.bias is not None:
            figures |= {"bias": self.bias.item(), "first_loss": self.first_loss(), **self.weights()}
        return figures

    def first_loss(self) -> float:
        """What the first step starts from, if no picture lies nearer to one caption than to another."""
        n = self.setting.train.batch_size
        bias = torch.tensor(self.config.bias)
        return float(F.softplus(-bias) + (n - 1) * F.softplus(bias))

    def weights(self) -> dict[str, float]:
        """MB that are kept for the backward pass of the loss of a large batch."""
        n, block = WEIGHED
        image, text = (
            F.normalize(torch.randn(n, self.config.d_embed, generator=self.setting.generator(side)), dim=1)
            for side in ("image", "text")
        )
        rest = (self.scale.detach(), torch.zeros(()), 0)
        return {
            "whole_mb": kept_mb(lambda image, text: siglip_loss(image, text, *rest), image, text),
            "blocks_mb": kept_mb(lambda image, text: in_blocks(image, text, *rest, block), image, text),
            "softmax_mb": kept_mb(lambda image, text: clip_loss(image, text, rest[0]), image, text),
        }

    @torch.no_grad()
    def sample(self, request: SampleRequest) -> Artifact:
        """As of clip; of each caption by itself whether it fits, so that none may.

        Raises:
            UsageError: a prompt has a word that no caption has.
        """
        return answers.answer(self.shares, self.setting, request, self.config)

    def shares(self, images: UInt8[Tensor, "N C H W"], tokens: Int[Tensor, "M L"]) -> Float[Tensor, "N M"]:
        """How probable a pair is, of each by itself; with the softmax, of all captions asked about."""
        scores = self.score(images, tokens)
        return scores.softmax(1) if self.bias is None else scores.sigmoid()


def _pairs(scenes: Scenes) -> Batch:
    return Batch(scenes.data, scenes.tokens)


def kept_mb(loss: Callable[[Tensor, Tensor], Tensor], image: Tensor, text: Tensor) -> float:
    """MB of tensors that a loss keeps for its backward pass, its arguments included, each once."""
    kept: dict[int, int] = {}

    def keep(x: Tensor) -> Tensor:
        kept[x.untyped_storage().data_ptr()] = x.untyped_storage().nbytes()
        return x

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
        loss(image.clone().requires_grad_(), text.clone().requires_grad_())
    return sum(kept.values()) / 1e6
