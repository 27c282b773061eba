"""What a run ran on."""

from __future__ import annotations

import os
import platform
import sys
from typing import Any

from atlas_cli import __version__


def environment() -> dict[str, Any]:
    """Versions, machine, threads and command line. Imports torch."""
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "atlas": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cores": cores,
        "threads": torch.get_num_threads(),
        "cuda": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
        "argv": sys.argv,
    }
