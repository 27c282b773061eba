"""What may stand in a checkpoint: numbers."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


def not_finite(tensors: Mapping[str, Tensor]) -> str | None:
    """The name of a tensor with a NaN or an infinity in it, which no checkpoint may hold; None: all good."""
    floats = {n: t for n, t in tensors.items() if t.is_floating_point() or t.is_complex()}
    if not floats:
        return None
    good = torch.stack([t.isfinite().all() for t in floats.values()]).tolist()  # one wait for the device
    return next((name for name, fine in zip(floats, good, strict=True) if not fine), None)
