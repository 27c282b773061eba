"""Nothing that is printed steers the terminal, whoever wrote it."""

from __future__ import annotations

import io

import pytest
from rich.text import Text

from atlas_cli.errors import UsageError
from atlas_cli.present.artifacts.text import Text as Written
from atlas_cli.screen import messages, terminal
from atlas_cli.screen.symbols import visible
from atlas_cli.screen.terminal import AtlasConsole

HOSTILE = "\x1b]0;owned\x07\x1b[31m\x00\x7f\x9b2J\u202eb\u2028\ud800\rc"


@pytest.mark.parametrize(
    ("text", "shown", "in_ascii"),
    [
        ("def f(x):\n\treturn ü", None, None),
        ("\x1b[31m", "␛[31m", "\\x1b[31m"),
        ("\x00\r\x7f", "␀␍␡", "\\x00\\x0d\\x7f"),
        ("\x9b\u202e\ud800\U000e0001", "\\x9b\\u202e\\ud800\\U000e0001", "\\x9b\\u202e\\ud800\\U000e0001"),
        ("a\u00a0b\u2009c\U0001f469\u200d\U0001f680", None, None),
    ],
)
def test_what_steers_is_a_symbol_of_itself(text: str, shown: str | None, in_ascii: str | None) -> None:
    assert visible(text) == (text if shown is None else shown)
    assert visible(text, ascii_only=True) == (text if in_ascii is None else in_ascii)


def test_in_a_name_a_line_does_not_end() -> None:
    assert visible("a\nb", lines=False) == "a␊b"


def harmless(text: str) -> bool:
    return not {c for c in text if ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u202e\u2028"} - {"\n", "\t"}


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_text_of_a_model_errors_and_names_are_harmless(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="atlas.lookalike")
    console = AtlasConsole()
    console.file = stream
    monkeypatch.setattr(terminal, "err", console)
    Written([HOSTILE]).print(console)
    messages.print_error(UsageError(f"no {HOSTILE}", HOSTILE, [HOSTILE]))
    messages.say(HOSTILE)
    console.print(Text(HOSTILE, "bold"))
    stream.flush()
    printed = stream.buffer.getvalue().decode(encoding)
    assert "owned" in printed
    assert ("␛]0;" if encoding == "utf-8" else "\\x1b]0;") in printed
    assert harmless(printed)


def test_files_and_json_keep_what_was_written(tmp_path) -> None:
    written = Written(["\x1b[31m\x00\r"])
    (path,) = written.save(tmp_path, "text")
    assert path.read_bytes() == b"\x1b[31m\x00\r\n"
    assert written.to_json()["text"] == ["\x1b[31m\x00\r"]
