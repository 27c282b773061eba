"""Ribbons in the wind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from atlas_cli.present.artifacts.base import Artifact


@dataclass(frozen=True, eq=False)
class Ribbon(Artifact):
    """Ribbons of some lengths."""

    lengths: list[int]

    def lines(self) -> list[str]:
        return ["~" * length for length in self.lengths]

    def save(self, folder: Path, name: str) -> list[Path]:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.ribbon"
        path.write_text("\n".join(self.lines()) + "\n", encoding="utf-8")
        return [path]

    def print(self, console: Console) -> None:
        console.print("\n".join(self.lines()), markup=False)

    def describe(self) -> str:
        return f"{len(self.lengths)} ribbons"
