"""The encoder of captions: every word hears all others, and the sentence is all of them at their places."""

from __future__ import annotations

import torch

from atlas_cli.nets.caption_encoder import CaptionEncoder


def made(d_sentence: int) -> CaptionEncoder:
    torch.manual_seed(0)
    return CaptionEncoder(12, 5, 16, d_sentence)


def test_a_word_is_heard_in_the_vectors_of_all_others_and_of_the_sentence() -> None:
    encoder = made(6)
    one, other = torch.tensor([[1, 2, 3, 4, 0]]), torch.tensor([[1, 2, 9, 4, 0]])
    (words, sentence), (others, other_sentence) = encoder(one), encoder(other)
    assert words.shape == (1, 5, 16)
    assert sentence.shape == (1, 6)
    assert ((words - others).norm(dim=2) > 1e-3).all()
    assert (sentence - other_sentence).norm() > 1e-3


def test_no_sentence_where_none_is_wanted() -> None:
    encoder = made(0)
    assert encoder(torch.tensor([[1, 2, 3, 4, 0]]))[1] is None
    assert not any("sentence" in name for name, _ in encoder.named_parameters())
