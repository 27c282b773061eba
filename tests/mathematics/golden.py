"""The golden file: a formula, its line in a sentence and its rows in 80 columns, each looked at by a person.

`python -m tests.mathematics.golden` writes the file anew from the formulas in it; look at the difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

WIDTH = 80
PATH = Path(__file__).with_name("golden.txt")


@dataclass(frozen=True)
class Golden:
    name: str
    tex: str
    inline: str
    block: list[str]


def read() -> list[Golden]:
    entries = []
    for entry in PATH.read_text(encoding="utf-8").split("== ")[1:]:
        name, tex, inline, *block = entry.rstrip("\n").split("\n")
        entries.append(Golden(name, tex, inline, [row.removeprefix("    ") for row in block]))
    return entries


def write() -> None:
    text = ""
    for entry in read():
        rows = text.block(entry.tex, WIDTH)
        lines = [entry.tex, text.inline(entry.tex), *(f"    {row}".rstrip() for row in rows)]
        text += f"== {entry.name}\n" + "\n".join(lines) + "\n\n"
    PATH.write_text(text.rstrip("\n") + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
