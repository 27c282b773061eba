"""How long a recipe trains on a plain laptop: in fp32, without instructions beyond AVX2, from a few steps."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from atlas_cli.errors import EnvironmentFault

LAPTOP = {"ATEN_CPU_CAPABILITY": "avx2"}  # read by torch when it is imported, hence a process of its own


def seconds_on_a_laptop(name: str) -> float:
    """Seconds that the recipe of that name would train here, if this machine were a plain laptop.

    Raises:
        EnvironmentFault: the steps could not be taken.
    """
    # -P: nothing is imported from the working folder.
    command = [sys.executable, "-P", "-m", "atlas_cli", "train", name, "--dry-run", "--json"]
    command += ["--precision", "fp32", "--device", "cpu"]
    done = subprocess.run(command, env=os.environ | LAPTOP, capture_output=True, text=True, check=False)
    try:
        return float(json.loads(done.stdout)["estimate"]["train_seconds"])
    except (ValueError, KeyError) as error:
        said = (done.stderr or done.stdout).strip().splitlines()
        why = said[-1] if said else f"exit code {done.returncode}"
        hint = f"see what it says: atlas train {name} --dry-run --precision fp32"
        raise EnvironmentFault(f"the steps of {name} could not be timed: {why}", hint) from error
