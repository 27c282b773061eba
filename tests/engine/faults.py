"""What the fault tests share: a small checkpoint, and child processes to kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

from atlas_cli.runs import checkpoint
from atlas_cli.runs.checkpoint import TrainState

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX signals and locks")


def state(step: int, size: int = 100, **changes) -> TrainState:
    weights = {"w": torch.arange(float(size)) + step}
    optimizers = {"main": {"state": {0: {"exp_avg": torch.ones(size)}}, "param_groups": []}}
    fields = {"step": step, "weights": weights, "ema": None, "optimizers": optimizers, "info": {}}
    return TrainState(rng=checkpoint.capture_rng(), **fields | changes)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def kill(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.communicate(timeout=30)
    assert child.returncode == -signal.SIGKILL
