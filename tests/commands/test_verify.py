"""`atlas verify`: the table over the seeds."""

from __future__ import annotations

from io import StringIO

from rich.console import Console
from rich.theme import Theme

from atlas_cli.commands._claims_table import claims_table
from atlas_cli.screen.terminal import PALETTE
from tests.engine.test_verification import verification


def test_the_table_shows_the_spread_over_the_seeds() -> None:
    console = Console(width=140, file=StringIO(), theme=Theme(PALETTE))
    console.print(claims_table([verification()]))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "0.980..1.000" in text
    assert "1:40" in text
