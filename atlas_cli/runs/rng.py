"""The global random generators as tensors, for the checkpoint."""

from __future__ import annotations

import random

import numpy as np
import torch
from torch import Tensor


def capture_rng() -> dict[str, Tensor]:
    """The states of torch's, Python's and numpy's global generators as tensors."""
    version, words, gauss = random.getstate()
    _kind, keys, *position, has_gauss, cached = np.random.get_state(legacy=True)
    states = {
        "torch": torch.get_rng_state(),
        "python": torch.tensor([version, *words], dtype=torch.int64),
        "python-gauss": torch.tensor([] if gauss is None else [gauss], dtype=torch.float64),
        "numpy": torch.from_numpy(np.asarray(keys).astype(np.int64)),
        "numpy-position": torch.tensor([*position, has_gauss], dtype=torch.int64),
        "numpy-gauss": torch.tensor([cached], dtype=torch.float64),
    }
    if torch.cuda.is_initialized():  # asking would wake the device of a run that does not use it
        states |= {f"cuda-{i}": state for i, state in enumerate(torch.cuda.get_rng_state_all())}
    return states


_MERSENNE_WORDS = 624  # of numpy's and Python's generator; the position is an index into them


def usable(states: dict[str, Tensor]) -> bool:
    """Whether `restore_rng` can set the generators to these states; they are as they were afterwards."""
    before = capture_rng()
    try:
        restore_rng(states)
    except (KeyError, TypeError, ValueError, RuntimeError, OverflowError):
        return False
    finally:
        restore_rng(before)
    return True


def restore_rng(states: dict[str, Tensor]) -> None:
    """Set the global generators to what `capture_rng` saw; devices that are absent here are left out."""
    torch.set_rng_state(states["torch"])
    version, *words = states["python"].tolist()
    gauss = states["python-gauss"].tolist()
    random.setstate((version, tuple(words), gauss[0] if gauss else None))
    position, has_gauss = states["numpy-position"].tolist()
    if not 0 <= position <= _MERSENNE_WORDS:  # numpy does not look, and would read past its memory
        raise ValueError(f"position {position} of numpy's generator")
    keys = states["numpy"].numpy().astype(np.uint32)
    np.random.set_state(("MT19937", keys, position, has_gauss, states["numpy-gauss"].item()))
    for i in range(torch.cuda.device_count()):
        if f"cuda-{i}" in states:
            torch.cuda.set_rng_state(states[f"cuda-{i}"], i)
