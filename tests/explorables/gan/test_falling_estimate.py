"""Two recorded trainings: how far the exact distance and a fresh critic's estimate of it fall."""

from __future__ import annotations

import pytest
import torch

from atlas_cli.explorables.gan import _films
from atlas_cli.explorables.gan import falling_estimate as shown

HEALTHY = _films.film("modes").stills
COLLAPSED = _films.film("modes-without-r1").stills


def of(stills: list[dict], name: str) -> torch.Tensor:
    return torch.tensor([still[name] for still in stills])


def test_both_fall_while_the_cloud_spreads_over_the_grid():
    for name in ("apart", "gap"):
        told = of(HEALTHY, name)
        assert told[1] < told[0] / 3


def test_then_only_the_exact_distance_falls_on_to_that_of_two_clouds_of_data():
    apart, gap, floor = of(HEALTHY, "apart"), of(HEALTHY, "gap"), _films.film("modes").facts["floor"]
    assert apart[-3:].mean() < 0.7 * apart[1:4].mean()
    assert apart[-3:].mean() < 1.25 * floor["apart"]
    assert gap[-3:].mean() == pytest.approx(gap[1:4].mean().item(), rel=0.2)
    assert gap[-3:].mean() < 1.25 * floor["gap"]


def test_both_rise_together_in_the_run_that_loses_its_modes_and_d_s_loss_falls():
    for name in ("apart", "gap"):
        assert of(COLLAPSED, name)[-5:].mean() > 2 * of(HEALTHY, name)[-5:].mean()
        assert of(COLLAPSED, name)[-5:].mean() > 1.5 * of(COLLAPSED, name)[1:5].mean()
    told = torch.stack([of(COLLAPSED, "apart"), of(COLLAPSED, "gap")])[:, 1:]
    assert torch.corrcoef(told)[0, 1] > 0.8
    assert of(COLLAPSED, "losses")[-5:, 0].mean() < 0.7 * of(COLLAPSED, "losses")[0, 0]


def test_no_loss_of_the_game_falls_while_samples_improve():
    """D's loss goes up again to what it pays when it cannot tell, 2 log 2."""
    losses = torch.tensor([still["losses"] for still in HEALTHY])
    assert losses[-1, 0] > losses[1:, 0].min()
    assert losses[-1, 0].item() == pytest.approx(1.386, abs=0.05)


def test_the_frame_has_the_curves_of_the_run_that_is_chosen():
    for run, stills in (("with R1", HEALTHY), ("without R1", COLLAPSED)):
        frame = shown.falling_estimate(run)
        (distances,), (losses,) = frame.panels
        exact, fresh, floor = distances.series
        assert exact.ys[-1] == pytest.approx(stills[-1]["apart"], rel=1e-3)
        assert fresh.ys[-1] == pytest.approx(stills[-1]["gap"], rel=1e-3)
        assert [series.ys[3] for series in losses.series] == pytest.approx(stills[3]["losses"], rel=1e-2)
        assert floor.ys[0] == pytest.approx(_films.film("modes").facts["floor"]["apart"], rel=1e-3)
        assert frame.facts["exact distance"] == pytest.approx(stills[-1]["apart"], rel=1e-3)
