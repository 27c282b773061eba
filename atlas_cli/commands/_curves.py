"""The curves of runs, drawn on the terminal and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from atlas_cli.errors import UsageError, quoted
from atlas_cli.runs.folder import RunFolder

_WIDEST, _ROWS = 100, 14  # columns and rows of a drawing


def logged(runs: Sequence[RunFolder], metric: str) -> dict[str, list[tuple[int, float]]]:
    """The curves of the runs and of their ablations; refused where a run logged no such metric."""
    from atlas_cli.runs.summary import curves

    lines = curves(runs, metric)
    for run in runs:
        if run.name not in lines:
            known = sorted({name for row in run.read_metrics() for name in row} - {"step"})
            raise UsageError(
                f"{run.name} logged no {quoted(metric)}",
                f"choose one of: {', '.join(known)}" if known else "train it first",
            )
    return lines


def draw(lines: dict[str, list[tuple[int, float]]], metric: str, log: bool) -> None:
    """On the terminal, on one axis."""
    from atlas_cli.present.charts import overlaid
    from atlas_cli.screen import terminal

    colours = terminal.out.color_system is not None and not terminal.ascii_only()
    terminal.out.print(metric, style="atlas.title")
    for line in overlaid(lines, min(terminal.out.width, _WIDEST), _ROWS, colours, log):
        terminal.out.print(line, soft_wrap=True)  # the legend holds names


def pictures(
    lines: dict[str, list[tuple[int, float]]], metric: str, place: Path, wanted: Path | None
) -> list[Path]:
    """The curves as a PNG, where the place takes one; a file that the user named has to be written."""
    from atlas_cli.diagrams.svg import picture  # matplotlib takes longer to import than all else here
    from atlas_cli.present.report import chart
    from atlas_cli.present.saving import saved

    path = wanted or place

    def write() -> list[Path]:
        path.write_bytes(picture.png(chart(lines, metric)))
        return [path]

    return saved(write, path.parent, wanted=wanted is not None)
