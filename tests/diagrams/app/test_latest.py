"""What was asked for last is computed; what was asked in between is not."""

from __future__ import annotations

from queue import Queue
from threading import Event
from time import sleep

import pytest

from atlas_cli.diagrams.app.latest import Latest

PATIENCE_S = 30


class Slow:
    """A computation that begins and ends when the test says so."""

    def __init__(self) -> None:
        self.began: Queue[int] = Queue()
        self.may_end = Event()
        self.results: Queue[tuple[int, object]] = Queue()
        self.latest: Latest[int] = Latest(self._compute, lambda *pair: self.results.put(pair))

    def _compute(self, wanted: int) -> int:
        self.began.put(wanted)
        assert self.may_end.wait(PATIENCE_S)
        return 10 * wanted


@pytest.fixture
def slow():
    slow = Slow()
    yield slow
    slow.may_end.set()
    assert slow.latest.abandon(PATIENCE_S)


def test_wishes_in_between_are_dropped(slow: Slow):
    slow.latest.ask(1)
    assert slow.began.get(timeout=PATIENCE_S) == 1
    for wish in (2, 3, 4):
        slow.latest.ask(wish)
    slow.may_end.set()
    assert [slow.results.get(timeout=PATIENCE_S) for _ in range(2)] == [(1, 10), (4, 40)]
    slow.latest.abandon(PATIENCE_S)
    assert slow.results.empty()
    assert slow.began.get_nowait() == 4
    assert slow.began.empty()


def test_an_exception_is_a_result_and_the_next_wish_is_computed():
    results: Queue[tuple[int, object]] = Queue()
    latest: Latest[int] = Latest(lambda wanted: 1 // wanted, lambda *pair: results.put(pair))
    latest.ask(0)
    wish, error = results.get(timeout=PATIENCE_S)
    assert (wish, type(error)) == (0, ZeroDivisionError)
    latest.ask(1)
    assert results.get(timeout=PATIENCE_S) == (1, 1)
    assert latest.abandon(PATIENCE_S)


def test_after_the_close_nothing_is_told(slow: Slow):
    slow.latest.ask(1)
    slow.began.get(timeout=PATIENCE_S)
    slow.latest.ask(2)
    slow.latest.close()
    slow.may_end.set()
    slow.latest.abandon(PATIENCE_S)
    slow.latest.ask(3)
    assert slow.results.empty()
    assert slow.began.empty()


def test_closing_what_never_began_is_nothing():
    latest: Latest[int] = Latest(lambda wanted: wanted, lambda *pair: None)
    assert latest.abandon(0)


def test_a_long_computation_is_broken_off():
    began = Event()

    def compute(wanted: int) -> None:
        began.set()
        while True:
            sleep(0.001)

    told: list[object] = []
    latest: Latest[int] = Latest(compute, lambda *pair: told.append(pair))
    latest.ask(1)
    assert began.wait(PATIENCE_S)
    assert latest.abandon(PATIENCE_S)
    assert not told
