"""RoPE: a position turns queries and keys, so attention sees how far apart two tokens are, not where.

Source:  Su et al. 2021, arXiv:2104.09864, section 3.2.2, eq. 13 to 16. The rotation is in nets/rope.py, the
         transformer around it in gpt.py. Reading longer texts: Chen et al. 2023, arXiv:2306.15595, eq. 3
         (interpolation); Peng et al. 2023, arXiv:2309.00071, section 3.1 (NTK-aware).
Names:   scaling is how positions beyond the training length are read, factor how many times longer the text
         is than in training.
Differs: of a text longer than in training every position is scaled, the near ones too; in the papers the
         model is then trained a little more, here it is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from pydantic import model_validator

from atlas_cli.config import sampling
from atlas_cli.engine.system import SampleRequest
from atlas_cli.language.figures import bits_per_byte
from atlas_cli.nets.attention import Attention
from atlas_cli.present.artifacts.base import Artifact
from atlas_cli.systems.transformer.gpt import GPT
from atlas_cli.systems.transformer.gpt import Config as GPTConfig

Scaling = Literal["none", "interpolation", "ntk"]
READ_AT = (1, 2, 4)  # times the training length
SCALINGS: tuple[Scaling, ...] = ("none", "interpolation", "ntk")


class Config(GPTConfig):
    """Fields of `model:`; the data gives vocab_size and context_len."""

    data_kinds = ("text",)
    # none: as trained. interpolation: position m is read as m / factor, so none is beyond the training's.
    # ntk: the slowest pair turns factor times slower, the fastest as before.
    scaling: Literal["none", "interpolation", "ntk"] = sampling("none")
    factor: float = sampling(4.0, ge=1, le=1e6)  # by how much the text written is longer than in training

    @model_validator(mode="after")
    def _pairs_turn_at_several_speeds(self) -> Config:
        if self.positions == "rotary" and self.d_model // self.n_head < 4:
            raise ValueError(
                f"a head of d_model / n_head = {self.d_model // self.n_head} has one pair to turn: "
                "scaling changes how two and more turn beside each other"
            )
        return self


class RoPE(GPT):
    """The language model of gpt.py, read at lengths that it was never trained at."""

    config: Config

    @property
    def longest_window(self) -> int:
        """Several times as long as in training."""
        return max(READ_AT) * self.config.context_len

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """Bits per byte of windows as long as in training, twice and four times that, however it is read."""
        trained = self.config.context_len
        found = {}
        for times in READ_AT:
            name = f"bits_at_{times * trained}"
            found[name] = self._bits(times, "none")
            if times > 1 and self.config.positions == "rotary":
                found |= {f"{name}_{scaling}": self._bits(times, scaling) for scaling in SCALINGS[1:]}
        return found

    def _bits(self, times: int, scaling: Scaling) -> float:
        with self.reading(scaling, float(times)):
            return bits_per_byte(self, self.setting.data, times * self.config.context_len)

    @contextmanager
    def reading(self, scaling: Scaling, factor: float) -> Iterator[None]:
        """Inside, positions are scaled for texts `factor` times longer than in training."""
        layers = [layer for layer in self.modules() if isinstance(layer, Attention)]
        for layer in layers:
            layer.interpolation = factor if scaling == "interpolation" else 1.0
            layer.ntk = factor if scaling == "ntk" else 1.0
        try:
            yield
        finally:
            for layer in layers:
                layer.interpolation = layer.ntk = 1.0

    def sample(self, request: SampleRequest) -> Artifact:
        """Text beyond the length of training, with positions scaled as the config says."""
        with self.reading(self.config.scaling, self.config.factor):
            return super().sample(request)
