"""The codebook's rule against what it must converge to, and what revival must change."""

from __future__ import annotations

import pytest
import torch

from atlas_cli.explorables.autoencoder import codebook
from atlas_cli.explorables.autoencoder.codebook import Codebook


def fresh(codes: list[list[float]], count: float = 8.0) -> Codebook:
    counts = torch.full((len(codes),), count)
    return Codebook(counts[:, None] * torch.tensor(codes), counts)


def test_one_step_is_the_moving_average_of_the_paper():
    """By hand: the first code is chosen by two points that sum to (2, 4), the second by none."""
    book = fresh([[0.0, 0.0], [9.0, 9.0]])
    book.update(torch.tensor([[1.0, 1.0], [1.0, 3.0]]))
    g = codebook.DECAY
    torch.testing.assert_close(book.counts, torch.tensor([g * 8 + (1 - g) * 2, g * 8]))
    torch.testing.assert_close(book.sums[0], (1 - g) * torch.tensor([2.0, 4.0]))
    torch.testing.assert_close(book.codes[1], torch.tensor([9.0, 9.0]))


def test_codes_settle_on_the_means_of_their_points():
    points = torch.tensor([[-1.0, 0.0], [-2.0, 0.0], [3.0, 1.0], [5.0, 1.0]])
    book = fresh([[-0.1, 0.0], [0.1, 0.0]])
    for _ in range(400):
        book.update(points)
    torch.testing.assert_close(book.codes, torch.tensor([[-1.5, 0.0], [4.0, 1.0]]))


def test_only_dead_codes_are_revived_and_on_points_of_the_batch():
    book = fresh([[0.0, 0.0], [9.0, 9.0]])
    book.counts[1], book.sums[1] = 0.01, torch.tensor([0.09, 0.09])
    batch = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    book.revive(batch, torch.Generator().manual_seed(0))
    assert book.codes[0].tolist() == [0, 0]
    assert book.codes[1].tolist() in batch.tolist()
    assert float(book.counts[1]) == 1  # an even share of a batch of two


@pytest.mark.parametrize("size", [32, 64, 128])
def test_revival_uses_every_code_and_lowers_the_error(size: int):
    off, on = (codebook.codebook(size, name, 300).facts for name in codebook.REVIVAL)
    assert on["share of codes in use"] == 1
    assert off["share of codes in use"] < 0.9
    assert on["error of a point"] < 0.4 * off["error of a point"]
    assert off["perplexity"] < on["perplexity"] <= size


def test_dead_codes_stand_still():
    early, late = (codebook.codes_while_training(128, "off")[step] for step in (100, 300))
    used = codebook.judged(128, "off", 300)[2] | codebook.judged(128, "off", 100)[2]
    still = (early - late).norm(dim=1) < 1e-3
    assert still[~used].double().mean() > 0.5
    assert still[used].double().mean() < 0.1


def test_error_and_perplexity_of_two_codes_by_hand():
    error, perplexity, used = codebook.judged(2, "off", 300)
    codes = codebook.codes_while_training(2, "off")[300]
    distances = torch.cdist(codebook.points(), codes).square().min(1)
    share = float((distances.indices == 0).double().mean())
    assert error == pytest.approx(float(distances.values.mean()))
    assert perplexity == pytest.approx(share**-share * (1 - share) ** (share - 1), rel=1e-4)
    assert used.all()


def test_nearest_codes_are_those_of_the_means_of_their_points_at_the_end():
    """Lloyd's condition, up to the noise of the batches."""
    codes, data = codebook.codes_while_training(8, "off")[300], codebook.points()
    chosen = torch.cdist(data, codes).argmin(1)
    means = torch.stack([data[chosen == k].mean(0) for k in range(8)])
    assert float((codes - means).norm(dim=1).max()) < 0.35
