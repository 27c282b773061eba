"""Times beside each other."""

from __future__ import annotations

from atlas_cli.metrics import timing
from atlas_cli.metrics.timing import least_seconds


def test_the_least_of_the_rounds_counts_and_a_round_runs_everything(monkeypatch):
    clock = iter([0.0, 5.0, 5.0, 7.0, 10.0, 13.0, 20.0, 29.0])
    monkeypatch.setattr(timing.time, "process_time", lambda: next(clock))
    order = []
    found = least_seconds({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=2)
    assert found == {"a": 3, "b": 2}
    assert order == ["a", "b", "a", "b"]
