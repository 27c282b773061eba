"""Views: what each kind changes and what it leaves alone; textures, whose pixels tell nothing of a digit."""

from __future__ import annotations

import math

import pytest
import torch

from atlas_cli.data import backgrounds, views
from atlas_cli.data.views import view
from atlas_cli.draws import BatchRandom

KINDS = ("crop", "turn", "bend", "pen", "tone", "noise")


def random(n: int = 8, step: int = 0) -> BatchRandom:
    return BatchRandom(0, step, n)


def ring(n: int = 8) -> torch.Tensor:
    """A ring of ink in the middle of the page, -1 to 1."""
    grid = torch.arange(28) - 13.5
    radius = (grid[:, None] ** 2 + grid**2).sqrt()
    return (2 * torch.exp(-((radius - 6) ** 2) / 2) - 1).expand(n, 1, 28, 28)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_changes_every_image_in_its_own_way_and_the_same_draws_give_the_same(kind: str) -> None:
    images = ring().clone()
    seen = view(images, random(), (kind,))
    assert torch.equal(images, ring())  # what is given stays
    assert seen.shape == images.shape
    assert ((seen - images).flatten(1).abs().amax(1) > 1e-3).all()
    assert (seen[0] - seen[1]).abs().max() > 1e-3
    assert torch.equal(seen, view(images, random(), (kind,)))
    assert not torch.equal(seen, view(images, random(step=1), (kind,)))


def test_no_kind_is_the_image_itself() -> None:
    assert torch.equal(view(ring(), random(), ()), ring())


def test_a_turned_ring_is_a_ring_and_its_slant_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "SLANT", 0.0)
    seen = view(ring(), random(), ("turn",))
    torch.testing.assert_close(seen, ring(), atol=0.3, rtol=0)  # up to interpolation
    monkeypatch.setattr(views, "SLANT", 0.5)
    assert (view(ring(), random(), ("turn",)) - ring()).abs().amax() > 0.5


def test_a_crop_moves_the_ink_by_no_more_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "ZOOM", 0.0)
    monkeypatch.setattr(views, "STRETCH", 0.0)
    ink = (view(ring(64), random(64), ("crop",)) + 1) / 2
    columns = torch.arange(28).float()
    centre = (ink.sum((1, 2)) * columns).sum(1) / ink.sum((1, 2, 3))
    moved = (centre - 13.5).abs()
    assert moved.max() <= views.SHIFT * 14 + 0.1
    assert moved.max() > 0.5 * views.SHIFT * 14


def test_a_pen_keeps_paper_and_page_and_grows_or_shrinks_strokes() -> None:
    seen = view(ring(64), random(64), ("pen",))
    ink = (seen + 1).sum((1, 2, 3)) / (ring(64) + 1).sum((1, 2, 3))
    assert ink.min() < 0.9 < 1.1 < ink.max()
    assert torch.equal(seen.amin((1, 2, 3)), ring(64).amin((1, 2, 3)))
    assert (seen <= ring(64).amax()).all()


def test_tone_is_a_straight_line_of_grey() -> None:
    seen = view(ring(), random(), ("tone",))
    for image, given in zip(seen, ring(), strict=True):
        low, high = given.min(), given.max()
        slope = (image.max() - image.min()) / (high - low)
        assert views.CONTRAST[0] - 1e-5 <= slope <= views.CONTRAST[1] + 1e-5
        torch.testing.assert_close(image, image.min() + slope * (given - low), atol=1e-5, rtol=0)


def test_noise_has_no_mean_and_at_most_its_largest_deviation() -> None:
    difference = view(ring(200), random(200), ("noise",)) - ring(200)
    assert difference.mean().abs() < 0.01
    deviation = difference.flatten(1).std(1)
    assert deviation.max() < 1.1 * views.NOISE
    assert deviation.mean().item() == pytest.approx(views.NOISE / 2, rel=0.15)


def test_the_share_of_a_rank_is_a_part_of_the_batch() -> None:
    whole = view(ring(8), random(8), KINDS)
    halves = [view(ring(4), BatchRandom(0, 0, 8, rank, 2), KINDS) for rank in (0, 1)]
    torch.testing.assert_close(torch.cat(halves), whole)


def test_textures_differ_from_image_to_image_and_stay_below_the_ink() -> None:
    seen = backgrounds.textures(random(300), 28, 28)
    assert seen.shape == (300, 1, 28, 28)
    assert seen.abs().max() <= backgrounds.BRIGHTEST
    assert seen.mean().abs() < 0.05  # no pixel is lighter in the mean
    flat = seen.flatten(1)
    cosines = torch.corrcoef(flat).fill_diagonal_(0)
    assert cosines.abs().mean() < 0.25


def test_ink_is_white_or_black_in_even_shares_and_paper_is_the_texture() -> None:
    inked = torch.ones(400, 1, 8, 8)
    seen = backgrounds.over_textures(inked, random(400))
    assert set(seen.unique().tolist()) == {-1.0, 1.0}
    assert seen[:, 0, 0, 0].mean().abs() < 4 / math.sqrt(400)
    empty = backgrounds.over_textures(-inked, random(400))
    torch.testing.assert_close(empty, backgrounds.textures(random(400), 8, 8))
