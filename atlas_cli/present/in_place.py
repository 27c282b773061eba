"""A picture of a training in a notebook that grows where it stands: each new one replaces the last."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

from atlas_cli.present.glimpse import Glimpse


def in_notebook() -> bool:
    """Whether this process is a notebook's kernel, so that what was shown can be replaced."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return hasattr(get_ipython(), "kernel")


class Picture:
    """What a system makes by now, below the bar of its training."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, glimpse: Glimpse, told: str) -> None:
        """Put a sample in the place of the one before.

        Args:
            glimpse: The sample.
            told: Where the training is, in one line.
        """
        from IPython.display import display

        caption = "  ".join(part for part in (told, glimpse.artifact.caption) if part)
        shown = dataclasses.replace(glimpse.artifact, caption=caption)
        if self._handle is None:
            self._handle = display(shown, display_id=True)
        else:
            self._handle.update(shown)
