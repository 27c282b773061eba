"""Scores: sentences beside their pictures, the best first, in any terminal."""

from __future__ import annotations

import numpy as np

from atlas_cli.present.artifacts.scores import Scores
from tests.present.artifacts.house import printed

IMAGES = np.linspace(0, 1, 2 * 3 * 16 * 16).reshape(2, 3, 16, 16)
ANSWERS = [
    [("a red circle", 0.75), ("a blue square", 0.25)],
    [("a green triangle", 1.0), ("a red circle", 0.0)],
]
EXAMPLE = (Scores(IMAGES, ANSWERS, facts={"n": 3}), ["x.png", "x.txt"])


def test_a_bar_is_as_long_as_its_share() -> None:
    lines = printed(EXAMPLE[0]).splitlines()
    (first,) = (line for line in lines if "0.75" in line)
    assert first.count("█") == 9
    assert first.rstrip().endswith("a red circle")
    assert sum("0.00" in line for line in lines) == 1


def test_on_a_narrow_screen_no_line_is_too_long() -> None:
    assert max(map(len, printed(EXAMPLE[0], width=40).splitlines())) <= 40


def test_as_lines_they_stand_under_one_another() -> None:
    assert EXAMPLE[0].in_lines() == [
        "0.750 a red circle",
        "0.250 a blue square",
        "",
        "1.000 a green triangle",
        "0.000 a red circle",
    ]
