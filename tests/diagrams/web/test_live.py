"""A diagram on demand: who is answered, where knobs may stand, and that many quick turns end at the last."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Knob, Series
from atlas_cli.diagrams.web import live
from atlas_cli.errors import UsageError
from tests.e2e.helpers import atlas, start

CHROMIUM = Path("/usr/bin/chromium")
asked: list[dict[str, Any]] = []


def compute(level: float, step: int, text: str) -> Frame:
    asked.append({"level": level, "step": step, "text": text})
    if text == "nonsense":
        raise UsageError("this network cannot read nonsense", "")
    curve = Curves("level", (Series("it", [0, 1], [level, step]),))
    return Frame(((curve,),), f"{level:g}, {step}, {text}", {"level": level, "step": step})


SHOWN = Explorable(
    "made-up", "flow", ("cfm",), "Made up", "Does it answer?",
    (
        Knob("level", "level", (0.0, 0.5, 2.0), 0.5, "slider"),
        Knob("step", "step", (0, 5, 100), 5, "slider"),
        Knob("text", "text", ("one", "two"), "one", "choice", open=True),
    ),
    compute, run="made-up-1",
)  # fmt: skip
GOOD = {"level": 0.25, "step": 7, "text": "my own"}


@pytest.fixture
def app() -> live.Live:
    asked.clear()
    return live.Live(SHOWN)


def told(
    app: live.Live, path: str, body: bytes = b"", method: str = "GET", host: str = "127.0.0.1:8000"
) -> tuple[str, str]:
    """Status and text of an answer."""
    answered = []
    environ = {
        "SERVER_PORT": "8000", "HTTP_HOST": host, "PATH_INFO": path, "REQUEST_METHOD": method,
        "wsgi.input": io.BytesIO(body),
    }  # fmt: skip
    (text,) = app(environ, lambda status, headers: answered.append((status, dict(headers))))
    status, headers = answered[0]
    assert headers["Content-Length"] == str(len(text))
    assert headers["Cache-Control"] == "no-store"
    return status, text.decode()


def frame(app: live.Live, setting: object, **fields: Any) -> tuple[int, dict[str, Any]]:
    body = setting if isinstance(setting, bytes) else json.dumps(setting).encode()
    status, text = told(app, f"/{app.token}/frame", body, "POST", **fields)
    return int(status.split()[0]), json.loads(text) if text.startswith("{") else {"said": text}


def test_a_frame_is_computed_for_what_lies_between(app):
    code, answer = frame(app, GOOD)
    assert code == 200
    assert answer["caption"] == "0.25, 7, my own"
    assert asked == [GOOD]


def test_the_page_asks_and_holds_no_frame(app):
    status, page = told(app, f"/{app.token}/")
    assert status == "200 OK"
    assert "connect-src 'self'" in page
    assert '"live":"frame"' in page
    assert '"packed"' not in page
    assert 'type="text"' in page
    assert asked == []


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1", "127.0.0.1:8001", ""])
@pytest.mark.parametrize(("path", "method"), [("", "GET"), ("frame", "POST")])
def test_a_foreign_name_is_refused(app, host, path, method):
    status, _ = told(app, f"/{app.token}/{path}", json.dumps(GOOD).encode(), method, host)
    assert status == "403 Forbidden"
    assert asked == []


@pytest.mark.parametrize("path", ["/", "//", "/frame", "/x/frame", "/{token}x/frame", "/%2e%2e/frame", "/ü/"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_lacks_the_token_is_refused(app, path, method):
    status, text = told(app, path.replace("{token}", app.token), json.dumps(GOOD).encode(), method)
    assert status == "403 Forbidden"
    assert app.token not in text
    assert asked == []


@pytest.mark.parametrize(
    ("path", "method"),
    [("frame", "GET"), ("", "POST"), ("../etc/passwd", "GET"), ("frame/x", "POST"), ("", "PUT")],
)
def test_there_is_nothing_else(app, path, method):
    assert told(app, f"/{app.token}/{path}", b"", method)[0] == "404 Not Found"


@pytest.mark.parametrize(
    "setting",
    [
        b"", b"[]", b"{", b"null", b"\xff", b"9" * 20_000, {}, {"level": 1}, {**GOOD, "more": 1},
        {**GOOD, "level": 2.1}, {**GOOD, "level": "1"}, {**GOOD, "level": True}, {**GOOD, "level": None},
        {**GOOD, "step": -1}, b'{"level": NaN, "step": 5, "text": "one"}', {**GOOD, "text": ""},
        {**GOOD, "text": 3}, {**GOOD, "text": "x" * 2_001}, {**GOOD, "text": ["one"]},
    ],
)  # fmt: skip
def test_a_setting_that_is_none_is_refused_and_said(app, setting):
    code, answer = frame(app, setting)
    assert code == 400
    assert answer["error"]
    assert asked == []


def test_what_the_network_cannot_do_is_said(app):
    assert frame(app, {**GOOD, "text": "nonsense"}) == (422, {"error": "this network cannot read nonsense"})


def test_whole_knobs_stay_whole_and_others_become_fine():
    level, step, text = (live.continuous(knob) for knob in SHOWN.knobs)
    assert step.values == tuple(range(101))
    assert text == SHOWN.knobs[2]
    assert {0.0, 0.5, 2.0} <= {*level.values}
    assert len(level.values) == 201
    assert list(level.values) == sorted(level.values)
    assert live.setting_of(live.Live(SHOWN).shown, json.dumps({**GOOD, "step": 7.4}).encode())["step"] == 7


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server that runs until the test ends."""
    from waitress import server

    asked.clear()
    told_of: Queue[str] = Queue()
    made = []
    create = server.create_server
    monkeypatch.setattr(server, "create_server", lambda *a, **k: made.append(create(*a, **k)) or made[-1])
    thread = threading.Thread(target=live.serve, args=(SHOWN, None, told_of.put), daemon=True)
    thread.start()
    yield told_of.get(timeout=30)
    made[0].close()
    thread.join(timeout=10)


def test_the_server_answers_on_this_machine_alone(address: str):
    assert address.startswith("http://127.0.0.1:")
    reply = urllib.request.urlopen(f"{address}frame", json.dumps(GOOD).encode(), timeout=10)
    assert json.load(reply)["caption"] == "0.25, 7, my own"
    foreign = urllib.request.Request(address, headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(foreign, timeout=10)


def test_fifty_quick_turns_end_at_the_last(address: str):
    playwright = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed")
    if not CHROMIUM.is_file():
        pytest.skip(f"{CHROMIUM} is not installed")
    complaints: list[str] = []
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        page.get_by_text("0.5, 5, one").wait_for()
        before = len(asked)
        page.locator('[data-knob="step"] input').evaluate(
            """(slider) => {
              for (let i = 50; i < 100; i++) {
                slider.value = i;
                slider.dispatchEvent(new Event("input", { bubbles: true }));
              }
            }"""
        )
        page.get_by_text("0.5, 99, one").wait_for()
        assert len(asked) - before <= 3  # what was turned past is not computed
        page.locator(".own input").fill("of my own")
        page.get_by_text("0.5, 99, of my own").wait_for()
        page.locator(".own input").fill("nonsense")
        page.get_by_text("this network cannot read nonsense").wait_for()
        page.locator('[data-knob="text"] label').nth(1).click()
        page.get_by_text("0.5, 99, two").wait_for()
        browser.close()
    assert [line for line in complaints if "422" not in line] == []  # the browser notes the one refusal


def test_the_command_serves_until_ctrl_c(tmp_path: Path):
    assert atlas("train", "gpt/smoke", "-q", cwd=tmp_path).returncode == 0
    process: subprocess.Popen[str] = start("diagram", "gpt", "attention-heads", "--live", cwd=tmp_path)
    assert process.stderr is not None
    address = next(word for line in process.stderr for word in line.split() if word.startswith("http://"))
    with urllib.request.urlopen(address, timeout=60) as page:
        assert "gpt-smoke-1" in page.read().decode()
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "ended" in stderr
    assert "Traceback" not in stderr


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["gpt", "rope", "--live"], "rope needs none"),
        (["mamba", "mamba-block", "--live"], "mamba-block needs none"),
        (["gpt", "attention-heads", "--live"], "there is none in"),
    ],
)
def test_what_no_network_draws_is_refused(tmp_path: Path, arguments: list[str], what: str):
    refused = atlas("diagram", *arguments, cwd=tmp_path)
    assert refused.returncode == 2
    assert what in refused.stderr
