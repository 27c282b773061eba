"""Curves of metrics over the steps of a run, as PNG files."""

from __future__ import annotations

from pathlib import Path

from atlas_cli.present.charts import COLOURS
from atlas_cli.runs.folder import ABLATION, RunFolder
from atlas_cli.runs.summary import curve

FEW = 10  # points of a curve that are marked one by one


def save_loss_curve(run: RunFolder) -> Path:
    """Draw `loss.png` from the run's metrics, with held-out data and the run without the idea beside it."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    curves = {
        run.name: curve(run, "loss"),
        "held-out data": curve(run, "held_out_loss"),
        "without the idea": curve(RunFolder(run.path / ABLATION), "loss"),
    }
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for colour, (label, points) in zip(COLOURS, curves.items(), strict=False):
        if points:
            few = "o" if len(points) <= FEW else None
            xs, ys = zip(*points, strict=True)
            axes.plot(xs, ys, label=label, linewidth=1.2, marker=few, markersize=4, color=colour)
    axes.set_xlabel("step")
    axes.set_ylabel("loss")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)
    path = run.path / "loss.png"
    figure.savefig(path, dpi=120)
    plt.close(figure)
    return path
