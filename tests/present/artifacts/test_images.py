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


def test_a_cloud_says_what_is_made_what_is_real_and_what_moves() -> None:
    made, real = np.zeros((3, 2)), np.array([[-1.0, -1.0], [1.0, 1.0]])
    points = Points(made, real, frames=[made + 1, made], moves="a walk")
    plain = Points(made, real).picture()
    assert plain.shape[0] > plain.shape[1]  # the legend stands below the square
    legend = plain[plain.shape[1] :].reshape(-1, 3)
    assert (abs(legend.astype(int) - (255, 170, 60)).sum(axis=1) < 60).any()
    assert (abs(legend.astype(int) - (90, 110, 140)).sum(axis=1) < 60).any()
    assert points.animation()[0].shape[0] > plain.shape[0]  # and one line more: what moves
    assert points.captions() == ["the GIF shows a walk"]
    assert points.still().captions() == []
    assert points.still().animation() == []


def test_a_row_of_images_is_a_glance_that_fits() -> None:
    images = Images(np.zeros((20, 1, 28, 28)), columns=10)
    for width in (20, 60, 80, 140):
        height, columns, _ = images.glance(width).shape
        assert columns <= width
        assert height <= 28


def test_a_screen_says_what_it_has_no_room_for_and_a_pipe_has_room_for_all() -> None:
    images = Images(ramp(20, 28))
    assert printed(images, height=24).splitlines()[-1] == "10 of 20 fit this screen; the file holds all"
    assert "fit this screen" not in printed(images, height=60)
    assert "fit this screen" not in printed(images)
    assert len(printed(images).splitlines()) == 32


@pytest.mark.parametrize("colour", [True, False])
def test_a_cloud_in_the_terminal_has_a_key(colour: bool) -> None:
    made, real = np.array([[0.9, 0.9]]), np.array([[-0.9, -0.9], [0.0, 0.0]])
    *cloud, key = printed(Points(made, real), encoding="utf-8", colour=colour).splitlines()
    if colour:
        assert key.count("▀") == 2
        assert "38;2;255;170;60" in key
        assert "made: 1" in key
        return
    assert key == "o made: 1  . real: 2"
    text = "".join(cloud)
    assert (text.count("o"), text.count(".")) == (1, 2)
    assert set(text) == {" ", "o", "."}
    assert text.index("o") < text.index(".")  # above it and to the right
