"""The diagrams in a page's text as they are first read: drawn before, and shipped with the page.

Drawing takes as long as all the rest of a page's first reading, half of it to import what draws. So the lines
of each drawing lie in content/<family>/drawn/<page>.jsonl (`make frames` writes it), for the two widths that
nearly every terminal has, with colour and without. Each names the files that it was made from under their
digest: change one, and the diagram is drawn. The tests draw each anew and compare.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

from rich.text import Span, Text

from atlas_cli import files, paths, shelf
from atlas_cli.catalog import Family, Topic
from atlas_cli.screen.lines import Lines

WIDTHS = (78, 92)  # of running text in a terminal of 80 columns, and in a wide one
_PACKAGE = Path(__file__).resolve().parents[1]
_DRAWING = ("diagrams/*.py", "diagrams/grid/*.py", "diagrams/text/*.py", "screen/*.py", "pages/compose.py")
Drawings = Iterable[tuple[str, int, bool, Lines]]  # name, width, whether in colour, lines


def lines(subject: Topic | Family, name: str, width: int, colour: bool) -> Lines | None:
    """A diagram on a page as it was shipped; None where it was not, or what it is made from has changed."""
    begins = _begins(name, width, colour).encode()
    for line in _shipped(shipped_file(_family(subject), subject.slug)):
        if line.startswith(begins):
            return _read(line)
    return None


def _read(line: bytes) -> Lines | None:
    try:
        held = json.loads(line)
        if held["mark"] == _mark(held["made_from"]):
            return [_text(packed, held["styles"]) for packed in held["lines"]]
    except (OSError, ValueError, KeyError, TypeError):  # damaged, or a file has gone
        pass
    return None


def ship(drawings: Drawings, family: str, page: str) -> None:
    """Write the drawings of a page to where `lines` finds them."""
    written = []
    for name, width, colour, drawing in drawings:
        made_from = [str(path) for path in _inputs(family, name)]
        styles: dict[str, int] = {}
        packed = [_packed(line, styles) for line in drawing]
        held = {"made_from": made_from, "mark": _mark(made_from), "styles": [*styles], "lines": packed}
        rest = json.dumps(held, ensure_ascii=False, separators=(",", ":"))
        written.append(_begins(name, width, colour) + rest.removeprefix("{"))
    file = shipped_file(family, page)
    if written:
        file.parent.mkdir(exist_ok=True)
        file.write_text("\n".join(written) + "\n", encoding="utf-8")
    else:
        file.unlink(missing_ok=True)


def shipped_file(family: str, page: str) -> Path:
    """Where the drawings of a page lie; its family's own page is named like the family."""
    return paths.content_dir() / family / "drawn" / f"{page}.jsonl"


def _family(subject: Topic | Family) -> str:
    return subject.slug if isinstance(subject, Family) else subject.family


def _begins(name: str, width: int, colour: bool) -> str:
    """How the line of a drawing begins, so that no other need be parsed."""
    return json.dumps({"name": name, "width": width, "colour": colour})[:-1] + ","


def _inputs(family: str, name: str) -> Iterator[str]:
    """The files that decide what a diagram shows: in content/, and in the package."""
    from atlas_cli.diagrams import shipped

    content = paths.content_dir()
    for path in sorted(
        (*content.glob(f"{family}/diagrams/{name}.*"), *content.glob(f"{family}/pinned/{name}.*"))
    ):
        yield f"content/{path.relative_to(content).as_posix()}"
    explorable = _PACKAGE / "explorables" / family / f"{name.replace('-', '_')}.py"
    if explorable.is_file():
        frame = explorable.with_suffix(".json")
        for path in (*shipped.sources(explorable), *([frame] if frame.is_file() else ())):
            yield path.relative_to(_PACKAGE).as_posix()


def _mark(made_from: Sequence[str]) -> str:
    content = paths.content_dir()
    inputs = (content / p[8:] if p.startswith("content/") else _PACKAGE / p for p in made_from)
    return shelf.digest(_drawing(), *map(_digest, inputs))


@cache
def _drawing() -> str:
    """Of every source that draws."""
    return shelf.digest(*map(_digest, sorted(path for kind in _DRAWING for path in _PACKAGE.glob(kind))))


@cache
def _digest(path: Path) -> str:
    return shelf.digest(files.read(path))


@cache
def _shipped(file: Path) -> Sequence[bytes]:
    try:
        return files.read(file).splitlines()
    except OSError:  # there is none, as for a page just written
        return ()


def _packed(line: Text, styles: dict[str, int]) -> list[Any]:
    """A line as its text and its style, then begin, end and style of every span; each style by its number."""

    def number(style: Any) -> int:
        return styles.setdefault(str(style), len(styles))

    spans = ((span.start, span.end, number(span.style)) for span in line.spans)
    return [line.plain, number(line.style), *chain.from_iterable(spans)]


def _text(packed: list[Any], styles: list[str]) -> Text:
    plain, style, *ends = packed
    spans = [Span(ends[i], ends[i + 1], styles[ends[i + 2]]) for i in range(0, len(ends), 3)]
    return Text(plain, styles[style], no_wrap=True, spans=spans)
