"""Paths: start, end, goal and obstacles where they are, and every number in the JSON file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from atlas_cli.present.artifacts.trajectory import END, GOAL, OBSTACLE, PATH, PIXELS, START, Trajectory

STRAIGHT = np.array([[0.0, 0.0], [1.0, 0.0]])


def centre(picture: np.ndarray, colour: tuple[int, int, int]) -> list[float]:
    rows, columns = np.nonzero((picture == colour).all(axis=2))
    return [rows.mean(), columns.mean()]


def test_a_path_goes_from_left_to_right_and_up_is_up() -> None:
    picture = Trajectory([STRAIGHT], goal=np.array([1.0, 1.0])).picture()
    assert centre(picture, START) == [PIXELS - 9, 8]
    assert centre(picture, END) == [PIXELS - 9, PIXELS - 9]
    assert centre(picture, GOAL) == [8, PIXELS - 9]
    between = picture[PIXELS - 9, 13 : PIXELS - 13]
    assert (between == PATH).all()


def test_a_steep_path_has_no_holes() -> None:
    picture = Trajectory([np.array([[0.0, 0.0], [0.1, 1.0]])]).picture()
    assert (picture == PATH).all(axis=2).any(axis=1)[13 : PIXELS - 13].all()


def test_an_obstacle_is_as_wide_as_it_is() -> None:
    picture = Trajectory([STRAIGHT], obstacles=np.array([[0.5, 0.0, 0.25]])).picture()
    column = (picture == OBSTACLE).all(axis=2).sum(axis=0).max()
    width = (PIXELS - 1 - 16) * 0.5  # pixels of its diameter
    assert abs(column - width) <= 2  # the path hides one


def test_in_space_the_third_axis_points_up() -> None:
    picture = Trajectory([np.array([[0.0, 0, 0], [0.0, 0, 1]])]).picture()
    start, end = centre(picture, START), centre(picture, END)
    assert start[1] == end[1]
    assert end[0] < start[0]


def test_an_agent_that_stays_is_a_mark() -> None:
    picture = Trajectory([np.array([[2.0, 3.0]])]).picture()
    assert np.allclose(centre(picture, END), (PIXELS - 1) / 2, atol=1)


def test_the_file_holds_every_number(tmp_path: Path) -> None:
    paths = [np.random.default_rng(0).random((5, 3)), np.zeros((1, 3))]
    goal, obstacles = np.array([1 / 3, 0, 0]), np.array([[0.5, 0, 0, 0.1]])
    _, path = Trajectory(paths, goal, obstacles).save(tmp_path, "x")
    read = json.loads(path.read_text(encoding="utf-8"))
    assert all((np.array(a) == b).all() for a, b in zip(read["paths"], paths, strict=True))
    assert read["goal"] == goal.tolist()
    assert read["obstacles"] == obstacles.tolist()
