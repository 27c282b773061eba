"""`atlas explain --glossary`: the words that pages use, or one of them."""

from __future__ import annotations

from typing import Any

from atlas_cli.errors import UsageError
from atlas_cli.pages import glossary
from atlas_cli.pages.glossary import Term


def print_glossary(name: str, wanted: str | None, pager: bool) -> None:
    """Print the whole glossary, or the word of that name.

    Args:
        name: The word; empty for all of them.
        wanted: The format: None or text, or json.
        pager: Whether long texts are paged.

    Raises:
        UsageError: there is no such word, or the format is one that pages alone have.
    """
    from atlas_cli.screen import terminal

    found = (glossary.find(name),) if name else glossary.terms()
    if wanted == "json":
        terminal.emit_json({"words": [as_dict(term) for term in found]})
    elif wanted in (None, "text"):
        terminal.show(_lines(found, terminal.text_width()), pager=pager)
    else:
        raise UsageError(
            f"--glossary prints text or json, not {wanted}", "atlas site OUT writes it as a web page"
        )


def as_dict(term: Term) -> dict[str, Any]:
    """A word for `--json`."""
    return {"word": term.word, "also": list(term.also), "says": term.says, "see": term.see}


def _lines(found: tuple[Term, ...], width: int) -> list[Any]:
    from rich.text import Text

    from atlas_cli.screen.lines import indent, pairs

    rows = []
    for term in found:
        text = Text(term.says)
        if term.also:
            text.append(f" Also: {', '.join(term.also)}.", "atlas.muted")
        if term.see:
            text.append(f" atlas explain {term.see}", "atlas.accent")
        rows.append((Text(term.word, "atlas.head"), text))
    return [Text(), *indent(pairs(rows, width), 2), Text()]
