"""A user's own picture as a drawing: ink on empty paper, sized and placed as the digits are.

Paper:   the median colour along the border. Ink is whatever differs from it, so that dark on light, light on
         dark and coloured pens all work; transparent parts are paper.
Place:   as MNIST: the ink fits a box of 20/28 of the image, its centre of mass lies at the image's centre. A
         picture that has the image's size already is taken as it stands.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from atlas_cli import files
from atlas_cli.errors import DataError

#: Orientation in EXIF -> what makes it upright, as in Pillow's ImageOps.exif_transpose.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
BOX = 20 / 28  # side of the box for the ink, over the image's
FAINTEST = 0.1  # of black on white: a drawing whose ink is fainter everywhere is empty paper
MOST_PIXELS = 50_000_000  # a large camera's; asked before a few bytes that claim more are unpacked
LONGEST_SIDE = 2048  # pixels; a larger picture is averaged down before anything is computed
NOISE, SOLID = 0.2, 0.8  # ink below is paper's grain, above it is full; shares of the strongest ink

Drawing = NDArray[np.float32]  # (H, W), 1 is ink and 0 is paper


def read_drawing(path: Path, size: int) -> Drawing:
    """The drawing in a picture file of any size and mode, as (size, size).

    Raises:
        DataError: the file cannot be read as a picture, or nothing is drawn in it.
    """
    ink = _ink(_pixels(path))
    if ink.shape == (size, size) and ink.any():
        return ink
    rows, columns = (np.flatnonzero((ink > 0.5).any(axis)) for axis in (1, 0))
    if not len(rows):
        raise DataError(f"nothing is drawn in {path}", "draw with a pen that stands out from the paper")
    cropped = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return _placed(_fitted(cropped, round(BOX * size)), size)


def _pixels(path: Path) -> Image.Image:
    """The picture as RGBA, upright."""
    hint = "give a PNG, JPEG or another common picture file"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with files.opened(path) as opened, Image.open(opened) as file:
                if file.width * file.height > MOST_PIXELS:
                    raise Image.DecompressionBombError
                return _scaled_down(_upright(_eight_bits(file)).convert("RGBA"))
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise DataError(
            f"{path} has too many pixels", "scale it down: some hundred a side are enough"
        ) from error
    except (OSError, SyntaxError, ValueError) as error:
        # Pillow's own words hold the path twice; the system's say whether the file is there at all.
        reason = (isinstance(error, OSError) and error.strerror) or "it is not a picture, or damaged"
        raise DataError(f"cannot read {path}: {reason}", hint) from error


def _scaled_down(image: Image.Image) -> Image.Image:
    return image.reduce(max(1, -(-max(image.size) // LONGEST_SIDE)))


def _upright(image: Image.Image) -> Image.Image:
    """Turned as its camera says; a damaged note of that turns nothing, for the picture itself is whole."""
    try:
        turn = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # Pillow raises whatever the garbage in a note leads to
        turn = None
    return image if turn is None else image.transpose(turn)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey of 16 bits and more scaled to its own range; Pillow would cut it off at 255."""
    if image.mode[0] not in "IF":
        return image
    values = np.nan_to_num(np.asarray(image, np.float64), posinf=0.0, neginf=0.0)
    low, span = values.min(), np.ptp(values)
    return Image.fromarray(((values - low) / (span or 1.0) * 255).astype(np.uint8))


def _ink(picture: Image.Image) -> Drawing:
    """How much each pixel differs from the paper, as (H, W) in [0, 1]; all 0 where nothing is drawn."""
    pixels = np.asarray(picture, np.float32) / 255  # (H, W, 4)
    colour, alpha = pixels[..., :3], pixels[..., 3:]
    if alpha.min() < 1:  # drawn on nothing: the paper is white under a dark pen, black under a light one
        pen = (colour * alpha).sum() / max(3 * alpha.sum(), 1e-9)
        colour = alpha * colour + (1 - alpha) * (pen < 0.5)
    border = np.concatenate([colour[0], colour[-1], colour[:, 0], colour[:, -1]])  # (2 H + 2 W, 3)
    ink = np.abs(colour - np.median(border, axis=0)).max(2)
    strongest = ink.max()
    if strongest < FAINTEST:
        return np.zeros_like(ink)
    return ((ink / strongest - NOISE) / (SOLID - NOISE)).clip(0, 1).astype(np.float32)


def _fitted(ink: Drawing, side: int) -> Drawing:
    """Scaled so that the longer side is `side`; the ink of a line that becomes thin is made full again."""
    h, w = (max(1, round(n * side / max(ink.shape))) for n in ink.shape)
    scaled = np.asarray(Image.fromarray(ink).resize((w, h), Image.Resampling.BILINEAR))
    full: Drawing = (scaled / scaled.max()).clip(0, 1)
    return full


def _placed(ink: Drawing, size: int) -> Drawing:
    """On empty paper of (size, size), the centre of mass as near to the centre as whole pixels allow."""
    page = np.zeros((size, size), np.float32)
    corner = []
    for axis, length in enumerate(ink.shape):
        mass = ink.sum(1 - axis)
        centre = (mass * np.arange(length)).sum() / mass.sum()
        corner.append(int(np.clip(round(size / 2 - centre), 0, size - length)))
    page[corner[0] : corner[0] + ink.shape[0], corner[1] : corner[1] + ink.shape[1]] = ink
    return page
