"""A picture of the user's own: laid on the dark of the scenes, whatever its paper, and squared uncut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from atlas_cli.data.picture import GROUND, read_picture
from atlas_cli.data.shapes import draw
from atlas_cli.errors import DataError

RED = (230, 40, 40)


def painted(path: Path, paper: str, size: tuple[int, int] = (96, 96)) -> Path:
    image = Image.new("RGB", size, paper)
    x, y = size[0] // 2, size[1] // 2
    ImageDraw.Draw(image).rectangle((x - 24, y - 24, x + 23, y + 23), fill=RED)
    image.save(path)
    return path


@pytest.mark.parametrize("paper", ["white", "black", "#dddddd"])
def test_a_thing_keeps_its_colour_and_the_paper_becomes_dark(paper: str, tmp_path: Path) -> None:
    found = read_picture(painted(tmp_path / "a.png", paper), 32)
    assert found.shape == (3, 32, 32)
    assert found[:, 0, 0] == pytest.approx(GROUND, abs=0.01)
    assert found[:, 16, 16] == pytest.approx(np.array(RED) / 255, abs=0.01)
    assert ((found[0] > 0.5).sum(), (found[0] < 0.2).sum()) == (256, 768)


def test_a_wide_picture_is_not_squeezed(tmp_path: Path) -> None:
    found = read_picture(painted(tmp_path / "a.png", "white", (192, 96)), 32)
    inside = found[0] > 0.5
    assert (inside.any(0).sum(), inside.any(1).sum()) == (8, 8)


def test_a_scene_of_the_data_is_taken_as_it_stands(tmp_path: Path) -> None:
    scene = draw(1, seed=4).images[0]
    Image.fromarray(scene.transpose(1, 2, 0)).save(tmp_path / "scene.png")
    assert np.array_equal(np.rint(255 * read_picture(tmp_path / "scene.png", 32)), scene)


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(DataError, match="cannot read"):
        read_picture(tmp_path / "a.png", 32)
