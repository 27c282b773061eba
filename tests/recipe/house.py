"""A small atlas to resolve recipes in: one topic, its system, two data sources, a folder of recipes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from atlas_cli.errors import UsageError
from atlas_cli.recipe import recipes

SYSTEM = '''"""A system whose file imports torch, as all do."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from pydantic import Field

from atlas_cli.config import SystemConfig, sampling

WIDEST = 512


class Config(SystemConfig):
    data_kinds: ClassVar[tuple[str, ...]] = ("dots",)

    dim: int  # from the data
    width: int = Field(64, gt=0, le=WIDEST)  # units of a layer
    layers: tuple[int, ...] = (1, 2)
    dropout: float = Field(0.0, ge=0, lt=1)
    shape: Literal["round", "square"] = "round"
    deep: bool = False
    sampler_steps: int = sampling(10, gt=0)


class Blob(torch.nn.Module):
    pass
'''

KINDS = '("dots",)'
#: The same, built on a run of a blob or of its own kind; and one that is built on two, each with its role.
HEIR = SYSTEM.replace(KINDS, f'{KINDS}\n    parents: ClassVar[tuple[str, ...]] = ("blob", "heir")')
PAIR = SYSTEM.replace(
    KINDS,
    f'{KINDS}\n    parents: ClassVar[dict[str, tuple[str, ...]]] = {{"left": ("blob",), "right": ("heir",)}}',
)

DATA = '''"""Sources."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from pydantic import Field

from atlas_cli.config import DataConfig


class DotsConfig(DataConfig):
    kind: ClassVar[str] = "dots"
    dim: int = Field(2, gt=0)
    noise: float = 0.1  # standard deviation

    def facts(self) -> dict[str, Any]:
        return {"dim": self.dim, "colour": "black"}


class ManyDotsConfig(DotsConfig):
    dim: int = 3


class WavesConfig(DataConfig):
    kind: ClassVar[str] = "waves"

    def facts(self) -> dict[str, Any]:
        return {}
'''

SMALL = """\
# Dots from nothing.
system: blob
about: Dots in a second.
data: {name: dots}
model: {width: 32, layers: [2, 3]}
train: {steps: 100, batch_size: 8, lr: 2.0e-3, betas: [0.9, 0.99]}
ablate: {sampler_steps: 1}
expect:
  score: {min: 0.5, claim: it learns}
  score_ratio: {min: 2}
measured: {score: 0.7, seconds: 3, torch: 2.14.1, date: 2026-11-22}
"""

BUILT = SMALL.replace("system: blob", "system: heir")  # wants a `from`
SMOKE = "base: small\ntrain: {steps: 2}\n"


@dataclass
class House:
    """The folder of the recipes, and a folder for a user's own files."""

    recipes: Path
    own: Path

    def write(self, text: str | bytes, name: str = "own.yaml") -> Path:
        """A user's recipe file."""
        path = self.own / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def change(self, old: str, new: str, name: str = "own.yaml") -> Path:
        """A copy of blob/small with one thing changed."""
        assert old in SMALL
        return self.write(SMALL.replace(old, new), name)


def errors_of(ref: object, *sets: str, data: str | None = None) -> list[str]:
    """What is wrong with a recipe, line by line."""
    with pytest.raises(UsageError) as caught:
        recipes.resolve(str(ref), sets, data)
    assert caught.value.code == 2
    return caught.value.details
