"""CLIP: pictures and captions in one space, where each picture lies nearest to its own caption.

Source:  Radford et al. 2021, arXiv:2103.00020. Here: figure 3 (the loss), section 2.5 (temperature and its
         bound), section 3.1 (classes in words). Negatives of swapped words: Yuksekgonul et al. 2022,
         arXiv:2210.01936, section 4. Official code: github.com/openai/CLIP.
Names:   `image` and `text` are the paper's I_e and T_e, `log_scale` its t.
Shapes:  N pairs of a picture and a caption, C channels, H height, W width, L tokens, D of the space.
Differs: scenes of one or two coloured shapes, and towers that learn from nothing in a minute or two
         (towers.py). A batch holds a hundred times fewer pairs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, UInt8
from pydantic import Field
from torch import Tensor, nn

from atlas_cli.data.images import to_float
from atlas_cli.data.scenes import Scenes
from atlas_cli.engine.system import Extra, Metrics, SampleRequest, System
from atlas_cli.present.artifacts.base import Artifact
from atlas_cli.systems.contrastive import answers
from atlas_cli.systems.contrastive.examination import examine, facts, gap_figures, nearly, said
from atlas_cli.systems.contrastive.labelled import Labelled
from atlas_cli.systems.contrastive.towers import AT_ONCE, Towers, TowersConfig, of_all_ranks

MOST = math.log(100.0)  # of the log of the scale: beyond, a step is too sharp to learn from


class Config(TowersConfig):
    """The `model:` section of a clip recipe."""

    temperature: float = Field(0.07, gt=0)  # at the start; it is learned
    captions: Literal["own", "shuffled"] = "own"  # shuffled: of another picture of the batch
    swapped: bool = False  # a caption of swapped words beside each, which fits no picture
    learns_from: Literal["captions", "classes", "attributes"] = "captions"  # the last two: labels, one tower


def clip_loss(
    image: Float[Tensor, "N D"],
    text: Float[Tensor, "N D"],
    scale: Float[Tensor, ""],
    further: Float[Tensor, "M D"] | None = None,
) -> Float[Tensor, ""]:
    """Which caption is this picture's, and which picture this caption's: two cross-entropies (figure 3).

    Args:
        image: Pictures, each of length one.
        text: Their captions, row by row.
        scale: One over the temperature.
        further: Captions that fit no picture.
    """
    # exercise: clip_loss
    logits = scale * image @ text.T  # (N, N), row i the captions as picture i sees them
    own = torch.arange(len(image), device=image.device)
    from_text = F.cross_entropy(logits.T, own)
    if further is not None:
        logits = torch.cat([logits, scale * image @ further.T], dim=1)  # (N, N + M)
    return (F.cross_entropy(logits, own) + from_text) / 2
    # end


@dataclass(frozen=True)
class Batch:
    """Pairs, and what is true of the scenes for those who learn from labels."""

    data: Float[Tensor, "B C H W"]  # in [-1, 1]
    tokens: Int[Tensor, "B L"]
    facts: Int[Tensor, "B K"] | None  # where somebody asks for them
    swapped: Int[Tensor, "B L"] | None  # captions of nearly the same words that are not true


class CLIP(System):
    """Two towers, and a scale that says how near is near."""

    unit: ClassVar[str] = "pairs"
    sample_count: ClassVar[int] = 4
    glimpse_count: ClassVar[int] = 2
    steers: ClassVar[frozenset[str]] = frozenset({"prompt"})
    compares: ClassVar[bool] = True
    extras: ClassVar[tuple[Extra, ...]] = (Extra("image", Path, "a picture file that captions are held to"),)
    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.labelled: Labelled | None = None
        if config.learns_from != "captions":
            self.labelled = Labelled(config, pairs=config.learns_from == "classes")
            return
        self.towers = Towers(config)
        self.log_scale = nn.Parameter(torch.tensor(-math.log(config.temperature)))

    # --- training -------------------------------------------------------------------------------------

    def batch(self, step: int) -> Batch:
        return self._paired(self.setting.data.batch(self.setting.random(step)))

    def held_out(self, step: int) -> Batch:
        return self._paired(self.setting.data.test_batch(self.setting.held_out_random()))

    def _paired(self, scenes: Scenes) -> Batch:
        tokens, c = scenes.tokens, self.config
        if c.captions == "shuffled":
            tokens = tokens.roll(1, 0)  # scenes are drawn at random: the neighbour's is a caption at random
        known = facts(scenes) if c.swapped or self.labelled else None
        false = nearly(known, tokens) if known is not None and c.swapped else None
        return Batch(scenes.data, tokens, known, false)

    def loss(self, batch: Batch) -> tuple[Tensor, Metrics]:
        """The loss of a batch of pairs; of labels, where they are what is learned from."""
        if self.labelled is not None:
            assert batch.facts is not None
            return self.labelled.loss(batch.data, batch.facts), {}
        image, text = of_all_ranks(self.towers.see(batch.data)), of_all_ranks(self.towers.read(batch.tokens))
        further = of_all_ranks(self.towers.read(batch.swapped)) if batch.swapped is not None else None
        return clip_loss(image, text, self.scale, further), {"scale": self.scale.detach()}

    @property
    def scale(self) -> Float[Tensor, ""]:
        """One over the temperature."""
        return self.log_scale.clamp(max=MOST).exp()

    # --- what the run is judged by, and what it shows -------------------------------------------------

    def score(self, images: UInt8[Tensor, "N C H W"], tokens: Int[Tensor, "M L"]) -> Float[Tensor, "N M"]:
        """How well captions fit pictures: the scaled cosine; of labels a log-probability."""
        if self.labelled is not None:
            claims = said(tokens)
            return torch.cat([self.labelled.score(to_float(part), claims) for part in images.split(AT_ONCE)])
        return self.scale * self.towers.see_all(images) @ self.towers.read_all(tokens).T

    @torch.no_grad()
    def evaluate(self) -> Mapping[str, float]:
        """Search, classes in words and captions that nearly fit, on scenes that no training saw."""
        source, c = self.setting.data, self.config
        figures = examine(self.score, source.test, source.unseen, c.caption_length)
        if self.labelled is None:
            figures |= {
                "temperature": 1 / self.scale.item(),
                **gap_figures(self.towers, source.test),
            }
        return figures

    @torch.no_grad()
    def sample(self, request: SampleRequest) -> Artifact:
        """Captions held to a picture of the user's, pictures found by a prompt, or unseen scenes scored.

        Raises:
            UsageError: a prompt has a word that no caption has.
        """
        return answers.answer(self.shares, self.setting, request, self.config)

    def shares(self, images: UInt8[Tensor, "N C H W"], tokens: Int[Tensor, "M L"]) -> Float[Tensor, "N M"]:
        """Scores as shares among the captions that were asked about: one of them has to fit."""
        return self.score(images, tokens).softmax(1)
