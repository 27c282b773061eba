"""Winds: velocities about one direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from atlas_cli.config import DataConfig
from atlas_cli.data import Place
from atlas_cli.draws import BatchRandom


class TradeWindsConfig(DataConfig):
    """Winds that blow to the west."""

    kind: ClassVar[str] = "winds"

    speed: float = Field(1.0, gt=0)

    def facts(self) -> dict[str, Any]:
        """Velocities are of the plane."""
        return {"dim": 2}


@dataclass(frozen=True)
class Winds:
    """Gusts about a mean velocity."""

    mean: Tensor

    def batch(self, random: BatchRandom) -> Tensor:
        """(B, 2) gusts."""
        return self.mean + 0.1 * random.normal(2)


def load(config: TradeWindsConfig, place: Place) -> Winds:
    """The winds of a config."""
    return Winds(torch.tensor([-config.speed, 0.0], device=place.device))
