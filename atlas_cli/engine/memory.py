"""What a recipe's system needs at the least and what is free, asked before anything is set aside."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from atlas_cli.errors import EnvironmentFault
from atlas_cli.recipe.model import Recipe

GIB = 2**30
COPIES = 4  # of every weight while it is trained: itself, its gradient, Adam's two moments
KEPT = (
    8  # tensors of the finest level, or of each layer, that the backward pass needs; in truth there are more
)
_MEMINFO, _CGROUP = Path("/proc/meminfo"), Path("/sys/fs/cgroup")


def require_memory(recipe: Recipe, system: nn.Module, device: torch.device) -> None:
    """Refuse what cannot fit, in place of a process that the system kills in the middle of its work.

    Args:
        recipe: Says the size of a batch, and whether anything is trained.
        system: Made on torch's `meta` device, where weights have shapes and take no room.
        device: Where it shall compute.

    Raises:
        EnvironmentFault: even the least that it needs is more than is free.
    """
    weights = sum(p.numel() * p.element_size() for p in system.parameters())
    trained = recipe.train.steps > 0
    needed = weights * (COPIES if trained else 1)
    if trained:
        needed += recipe.train.batch_size * least_bytes_an_item(recipe.model)
    free = free_bytes(device)
    if free is not None and needed > free:
        raise EnvironmentFault(
            f"{recipe.name} needs about {needed / GIB:.1f} GiB; {free / GIB:.1f} GiB are free",
            "make the model narrower, or the batch smaller: --set train.batch_size=...",
        )


def least_bytes_an_item(model: Mapping[str, Any]) -> int:
    """Bytes that one item of a batch takes at the least, by the fields that say how large it is drawn."""
    pixels = model.get("image_size", 0) ** 2
    tokens = model.get("context_len", 0)
    inside = model.get("width", 0) * pixels // model.get("patch", 4) ** 2
    through = tokens * model.get("d_model", 0) * model.get("n_layer", 1)
    outside = pixels * model.get("channels", 0) + tokens * model.get("vocab_size", 0)
    return 4 * (KEPT * (inside + through) + 2 * outside)  # float32


def free_bytes(device: torch.device) -> int | None:
    """Bytes that may still be taken there; None where the system does not say."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    found = [_available(), _left_in_group()]
    return min((n for n in found if n is not None), default=None)


def _available() -> int | None:
    """What Linux could give without swapping."""
    try:
        lines = _MEMINFO.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    kib = next((line.split()[1] for line in lines if line.startswith("MemAvailable:")), None)
    return None if kib is None else 1024 * int(kib)


def _left_in_group() -> int | None:
    """What a container may still take."""
    try:
        most = (_CGROUP / "memory.max").read_text(encoding="ascii").strip()
        taken = (_CGROUP / "memory.current").read_text(encoding="ascii").strip()
    except OSError:
        return None
    return None if most == "max" else int(most) - int(taken)
