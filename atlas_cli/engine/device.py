"""The device, the number format and the thread count of a run."""

from __future__ import annotations

import os
import shutil
from contextlib import AbstractContextManager, nullcontext

import torch

from atlas_cli.errors import EnvironmentFault
from atlas_cli.ranks import cores as cores
from atlas_cli.ranks import local_world_size


def available_devices() -> list[str]:
    """Names of the devices that this machine has."""
    found = ["cpu"]
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return found


def choose_device(wanted: str) -> torch.device:
    """The wanted device; "auto" takes CUDA, then MPS, then the CPU.

    Raises:
        EnvironmentFault: the machine has no such device.
    """
    found = available_devices()
    if wanted == "auto":
        return torch.device(found[-1])
    if wanted not in found:
        raise EnvironmentFault(
            f"no {wanted} device on this machine (it has: {', '.join(found)})", "use --device cpu"
        )
    return torch.device(wanted)


def require_compiler() -> None:
    """Refuse `--compile` where torch would find no C++ compiler at its first step.

    Raises:
        EnvironmentFault: there is none.
    """
    named = os.environ.get("CXX")
    wanted = [named] if named else ["g++", "clang++", "cl"]
    if not any(map(shutil.which, wanted)):
        raise EnvironmentFault(
            f"--compile needs a C++ compiler, and there is no {' or '.join(wanted)}",
            "leave out --compile, or name a compiler in the variable CXX",
        )


def resolve_precision(wanted: str, device: torch.device) -> str:
    """fp32 or bf16; "auto" takes bf16 only where the hardware multiplies in it."""
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    if device.type == "cpu":
        return "bf16" if torch.cpu._is_avx512_bf16_supported() else "fp32"
    return "fp32"


def autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """Matrix products and convolutions in bf16, the rest in fp32; nothing at all for fp32.

    No cache: a bf16 copy of a weight that outlives a step, or was made without gradients, is a wrong one.
    """
    if precision == "bf16":
        return torch.autocast(device.type, torch.bfloat16, cache_enabled=False)
    return nullcontext()


def threads(wanted: int) -> int:
    """Compute threads that a run takes; 0 means its share of the cores, beside the other local ranks."""
    return wanted or max(1, cores() // local_world_size())


def set_threads(wanted: int) -> None:
    """Compute with as many threads as `threads` says."""
    torch.set_num_threads(threads(wanted))


def load() -> dict[str, float] | None:
    """How many processes wanted a core in the last minute, and how many cores there are; None: unknown."""
    try:
        average = os.getloadavg()[0]
    except (AttributeError, OSError):  # Windows has no such figure
        return None
    return {"average": round(average, 2), "cores": cores()}
