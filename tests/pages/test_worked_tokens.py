"""The numbers by hand on the page of byte-pair encoding come out of the code."""

from __future__ import annotations

from collections import Counter

from atlas_cli import catalog
from atlas_cli.pages.source import read_page
from atlas_cli.systems.autoencoder.merging import Encoder, Learner
from atlas_cli.systems.autoencoder.pieces import spelled

CORPUS = Counter({b"thin": 3, b"then": 2, b"tin": 2, b"he": 1})


def contact() -> str:
    """The first contact of the page, on one line."""
    page = read_page(catalog.resolve_any("bpe"))
    (found,) = (s for s in page.sections if s.title == "A first contact")
    return " ".join(found.markdown.split())


def test_the_first_counts_are_those_of_the_table() -> None:
    learner = Learner(CORPUS)
    pairs = ["th", "in", "hi", "he", "en", "ti"]
    counts = [learner.pairs[spelled(pair.encode())] for pair in pairs]
    assert f"| pair | {' | '.join(pairs)} |" in contact()
    assert f"| at first | {' | '.join(map(str, counts))} |" in contact()
    assert len(learner.pairs) == len(pairs)


def test_each_merge_leaves_what_the_page_says() -> None:
    learner, sizes, made = Learner(CORPUS), [], []
    for _ in range(3):
        sizes.append(learner.n_tokens)
        pair = learner.most_frequent()
        assert pair is not None
        made.append(" + ".join(learner.spellings[token].decode() for token in pair))
        learner.merge(pair)
    sizes.append(learner.n_tokens)
    assert sizes == [28, 23, 18, 15]
    assert made == ["i + n", "t + h", "th + in"]
    assert all(f"**{pair}**" in contact() for pair in made)
    assert "makes 28 tokens" in contact()
    assert "28 - 5 = 23 are left" in contact()
    assert "and 18 are left" in contact()
    assert "leaves 15" in contact()


def test_a_word_that_was_not_there_has_two_tokens_and_another_three() -> None:
    learner, merges = Learner(CORPUS), []
    for _ in range(3):
        pair = learner.most_frequent()
        assert pair is not None
        merges.append(pair)
        learner.merge(pair)
    encoder = Encoder(merges, "gpt2")
    assert [encoder.spellings[token] for token in encoder.encode(b"thing")] == [b"thin", b"g"]
    assert len(encoder.encode(b"cat")) == 3
    assert "Two tokens." in contact()
    assert "*cat* is three tokens" in contact()
