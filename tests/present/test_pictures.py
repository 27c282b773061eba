"""Pictures: where each pixel goes."""

from __future__ import annotations

from io import StringIO

import numpy as np
from rich.console import Console

from atlas_cli.present import pictures


def ramp(n: int, size: int = 4) -> np.ndarray:
    return np.stack([np.full((1, size, size), i / max(1, n - 1)) for i in range(n)])


def test_a_contact_sheet_fills_rows_from_the_left() -> None:
    sheet = pictures.contact_sheet(ramp(5), columns=3)
    assert sheet.shape == (2 * 4 + 1, 3 * 4 + 2, 3)
    corners = [sheet[0, 0, 0], sheet[0, 5, 0], sheet[0, 10, 0], sheet[5, 0, 0], sheet[5, 5, 0]]
    assert corners == [0, 64, 128, 191, 255]


def test_points_land_where_they_are_with_y_upwards() -> None:
    picture = pictures.scatter(np.array([[1.0, 1.0]]), np.array([[-1.0, -1.0]]), pixels=101)
    rows, columns = np.nonzero((picture == (255, 170, 60)).all(axis=2))
    assert rows.tolist() == [2]
    assert columns.tolist() == [98]
    assert (picture[98, 2] == (90, 110, 140)).all()


def test_points_that_are_not_finite_are_left_out() -> None:
    points = np.array([[np.nan, 0.0], [0.5, 0.5], [np.inf, 1.0]])
    picture = pictures.scatter(points, None, pixels=21)
    assert (picture == (255, 170, 60)).all(axis=2).sum() == 1


def test_half_blocks_carry_two_pixels_a_character() -> None:
    rgb = np.zeros((2, 1, 3), np.uint8)
    rgb[0, 0] = (255, 0, 0)
    rgb[1, 0] = (0, 0, 255)
    console = Console(file=StringIO(), force_terminal=True, color_system="truecolor", width=10)
    console.print(pictures.half_blocks(rgb))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "38;2;255;0;0;48;2;0;0;255m▀" in text
