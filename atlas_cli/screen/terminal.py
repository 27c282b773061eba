"""The terminal: data on `out`, messages on `err`, one palette, and text that any encoding can carry.

Colours are of middling lightness, so that they can be read on a light and on a dark ground, and never carry
meaning alone. NO_COLOR, a pipe and `--plain` print no escape codes; a terminal without Unicode gets ASCII.
"""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Iterable
from typing import Any, TextIO

from rich.console import Console, ConsoleDimensions
from rich.segment import Segment
from rich.text import Text
from rich.theme import Theme

from atlas_cli.screen import kept, streams, symbols
from atlas_cli.screen import pager as pagers
from atlas_cli.screen.flags import flags

TEXT_WIDTH = 92  # longest line of running text: longer ones are hard to follow back to the margin

PALETTE = {
    "atlas.title": "bold #3f87b5",
    "atlas.head": "bold #3f87b5",
    "atlas.accent": "#3f87b5",
    "atlas.muted": "#808080",
    "atlas.code": "#2f8f74",
    "atlas.keyword": "#a35fa8",
    "atlas.number": "#b5743a",
    "atlas.comment": "italic #808080",
    "atlas.mark": "bold #c8642e",  # what a step of a diagram is about
    "atlas.lit": "bold underline #c2458b",  # what belongs to the part that a hand is on
    "atlas.good": "#2f8f74",
    "atlas.bad": "bold #c0503f",
}

_LOOKALIKES = str.maketrans(
    {
        **dict.fromkeys("─━═╌┄╍┅—–‒―−‐‑", "-"), **dict.fromkeys("│┃║╎┆╏┇", "|"),
        **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯┏┓┗┛┣┫┳┻╋╔╗╚╝╠╣╦╩╬", "+"),
        **dict.fromkeys("▶▸►→⟶⇒❯›»⟩", ">"), **dict.fromkeys("◀◂◄←⟵⇐‹«⟨", "<"),
        **dict.fromkeys("▼▾↓⇓", "v"), **dict.fromkeys("▲▴↑⇑", "^"), **dict.fromkeys("•●■◆★✓✔∙⋅·×⊙∗", "*"),
        **dict.fromkeys("○□◇☆◌", "o"), **dict.fromkeys("“”„″", '"'), **dict.fromkeys("‘’‚′", "'"),
        **dict.fromkeys("█▓▀▄▌▐", "#"), **dict.fromkeys("▒░", ":"), **dict.fromkeys("≤⩽", "<"),
        **dict.fromkeys("≥⩾", ">"), **dict.fromkeys("≈∼∝≃", "~"), **dict.fromkeys("⊕∑Σ", "+"),
        **dict.fromkeys("∈ϵ", "e"), "≠": "!", "≡": "=", "…": ".", "∞": "8", "√": "V", "∂": "d", "∇": "V",
        "\N{NO-BREAK SPACE}": " ", "\N{NARROW NO-BREAK SPACE}": " ", "²": "2", "³": "3", "½": "?", "°": "o",
        "ß": "s", "æ": "a", "œ": "o", "ø": "o", "ł": "l",
    }
)  # fmt: skip
_GREEK = dict(zip("αβγδεζηθικλμνξοπρστυφχψωΔΓΘΛΞΠΦΨΩ", "abgdezhqiklmnxoprstufcywDGQLXPFYW", strict=True))


def to_ascii(text: str) -> str:
    """The text in ASCII, character for character, so that columns and boxes keep their place."""
    return "".join(letter if letter.isascii() else _lookalike(letter) for letter in text)


def _lookalike(letter: str) -> str:
    import unicodedata

    near = letter.translate(_LOOKALIKES)
    near = _GREEK.get(near, near)
    if near.isascii():
        return near
    base = unicodedata.normalize("NFKD", near)[0]  # é -> e, ₀ -> 0
    return base if base.isascii() else "?"


def _replace(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return to_ascii(error.object[error.start : error.end]), error.end


codecs.register_error("atlas.lookalike", _replace)


class AtlasConsole(Console):
    """A rich console that never fails on a character and stays quiet when its reader has gone."""

    def __init__(self, stderr: bool = False) -> None:
        # NO_COLOR asks for no colour; rich would still send bold and italic, which need the same escape codes
        system: Any = None if os.environ.get("NO_COLOR") else "auto"
        super().__init__(
            stderr=stderr, theme=Theme(PALETTE), highlight=False, emoji=False, color_system=system,
            soft_wrap=False,
        )  # fmt: skip
        never_fail_on_a_character(sys.stderr if stderr else sys.stdout)

        # FORCE_COLOR asks for colours in a log, where nothing can be drawn over
        stream = sys.stderr if stderr else sys.stdout
        self.is_interactive = self.is_interactive and stream is not None and stream.isatty()

    @property
    def size(self) -> ConsoleDimensions:
        """Columns and lines, never fewer columns than something can be laid out in."""
        columns, lines = super().size
        return ConsoleDimensions(max(streams.LEAST_COLUMNS, columns), lines)

    @size.setter
    def size(self, new_size: tuple[int, int]) -> None:
        self._width, self._height = new_size

    def on_broken_pipe(self) -> None:
        """`atlas ls | head` has what it wants: say nothing. Work behind a broken message stream goes on."""
        self.quiet = True
        streams.drop(sys.stderr if self.stderr else sys.stdout)
        if not self.stderr:
            raise SystemExit(0)

    def _check_buffer(self) -> None:
        try:
            super()._check_buffer()
        except OSError as error:
            del self._buffer[:]
            if not self.stderr:
                raise streams.unwritable(sys.stdout, error) from error
            self.on_broken_pipe()  # a full disk or a closed terminal: the work does not need the messages

    def _render_buffer(self, buffer: Iterable[Segment]) -> str:
        """What is printed, with symbols for what would steer the terminal: names come from anywhere."""
        ascii_only = not self.encoding.startswith("utf")
        shown = (
            piece if piece.control else Segment(symbols.visible(piece.text, ascii_only), piece.style)
            for piece in buffer
        )
        return super()._render_buffer(shown)


def never_fail_on_a_character(stream: TextIO) -> None:
    """Let a stream write the nearest ASCII for what its encoding cannot hold."""
    if hasattr(stream, "reconfigure") and not stream.closed:
        stream.reconfigure(errors="atlas.lookalike")


out = AtlasConsole()
err = AtlasConsole(stderr=True)


def write_piece(piece: str) -> None:
    """Text on stdout as it is made. A model may write any byte: what would steer a terminal is a symbol."""
    _write(symbols.visible(piece, ascii_only()))  # rich would expand tabs as if each piece began a line


def plain() -> None:
    """Switch both streams to ASCII without colour or movement (`--plain`)."""
    for console, stream in ((out, sys.stdout), (err, sys.stderr)):
        console.no_color = True
        console._color_system = None
        console._force_terminal = console.is_interactive = False  # no live display, no carriage returns
        if hasattr(stream, "reconfigure") and not stream.closed:
            stream.reconfigure(encoding="ascii", errors="atlas.lookalike")


def can_move(console: Console) -> bool:
    """Whether lines may be redrawn in place there: on a terminal, whatever FORCE_COLOR makes of a file."""
    return console.is_terminal and console.is_interactive and console.file.isatty()


def ascii_only(console: Console | None = None) -> bool:
    """Whether a console's stream cannot carry box-drawing characters."""
    return not (console or out).encoding.startswith("utf")  # rich's own rule; its options measure the screen


def text_width(console: Console | None = None) -> int:
    """Columns for running text: what the terminal has, up to a length that reads well."""
    return max(20, min(TEXT_WIDTH, (console or out).width - 2))


def emit_json(document: Any) -> None:
    """Print one JSON document on stdout."""
    import json

    text = json.dumps(document, indent=2, ensure_ascii=ascii_only(), default=str)
    _write(text + "\n")


def emit_text(text: str) -> None:
    """Print text as it is: no wrapping, no markup."""
    _write(text if text.endswith("\n") else text + "\n")


def show(lines: Iterable[Text], pager: bool = False) -> None:
    """Print lines as they are, through a pager where they do not fit the screen and `pager` is set."""
    lines = list(lines)
    text = "".join(f"{line.plain.rstrip()}\n" for line in lines)
    if out.color_system is not None:
        with out.capture() as capture:
            out.print(Text("\n").join(lines), soft_wrap=True)
        text = capture.get()
    pages = pager and out.is_terminal and not out.is_dumb_terminal and sys.stdin.isatty()
    if (recorded := kept.recorded()) is not None:
        recorded.out.append(text)
        recorded.pages = pages
    if pages and len(lines) >= out.height and pagers.command() is not None:
        pagers.page(text)
    else:
        _write(text)


def _write(text: str) -> None:
    try:
        out.file.write(text)
        out.file.flush()
    except BrokenPipeError:
        out.on_broken_pipe()
    except OSError as error:
        raise streams.unwritable(sys.stdout, error) from error


if flags.plain:
    plain()
