"""The consistency function in closed form, against the path that it jumps over."""

from __future__ import annotations

import pytest
import torch

from atlas_cli.explorables.diffusion import _denoising, consistency

LAST = _denoising.N_STEPS - 1


def test_one_call_lands_where_the_long_walk_ends():
    """DDIM through every time follows the flow of probability; its last steps are its coarsest."""
    path = _denoising.walk(_denoising.line(), range(LAST, -1, -1), 0.0)[:, :, 0]
    ends = consistency.consistency_function(path[0], LAST)
    gaps = (ends - path[-1]).abs()
    assert float(gaps.median()) < 0.02
    assert float((gaps < 0.1).double().mean()) > 0.98


@pytest.mark.parametrize("at", [50, 120, 180])
def test_all_points_of_a_path_have_one_answer(at: int):
    """Self-consistency, Song et al. 2023, definition 1."""
    path = _denoising.walk(_denoising.line(), range(LAST, -1, -1), 0.0)[:, :, 0]
    start = consistency.consistency_function(path[0], LAST)
    later = consistency.consistency_function(path[LAST - at], at)
    assert float((start - later).abs().median()) < 0.02


def test_without_noise_it_changes_nothing():
    """The boundary condition f(x, 0) = x; the first time holds next to no noise."""
    x = torch.tensor([-1.6, -1.2, 1.0, 1.4])
    found = consistency.consistency_function(x, 0)
    torch.testing.assert_close(found, x.double(), atol=0.02, rtol=0)


def test_its_samples_are_the_data_and_a_denoisers_are_not():
    assert _denoising.distance(consistency.sampled(1, 0.0)) < 3 * consistency.fresh_distance()
    assert _denoising.distance(consistency.denoised(1)[1]) > 1


def test_blur_puts_samples_between_the_modes_and_more_calls_take_them_back():
    shares = [_denoising.between(consistency.sampled(1, blur)) for blur in consistency.BLURS]
    assert shares == sorted(shares)
    assert shares[0] < 0.005
    for blur in (0.2, 0.4):
        once, often = (consistency.sampled(n, blur) for n in (1, 8))
        assert _denoising.between(often) < 0.25 * _denoising.between(once)
        assert _denoising.distance(often) < 0.5 * _denoising.distance(once)


def test_a_straight_function_survives_blurring():
    """Where f is linear, its mean over a symmetric blur is itself: far from the step, at little noise."""
    x = torch.tensor([1.1, 1.2, 1.3])
    blurred, sharp = (consistency.consistency_function(x, 20, blur) for blur in (0.2, 0.0))
    torch.testing.assert_close(blurred, sharp, atol=5e-3, rtol=0)


def test_no_visited_time_is_free_of_noise():
    for steps in consistency.STEPS:
        times = consistency.times_of(steps)
        assert len(set(times)) == steps
        assert times[0] == LAST
        assert times == sorted(times, reverse=True)
        assert times[-1] > 0


def test_tables_are_read_between_their_entries():
    grid = torch.linspace(0, 4, 5)
    found = consistency._read(grid, grid.square(), torch.tensor([-1.0, 0.5, 2.0, 3.5]))
    assert found == pytest.approx([0, 0.5, 4, 12.5])


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_the_drawn_ways_are_those_of_the_samples(steps: int):
    denoiser, function = consistency.consistency(steps, 0.1).panels[0]
    step, call = (panel.shapes[-1] for panel in (denoiser, function))
    assert (len(step.paths), len(call.paths)) == (steps * consistency.N_PATHS,) * 2
    for i, place in enumerate(consistency._drawn()):
        last_step, last_call = (
            [path for path, part in zip(s.paths, s.parts, strict=True) if part == i][-1] for s in (step, call)
        )
        assert last_step[1] == pytest.approx((1, float(consistency.denoised(steps)[1][place])), abs=1e-3)
        assert last_call[1] == pytest.approx((1, float(consistency.sampled(steps, 0.1)[place])), abs=1e-3)
    exact = next(shape for shape in denoiser.shapes if shape.label == "exact paths")
    starts = [path[0][1] for path in exact.paths]
    assert starts == sorted(starts)
    assert starts == pytest.approx([path[0][1] for path in step.paths[::steps]], abs=1e-3)


def test_one_call_of_a_perfect_denoiser_lands_in_one_place_and_a_consistency_function_at_the_ends_of_paths():
    denoiser, function = consistency.consistency(1, 0.0).panels[0]
    landed = [path[1][1] for path in denoiser.shapes[-1].paths]
    assert max(landed) - min(landed) < 0.1
    ends = [path[-1][1] for path in function.shapes[2].paths]
    assert [path[1][1] for path in function.shapes[-1].paths] == pytest.approx(ends, abs=0.1)
