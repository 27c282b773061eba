"""How many compute threads a drawing takes: one."""

from __future__ import annotations

import os


def take_one() -> None:
    """Before torch is loaded: tensors of a diagram are small, and threads that wait for each other are slow.

    Where other programs hold the cores they are slower by orders of magnitude. OMP_NUM_THREADS, where it is
    set, has the last word.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
