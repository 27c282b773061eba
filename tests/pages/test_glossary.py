"""The glossary: every word once, in plain text, and found by its spellings."""

from __future__ import annotations

from collections import Counter

import pytest

from atlas_cli import catalog
from atlas_cli.errors import UsageError
from atlas_cli.pages import glossary
from atlas_cli.pages.glossary import Marker, Term


def test_no_two_words_share_a_spelling():
    counts = Counter(key for term in glossary.terms() for key in set(map(catalog.normalise, term.spellings)))
    assert [key for key, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("term", glossary.terms(), ids=lambda term: term.word)
def test_an_explanation_is_short_and_leads_to_a_page_that_exists(term: Term):
    assert 20 < len(term.says) < 220
    assert term.says.endswith(".")
    assert term.says.count(". ") <= 2
    assert not set("$`[]*") & set(term.says)
    if term.see:
        catalog.resolve_any(term.see)
    assert set(term.only or ()) <= {family.slug for family in catalog.families()}


def test_a_word_is_found_by_any_spelling_and_a_typo_is_told_the_nearest():
    assert glossary.find("Kullback-Leibler divergence") is glossary.find("kl")
    assert glossary.find("logits") is glossary.find("Logit")
    with pytest.raises(UsageError, match="no word 'perplexty'") as caught:
        glossary.find("perplexty")
    assert caught.value.hint == "did you mean: atlas explain --glossary perplexity"


def test_each_word_is_linked_where_it_first_stands_and_only_there():
    marker = Marker(catalog.resolve("ddpm"), lambda term, text: f"<{text}|{term.word}>")
    assert marker("Logits, and the KL\ndivergence of logits.") == (
        "<Logits|logit>, and the <KL\ndivergence|KL divergence> of logits."
    )
    assert marker("KL") == "KL"
    assert marker("She judges by a judge.") == "She judges by a <judge|judge>."
    assert marker("a DDPM's score") == "a DDPM's <score|score>"  # what the page is on stays as it is
    assert (
        Marker(catalog.resolve("gpt"), lambda term, text: "!")("a score") == "a score"
    )  # an ordinary word there
