"""Where something pinned is from."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from atlas_cli.errors import DataError

FOLDER = "pinned"  # of a family's content


class Origin(NamedTuple):
    """Which network something pinned is from.

    Attributes:
        recipe: Its name, "gpt/small".
        seed: That it was trained with.
        date: When its training began.
        hash: Of the recipe with that seed, resolved.
        code: Of the code that its figures come from; see engine/staleness.py.
        weights: Of the checkpoint.
    """

    recipe: str
    seed: int
    date: str
    hash: str
    code: str
    weights: str

    @property
    def told(self) -> str:
        """For a caption."""
        return f"{self.recipe}, seed {self.seed}, trained on {self.date}"


def damaged(file: Path, why: str) -> DataError:
    """A file of the atlas's own that is not as it was shipped."""
    return DataError(f"{file} is damaged: {why}", "install the atlas again, or make it anew: make pins")
