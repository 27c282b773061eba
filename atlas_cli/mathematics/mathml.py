"""Formulas for the web, as MathML that browsers draw without a script."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from atlas_cli.mathematics.rewrite import FormulaError, expand

if TYPE_CHECKING:
    from math_core import LatexToMathML

# What math-core writes and the pages cannot use as it stands.
_MENDS = {
    "&ApplyFunction;": "\u2061",  # an entity of HTML alone; a page must be well-formed XML as well
    "<mo>\u02d9</mo>": '<mo style="padding-bottom:0.1em">\u02d9</mo>',  # a dot that would touch an h or a b
    "<mo>\xa8</mo>": '<mo style="padding-bottom:0.1em">\xa8</mo>',
    "\ufe00": "",  # a variant selector behind script letters, a box in fonts that lack the variant
}


def inline(tex: str, page: str = "") -> str:
    """A `math` element for the middle of a sentence.

    Args:
        tex: What stands between the dollars.
        page: Where the formula stands, for the message of an error.

    Raises:
        FormulaError: For a formula that cannot be converted.
    """
    return _convert(tex, page, display=False)


def block(tex: str, page: str = "") -> str:
    """A `math` element that stands on its own. For the arguments and errors see `inline`."""
    return _convert(tex, page, display=True)


def _convert(tex: str, page: str, display: bool) -> str:
    from math_core import LatexError

    try:
        text = _converter().convert_with_local_state(expand(tex), displaystyle=display)
    except LatexError as error:
        raise FormulaError(tex, f"cannot become MathML: {error}", page) from None
    for wrong, right in _MENDS.items():
        text = text.replace(wrong, right)
    return text if display else text.replace("<math", '<math display="inline"', 1)


@cache
def _converter() -> LatexToMathML:
    from math_core import LatexToMathML

    return LatexToMathML(fancy_error=False)
