"""The project's own commands, spelt out before either renderer sees a formula.

What both renderers must understand alike lives here; what only one of them gets wrong is mended beside it.
"""

from __future__ import annotations

import re

from atlas_cli.errors import UsageError

MACROS = {
    "argmin": r"\operatorname*{arg\,min}",
    "argmax": r"\operatorname*{arg\,max}",
    "softmax": r"\operatorname{softmax}",
    "E": r"\mathbb{E}",
    "R": r"\mathbb{R}",
    "KL": r"D_{\mathrm{KL}}",
    "stopgrad": r"\operatorname{sg}",
    "bm": r"\boldsymbol",
}
_COMMAND = re.compile(r"\\([A-Za-z]+)")


class FormulaError(UsageError):
    """A formula that cannot be drawn."""

    def __init__(self, tex: str, reason: str, page: str = "") -> None:
        place = f"page {page}: " if page else ""
        super().__init__(
            f"{place}the formula ${tex}$ {reason}",
            "correct the formula, or add the command to atlas_cli/mathematics",
        )


def expand(tex: str) -> str:
    """The formula with the project's own commands spelt out."""
    return _COMMAND.sub(lambda command: MACROS.get(command[1], command[0]), tex.strip())
