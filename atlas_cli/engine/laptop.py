"""How long a recipe trains, from a few real steps: on this machine as it is, and as on a plain laptop.

A plain laptop has two cores, computes in fp32 and knows no instruction beyond AVX2. What it needs is timed in
a process of its own, since torch reads its instruction set once, when it is imported.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from atlas_cli.errors import EnvironmentFault

LAPTOP = {"ATEN_CPU_CAPABILITY": "avx2"}


def timed(name: str, threads: int) -> dict[str, float]:
    """Seconds that the recipe of that name trains: in this machine's number format, and on a laptop.

    Args:
        name: The recipe.
        threads: Compute threads of both.

    Raises:
        EnvironmentFault: the steps could not be taken.
    """
    here = _estimate(name, threads, [], {})
    laptop = _estimate(name, threads, ["--precision", "fp32"], LAPTOP)
    return {
        "threads": threads,
        str(here["precision"]): round(here["train_seconds"]),
        "fp32_avx2": round(laptop["train_seconds"]),
    }


def _estimate(name: str, threads: int, options: Sequence[str], environ: Mapping[str, str]) -> dict[str, Any]:
    # -P: nothing is imported from the working folder.
    command = [
        sys.executable,
        "-P",
        "-m",
        "atlas_cli",
        "train",
        name,
        "--dry-run",
        "--json",
        "--device",
        "cpu",
    ]
    command += ["--threads", str(threads), *options]
    # What the caller's shell says of instructions is not what this machine has.
    own = {name: value for name, value in os.environ.items() if name not in LAPTOP}
    done = subprocess.run(command, env={**own, **environ}, capture_output=True, text=True, check=False)
    try:
        estimate: dict[str, Any] = json.loads(done.stdout)["estimate"]
    except (ValueError, KeyError) as error:
        raise EnvironmentFault(
            f"the steps of {name} could not be timed: {_why(done)}",
            f"see what it says: atlas train {name} --dry-run",
        ) from error
    return estimate


def _why(done: subprocess.CompletedProcess[str]) -> str:
    """What a command with --json failed of: the error of its document, or its last words."""
    try:
        return str(json.loads(done.stdout)["error"])
    except (ValueError, KeyError, TypeError):
        said = (done.stderr or done.stdout).strip().splitlines()
        return said[-1] if said else f"exit code {done.returncode}"
