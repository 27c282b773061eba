"""Artifacts as files (PNG, GIF, text) and as terminal pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.segment import Segment
from rich.segment import Segments as RichSegments
from rich.style import Style

from atlas_cli.present.artifact import Artifact
from atlas_cli.runs.folder import RunFolder

ASCII_RAMP = " .:-=+*#%@"
POINT_PIXELS = 320
PICTURE_PIXELS = 1160  # width at which a picture is saved, in whole multiples of its own
POINT_COLUMNS = 72  # of a scatter plot in the terminal
SMALLEST_IMAGE = 13  # columns: a digit that is smaller cannot be read


def contact_sheet(images: np.ndarray, columns: int, gap: int = 1) -> np.ndarray:
    """(N, C, H, W) in [0, 1] -> one (rows*H + gaps, columns*W + gaps, 3) uint8 picture."""
    n, c, h, w = images.shape
    rows = -(-n // columns)
    sheet = np.full((rows * (h + gap) - gap, columns * (w + gap) - gap, 3), 64, np.uint8)
    rgb = np.repeat(images, 3, axis=1) if c == 1 else images
    for i, image in enumerate((rgb.clip(0, 1) * 255).round().astype(np.uint8)):
        top, left = (i // columns) * (h + gap), (i % columns) * (w + gap)
        sheet[top : top + h, left : left + w] = image.transpose(1, 2, 0)
    return sheet


def scatter(points: np.ndarray, backdrop: np.ndarray | None, pixels: int = POINT_PIXELS) -> np.ndarray:
    """Points (N, 2) in orange over the backdrop in grey, as a (pixels, pixels, 3) uint8 picture."""
    everything = points if backdrop is None else np.concatenate([points, backdrop])
    half = 1.05 * np.abs(everything[np.isfinite(everything).all(axis=1)]).max()
    picture = np.full((pixels, pixels, 3), 16, np.uint8)
    for cloud, colour in ((backdrop, (90, 110, 140)), (points, (255, 170, 60))):
        if cloud is None:
            continue
        xy = ((cloud / half + 1) / 2 * (pixels - 1)).round()
        inside = np.isfinite(xy).all(axis=1) & (xy >= 0).all(axis=1) & (xy < pixels).all(axis=1)
        x, y = xy[inside].astype(int).T
        picture[pixels - 1 - y, x] = colour
    return picture


def picture(artifact: Artifact) -> np.ndarray | None:
    """The artifact as one RGB picture, None for text."""
    if artifact.kind == "images" and artifact.images is not None:
        return contact_sheet(artifact.images, artifact.columns)
    if artifact.kind == "points" and artifact.points is not None:
        return scatter(artifact.points, artifact.backdrop)
    return None


def save(artifact: Artifact, folder: Path, name: str) -> list[Path]:
    """Write the artifact under `folder`; returns the files written."""
    folder.mkdir(parents=True, exist_ok=True)
    rgb = picture(artifact)
    if rgb is None:
        path = folder / f"{name}.txt"
        path.write_text("\n".join(artifact.text) + "\n", encoding="utf-8")
        return [path]
    path = folder / f"{name}.png"
    enlarge = max(1, PICTURE_PIXELS // max(rgb.shape[:2]))
    Image.fromarray(rgb).resize(
        (rgb.shape[1] * enlarge, rgb.shape[0] * enlarge), Image.Resampling.NEAREST
    ).save(path)
    return [path, *_save_frames(artifact, folder / f"{name}.gif", enlarge)]


def _save_frames(artifact: Artifact, path: Path, enlarge: int) -> list[Path]:
    if len(artifact.frames) < 2:
        return []
    shown = [*artifact.frames[:: max(1, len(artifact.frames) // 40)], artifact.frames[-1]]
    pictures = []
    for frame in shown:
        rgb = (
            contact_sheet(frame, artifact.columns)
            if artifact.kind == "images"
            else scatter(frame, artifact.backdrop)
        )
        size = (rgb.shape[1] * enlarge, rgb.shape[0] * enlarge)
        pictures.append(Image.fromarray(rgb).resize(size, Image.Resampling.NEAREST))
    durations = [60] * (len(pictures) - 1) + [1500]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=durations, loop=0)
    return [path]


def print_artifact(artifact: Artifact, console: Console) -> None:
    """The artifact in the terminal: half blocks in colour, a grey ramp of letters where there is none."""
    if artifact.kind == "text":
        for line in artifact.text:
            console.print(line, highlight=False, markup=False, soft_wrap=True)
        return
    rgb = _for_terminal(artifact, console.width)
    if console.color_system and console.encoding.startswith("utf"):
        console.print(half_blocks(rgb), soft_wrap=True)
    else:
        console.print("\n".join(ascii_rows(rgb)), highlight=False, markup=False, soft_wrap=True)


def _for_terminal(artifact: Artifact, width: int) -> np.ndarray:
    """The picture at one pixel a column; fewer images a row rather than ones too small to read."""
    if artifact.kind == "points" and artifact.points is not None:
        side = min(width, POINT_COLUMNS)
        rgb = scatter(artifact.points, artifact.backdrop)
        return np.asarray(Image.fromarray(rgb).resize((side, side), Image.Resampling.LANCZOS))
    assert artifact.images is not None
    n, _, h, w = artifact.images.shape
    least = min(w, SMALLEST_IMAGE)
    wished = (artifact.columns, 10, 8, 5, 4, 2)  # as the system lays them out, where that fits
    fitting = [c for c in wished if c <= n and (width + 1) // c - 1 >= least]
    columns = fitting[0] if fitting else 1
    cell = min(w, (width + 1) // columns - 1)
    return contact_sheet(_resized(artifact.images, round(h * cell / w), cell), columns)


def _resized(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """(N, C, H, W) in [0, 1] at another size, averaged rather than dropped pixels."""
    if images.shape[-2:] == (height, width):
        return images
    planes = (images.clip(0, 1) * 255).round().astype(np.uint8).reshape(-1, *images.shape[-2:])
    smaller = [
        np.asarray(Image.fromarray(p).resize((width, height), Image.Resampling.LANCZOS)) for p in planes
    ]
    return np.stack(smaller).reshape(*images.shape[:2], height, width) / 255


def half_blocks(rgb: np.ndarray) -> RichSegments:
    """Two pixels a character: the upper one in the foreground, the lower one in the background."""
    if rgb.shape[0] % 2:
        rgb = np.concatenate([rgb, np.zeros_like(rgb[:1])])
    segments = []
    for upper, lower in zip(rgb[::2], rgb[1::2], strict=True):
        for a, b in zip(upper, lower, strict=True):
            style = Style.parse(f"#{a[0]:02x}{a[1]:02x}{a[2]:02x} on #{b[0]:02x}{b[1]:02x}{b[2]:02x}")
            segments.append(Segment("▀", style))
        segments.append(Segment.line())
    return RichSegments(segments)


def ascii_rows(rgb: np.ndarray) -> list[str]:
    """One letter for two pixels one above the other, darker to lighter."""
    grey = rgb.astype(float).mean(axis=2)
    if grey.shape[0] % 2:
        grey = np.concatenate([grey, np.zeros_like(grey[:1])])
    pairs = (grey[::2] + grey[1::2]) / 2
    index = (pairs / 256 * len(ASCII_RAMP)).astype(int)
    return ["".join(ASCII_RAMP[i] for i in row) for row in index]


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
