"""The same paragraph in four scripts: merges of English shorten English and nothing else."""

from __future__ import annotations

from types import SimpleNamespace

import torch

from atlas_cli.explorables.autoencoder import _prose, token_tax
from atlas_cli.explorables.autoencoder.token_tax import SCRIPTS, SIZES


def tokens(merges: int, script: str) -> float:
    return token_tax.token_tax(merges, script).facts["tokens"]


def test_without_merges_a_token_is_a_byte():
    assert {name: tokens(0, name) for name in SCRIPTS} == {n: len(t.encode()) for n, t in SCRIPTS.items()}


def test_merges_of_english_shorten_english_alone():
    english = [tokens(n, "English") for n in SIZES]
    assert english == sorted(set(english), reverse=True)
    assert {tokens(n, "Greek") for n in SIZES} == {len(SCRIPTS["Greek"].encode())}


def test_of_a_run_its_first_merges_are_the_smaller_tokenizer():
    merges = torch.tensor(_prose.merges()[:256], dtype=torch.int32)
    run = SimpleNamespace(merges=merges, learned=torch.tensor(256), config=SimpleNamespace(split="gpt2"))
    for n in (0, 64, 256):
        drawn = token_tax.of_run(run, n, "Russian")  # type: ignore[arg-type]
        assert drawn.facts == token_tax.token_tax(n, "Russian").facts
        assert "your run's training text" in drawn.caption
    assert token_tax.of_run(run, 2048, "English").facts == token_tax.token_tax(256, "English").facts  # type: ignore[arg-type]
