"""A bag of codes against counts by hand."""

from __future__ import annotations

import math

import pytest
import torch

from atlas_cli.systems.autoencoder.bag import SMOOTHING, Bag, counted, left_out

#: Three images of class 0 and two of class 1, with two tokens each, of three that there are.
TOKENS = torch.tensor([[0, 1], [0, 2], [1, 1], [2, 2], [2, 0]])
LABEL = torch.tensor([0, 0, 0, 1, 1])


def test_tokens_are_counted_at_their_place_in_their_class():
    counts = counted(TOKENS, LABEL, 2, 3)
    assert counts.tolist() == [[[2, 1, 0], [0, 2, 1]], [[0, 0, 2], [1, 0, 1]]]


def test_nats_of_an_image_are_those_of_its_tokens_one_by_one():
    """With a = 1: of token 0 at place 0 of class 0 there are (2 + 1) of (3 + 3), and so on."""
    counts = counted(TOKENS, LABEL, 2, 3)
    bag = Bag(((counts + 1) / (counts + 1).sum(-1, keepdim=True)).log(), torch.zeros(2, 3))
    said = bag.nats(torch.tensor([[0, 0], [1, 2]]), torch.tensor([0, 1]))
    expected = [math.log(6 / 3) + math.log(6 / 1), math.log(5 / 1) + math.log(5 / 2)]
    torch.testing.assert_close(said, torch.tensor(expected))


def test_leaving_out_is_what_a_loop_over_the_images_gives():
    total, alpha = 0.0, 0.3
    for i in range(len(TOKENS)):
        others = [j for j in range(len(TOKENS)) if j != i]
        counts = counted(TOKENS[others], LABEL[others], 2, 3)[LABEL[i]]  # (2, 3)
        for place in range(2):
            n = counts[place]
            total += math.log((n[TOKENS[i, place]] + alpha) / (n.sum() + 3 * alpha))
    assert left_out(counted(TOKENS, LABEL, 2, 3), alpha) == pytest.approx(total, rel=1e-5)


def test_the_smoothing_is_the_one_under_which_left_out_images_are_likeliest():
    bag, counts = Bag.fitted(TOKENS, LABEL, 2, 3), counted(TOKENS, LABEL, 2, 3)
    best = max(SMOOTHING, key=lambda alpha: left_out(counts, alpha))
    expected = (counts + best) / (counts.sum(-1, keepdim=True) + 3 * best)
    torch.testing.assert_close(bag.log_p.exp(), expected)


def test_with_many_images_it_says_as_much_as_independent_codes_have():
    """Of codes that are independent its nats are the entropy, and no model can say less."""
    p = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]])
    draws = torch.Generator().manual_seed(0)
    tokens = torch.stack([torch.multinomial(row, 40_000, True, generator=draws) for row in p], 1)
    label = torch.zeros(40_000, dtype=torch.long)
    bag = Bag.fitted(tokens[:20_000], label[:20_000], 1, 3)
    entropy = torch.special.entr(p).sum()
    torch.testing.assert_close(bag.nats(tokens[20_000:], label[20_000:]).mean(), entropy, rtol=0.02, atol=0)


def test_draws_are_as_frequent_as_the_counts_place_by_place_and_know_nothing_of_each_other():
    tokens = torch.tensor([[0, 0], [1, 1]]).repeat(50, 1)  # always alike
    bag = Bag.fitted(tokens, torch.zeros(100, dtype=torch.long), 1, 2)
    drawn = bag.draw(torch.zeros(4000, dtype=torch.long), torch.Generator().manual_seed(1))
    assert drawn.float().mean(0).tolist() == pytest.approx([0.5, 0.5], abs=0.04)
    assert (drawn[:, 0] == drawn[:, 1]).float().mean().item() == pytest.approx(0.5, abs=0.04)


def test_guidance_exaggerates_what_a_class_says_beyond_all_classes_together():
    """By hand: P(token | class)^2 / P(token), 0.64 / 0.5 and 0.04 / 0.5, over their sum: 16/17 and 1/17."""
    given, without = torch.tensor([[[0.8, 0.2]], [[0.2, 0.8]]]).log(), torch.tensor([[0.5, 0.5]]).log()
    drawn = Bag(given, without).draw(
        torch.zeros(8000, dtype=torch.long), torch.Generator().manual_seed(1), 2.0
    )
    assert drawn.float().mean().item() == pytest.approx(1 / 17, abs=0.01)
    fitted = Bag.fitted(TOKENS, LABEL, 2, 3)
    assert (fitted.log_any[0].exp() - torch.tensor([2 / 5, 1 / 5, 2 / 5])).abs().max() < 0.1  # it is smoothed


def test_a_class_of_which_there_is_no_image_has_every_token_alike():
    bag = Bag.fitted(TOKENS, LABEL, 3, 3)
    assert bag.log_p.isfinite().all()
    torch.testing.assert_close(bag.log_p[2].exp(), torch.full((2, 3), 1 / 3))
