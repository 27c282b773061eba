"""A diagram as text of one format, and where that text goes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from atlas_cli.diagrams import gallery
from atlas_cli.diagrams.frames import Explorable
from atlas_cli.diagrams.model import Diagram
from atlas_cli.errors import EnvironmentFault

_WIDEST = 140  # columns
_FILE_WIDTH = 100  # of a text that goes to a file
_INDENT = 2


def document(
    shown: Diagram | Explorable, format: str, given: Sequence[str], step: int | None, command: str
) -> str:
    """The diagram as "svg", "html", "json" or, where no colours are to be, as "text".

    Args:
        shown: A stepped diagram or an explorable.
        format: One of the four.
        given: Settings of an explorable's knobs, "gate=0.5".
        step: The step of a stepped diagram that is lit.
        command: What to type before `--set`, for mend lines.

    Raises:
        UsageError: a setting is none.
    """
    if isinstance(shown, Diagram):
        return _stepped(shown, format, step)
    from atlas_cli.diagrams.frame_cache import frame_of

    setting = gallery.setting(shown, given, command)
    if format == "html":
        from atlas_cli.diagrams import html

        return html.page(shown, setting)
    frame = frame_of(shown, setting)
    if format == "json":
        return _json({**shown.as_dict(), "setting": setting, "frame": frame.as_dict()})
    if format == "svg":
        from atlas_cli.diagrams import panels_svg

        return panels_svg.svg(shown, frame, setting)
    from atlas_cli.diagrams import panels_terminal
    from atlas_cli.terminal import ascii_only

    lines = panels_terminal.drawing(shown, frame, setting, _FILE_WIDTH, ascii_only())
    return "\n".join(line.plain.rstrip() for line in lines)


def draw(shown: Explorable, given: Sequence[str], command: str) -> None:
    """Print an explorable on the terminal, in colour where it has any."""
    from rich.text import Text

    from atlas_cli.diagrams import panels_terminal
    from atlas_cli.diagrams.frame_cache import frame_of
    from atlas_cli.pages.lines import indent
    from atlas_cli.terminal import ascii_only, out, show

    setting = gallery.setting(shown, given, command)
    width = min(out.width - 2 * _INDENT, _WIDEST)
    lines = panels_terminal.drawing(
        shown, frame_of(shown, setting), setting, width, ascii_only(), out.color_system is not None
    )
    show(indent([Text(), *lines, Text()], _INDENT))


def hand_over(text: str, out: Path | None) -> None:
    """Write the text to a file and say so, or print it.

    Raises:
        EnvironmentFault: the file cannot be written.
    """
    from atlas_cli import messages
    from atlas_cli.terminal import emit_text

    if out is None:
        emit_text(text)
        return
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
    except OSError as error:
        raise EnvironmentFault(
            f"cannot write {out}: {error.strerror or error}", "name another file with --out"
        ) from error
    messages.say(f"wrote {out}, {max(1, round(len(text) / 1000))} kB")


def _stepped(diagram: Diagram, format: str, step: int | None) -> str:
    if format == "json":
        return _json(diagram.as_dict())
    if format == "svg":
        from atlas_cli.diagrams import blocks_svg

        return blocks_svg.svg(diagram, step)
    if format == "html":
        from atlas_cli.diagrams import html

        return html.page(diagram, step=step or 1)
    from atlas_cli.diagrams import terminal

    return "\n".join(line.plain.rstrip() for line in terminal.drawing(diagram, _FILE_WIDTH, step))


def _json(content: object) -> str:
    import json

    from atlas_cli.terminal import ascii_only

    return json.dumps(content, indent=2, ensure_ascii=ascii_only(), default=str)
