"""What `sample` returns: a plain description of images, points, text or curves; rendering lives elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np


@dataclass(frozen=True)
class Artifact:
    """Something a person can look at.

    Attributes:
        kind: "images" (N, C, H, W) in [0, 1]; "points" (N, 2); "text" a list of strings.
        images: The images, if any.
        points: The points, if any; `backdrop` are real points to compare with, drawn behind.
        text: Lines of text, if any.
        columns: Images a row in the contact sheet.
        frames: The path from noise to sample, each like `images` or `points`; saved as a GIF.
        caption: One line under the picture.
        facts: Figures for `--json`.
    """

    kind: Literal["images", "points", "text"]
    images: np.ndarray | None = None
    points: np.ndarray | None = None
    backdrop: np.ndarray | None = None
    text: list[str] = field(default_factory=list)
    columns: int = 10
    frames: list[np.ndarray] = field(default_factory=list)
    caption: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
