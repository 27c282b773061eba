"""Curves of metrics over the steps of runs, as PNG files."""

from __future__ import annotations

from pathlib import Path

from atlas_cli.runs.folder import RunFolder

FEW = 10  # points of a curve that are marked one by one


def save_loss_curve(run: RunFolder) -> Path:
    """Draw `loss.png` from the run's metrics, with held-out data and the run without the idea beside it."""
    curves = {
        run.name: curve(run, "loss"),
        "held-out data": curve(run, "held_out_loss"),
        "without the idea": curve(RunFolder(run.path / "ablation"), "loss"),
    }
    return _save(curves, "loss", run.path / "loss.png")


def save_curves(runs: dict[str, RunFolder], metric: str, path: Path) -> Path:
    """Draw one metric of several runs over the steps."""
    return _save({name: curve(run, metric) for name, run in runs.items()}, metric, path)


def curve(run: RunFolder, metric: str) -> list[tuple[int, float]]:
    """The logged values of a metric, with their steps."""
    return [(row["step"], row[metric]) for row in run.read_metrics() if metric in row]


def _save(curves: dict[str, list[tuple[int, float]]], metric: str, path: Path) -> Path:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for label, points in curves.items():
        if points:
            few = "o" if len(points) <= FEW else None
            axes.plot(*zip(*points, strict=True), label=label, linewidth=1.2, marker=few, markersize=4)
    axes.set_xlabel("step")
    axes.set_ylabel(metric)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)
    plt.close(figure)
    return path
