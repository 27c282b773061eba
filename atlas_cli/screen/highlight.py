"""Light syntax colouring for the three languages that the atlas shows; importing pygments would cost more."""

from __future__ import annotations

import re
from functools import cache

from rich.text import Text

_STRING = r"""(?P<string>\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')"""
_COMMENT = r"(?P<comment>(?:^|(?<=\s))\#[^\n]*)"
_NUMBER = r"(?P<number>(?<![\w.])\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?\b)"
_PYTHON_WORDS = (
    "and as assert async await break case class continue def del elif else except finally for from global if "
    "import in is lambda match nonlocal not or pass raise return try while with yield None True False self"
)
_RULES = {
    "python": rf"{_STRING}|{_COMMENT}|(?P<name>(?<=def )\w+|(?<=class )\w+|^\s*@[\w.]+)"
    rf"|(?P<keyword>\b(?:{_PYTHON_WORDS.replace(' ', '|')})\b)|{_NUMBER}",
    "bash": rf"{_STRING}|{_COMMENT}|(?P<name>^\s*(?:\$ )?[\w./-]+)|(?P<keyword>(?<=\s)--?[\w-]+)",
    "yaml": rf"{_STRING}|{_COMMENT}|(?P<name>^\s*(?:- )?[\w.-]+(?=:))"
    rf"|(?P<keyword>\b(?:true|false|null)\b)|{_NUMBER}",
}
_SAME = {"py": "python", "sh": "bash", "shell": "bash", "console": "bash", "yml": "yaml"}
_STYLES = {
    "string": "atlas.code", "comment": "atlas.comment", "keyword": "atlas.keyword", "number": "atlas.number",
    "name": "atlas.accent",
}  # fmt: skip


def highlight(code: str, language: str) -> Text:
    """The code as rich text; an unknown language is left in one colour."""
    text = Text(code, overflow="fold")
    rules = _compiled(_SAME.get(language, language))
    if rules is None:
        text.stylize("atlas.code")
        return text
    for match in rules.finditer(code):
        text.stylize(_STYLES[str(match.lastgroup)], match.start(), match.end())
    return text


@cache
def _compiled(language: str) -> re.Pattern[str] | None:
    rules = _RULES.get(language)
    return re.compile(rules, re.DOTALL | re.MULTILINE) if rules else None
