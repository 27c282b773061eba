"""Start the real command in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from tests.e2e import forks

COMMAND = [sys.executable, "-m", "atlas_cli"]
ROOT = Path(__file__).parents[2]
_NOT_PASSED_ON = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "RANK", "PYTHONDONTWRITEBYTECODE"}


def environment(home: Path, **extra: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k not in _NOT_PASSED_ON}
    paths = {"ATLAS_HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "default"}
    return {**kept, "OMP_NUM_THREADS": "1", **paths, **extra}


def atlas(*arguments: str, cwd: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run `atlas ARGUMENTS` in `cwd` to its end, where the system can fork by one that has torch already."""
    home = environment(cwd / "home", **extra)
    if hasattr(os, "fork"):
        return _server().run(list(arguments), cwd, home, timeout=240)
    return subprocess.run(
        [*COMMAND, *arguments], cwd=cwd, env=home, text=True,
        stdin=subprocess.DEVNULL, capture_output=True, timeout=240, check=False,
    )  # fmt: skip


@cache
def _server() -> forks.Server:
    return forks.Server(environment(Path("no-home")))


def start(*arguments: str, cwd: Path, **extra: str) -> subprocess.Popen[str]:
    """Start `atlas ARGUMENTS` in `cwd`."""
    return subprocess.Popen(
        [*COMMAND, *arguments], cwd=cwd, env=environment(cwd / "home", **extra), text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
