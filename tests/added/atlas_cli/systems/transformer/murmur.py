"""A GPT that speaks under its breath."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from atlas_cli.systems.transformer.gpt import GPT
from atlas_cli.systems.transformer.gpt import Config as GPTConfig


class Config(GPTConfig):
    """A GPT's fields, and how low the voice is."""

    hush: float = Field(1.0, gt=0)


class Murmur(GPT):
    """GPT, quietly."""

    config: Config

    def evaluate(self) -> Mapping[str, float]:
        return {**super().evaluate(), "hush": self.config.hush}
