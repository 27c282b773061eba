"""Films and scenes: each frame where it belongs in the strip, the sheet and the GIF."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from atlas_cli.present.artifacts.film import Film
from atlas_cli.present.artifacts.scene import CELL, LABEL, Scene
from tests.present.artifacts.house import printed
from tests.present.test_pictures import ramp


def test_the_strip_of_a_film_goes_from_its_first_frame_to_its_last() -> None:
    strip = Film(ramp(16)).picture()
    assert strip.shape == (4, 8 * 4 + 7, 3)
    assert strip[0, ::5, 0].tolist() == [0, 34, 68, 102, 153, 187, 221, 255]


def test_a_short_film_shows_each_frame_once() -> None:
    assert Film(ramp(3)).picture()[0, ::5, 0].tolist() == [0, 128, 255]


def test_films_side_by_side_stand_in_one_grid() -> None:
    frames = np.stack([ramp(2), 1 - ramp(2)])  # (T = 2, N = 2, 1, 4, 4)
    strip = Film(frames, columns=2).picture()
    assert strip.shape == (4, 2 * 9 + 1, 3)
    assert strip[0, [0, 5, 10, 15], 0].tolist() == [0, 255, 255, 0]


def test_the_gif_holds_the_frames_in_their_order(tmp_path: Path) -> None:
    _, path = Film(ramp(5)).save(tmp_path, "x")
    with Image.open(path) as gif:
        seen = []
        for i in range(gif.n_frames):
            gif.seek(i)
            seen.append(np.asarray(gif.convert("RGB"))[0, 0, 0].item())
    assert seen == [0, 64, 128, 191, 255]


def test_a_narrow_terminal_shows_fewer_stills() -> None:
    wide, narrow = printed(Film(ramp(8, 28)), width=120), printed(Film(ramp(8, 28)), width=30)
    assert max(map(len, wide.splitlines())) == 120
    rows = [line for line in narrow.splitlines() if set(line[16:]) == {"@"}]
    assert rows  # the last frame, white
    assert all(line[:14].isspace() for line in rows)  # beside the first, black: two stills in 30 columns


def test_a_scene_names_the_angle_of_each_view() -> None:
    scene = Scene(ramp(2, 16), np.array([[0.0, 20.0], [90.0, 20.0]]), columns=2)
    assert scene.labels() == ["az 0 el 20", "az 90 el 20"]
    assert printed(scene).splitlines()[-1] == "az 0 el 20; az 90 el 20"
    sheet = scene.picture()
    assert sheet.shape == (CELL + LABEL, 2 * CELL + 1, 3)
    assert (sheet[:CELL, :CELL] == 0).all()
    assert (sheet[:CELL, CELL + 1 :] == 255).all()
    assert sheet[CELL:, :CELL].max() > 100  # letters below the view


def test_a_scene_turns_in_the_order_of_its_angles() -> None:
    angles = np.stack([np.arange(4) * 90, np.zeros(4)], axis=1)
    turning = Scene(ramp(4), angles).animation()
    assert [frame[0, 0, 0] for frame in turning] == [0, 85, 170, 255, 255]
