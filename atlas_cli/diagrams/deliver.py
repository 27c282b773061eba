"""A diagram in one format, and where it goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from atlas_cli.diagrams import gallery
from atlas_cli.diagrams.model import Diagram
from atlas_cli.errors import EnvironmentFault, UsageError

if TYPE_CHECKING:
    from rich.text import Text

    from atlas_cli.diagrams.frames import Explorable, Frame, Value

_WIDEST = 140  # columns
_FILE_WIDTH = 100  # of a text that goes to a file
_PAGE_WIDTH = 80  # of a drawing in the Markdown of a page
_INDENT = 2


def document(
    shown: Diagram | Explorable, format: str, given: Sequence[str], step: int | None, command: str,
    dark: bool = False,
) -> str | bytes:  # fmt: skip
    """The diagram as "svg", "html", "json" or, where no colours are to be, as "text"; as "png" in bytes.

    Args:
        shown: A stepped diagram or an explorable.
        format: One of the five.
        given: Settings of an explorable's knobs, "gate=0.5".
        step: The step of a stepped diagram that is lit.
        command: What to type before `--set`, for hint lines.
        dark: Draw svg and png for a dark ground.

    Raises:
        UsageError: a setting is none.
        EnvironmentFault: what draws png is not installed.
    """
    if format == "png":
        from atlas_cli.diagrams.svg import picture

        return picture.png(str(document(shown, "svg", given, step, command, dark)))
    text = (
        _stepped(shown, format, step)
        if isinstance(shown, Diagram)
        else _turned(shown, format, given, command)
    )
    if format == "svg" and dark:
        from atlas_cli.diagrams.svg.style import always_dark

        return always_dark(text)
    return text


def _turned(shown: Explorable, format: str, given: Sequence[str], command: str) -> str:
    from atlas_cli.diagrams.frame_cache import frame_of

    setting = gallery.setting(shown, given, command)
    shown = gallery.with_own(shown, setting)
    if format == "html":
        from atlas_cli.diagrams.web import page as web_page

        return web_page.page(shown, setting)
    frame = frame_of(shown, setting)
    if format == "json":
        return _json({**shown.as_dict(), "setting": setting, "frame": frame.as_dict()})
    if format == "svg":
        from atlas_cli.diagrams.svg import panels as svg_panels

        return svg_panels.svg(shown, frame, setting)
    return _plain(_lines(shown, frame, setting, _FILE_WIDTH))


def in_markdown(shown: Diagram | Explorable) -> str:
    """A diagram as text within a page that leaves the atlas; an explorable as its knobs stand at first."""
    if isinstance(shown, Diagram):
        from atlas_cli.diagrams.text import blocks as text_blocks

        return text_blocks.as_text(shown)
    from atlas_cli.diagrams.frame_cache import frame_of

    setting = shown.defaults
    return _plain(_lines(shown, frame_of(shown, setting), setting, _PAGE_WIDTH))


def draw(shown: Explorable, given: Sequence[str], command: str) -> None:
    """Print an explorable on the terminal, in colour where it has any."""
    from rich.text import Text

    from atlas_cli.screen.lines import indent
    from atlas_cli.screen.terminal import out, show

    setting = gallery.setting(shown, given, command)
    drawn = placed(gallery.with_own(shown, setting), min(out.width - 2 * _INDENT, _WIDEST), setting)
    show(indent([Text(), *drawn, Text()], _INDENT))


def placed(shown: Diagram | Explorable, width: int, setting: Mapping[str, Value] | None = None) -> list[Text]:
    """A diagram as lines for this terminal, in colour where it has any."""
    from atlas_cli.screen.terminal import out

    return lines(shown, width, out.color_system is not None, setting)


def lines(
    shown: Diagram | Explorable, width: int, colour: bool, setting: Mapping[str, Value] | None = None
) -> list[Text]:
    """A diagram as a page has it in its text; frames come from the cache."""
    if isinstance(shown, Diagram):
        from atlas_cli.diagrams.text import blocks as text_blocks

        return text_blocks.drawing(shown, width, colour=colour)
    from atlas_cli.diagrams.frame_cache import frame_of

    setting = setting or shown.defaults
    return _lines(shown, frame_of(shown, setting), setting, width, colour)


def _lines(
    shown: Explorable, frame: Frame, setting: Mapping[str, Value], width: int, colour: bool = False
) -> list[Text]:
    from atlas_cli.diagrams.text import panels as text_panels
    from atlas_cli.screen.terminal import ascii_only

    return text_panels.drawing(shown, frame, setting, width, ascii_only(), colour)


def hand_over(content: str | bytes, out: Path | None, hint: str = "") -> None:
    """Write text or a picture to a file and say so, or print it.

    Args:
        content: What there is.
        out: The file; None: standard output.
        hint: What to type instead of putting a picture on a terminal.

    Raises:
        UsageError: a picture would go to a terminal.
        EnvironmentFault: the file cannot be written.
    """
    from atlas_cli.screen import messages

    if out is None:
        _print(content, hint)
        return
    data = content if isinstance(content, bytes) else f"{content.rstrip()}\n".encode()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(data)
    except OSError as error:
        raise EnvironmentFault(
            f"cannot write {out}: {error.strerror or error}", "name another file with --out"
        ) from error
    messages.say(f"wrote {out}, {max(1, round(len(data) / 1000))} kB")


def _print(content: str | bytes, hint: str) -> None:
    import sys

    from atlas_cli.screen.terminal import emit_text

    if isinstance(content, str):
        emit_text(content)
    elif sys.stdout.isatty():
        raise UsageError("a terminal cannot show a PNG file", hint)
    else:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()


def _stepped(diagram: Diagram, format: str, step: int | None) -> str:
    if format == "json":
        return _json(diagram.as_dict())
    if format == "svg":
        from atlas_cli.diagrams.svg import block_file

        return block_file.svg(diagram, step)
    if format == "html":
        from atlas_cli.diagrams.web import page as web_page

        return web_page.page(diagram, step=step or 1)
    from atlas_cli.diagrams.text import blocks as text_blocks

    return _plain(text_blocks.drawing(diagram, _FILE_WIDTH, step))


def _plain(lines: Iterable[Text]) -> str:
    return "\n".join(line.plain.rstrip() for line in lines)


def _json(content: object) -> str:
    import json

    from atlas_cli.screen.terminal import ascii_only

    return json.dumps(content, indent=2, ensure_ascii=ascii_only(), default=str)
