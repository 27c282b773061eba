"""What commands that train write on stderr while they do."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Log(StrEnum):
    """What progress is written as."""

    text = "text"
    jsonl = "jsonl"


LogOption = Annotated[
    Log, typer.Option("--log", help="Progress on stderr: text, or jsonl, one object a line.")
]
