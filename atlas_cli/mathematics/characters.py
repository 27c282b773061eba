"""Unicode's alphabets for mathematics: raised, lowered, blackboard, script, bold; and how wide a text is."""

from __future__ import annotations

import unicodedata

# Greek is left out on purpose: few fonts have it, and with no θ at the foot it would set q_φ unlike p_θ.
_SUPERSCRIPTS = dict(
    zip(
        "0123456789+−=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVW⊤′∗*†⋆∘",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵀ′**†⋆°",
        strict=True,
    )
)
_SUBSCRIPTS = dict(zip("0123456789+−=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))

# First code point of A-Z (a-z follow); Unicode had placed the exceptions elsewhere before.
_LETTERS = {"bb": 0x1D538, "cal": 0x1D49C, "frak": 0x1D504, "bf": 0x1D400}
_DIGITS = {"bb": 0x1D7D8, "bf": 0x1D7CE}
_EXCEPTIONS = {
    "bb": dict(zip("CHNPQRZ", "ℂℍℕℙℚℝℤ", strict=True)),
    "cal": dict(zip("BEFHILMRego", "ℬℰℱℋℐℒℳℛℯℊℴ", strict=True)),
    "frak": dict(zip("CHIRZ", "ℭℌℑℜℨ", strict=True)),
    "bf": {},
}
_BOLD_GREEK = {"Α": 0x1D6A8, "α": 0x1D6C2}


def superscript(text: str) -> str | None:
    """The text in raised characters, or None where Unicode lacks one of them."""
    return _mapped(text, _SUPERSCRIPTS)


def subscript(text: str) -> str | None:
    """The text in lowered characters, or None where Unicode lacks one of them."""
    return _mapped(text, _SUBSCRIPTS)


def _mapped(text: str, table: dict[str, str]) -> str | None:
    mapped = [table.get(character, "") for character in text]
    return "".join(mapped) if all(mapped) else None


def styled(text: str, style: str) -> str:
    """The text in the alphabet "bb", "cal", "frak" or "bf"; a sign that it lacks stays as it is."""
    return "".join(_EXCEPTIONS[style].get(sign) or _styled(sign, style) for sign in text)


def _styled(sign: str, style: str) -> str:
    if sign.isascii() and sign.isalpha():
        return chr(_LETTERS[style] + (ord(sign) - ord("A") if sign.isupper() else ord(sign) - ord("a") + 26))
    if sign.isascii() and sign.isdigit() and style in _DIGITS:
        return chr(_DIGITS[style] + int(sign))
    first = "Α" if "Α" <= sign <= "Ω" else "α" if "α" <= sign <= "ω" else None
    if first and style == "bf":
        return chr(_BOLD_GREEK[first] + ord(sign) - ord(first))
    return sign


def width(text: str) -> int:
    """Columns that the text fills; accents stand on the sign before them."""
    return sum(not unicodedata.combining(sign) for sign in text)


def accented(sign: str, accent: str) -> str:
    """The sign under a combining accent, as one character where Unicode has it."""
    return unicodedata.normalize("NFC", sign + accent)
