"""The bytes of a token as people read them; without numpy, for drawings that a page shows at once."""

from __future__ import annotations

from atlas_cli.screen.symbols import visible


def shown(spelling: bytes, ascii_only: bool = False) -> str:
    """The bytes of a token on a line: a blank as a dot, a byte that is no character of its own as \\xe2."""
    text = "".join(
        f"\\x{ord(letter) & 0xFF:02x}" if "\udc80" <= letter <= "\udcff" else letter
        for letter in spelling.decode("utf-8", "surrogateescape")
    )
    text = visible(text.replace("\n", "\\n").replace("\t", "\\t"), ascii_only, lines=False)
    if ascii_only:
        return text.encode("ascii", "backslashreplace").decode().replace(" ", "_")
    return text.replace(" ", "·")
