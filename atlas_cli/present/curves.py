"""Curves of metrics over the steps of runs, as PNG files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from atlas_cli.errors import EnvironmentFault
from atlas_cli.present.charts import COLOURS, Curve
from atlas_cli.runs.folder import RunFolder
from atlas_cli.runs.summary import curves


def save_loss_curve(run: RunFolder) -> Path:
    """Draw `loss.png` from the run's metrics, with the run without the idea beside it."""
    return save_lines(curves([run], "loss"), "loss", run.path / "loss.png")


def save_lines(lines: Mapping[str, Curve], metric: str, path: Path) -> Path:
    """Draw one metric of several runs over the steps.

    Raises:
        EnvironmentFault: the file cannot be written.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for i, (label, points) in enumerate(lines.items()):
        colour = COLOURS[i % len(COLOURS)]
        axes.plot([x for x, _ in points], [y for _, y in points], label=label, linewidth=1.2, color=colour)
    axes.set_xlabel("step")
    axes.set_ylabel(metric)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)
    try:
        figure.savefig(path, dpi=120)
    except OSError as error:
        raise EnvironmentFault(
            f"cannot write {path}: {error.strerror or error}", "name another file with --save"
        ) from error
    finally:
        plt.close(figure)
    return path
