"""The terminal: every encoding, no colour where none is wanted, a quiet end when the reader leaves."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys

import pytest
from rich.text import Text

from atlas_cli.errors import AtlasError, InterruptedRun
from atlas_cli.screen import pager, terminal

ATLAS = [sys.executable, "-m", "atlas_cli"]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*ATLAS, *arguments], capture_output=True, env=os.environ | environment, timeout=60)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "latin-1"])
@pytest.mark.parametrize(
    "command", ["explain mamba", "diagram mamba --all-steps", "ls --tree", "code ddpm", ""]
)
def test_no_encoding_is_too_small(encoding: str, command: str):
    done = run(*command.split(), PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode(encoding)


def test_a_terminal_without_unicode_gets_ascii_drawings():
    done = run("diagram", "gan", "--step", "3", PYTHONIOENCODING="ascii")
    text = done.stdout.decode("ascii")
    assert "+- 1 ---" in text
    assert "#= 3 ===" in text
    assert "?" not in text


def test_plain_is_ascii_without_escape_codes_even_where_colour_is_forced():
    done = run("explain", "mamba", "--plain", FORCE_COLOR="1", PYTHONIOENCODING="utf-8")
    assert done.stdout.isascii()
    assert b"\x1b" not in done.stdout


@pytest.mark.parametrize("command", ["explain mamba", "diagram mamba", "ls", ""])
def test_a_pipe_gets_no_escape_codes_no_carriage_returns_and_no_blanks_at_line_ends(command: str):
    out = run(*command.split(), PYTHONIOENCODING="utf-8").stdout.decode()
    assert "\x1b" not in out
    assert "\r" not in out.replace("\r\n", "\n")
    assert not [line for line in out.splitlines() if line != line.rstrip()]


def test_forced_colour_is_used_and_no_color_wins():
    assert b"\x1b[" in run("ls", FORCE_COLOR="1").stdout
    assert b"\x1b" not in run("ls", FORCE_COLOR="1", NO_COLOR="1").stdout


def test_head_ends_it_quietly():
    program = f"{sys.executable} -m atlas_cli explain mamba | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", program], capture_output=True, timeout=60)
    assert done.stderr == b""
    assert done.returncode == 0


@pytest.mark.parametrize("width", ["20", "34", "60", "200"])
@pytest.mark.parametrize("command", ["explain mamba", "ls --tree", "diagram ddpm", ""])
def test_narrow_and_wide_terminals_work(width: str, command: str):
    done = run(*command.split(), COLUMNS=width, PYTHONIOENCODING="utf-8")
    assert done.returncode == 0, done.stderr
    if width != "20":  # narrower than some words and addresses
        assert max(map(len, done.stdout.decode().splitlines())) <= int(width)


@pytest.mark.parametrize(
    ("text", "ascii_text"),
    [
        ("┌─┐│└┘", "+-+|++"),
        ("▶ ◀ ▼", "> < v"),
        ("é ₀ Δ", "e 0 D"),
        ("x → y", "x > y"),
        ("漢", "?"),
        ("plain", "plain"),
    ],
)
def test_ascii_keeps_the_length(text: str, ascii_text: str):
    assert terminal.to_ascii(text) == ascii_text


def test_json_is_one_document_also_where_the_stream_is_ascii(monkeypatch: pytest.MonkeyPatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    terminal.emit_json({"name": "Ré", "path": terminal.__file__})
    stream.flush()
    assert json.loads(stream.buffer.getvalue().decode("ascii"))["name"] == "Ré"


def test_text_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]):
    terminal.emit_text("[bold]x[/bold] " + "y" * 300)
    assert capsys.readouterr().out == "[bold]x[/bold] " + "y" * 300 + "\n"


def test_a_piece_of_text_keeps_its_lines_and_shows_its_control_characters(
    capsys: pytest.CaptureFixture[str],
):
    for piece in ("def f(x):\n\t", "\x1b[31m[red]\x00\r", "\x9b2J", "é" + 300 * "w"):
        terminal.write_piece(piece)
    expected = "def f(x):\n\t␛[31m[red]␀␍\\x9b2Jé" + 300 * "w"
    assert capsys.readouterr().out == expected


def test_lines_are_printed_without_wrapping(capsys: pytest.CaptureFixture[str]):
    terminal.show([Text("x" * 200), Text("blanks   "), Text()])
    assert capsys.readouterr().out == "x" * 200 + "\nblanks\n\n"


def test_running_text_is_never_wider_than_reads_well(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(terminal.out, "_width", 300)
    assert terminal.text_width() == terminal.TEXT_WIDTH
    monkeypatch.setattr(terminal.out, "_width", 50)
    assert terminal.text_width() == 48


def luminance(colour: str) -> float:
    """Relative luminance of "#rrggbb" (WCAG 2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("ground", ["#ffffff", "#1e1e1e", "#000000"])
@pytest.mark.parametrize("style", terminal.PALETTE.values())
def test_every_colour_can_be_read_on_a_light_and_a_dark_ground(style: str, ground: str):
    light, dark = sorted((luminance(style.split()[-1]), luminance(ground)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3  # WCAG's bar for large text and graphics


def test_a_pager_gets_the_whole_text_and_may_leave_early(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ATLAS_PAGER", "cat")
    pager.page("line é\n" * 3)
    assert capfd.readouterr().out == "line é\n" * 3
    monkeypatch.setenv("ATLAS_PAGER", "true")
    pager.page("line\n" * 100_000)  # reads nothing
    assert capfd.readouterr().err == ""


def test_less_says_how_to_go_on_and_away_unless_the_reader_has_told_it(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ATLAS_PAGER", "printenv LESS")
    monkeypatch.delenv("LESS", raising=False)
    pager.page("line\n")
    assert "space turns the page, q leaves" in capfd.readouterr().out
    monkeypatch.setenv("LESS", "-S")
    pager.page("line\n")
    assert capfd.readouterr().out == "-S\n"


def test_a_pager_is_what_the_environment_names_and_none_is_no_fault(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ATLAS_PAGER", "cat -u")
    assert pager.command() == ["cat", "-u"]
    for absent in ("", "no-such-pager"):
        monkeypatch.setenv("ATLAS_PAGER", absent)
        assert pager.command() is None


def test_what_the_user_ended_is_no_error(capsys: pytest.CaptureFixture[str]):
    from atlas_cli.screen import messages

    messages.print_error(InterruptedRun("stopped after step 2", "go on with: it", 130))
    messages.print_error(AtlasError("it broke", "try again"))
    assert [line.split()[0] for line in capsys.readouterr().err.splitlines()] == [
        "ended",
        "hint",
        "error",
        "hint",
    ]


def test_a_bar_is_shown_only_where_someone_sits(monkeypatch: pytest.MonkeyPatch):
    from rich.console import Console

    from atlas_cli.screen import messages

    assert list(messages.steps([1, 2, 3], "counting")) == [1, 2, 3]
    shown, hidden = io.StringIO(), io.StringIO()
    monkeypatch.setattr(shown, "isatty", lambda: True)
    for file, at_keyboard in ((shown, True), (hidden, False)):
        monkeypatch.setattr(
            terminal, "err", Console(file=file, force_terminal=at_keyboard, force_interactive=at_keyboard)
        )
        assert list(messages.steps([1, 2, 3], "counting")) == [1, 2, 3]
    assert "counting" in shown.getvalue()
    assert hidden.getvalue() == ""
