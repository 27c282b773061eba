"""A kite between two leaves, each of which has learned the wind by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from atlas_cli.config import SystemConfig
from atlas_cli.engine.system import Metrics, SampleRequest, System
from atlas_cli.present.artifacts.ribbon import Ribbon


class Config(SystemConfig):
    """The `model:` section of a duet recipe."""

    data_kinds: ClassVar[tuple[str, ...]] = ("winds",)
    parents: ClassVar[dict[str, tuple[str, ...]]] = {"left": ("drifter",), "right": ("drifter",)}
    dim: int = Field(2, gt=0)  # from the data


class Duet(System):
    """How much it follows its left parent, and how much its right one."""

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.share = nn.Parameter(torch.zeros(()))

    def batch(self, step: int) -> Tensor:
        return self.setting.data.batch(self.setting.random(step))

    def loss(self, batch: Tensor) -> tuple[Tensor, Metrics]:
        return ((self.course() - batch) ** 2).mean(), {}

    def course(self) -> Tensor:
        left, right = (self.setting.parents[role].velocity for role in ("left", "right"))
        return self.share.sigmoid() * left + (1 - self.share.sigmoid()) * right

    def evaluate(self) -> Mapping[str, float]:
        return {"speed_error": float((self.course() - self.setting.data.mean).norm())}

    def sample(self, request: SampleRequest) -> Ribbon:
        return Ribbon([round(10 * float(self.course().norm()))] * request.n)
