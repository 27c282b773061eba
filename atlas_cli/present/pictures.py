"""RGB pictures that artifacts are drawn as: contact sheets and point clouds, saved or sent to a terminal.

A picture is a (height, width, 3) uint8 array throughout.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from rich.console import Console, RenderableType
from rich.segment import Segment
from rich.segment import Segments as RichSegments
from rich.style import Style
from rich.text import Text

Frame = TypeVar("Frame")

ASCII_RAMP = " .:-=+*#%@"
POINT_PIXELS = 320
LETTERS = 10  # height of the words below a picture, in its own pixels
PICTURE_PIXELS = 1160  # width at which a picture is saved, in whole multiples of its own
GLANCE_IMAGE = 16  # columns of an image in a row beside the progress of a training
SMALLEST_IMAGE = 13  # columns: a digit that is smaller cannot be read
FRAMES_SHOWN = 40  # of an animation, about
FRAME_MS = 60
LAST_FRAME_MS = 1500  # what it comes to is looked at longer

Colour = tuple[int, int, int]
MADE, REAL, INK = (255, 170, 60), (90, 110, 140), (225, 225, 225)  # points of a model, of the data; letters


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
    for cloud, colour in ((backdrop, REAL), (points, MADE)):
        if cloud is None:
            continue
        xy = ((cloud / half + 1) / 2 * (pixels - 1)).round()
        inside = np.isfinite(xy).all(axis=1) & (xy >= 0).all(axis=1) & (xy < pixels).all(axis=1)
        x, y = xy[inside].astype(int).T
        picture[pixels - 1 - y, x] = colour
    return picture


def labelled(rgb: np.ndarray, legend: list[tuple[str, Colour]]) -> np.ndarray:
    """The picture with lines of words below it, each in the colour of what it names."""
    font = ImageFont.load_default(size=LETTERS)
    line = LETTERS + 4
    page = Image.new("RGB", (rgb.shape[1], rgb.shape[0] + line * len(legend) + 4), (16, 16, 16))
    page.paste(Image.fromarray(rgb), (0, 0))
    draw = ImageDraw.Draw(page)
    for i, (words, colour) in enumerate(legend):
        draw.text((4, rgb.shape[0] + i * line), words, fill=colour, font=font)
    return np.asarray(page)


class Layout(NamedTuple):
    """How images are laid out in a terminal: how many a row, their size in pixels, and how many of them."""

    columns: int
    height: int
    width: int
    shown: int


def layout(shape: tuple[int, ...], columns: int, width: int, height: int | None = None) -> Layout:
    """Fewer images a row rather than ones too small to read, and whole rows left out rather than cut.

    Args:
        shape: Of the images, (N, C, H, W).
        columns: How many a row are wished for.
        width: Pixels there are, one a column.
        height: Pixels there are, two a row; None: as many as are needed.
    """
    n, _, h, w = shape
    least = min(w, SMALLEST_IMAGE)
    wished = (columns, 10, 8, 5, 4, 2)  # as the system lays them out, where that fits
    fitting = [c for c in wished if c <= n and (width + 1) // c - 1 >= least]
    columns = fitting[0] if fitting else 1
    cell = min(w, (width + 1) // columns - 1)
    if height is None:
        return Layout(columns, max(1, round(h * cell / w)), cell, n)
    cell = min(cell, max(1, height * w // h))
    high = max(1, min(height, round(h * cell / w)))
    rows = max(1, (height + 1) // (high + 1))
    return Layout(columns, high, cell, min(n, rows * columns))


def sheet_for_width(images: np.ndarray, columns: int, width: int, height: int | None = None) -> np.ndarray:
    """A contact sheet at one pixel a column, laid out as `layout` says."""
    chosen = layout(images.shape, columns, width, height)
    return contact_sheet(_resized(images[: chosen.shown], chosen.height, chosen.width), chosen.columns)


def _resized(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """(N, C, H, W) in [0, 1] at another size, averaged rather than dropped pixels."""
    if images.shape[-2:] == (height, width):
        return images
    planes = (images.clip(0, 1) * 255).round().astype(np.uint8).reshape(-1, *images.shape[-2:])
    smaller = [
        np.asarray(Image.fromarray(p).resize((width, height), Image.Resampling.LANCZOS)) for p in planes
    ]
    return np.stack(smaller).reshape(*images.shape[:2], height, width) / 255


def at_width(rgb: np.ndarray, width: int, height: int | None = None) -> np.ndarray:
    """The picture `width` pixels wide, in its own proportions; narrower where it would be too high."""
    if height is not None:
        width = max(1, min(width, height * rgb.shape[1] // rgb.shape[0]))
    height = max(1, round(rgb.shape[0] * width / rgb.shape[1]))
    return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.LANCZOS))


# --- files -----------------------------------------------------------------------------------------------


def enlargement(rgb: np.ndarray) -> int:
    """The whole multiple at which a picture is saved, so that its pixels stay sharp."""
    return max(1, PICTURE_PIXELS // max(rgb.shape[:2]))


def enlarged(rgb: np.ndarray, times: int) -> Image.Image:
    """The picture with each pixel drawn as a square of `times` by `times`."""
    size = (rgb.shape[1] * times, rgb.shape[0] * times)
    return Image.fromarray(rgb).resize(size, Image.Resampling.NEAREST)


def save_png(rgb: np.ndarray, path: Path) -> Path:
    """Write the picture, enlarged."""
    enlarged(rgb, enlargement(rgb)).save(path)
    return path


def png_bytes(rgb: np.ndarray) -> bytes:
    """The picture as `save_png` writes it, in memory."""
    buffer = io.BytesIO()
    enlarged(rgb, enlargement(rgb)).save(buffer, format="PNG")
    return buffer.getvalue()


def thinned(frames: list[Frame]) -> list[Frame]:
    """About `FRAMES_SHOWN` of the frames, the last one among them."""
    return [*frames[:: max(1, len(frames) // FRAMES_SHOWN)], frames[-1]]


def save_gif(frames: list[np.ndarray], path: Path) -> Path:
    """Write an endless animation of pictures of one size, enlarged; it rests on the last one."""
    pictures = [enlarged(rgb, enlargement(rgb)) for rgb in frames]
    durations = [FRAME_MS] * (len(pictures) - 1) + [LAST_FRAME_MS]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=durations, loop=0)
    return path


# --- the terminal ----------------------------------------------------------------------------------------


def print_picture(rgb: np.ndarray, console: Console) -> None:
    """The picture at one pixel a column: half blocks in colour, a ramp of letters where there is none."""
    console.print(renderable(rgb, console), highlight=False, markup=False, soft_wrap=True)


def renderable(rgb: np.ndarray, console: Console) -> RenderableType:
    """The picture as that console can show it, one pixel a column."""
    return half_blocks(rgb) if in_colour(console) else Text("\n".join(ascii_rows(rgb)))


def in_colour(console: Console) -> bool:
    """Whether that console can show half blocks in colour."""
    return console.color_system is not None and console.encoding.startswith("utf")


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


def letter_rows(rgb: np.ndarray, letters: dict[Colour, str]) -> list[str]:
    """One letter for two pixels one above the other: that of the first colour that either has, or a blank."""
    if rgb.shape[0] % 2:
        rgb = np.concatenate([rgb, np.zeros_like(rgb[:1])])
    rows = np.full((rgb.shape[0] // 2, rgb.shape[1]), " ")
    for colour in reversed(letters):
        there = (rgb == colour).all(axis=2)
        rows[there[::2] | there[1::2]] = letters[colour]
    return ["".join(row) for row in rows]


def ascii_rows(rgb: np.ndarray) -> list[str]:
    """One letter for two pixels one above the other, darker to lighter."""
    grey = rgb.astype(float).mean(axis=2)
    if grey.shape[0] % 2:
        grey = np.concatenate([grey, np.zeros_like(grey[:1])])
    pairs = (grey[::2] + grey[1::2]) / 2
    index = (pairs / 256 * len(ASCII_RAMP)).astype(int)
    return ["".join(ASCII_RAMP[i] for i in row) for row in index]
