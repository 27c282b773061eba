"""Configs read from source: the class that an import would give, without the import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from atlas_cli.config import FrozenConfig, config_class, field_notes

MODULE = """
from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

import a_package_that_is_not_there as torch
from pydantic import Field, model_validator

from atlas_cli.config import SystemConfig, sampling
from atlas_cli.reading_test_base import Base
from atlas_cli.reading_test_base import Config as BaseConfig

KINDS = Literal["even", "odd"]
LARGEST = 2 * 8


def half(x: int) -> int:
    return x // TWO


TWO = 2


class Config(BaseConfig):
    width: int = Field(8, le=LARGEST)  # units
    kind: KINDS = "even"
    angle: float = math.pi
    steps: int = sampling(
        5,  # of the solver
        gt=0,
    )

    @model_validator(mode="after")
    def _even(self) -> Config:
        if half(self.width) * TWO != self.width:
            raise ValueError("width must be even")
        return self

    def make(self) -> torch.Tensor:
        return torch.zeros(self.width)


class NeedsTorchConfig(SystemConfig):
    device: torch.device = "cpu"


class Model(torch.nn.Module):
    pass
"""
BASE = """
import a_package_that_is_not_there

from atlas_cli.config import SystemConfig


class Config(SystemConfig):
    depth: int = 3  # layers
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    import atlas_cli
    from atlas_cli import config

    (tmp_path / "reading_test.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "reading_test_base.py").write_text(BASE, encoding="utf-8")
    monkeypatch.setattr(atlas_cli, "__path__", [*atlas_cli.__path__, str(tmp_path)])
    config._source.cache_clear()
    return "atlas_cli.reading_test"


def test_types_defaults_constants_and_validators_work_without_the_import(module: str):
    config = config_class(module)
    made = config()
    assert (made.depth, made.width, made.kind, made.steps) == (3, 8, "even", 5)
    assert config.sampling_fields() == {"steps"}
    for wrong in ({"width": 18}, {"width": 7}, {"kind": "none"}, {"steps": 0}, {"wide": 1}, {"width": "8"}):
        with pytest.raises(ValidationError):
            config(**wrong)
    assert module not in sys.modules


def test_a_config_that_needs_torch_says_so(module: str):
    with pytest.raises(LookupError, match="must not need a_package_that_is_not_there"):
        config_class(module, "NeedsTorchConfig")


@pytest.mark.parametrize(("name", "cls"), [("atlas_cli.nothing", "Config"), ("atlas_cli.no.thing", "Config"),
                                           ("atlas_cli.errors", "Config")])  # fmt: skip
def test_a_missing_class_is_a_lookup_error(name: str, cls: str):
    with pytest.raises(LookupError):
        config_class(name, cls)


def test_an_imported_module_gives_its_own_class(module: str, monkeypatch: pytest.MonkeyPatch):
    read = config_class(module)
    imported = type("Imported", (), {"Config": object()})
    monkeypatch.setitem(sys.modules, module, imported)
    assert config_class(module) is imported.Config is not read


def test_notes_are_the_comments_of_the_fields_inherited_ones_included(module: str):
    assert field_notes(config_class(module)) == {
        "depth": "layers",
        "width": "units",
        "steps": "of the solver",
    }


@pytest.mark.parametrize("value", [float("inf"), float("nan"), "1.0", True])
def test_a_number_is_finite_and_no_text(value: object):
    class Numbers(FrozenConfig):
        x: float

    with pytest.raises(ValidationError):
        Numbers(x=value)


def test_every_config_of_the_atlas_is_read_without_torch():
    code = """
import sys
from atlas_cli import catalog
from atlas_cli.config import config_class, field_notes
from atlas_cli.data import sources
from importlib.util import find_spec
names = list(sources().values())
names += [(catalog.system_module(t), "Config") for t in catalog.topics() if t.system]
for module, name in names:
    config = config_class(module, name)
    assert config.__pydantic_complete__, module
    field_notes(config)
assert len(names) > 10
assert not {"torch", "numpy"} & sys.modules.keys()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
