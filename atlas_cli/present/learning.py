"""The film of a training: the samples that it saved step by step, put together without the model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from atlas_cli.errors import DataError, UsageError
from atlas_cli.present.glimpse import FOLDER
from atlas_cli.runs.folder import RunFolder
from atlas_cli.screen.symbols import visible

FRAME_MS, LAST_FRAME_MS = 700, 2500
WIDTH = 640  # pixels of a picture of the film, at most
BAND, LETTERS = 26, 16  # pixels of the caption's band, and of its letters
TEXT_COLUMNS, TEXT_ROWS = 76, 24  # of a page of text
GROUND, INK = (16, 16, 16), (235, 235, 235)


@dataclass(frozen=True)
class LearningFilm:
    """A film of a training.

    Attributes:
        files: What was written.
        steps: Of its pictures.
        text: The texts, step by step, where the run writes; else "".
    """

    files: list[Path]
    steps: list[int]
    text: str = ""


def make_film(run: RunFolder) -> LearningFilm:
    """Write the film of a run, finished or not, as `learning.gif`, and texts as `learning.txt` as well.

    Raises:
        UsageError: the run saved no samples while it trained, or none that are pictures or texts.
        DataError: one of them cannot be read.
    """
    pictures, texts = _saved(run, "png"), _saved(run, "txt")
    if not pictures and not texts:
        others = sorted({path.suffix for path in (run.samples / FOLDER).glob("step-*.*")})
        if others:
            raise UsageError(
                f"{run.name} saved its samples as {', '.join(others)}, of which no film can be made",
                f"look at them one by one: {run.samples / FOLDER}",
            )
        raise UsageError(
            f"{run.name} saved no samples while it trained",
            "train without --quiet and --json: samples are saved at each fifth of a run",
        )
    if pictures:
        frames = [_captioned(_opened(path), step, run.name) for step, path in pictures]
        return LearningFilm([_save_gif(frames, run.samples / "learning.gif")], [step for step, _ in pictures])
    written = [(step, visible(path.read_text(encoding="utf-8")).strip("\n")) for step, path in texts]
    text = "\n\n".join(f"--- after step {step} ---\n{said}" for step, said in written)
    file = run.samples / "learning.txt"
    file.write_text(text + "\n", encoding="utf-8")
    frames = [_captioned(_page(said), step, run.name) for step, said in written]
    gif = _save_gif(frames, run.samples / "learning.gif")
    return LearningFilm([file, gif], [step for step, _ in written], text)


def _saved(run: RunFolder, suffix: str) -> list[tuple[int, Path]]:
    """Steps and files of the samples, in order."""
    files = (run.samples / FOLDER).glob(f"step-*.{suffix}")
    named = ((re.fullmatch(r"step-(\d+)", path.stem), path) for path in files)
    return sorted((int(match[1]), path) for match, path in named if match)


def _opened(path: Path) -> Image.Image:
    try:
        with Image.open(path) as picture:
            rgb = picture.convert("RGB")
    except OSError as error:
        raise DataError(f"{path} is no picture", "delete it, and make the film again") from error
    rgb.thumbnail((WIDTH, WIDTH))
    return rgb


def _captioned(picture: Image.Image, step: int, name: str) -> Image.Image:
    """The picture under a band that says which step it is of."""
    page = Image.new("RGB", (picture.width, picture.height + BAND), GROUND)
    page.paste(picture, (0, BAND))
    font = ImageFont.load_default(size=LETTERS)
    ImageDraw.Draw(page).text((6, 3), f"{name}, after step {step:,}", fill=INK, font=font)
    return page


def _page(text: str) -> Image.Image:
    """Text as a picture, its lines wrapped and cut at a page."""
    lines = [part for line in text.split("\n") for part in _cut(line.expandtabs(4))]
    font = ImageFont.load_default(size=LETTERS - 4)
    page = Image.new("RGB", (WIDTH, TEXT_ROWS * LETTERS), GROUND)
    draw = ImageDraw.Draw(page)
    for row, line in enumerate(lines[:TEXT_ROWS]):
        draw.text((6, row * LETTERS), line, fill=INK, font=font)
    return page.crop((0, 0, WIDTH, LETTERS * max(6, min(TEXT_ROWS, len(lines) + 1))))


def _cut(line: str) -> list[str]:
    return [line[i : i + TEXT_COLUMNS] for i in range(0, max(1, len(line)), TEXT_COLUMNS)]


def _save_gif(frames: list[Image.Image], path: Path) -> Path:
    """An endless animation that rests on its last picture; all pages are as large as the largest."""
    width, height = (max(sizes) for sizes in zip(*(frame.size for frame in frames), strict=True))
    pages = []
    for frame in frames:
        page = Image.new("RGB", (width, height), GROUND)
        page.paste(frame, (0, 0))
        pages.append(page)
    durations = [FRAME_MS] * (len(pages) - 1) + [LAST_FRAME_MS]
    pages[0].save(path, save_all=True, append_images=pages[1:], duration=durations, loop=0)
    return path
