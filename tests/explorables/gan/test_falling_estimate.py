"""Two recorded trainings: the distance and a fresh critic's estimate fall, and the players' losses do not."""

from __future__ import annotations

import pytest
import torch

from atlas_cli.explorables.gan import _films
from atlas_cli.explorables.gan import falling_estimate as shown

HEALTHY = _films.film("modes").stills
COLLAPSED = _films.film("modes-without-r1").stills


def of(stills: list[dict], name: str) -> torch.Tensor:
    return torch.tensor([still[name] for still in stills])


def test_both_the_distance_and_the_estimate_fall_in_a_healthy_run():
    for name in ("apart", "gap"):
        told = of(HEALTHY, name)
        assert told[-1] < told[0] / 5
        assert told[-5:].mean() < told[8:13].mean()


@pytest.mark.parametrize("stills", [HEALTHY, COLLAPSED])
def test_the_estimate_is_near_the_exact_distance_and_goes_with_it(stills: list[dict]):
    apart, gap = of(stills, "apart"), of(stills, "gap")
    assert torch.corrcoef(torch.stack([apart, gap]))[0, 1] > 0.95
    assert (gap < 1.15 * apart).all()


def test_the_distance_tells_which_run_lost_its_modes():
    for name in ("apart", "gap"):
        assert of(COLLAPSED, name)[-1] > 1.3 * of(HEALTHY, name)[-1]


def test_no_loss_of_the_game_falls_while_samples_improve():
    """The distance falls on, and D's loss goes up to what it pays when it cannot tell, 2 log 2."""
    losses = torch.tensor([still["losses"] for still in HEALTHY])
    assert losses[-1, 0] > losses[1:6, 0].min()
    assert losses[-1, 0] == pytest.approx(1.386, abs=0.05)


def test_the_frame_has_the_curves_of_the_run_that_is_chosen():
    for run, stills in (("with R1", HEALTHY), ("without R1", COLLAPSED)):
        frame = shown.falling_estimate(run)
        (distances,), (losses,) = frame.panels
        exact, fresh = distances.series
        assert exact.ys[-1] == pytest.approx(stills[-1]["apart"], rel=1e-3)
        assert fresh.ys[-1] == pytest.approx(stills[-1]["gap"], rel=1e-3)
        assert [series.ys[3] for series in losses.series] == pytest.approx(stills[3]["losses"], rel=1e-2)
        assert frame.facts["exact distance"] == pytest.approx(stills[-1]["apart"], rel=1e-3)
