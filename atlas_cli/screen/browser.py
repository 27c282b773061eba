"""Showing a file in the reader's browser."""

from __future__ import annotations

from pathlib import Path

from atlas_cli.screen import messages


def show(path: Path) -> None:
    """Open a file, or say where it is on a machine that has no browser."""
    visit(path.resolve().as_uri())


def visit(address: str) -> None:
    """Open an address, or say it on a machine that has no browser."""
    import webbrowser

    if not webbrowser.open(address):
        messages.say(f"there is no browser here; open {address} in one")
