"""Progress beside a JSON document: lines on stderr, or one JSON object a line; nothing with --quiet."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from atlas_cli.present.events import JsonReporter, LineReporter, train_reporter
from atlas_cli.present.progress import Training
from atlas_cli.present.reporter import Reporter, SilentReporter, TerminalReporter
from atlas_cli.screen import messages, terminal
from atlas_cli.screen.flags import Flags, flags


@pytest.fixture(autouse=True)
def _flags() -> Iterator[None]:
    yield
    vars(flags).update(vars(Flags()))


def trained(told: Reporter) -> None:
    with told.progress(Training("it", steps=40, items_per_step=2, unit="images")) as progress:
        for step in range(1, 41):
            progress.update(step, {"loss": 1.0 / step, "bad": float("nan")}, 0.5 * step)


def test_a_json_document_on_stdout_leaves_stderr_its_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(terminal.err, "_force_terminal", True)  # no live panel on a terminal either
    told = train_reporter(json=True)
    assert isinstance(told, LineReporter)
    trained(told)
    out, err = capsys.readouterr()
    assert out == ""
    assert "step 40/40" in err
    assert "\x1b[" not in err.replace("\x1b[0m", "")


def test_with_jsonl_every_line_is_an_object(capsys: pytest.CaptureFixture[str]) -> None:
    flags.jsonl = True
    told = train_reporter(json=False)
    assert isinstance(told, JsonReporter)
    told.say("run folder runs/x")
    trained(told)
    messages.next_command("atlas run ls", "the runs")
    rows = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [row["event"] for row in rows] == ["message", *["step"] * 20, "next"]
    last = rows[-2]
    assert (last["step"], last["steps"], last["unit"], last["seconds_left"]) == (40, 40, "images", 0.0)
    assert last["metrics"] == {"loss": 0.025, "bad": None}
    assert rows[1]["time"] > 1e9


def test_quiet_and_other_processes_say_nothing() -> None:
    assert isinstance(train_reporter(json=True, silent=True), SilentReporter)
    assert type(train_reporter(json=False)) is TerminalReporter
    flags.quiet = True
    assert isinstance(train_reporter(json=True), SilentReporter)
