"""The solvers against closed forms and scipy: order, steps chosen, gradients, both directions."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from torch import Tensor

from atlas_cli.systems.flow import solvers
from atlas_cli.systems.flow.solvers import CALLS, ORDER, STEP, StepTooSmall, adaptive, even_steps, solve

START = torch.tensor([[1.0, 0.2], [-0.5, 2.0]], dtype=torch.float64)


def swirl(x: Tensor, t: float) -> Tensor:
    """Turns and squeezes, faster with time, without a closed form: (B, 2) -> (B, 2)."""
    a, b = x.unbind(1)
    return torch.stack([-b + torch.sin(a * b) + t, a * math.cos(3 * t) - b.tanh()], dim=1)


def by_scipy(v, x: Tensor, tolerance: float = 1e-12, start: float = 0.0, end: float = 1.0, **options):
    def flat(t: float, y: np.ndarray) -> np.ndarray:
        return v(torch.from_numpy(y).view_as(x), t).numpy().ravel()

    return solve_ivp(flat, (start, end), x.numpy().ravel(), rtol=tolerance, atol=tolerance, **options)


@cache
def exact(end: float) -> Tensor:
    found = by_scipy(swirl, START, 1e-13, end=end, method="DOP853")
    return torch.from_numpy(found.y[:, -1]).view_as(START)


@pytest.mark.parametrize("method", STEP)
def test_half_the_step_leaves_two_to_the_order_times_less_error(method: str) -> None:
    coarse, fine = (solve(swirl, START, n, method, end=3.0) for n in (128, 256))
    errors = [float((end - exact(3.0)).abs().max()) for end in (coarse, fine)]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(ORDER[method], abs=0.2)


@pytest.mark.parametrize("method", STEP)
def test_a_field_that_is_a_polynomial_of_time_is_walked_exactly_up_to_the_order(method: str) -> None:
    """dx/dt = t^k: a method of order p sums it exactly for k < p, and not for every k beyond."""
    x, p = torch.zeros(1, 1, dtype=torch.float64), ORDER[method]
    for k in range(p):
        end = solve(lambda x, t, k=k: torch.full_like(x, t**k), x, 1, method)
        assert float(end) == pytest.approx(1 / (k + 1), abs=1e-14)
    beyond = solve(lambda x, t: torch.full_like(x, t**p), x, 1, method)
    assert abs(float(beyond) - 1 / (p + 1)) > 1e-4


@pytest.mark.parametrize("method", STEP)
def test_a_step_of_growth_is_the_first_terms_of_the_exponential(method: str) -> None:
    """dx/dt = x: of e^h a method of order p has the terms up to h^p, whatever the step."""
    h, p = 0.1, ORDER[method]
    end = float(STEP[method](lambda x, t: x, torch.ones(1, 1, dtype=torch.float64), 0.0, h))
    terms = [h**k / math.factorial(k) for k in range(8)]
    assert abs(end - sum(terms[: p + 1])) < 1.5 * terms[p + 1]


def test_dopri5_is_the_step_of_scipy() -> None:
    found = by_scipy(swirl, START, 1.0, end=0.1, first_step=0.1)  # so loose that one step does
    assert found.t.tolist() == [0.0, 0.1]
    ours = STEP["dopri5"](swirl, START, 0.0, 0.1)
    np.testing.assert_allclose(ours.numpy().ravel(), found.y[:, -1], rtol=1e-14)


@pytest.mark.parametrize("tolerance", [1e-2, 1e-4, 1e-6, 1e-9])
@pytest.mark.parametrize(("start", "end"), [(0.0, 1.0), (1.0, 0.0), (0.0, 6.0)])
def test_the_adaptive_one_takes_the_very_steps_of_scipy(tolerance: float, start: float, end: float) -> None:
    found = by_scipy(swirl, START, tolerance, start, end, method="RK45", first_step=0.5)
    steps = list(adaptive(swirl, START, tolerance, start, end, first_step=0.5))
    np.testing.assert_allclose([step.t for step in steps], found.t[1:], rtol=1e-6)
    np.testing.assert_allclose(steps[-1].x.numpy().ravel(), found.y[:, -1], rtol=1e-7)
    assert steps[-1].calls == found.nfev
    assert steps[-1].t == end


def test_a_tighter_tolerance_costs_calls_and_gives_digits() -> None:
    errors, calls = [], []
    for tolerance in (1e-3, 1e-5, 1e-7):
        *_, last = adaptive(swirl, START, tolerance)
        errors.append(float((last.x - exact(1.0)).abs().max()))
        calls.append(last.calls)
        assert errors[-1] < 10 * tolerance
    assert errors == sorted(errors, reverse=True)
    assert calls == sorted(calls)


@pytest.mark.parametrize("method", STEP)
def test_the_field_is_called_as_often_as_is_said(method: str) -> None:
    asked: list[float] = []

    def counted(x: Tensor, t: float) -> Tensor:
        asked.append(t)
        return swirl(x, t)

    points = list(even_steps(counted, START, 5, method))
    # Taken alone, a step of dopri5 has nobody to hand it its first velocity.
    assert len(asked) == 5 * (CALLS[method] + (method == "dopri5"))
    assert len(points) == 5
    assert 0 <= min(asked) <= max(asked) <= 1 + 1e-12


@pytest.mark.parametrize("method", STEP)
def test_there_and_back_again(method: str) -> None:
    there = solve(swirl, START, 100, method)
    back = solve(swirl, there, 100, method, start=1.0, end=0.0)
    assert float((back - START).abs().max()) < 4 * 0.01 ** ORDER[method] + 1e-12 + (method == "euler") * 0.1


def test_gradients_flow_through_every_step() -> None:
    """dx/dt = a x: the end is x e^a, and its slope by a is x e^a as well."""
    for walk in (lambda v, x: solve(v, x, 40, "rk4"), lambda v, x: solvers.solve_within(v, x, 1e-8)):
        a = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
        end = walk(lambda x, t, a=a: a * x, torch.ones(1, 1, dtype=torch.float64))
        (slope,) = torch.autograd.grad(end.sum(), a)
        assert float(slope) == pytest.approx(math.exp(0.7), rel=1e-6)


def test_a_field_that_breaks_off_is_said_and_not_walked() -> None:
    with pytest.raises(StepTooSmall):
        solvers.solve_within(lambda x, t: x * (math.nan if t > 0.5 else 1.0), START)
    with pytest.raises(StepTooSmall):  # 1 / (1 - t) has left the numbers at t = 1
        solvers.solve_within(lambda x, t: x * x, torch.ones(1, 1, dtype=torch.float64), end=1.5)


def test_any_shape_is_walked_alike() -> None:
    images = torch.randn(3, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    end = solve(lambda x, t: -x, images, 8)
    torch.testing.assert_close(end, images * math.exp(-1), rtol=1e-5, atol=1e-6)
