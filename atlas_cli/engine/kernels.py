"""The choices of kernels that this machine has made, kept between starts."""

from __future__ import annotations

import hashlib
import json
import platform
from contextlib import suppress
from functools import cache
from pathlib import Path

import torch

from atlas_cli.errors import EnvironmentFault
from atlas_cli.nets import kernels
from atlas_cli.paths import cache_dir
from atlas_cli.runs.durable import write_atomically


@cache
def remember() -> None:
    """Take what was tried here before, and write down what will be; once a process."""
    with suppress(OSError, ValueError):  # none yet, or damaged: it is tried again
        known = json.loads(_file().read_text(encoding="utf-8"))
        kernels.choices.update({str(name): str(kernel) for name, kernel in dict(known).items()})
    kernels.on_new_choice(_write)


def _write() -> None:
    text = json.dumps(kernels.choices, indent=1, sort_keys=True)
    with suppress(EnvironmentFault):  # a home that cannot be written to costs a trial at every start
        write_atomically(_file(), lambda file: file.write_text(text, encoding="utf-8"))


def _file() -> Path:
    """Of this processor and this torch: another one may be fast where this one is slow."""
    machine = f"{_processor()} {torch.__version__} {torch.backends.cpu.get_cpu_capability()}"
    return cache_dir() / "kernels" / f"{hashlib.sha256(machine.encode()).hexdigest()[:16]}.json"


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
