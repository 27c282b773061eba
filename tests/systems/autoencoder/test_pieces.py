"""Where text is cut: the patterns of GPT-2 and GPT-4, by hand and against the library `tokenizers`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Regex, pre_tokenizers

from atlas_cli.systems.autoencoder.pieces import BYTES, PATTERNS, TOKENS, cut, spelled


@pytest.mark.parametrize(
    ("split", "text", "pieces"),
    [
        ("gpt2", "They've 12345 cats!!", ["They", "'ve", " 12345", " cats", "!!"]),
        ("gpt4", "They've 12345 cats!!", ["They", "'ve", " ", "123", "45", " cats", "!!"]),
        ("gpt2", "DON'T", ["DON", "'", "T"]),  # GPT-2 knows contractions in small letters alone
        ("gpt4", "DON'T", ["DON", "'T"]),
        ("gpt2", "    return x\n\n", ["   ", " return", " x", "\n\n"]),  # the last blank goes with the word
        ("gpt4", "f();\n\n(x)", ["f", "();\n\n", "(x", ")"]),
    ],
)
def test_text_is_cut_by_hand(split: str, text: str, pieces: list[str]) -> None:
    assert [piece.decode() for piece in cut(text.encode(), split)] == pieces


@pytest.mark.parametrize("split", PATTERNS)
@given(data=st.binary(max_size=60))
def test_no_byte_is_lost(split: str, data: bytes) -> None:
    assert b"".join(cut(data, split)) == data


LETTERS = st.characters(
    codec="utf-8", categories=("Lu", "Ll", "Lo", "Nd", "Zs", "Po", "Sm", "Cc"), max_codepoint=0xFFFF
)


@pytest.mark.parametrize("split", PATTERNS)
@given(text=st.text(st.one_of(st.sampled_from(" \n\t'aZ1.sd"), LETTERS), max_size=40))
def test_text_is_cut_as_the_library_does(split: str, text: str) -> None:
    theirs = pre_tokenizers.Split(Regex(PATTERNS[split]), "isolated").pre_tokenize_str(text)
    assert [piece.decode() for piece in cut(text.encode(), split)] == [piece for piece, _ in theirs]


def test_bytes_are_numbered_as_in_gpt2() -> None:
    """In its vocab.json "!" is 0 and the blank, written as G with a dot above, is 220."""
    assert sorted(BYTES) == list(range(256))
    assert spelled(b"! ") == (0, 220)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    ((written, _),) = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(
        "é\n"
    )
    assert [alphabet.index(letter) for letter in written] == [TOKENS[byte] for byte in "é\n".encode()]
