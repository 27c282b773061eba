"""What the files of `atlas sample` are called: after what was asked for, and never like another's."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_LONGEST = 60  # characters of what a prompt, a setting or a path adds to a name


def stem(
    seed: int, label: int | None = None, prompts: Sequence[str] = (),
    changes: Mapping[str, str] | None = None, extras: Mapping[str, Any] | None = None, best: bool = False,
) -> str:  # fmt: skip
    """The name without its ending: "label3-steps5-seed417", "def-add-seed12".

    Args:
        seed: Of the samples.
        label: The class that was asked for.
        prompts: The texts that were asked for.
        changes: Fields of the sampler that were changed, by their bare names.
        extras: What else the system was given.
        best: Whether the best checkpoint was sampled, not the newest.
    """
    parts = [] if label is None else [f"label{label}"]
    if prompts:
        parts.append(slug(" ".join(prompts)) or "prompt")
    for name, value in {**(changes or {}), **(extras or {})}.items():
        told = value.stem if isinstance(value, Path) else str(value)
        parts.append(slug(f"{name}{told}"))
    return "-".join([*(parts or ["sample"]), *(["best"] if best else []), f"seed{seed}"])


def slug(text: str) -> str:
    """The text as part of a file's name on any system."""
    return re.sub(r"[^a-z0-9.]+", "-", text.lower())[:_LONGEST].strip("-.")


def free(folder: Path, name: str) -> str:
    """The name, with the first number after it that no file in the folder has yet."""
    taken = {path.stem for path in folder.iterdir()} if folder.is_dir() else set()
    number, chosen = 2, name
    while chosen in taken:
        chosen, number = f"{name}-{number}", number + 1
    return chosen
