"""What stands for a DDPM in its exercises: the schedule and the methods that need no network."""

from __future__ import annotations

from types import MethodType, SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def ddpm(alpha_bar: Tensor, prediction: str = "v", n_classes: int = 3) -> Any:
    """One with this schedule and without a network."""
    from atlas_cli.systems.diffusion.ddpm import DDPM

    config = SimpleNamespace(prediction=prediction, n_classes=n_classes)
    stub = SimpleNamespace(alpha_bar=alpha_bar, config=config)
    for name in ("levels", "kept", "to_data"):
        setattr(stub, name, MethodType(getattr(DDPM, name), stub))
    return stub
