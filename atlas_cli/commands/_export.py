"""Runs for other programs: a table as CSV, a report as HTML, curves for TensorBoard; one as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from shlex import quote

from atlas_cli.errors import EnvironmentFault
from atlas_cli.runs.folder import ABLATION, RunFolder
from atlas_cli.runs.summary import FACTS, summary


class Format(StrEnum):
    """What runs are exported as."""

    csv = "csv"
    html = "html"
    tensorboard = "tensorboard"
    run = "run"


_ENDINGS = {Format.csv: "runs.csv", Format.html: "runs.html", Format.tensorboard: "tensorboard"}


def export(runs: Sequence[RunFolder], format: Format, target: Path | None) -> Path:
    """Write the runs; returns the file, or for TensorBoard the folder.

    Raises:
        EnvironmentFault: it cannot be written, or TensorBoard is not installed.
        UsageError: a file of its own is asked for, and there are several.
    """
    if format is Format.run:
        from atlas_cli.commands import _handing

        return _handing.hand_out(runs, target)
    target = target or Path(_ENDINGS[format])
    if format is Format.tensorboard:
        return _tensorboard(runs, target)
    if format is Format.html:
        from atlas_cli.present.report import report

        text = report(runs)
    else:
        text = table(runs)
    try:
        target.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise EnvironmentFault(
            f"cannot write {target}: {error.strerror or error}", "name another file with --save"
        ) from error
    return target


def then(format: Format, path: Path) -> tuple[str, str]:
    """What to do with it next, and why."""
    if format is Format.tensorboard:
        return f"tensorboard --logdir {path}", "the curves in a browser"
    if format is Format.run:
        return f"atlas run import {quote(str(path))}", "on the other machine"
    if format is Format.html:
        return f"python -m webbrowser {path}", "opens the page"
    return "atlas run export --format html", "curves and pictures on one page"


def table(runs: Sequence[RunFolder]) -> str:
    """One row a run: what it is, how it was changed, and every figure of any of them."""
    rows = [summary(run) for run in runs]
    figures = list(dict.fromkeys(name for row in rows for name in row["figures"]))
    plain = [
        "name",
        "recipe",
        "status",
        "started",
        "tags",
        "changes",
        "held",
        "judged",
        *FACTS,
        "train_seconds",
    ]
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow([*plain, *figures])
    for row in rows:
        cells = ["; ".join(row[key]) if isinstance(row[key], list) else row[key] for key in plain]
        writer.writerow([*cells, *(row["figures"].get(name) for name in figures)])
    return stream.getvalue()


def _tensorboard(runs: Sequence[RunFolder], folder: Path) -> Path:
    """Event files, a folder a run, with every logged metric over the steps."""
    from atlas_cli.present import board

    board.require()
    for run in runs:
        inner = RunFolder(run.path / ABLATION)
        for name, source in ((run.name, run), (f"{run.name}-{board.WITHOUT}", inner)):
            if rows := source.read_metrics():
                board.write(folder / name, rows)
    return folder
