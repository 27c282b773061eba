"""Figures that a benchmark prints and a page shows; ATLAS_RECORD=1 writes them where the page reads."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import date
from typing import Any

import torch

from atlas_cli import documents, paths
from atlas_cli.engine.device import cores
from atlas_cli.engine.staleness import hash_of
from atlas_cli.engine.verification import measured_text, round_to


def record(page: str, section: str, rows: dict[str, dict[int, float]], of: Sequence[str]) -> None:
    """Replace one section of content/<family>/measured/<name>.yaml.

    Args:
        page: Family and name, as in "ssm/scan-speed".
        section: What was measured.
        rows: The figures, by row and column.
        of: The modules that were measured; when their text changes, the figures are stale.
    """
    if not os.environ.get("ATLAS_RECORD"):
        return
    family, _, name = page.partition("/")
    path = paths.content_dir() / family / "measured" / f"{name}.yaml"
    known: dict[str, Any] = documents.parse(path.read_text(encoding="utf-8")) if path.is_file() else {}
    figures = {
        row: {str(column): round_to(value) for column, value in found.items()} for row, found in rows.items()
    }
    measured = {
        **known.get("measured", {}),
        section: figures,
        "threads": torch.get_num_threads(),
        "cores": cores(),
        "python": platform.python_version(),
        "torch": torch.__version__.split("+")[0],
        "code": hash_of(of),
        "date": date.today().isoformat(),
    }
    head = f"# Written by the benchmark of {page}; ATLAS_RECORD=1 makes it write anew.\n"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{head}of: [{', '.join(of)}]\n{measured_text(measured)}", encoding="utf-8")
