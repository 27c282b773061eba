"""A map of classes: each has its colour, its name and its letter, and no point is left out."""

from __future__ import annotations

import numpy as np

from atlas_cli.present.artifacts.clusters import COLOURS, Clusters
from tests.present.artifacts.house import printed

POINTS = np.array([[0.0, 0.0], [0.1, 0.0], [4.0, 0.0], [4.0, 2.0]])
LABELS = np.array([0, 0, 1, 2])
EXAMPLE = (Clusters(POINTS, LABELS, ("nought", "one", "two"), facts={"n": 3}), ["x.png"])


def places(rgb: np.ndarray, label: int) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = (rgb == COLOURS[label]).all(axis=2).nonzero()
    return rows, columns


def test_right_is_right_up_is_up_and_both_axes_have_one_scale() -> None:
    rgb = EXAMPLE[0].for_terminal(72)
    (low,), (right,) = places(rgb, 1)
    (high,), (above,) = places(rgb, 2)
    left = places(rgb, 0)[1].min()
    assert right == above > left
    assert abs((low - high) - (right - left) / 2) <= 1  # 2 up, 4 to the right


def test_without_colour_every_class_has_its_letter_and_the_key_names_it() -> None:
    *cloud, key = printed(EXAMPLE[0], encoding="ascii").splitlines()
    assert {letter for row in cloud for letter in row.strip()} - {" "} == {"0", "1", "2"}
    assert key.split() == ["0", "nought", "1", "one", "2", "two"]


def test_on_the_picture_a_name_stands_where_its_points_are() -> None:
    spread = np.array([[x, y] for x in (-1.0, 0.0, 1.0) for y in (-1.0, 0.0, 1.0)]) / 2
    rgb = Clusters(
        np.concatenate([POINTS, spread + 4]), np.array([0, 0, 1, 1, *[2] * 9]), tuple("abc")
    ).picture()
    rows, columns = (rgb == 255).all(axis=2).nonzero()
    where = places(rgb, 2)
    near = (abs(rows - where[0].mean()) < 12) & (abs(columns - where[1].mean()) < 12)
    assert near.any()


def test_points_that_all_fall_together_are_drawn() -> None:
    collapsed = Clusters(np.zeros((5, 2)), np.arange(5), tuple("abcde"))
    assert printed(collapsed, encoding="ascii").strip()
