"""Characters that would steer a terminal or turn its text around, shown as symbols of themselves."""

from __future__ import annotations

import unicodedata

_PICTURES = 0x2400  # U+2400 to U+241F are pictures of the control characters, in their order
_DELETE = "\N{SYMBOL FOR DELETE}"
_JOINERS = "\u200c\u200d"  # within words and emoji; they move nothing


def visible(text: str, ascii_only: bool = False, lines: bool = True) -> str:
    """The text with nothing in it that a terminal obeys.

    Args:
        text: Whoever wrote it: a model, a file's name.
        ascii_only: Write \\x1b in place of the picture of an escape character.
        lines: Line feeds and tabs stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(letter, ascii_only, lines) for letter in text)


def _shown(letter: str, ascii_only: bool, lines: bool) -> str:
    if letter.isprintable() or letter in _JOINERS or (lines and letter in "\n\t"):
        return letter
    if unicodedata.category(letter) == "Zs":  # a blank of another width
        return letter
    code = ord(letter)
    if not ascii_only and code < 0x20:
        return chr(_PICTURES + code)
    if not ascii_only and code == 0x7F:
        return _DELETE
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
