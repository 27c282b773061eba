"""Times beside each other."""

from __future__ import annotations

import pytest
import torch

from atlas_cli.metrics import timing
from atlas_cli.metrics.timing import least_seconds


def test_the_least_of_the_rounds_counts_and_a_round_runs_everything(monkeypatch):
    clock = iter([0.0, 5.0, 5.0, 7.0, 10.0, 13.0, 20.0, 29.0])
    monkeypatch.setattr(timing.time, "process_time", lambda: next(clock))
    order = []
    found = least_seconds({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=2)
    assert found == {"a": 3, "b": 2}
    assert order == ["a", "b", "a", "b"]


@pytest.mark.parametrize(("kind", "module"), [("cuda", torch.cuda), ("mps", torch.mps)])
def test_an_accelerators_clock_is_read_when_it_is_done(kind, module, monkeypatch):
    """It works on after a launch: each reading waits first, and is of the wall, not of the processor."""
    events = []
    monkeypatch.setattr(module, "synchronize", lambda *_: events.append("wait"))
    monkeypatch.setattr(timing.time, "perf_counter", lambda: events.append("read") or float(len(events)))
    monkeypatch.setattr(timing.time, "process_time", lambda: pytest.fail("processor time of an accelerator"))
    least_seconds({"a": lambda: events.append("run")}, rounds=1, device=torch.device(kind))
    assert events == ["wait", "read", "run", "wait", "read"]
