"""`atlas explain` and `atlas diagram` against the bare import of the libraries they stand on, in one run."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.helpers import COMMAND, environment

LARGEST_RATIO = 2.5


def seconds(command: list[str], cwd: Path) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=cwd, env=environment(cwd), check=True, capture_output=True)
    return time.perf_counter() - began


@pytest.mark.bench
@pytest.mark.parametrize("arguments", [["explain", "mamba"], ["diagram", "mamba"], ["ls"]], ids=" ".join)
def test_starts_within_two_and_a_half_imports(tmp_path: Path, arguments: list[str]) -> None:
    bare = [sys.executable, "-c", "import typer, rich"]
    ratios = []
    for _ in range(11):  # in turn, so that a slow moment of the machine meets both
        base = seconds(bare, tmp_path)
        ratios.append(seconds([*COMMAND, *arguments], tmp_path) / base)
    ratio = statistics.median(ratios[1:])
    print(f"\natlas {' '.join(arguments)}: {ratio:.2f} times `python -c 'import typer, rich'`")
    assert ratio <= LARGEST_RATIO
