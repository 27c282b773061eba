"""Leitner's boxes: what is known waits longer, what is missed comes back, and days begin at midnight."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from atlas_cli.learner import boxes
from atlas_cli.learner.progress import Deed, Progress

NOON = time.mktime((2026, 2, 2, 12, 0, 0, 0, 0, -1))
DAY = 86_400.0


def answer(box: object, at: float = NOON, what: str = "q") -> Deed:
    return Deed("answered", "ddpm", what, at, at, 1, {"box": box})


def test_right_answers_move_a_question_up_to_the_last_box_and_a_wrong_one_to_the_first():
    box = boxes.moved(None, right=True, hints=0)
    waited = []
    for _ in range(10):
        waited.append(boxes.DAYS[box])
        box = boxes.moved(answer(box), right=True, hints=0)
    assert waited == [3, 7, 16, 35, 90, 90, 90, 90, 90, 90]
    assert boxes.moved(answer(box), right=False, hints=0) == 0
    assert boxes.DAYS[boxes.moved(answer(0), right=True, hints=0)] == 1


def test_a_right_answer_after_a_hint_stays_where_it_is():
    assert boxes.moved(None, right=True, hints=1) == 1
    assert boxes.moved(answer(0), right=True, hints=2) == 1
    assert boxes.moved(answer(4), right=True, hints=1) == 4


def test_what_was_missed_comes_back_in_ten_minutes_and_what_was_known_at_midnight():
    assert boxes.due_at(answer(0)) == NOON + 600
    assert boxes.due_at(answer(1)) == NOON + DAY / 2
    assert boxes.due_at(answer(2)) == NOON + 2.5 * DAY
    assert all(boxes.due_at(answer(i)) < boxes.due_at(answer(j)) for i, j in pairwise(range(7)))


@pytest.mark.parametrize(("box", "as_good_as"), [(None, 0), ("3", 0), (-5, 0), (99, 6)])
def test_a_box_that_is_none_is_the_nearest_that_is(box: object, as_good_as: int):
    assert boxes.due_at(answer(box)) == boxes.due_at(answer(as_good_as))


def test_due_are_answers_alone_and_the_longest_waiting_come_first():
    known = Progress((
        answer(1, NOON, "yesterday's"), answer(0, NOON, "missed"), answer(2, NOON, "not yet"),
        Deed("read", "ddpm", "", NOON, NOON, 1, {"box": 0}),
    ))  # fmt: skip
    assert boxes.due(known, NOON + 599) == []
    assert [deed.what for deed in boxes.due(known, NOON + DAY)] == ["missed", "yesterday's"]
