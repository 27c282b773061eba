"""Curves of metrics over the steps of runs, as PNG files."""

from __future__ import annotations

from pathlib import Path

from atlas_cli.runs.folder import RunFolder


def save_loss_curve(run: RunFolder) -> Path:
    """Draw `loss.png` from the run's metrics, with the run without the idea beside it."""
    both = {run.name: run, "without the idea": RunFolder(run.path / "ablation")}
    return save_curves(both, "loss", run.path / "loss.png")


def save_curves(runs: dict[str, RunFolder], metric: str, path: Path) -> Path:
    """Draw one metric of several runs over the steps."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for label, run in runs.items():
        rows = [r for r in run.read_metrics() if metric in r]
        if rows:
            axes.plot([r["step"] for r in rows], [r[metric] for r in rows], label=label, linewidth=1.2)
    axes.set_xlabel("step")
    axes.set_ylabel(metric)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)
    plt.close(figure)
    return path
