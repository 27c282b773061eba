"""A leaf that learns how the wind blows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from atlas_cli.config import SystemConfig, sampling
from atlas_cli.engine.system import Extra, Metrics, SampleRequest, System
from atlas_cli.present.artifacts.ribbon import Ribbon


class Config(SystemConfig):
    """The `model:` section of a drifter recipe."""

    data_kinds: ClassVar[tuple[str, ...]] = ("winds",)
    dim: int = Field(2, gt=0)  # from the data
    gusts: int = sampling(4, gt=0)


class Drifter(System):
    """The mean wind."""

    extras: ClassVar[tuple[Extra, ...]] = (Extra("gusts", int, "how long the ribbons are"),)
    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.velocity = nn.Parameter(torch.zeros(config.dim))

    def batch(self, step: int) -> Tensor:
        return self.setting.data.batch(self.setting.random(step))

    def loss(self, batch: Tensor) -> tuple[Tensor, Metrics]:
        return ((self.velocity - batch) ** 2).mean(), {}

    def evaluate(self) -> Mapping[str, float]:
        return {"speed_error": float((self.velocity - self.setting.data.mean).norm())}

    def sample(self, request: SampleRequest) -> Ribbon:
        return Ribbon([request.extras.get("gusts", self.config.gusts)] * request.n)
