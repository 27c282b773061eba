"""Pictures of artifacts: where each pixel goes, and what fits a terminal."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from atlas_cli.present import show
from atlas_cli.present.artifact import Artifact


def ramp(n: int, size: int = 4) -> np.ndarray:
    return np.stack([np.full((1, size, size), i / max(1, n - 1)) for i in range(n)])


def test_a_contact_sheet_fills_rows_from_the_left() -> None:
    sheet = show.contact_sheet(ramp(5), columns=3)
    assert sheet.shape == (2 * 4 + 1, 3 * 4 + 2, 3)
    corners = [sheet[0, 0, 0], sheet[0, 5, 0], sheet[0, 10, 0], sheet[5, 0, 0], sheet[5, 5, 0]]
    assert corners == [0, 64, 128, 191, 255]


def test_points_land_where_they_are_with_y_upwards() -> None:
    picture = show.scatter(np.array([[1.0, 1.0]]), np.array([[-1.0, -1.0]]), pixels=101)
    rows, columns = np.nonzero((picture == (255, 170, 60)).all(axis=2))
    assert rows.tolist() == [2]
    assert columns.tolist() == [98]
    assert (picture[98, 2] == (90, 110, 140)).all()


def test_points_that_are_not_finite_are_left_out() -> None:
    points = np.array([[np.nan, 0.0], [0.5, 0.5], [np.inf, 1.0]])
    picture = show.scatter(points, None, pixels=21)
    assert (picture == (255, 170, 60)).all(axis=2).sum() == 1


def test_half_blocks_carry_two_pixels_a_character() -> None:
    rgb = np.zeros((2, 1, 3), np.uint8)
    rgb[0, 0] = (255, 0, 0)
    rgb[1, 0] = (0, 0, 255)
    console = Console(file=StringIO(), force_terminal=True, color_system="truecolor", width=10)
    console.print(show.half_blocks(rgb))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "38;2;255;0;0;48;2;0;0;255m▀" in text


@pytest.mark.parametrize("width", [40, 80, 140])
@pytest.mark.parametrize("size", [8, 28, 32])
def test_images_fit_the_terminal_and_none_is_dropped(width: int, size: int) -> None:
    artifact = Artifact("images", images=ramp(20, size))
    console = Console(file=StringIO(), width=width, color_system=None)
    show.print_artifact(artifact, console)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert max(map(len, lines)) <= width
    brightest = show.ASCII_RAMP[-1]
    assert brightest in lines[-1] or brightest in lines[-2]  # the last image is white and stands last


def test_saving_writes_a_picture_and_the_path_to_it(tmp_path: Path) -> None:
    frames = [ramp(4), 1 - ramp(4)]
    files = show.save(Artifact("images", images=frames[-1], frames=frames, columns=2), tmp_path, "x")
    assert [f.name for f in files] == ["x.png", "x.gif"]
    with Image.open(files[0]) as png:
        assert np.asarray(png.convert("RGB"))[0, 0].tolist() == [255, 255, 255]
    with Image.open(files[1]) as gif:
        assert gif.n_frames >= 2


def test_text_is_written_as_it_is(tmp_path: Path) -> None:
    (file,) = show.save(Artifact("text", text=["[a]", "b"]), tmp_path, "x")
    assert file.read_text(encoding="utf-8") == "[a]\nb\n"
