"""Memory that a process may take (ulimit -v): too little is said before torch finds out and aborts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

from atlas_cli.errors import EnvironmentFault

#: Address space in bytes that torch takes to be loaded and to work on something small, its threads included.
NEEDED_BY_TORCH = 4 << 30


class _Guard:
    """Stands before the import of torch, wherever a command comes to it."""

    def __init__(self, allowed: int) -> None:
        self.allowed = allowed  # bytes

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Called for every module that is imported; finds none, and refuses torch."""
        if name == "torch":
            raise EnvironmentFault(
                f"this needs about {NEEDED_BY_TORCH >> 30} GiB of memory, "
                f"and the limit here is {self.allowed / 2**30:.1f} GiB (ulimit -v)",
                "raise the limit: ulimit -v unlimited",
            )
        return None


def heed() -> None:
    """Refuse to load torch where the limit on memory is too low for it."""
    allowed = _address_space()
    if allowed is not None and allowed < NEEDED_BY_TORCH:
        sys.meta_path.insert(0, _Guard(allowed))


def _address_space() -> int | None:
    """Bytes that this process may map; None: as many as it likes, or the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if soft == resource.RLIM_INFINITY else soft
