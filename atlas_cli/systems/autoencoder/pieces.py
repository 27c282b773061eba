"""Where a tokenizer cuts text before it merges, and the numbers of the 256 bytes.

Source:  GPT-2's pattern and order of bytes: Radford et al. 2019, "Language Models are Unsupervised Multitask
         Learners", section 2.2, and its code, github.com/openai/gpt-2, src/encoder.py. GPT-4's pattern:
         cl100k_base in github.com/openai/tiktoken, tiktoken_ext/openai_public.py.
Lossless: bytes that are no UTF-8 go through as lone surrogates, of which no pattern loses one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import regex

Split = Literal["gpt2", "gpt4"]

#: Every character of any text is in exactly one match: the last branches take what the others leave.
PATTERNS = {
    # a contraction, a word, a number, or other signs, each with a blank before it; then white space
    "gpt2": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    # one sign may lead a word, three digits are a piece, signs keep the line breaks after them
    "gpt4": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+",
}
_COMPILED = {split: regex.compile(pattern) for split, pattern in PATTERNS.items()}

_PRINTABLE = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
#: Token -> byte. GPT-2 writes its vocabulary in letters; the bytes that have none come last.
BYTES = bytes([*_PRINTABLE, *sorted(set(range(256)) - set(_PRINTABLE))])
#: Byte -> token.
TOKENS = {byte: token for token, byte in enumerate(BYTES)}


def cut(text: bytes, split: Split) -> Iterator[bytes]:
    """The pieces of a text in order; joined they are the text. No token reaches from one into the next."""
    for piece in _COMPILED[split].finditer(text.decode("utf-8", "surrogateescape")):
        yield piece.group().encode("utf-8", "surrogateescape")


def spelled(piece: bytes) -> tuple[int, ...]:
    """A piece as tokens of one byte each."""
    return tuple(TOKENS[byte] for byte in piece)
