"""What was tried on this machine is kept on disk, and in each checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from atlas_cli.engine import kernels as kept
from atlas_cli.nets import kernels


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ATLAS_HOME", str(tmp_path))
    monkeypatch.setattr(kernels, "choices", {})
    monkeypatch.setattr(kernels, "_listeners", [])
    kept.remember.cache_clear()
    yield
    kept.remember.cache_clear()


def double(x: torch.Tensor) -> torch.Tensor:
    return 2 * x


def test_a_choice_outlives_the_process() -> None:
    kept.remember()
    kernels.fastest("doubling", {"a": double}, torch.ones(3, requires_grad=True))
    made = dict(kernels.choices)
    kernels.choices.clear()
    kept.remember.cache_clear()
    kept.remember()
    assert kernels.choices == made
    assert list(made.values()) == ["a"]


def test_a_damaged_file_is_tried_again() -> None:
    kept._file().parent.mkdir(parents=True)
    kept._file().write_text("{torn", encoding="utf-8")
    kept.remember()
    assert kernels.choices == {}


def test_a_home_that_cannot_be_written_to_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "kernels").write_text("in the way", encoding="utf-8")
    kept.remember()
    kernels.fastest("doubling", {"a": double}, torch.ones(3, requires_grad=True))
    assert list(kernels.choices.values()) == ["a"]
