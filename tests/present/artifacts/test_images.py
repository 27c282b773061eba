"""Images, points and text: where they stand in the terminal and in their files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atlas_cli.present.artifacts.images import Images
from atlas_cli.present.artifacts.points import Points
from atlas_cli.present.artifacts.text import Text
from atlas_cli.present.pictures import ASCII_RAMP, LAST_FRAME_MS
from tests.present.artifacts.house import printed
from tests.present.test_pictures import ramp


@pytest.mark.parametrize("width", [40, 80, 140])
@pytest.mark.parametrize("size", [8, 28, 32])
def test_images_fit_the_terminal_and_none_is_dropped(width: int, size: int) -> None:
    lines = printed(Images(ramp(20, size)), width=width).splitlines()
    assert max(map(len, lines)) <= width
    brightest = ASCII_RAMP[-1]
    assert brightest in lines[-1] or brightest in lines[-2]  # the last image is white and stands last


def test_saving_writes_a_picture_and_the_path_to_it(tmp_path: Path) -> None:
    frames = [ramp(4), 1 - ramp(4)]
    files = Images(frames[-1], frames=frames, columns=2).save(tmp_path, "x")
    assert [f.name for f in files] == ["x.png", "x.gif"]
    with Image.open(files[0]) as png:
        assert np.asarray(png.convert("RGB"))[0, 0].tolist() == [255, 255, 255]
    with Image.open(files[1]) as gif:
        assert gif.n_frames >= 2
        gif.seek(gif.n_frames - 1)
        assert gif.info["duration"] >= LAST_FRAME_MS


def test_one_frame_is_no_film(tmp_path: Path) -> None:
    assert [f.name for f in Images(ramp(2), frames=[ramp(2)]).save(tmp_path, "x")] == ["x.png"]


def test_points_move_over_a_backdrop_that_stays(tmp_path: Path) -> None:
    backdrop = np.array([[-1.0, -1.0], [1.0, 1.0]])
    first, last = np.array([[0.5, 0.5]]), np.array([[-0.5, 0.5]])
    before, *_, after = Points(last, backdrop, frames=[first, last]).animation()
    grey = (before == (90, 110, 140)).all(axis=2)
    assert grey.sum() == 2
    assert (grey == (after == (90, 110, 140)).all(axis=2)).all()
    assert (before != after).any(axis=2).sum() == 2  # the point's old place and its new one


def test_text_is_written_as_it_is(tmp_path: Path) -> None:
    (file,) = Text(["[a]", "b"]).save(tmp_path, "x")
    assert file.read_text(encoding="utf-8") == "[a]\nb\n"
    assert printed(Text(["[a]", "b"])) == "[a]\nb\n"
