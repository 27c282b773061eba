"""The continuous flow against closed forms: traces, change of variables, mass, both ways, opponents."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from atlas_cli import data
from atlas_cli.engine import trainer
from atlas_cli.engine.build import Options
from atlas_cli.engine.system import SampleRequest
from atlas_cli.present.reporter import SilentReporter
from atlas_cli.recipe import recipes
from atlas_cli.systems.flow import densities
from atlas_cli.systems.flow.cnf import CNF, exact_trace, hutchinson_trace, normal_log_density
from atlas_cli.systems.flow.coupling import CouplingFlow
from tests.systems.flow.house import on_points, steep


def points(n: int, seed: int = 0, dim: int = 2) -> Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(seed))


def linear(matrix: Tensor):
    """dx/dt = A x, whose flow is exp(A t) and whose divergence is tr A everywhere."""
    return lambda x, t: x @ matrix.T


class Linear(torch.nn.Module):
    """The same as a network of the system's form."""

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        self.matrix = matrix

    def forward(self, x: Tensor, t: float) -> Tensor:
        return x @ self.matrix.T

    def along(self, x: Tensor, t: float, d: Tensor) -> tuple[Tensor, Tensor]:
        return x @ self.matrix.T, d @ self.matrix.T


# --- the trace ----------------------------------------------------------------------------------------


def test_the_trace_carried_forwards_is_that_of_autograd() -> None:
    cnf, x = steep(on_points()), points(7)
    state = torch.cat([x, torch.zeros(7, 1)], dim=1)
    for t in (0.0, 0.3, 1.0):
        carried = -cnf.moving()(state, t)[:, -1]
        torch.testing.assert_close(carried, exact_trace(cnf.net, x, t))
        probe = points(7, seed=1).sign()
        carried = -cnf.moving(probe)(state, t)[:, -1]
        torch.testing.assert_close(carried, hutchinson_trace(cnf.net, x, t, probe))


def test_the_trace_is_that_of_the_whole_jacobian() -> None:
    cnf, x = steep(on_points(n_layer=3)), points(5)
    for i in range(5):
        jacobian = torch.autograd.functional.jacobian(lambda p: cnf.net(p[None], 0.4)[0], x[i])
        assert float(exact_trace(cnf.net, x, 0.4)[i].detach()) == pytest.approx(
            float(jacobian.trace()), abs=1e-5
        )


@pytest.mark.parametrize("kind", ["signs", "normal"])
def test_hutchinson_is_right_on_average_and_strays_as_the_formula_says(kind: str) -> None:
    """Signs: the sum over i < j of (A_ij + A_ji)^2. Normal: twice the squared norm of A's even part."""
    matrix = points(4, seed=3, dim=4)
    n = 200_000
    draw = points(n, seed=5, dim=4)
    probe = draw.sign() if kind == "signs" else draw
    told = hutchinson_trace(linear(matrix), torch.zeros(n, 4), 0.0, probe).detach()
    even = (matrix + matrix.T) / 2
    variance = 2 * (even.square().sum() - (kind == "signs") * even.diagonal().square().sum())
    assert float(told.mean()) == pytest.approx(float(matrix.trace()), abs=4 * math.sqrt(variance / n))
    assert float(told.var()) == pytest.approx(float(variance), rel=0.03)


def test_the_directions_of_a_batch_are_signs() -> None:
    batch = on_points().batch(0)
    assert set(batch.probe.unique().tolist()) == {-1.0, 1.0}
    assert batch.probe.shape == batch.data.shape


# --- the density --------------------------------------------------------------------------------------


def test_a_linear_field_makes_a_gaussian() -> None:
    """x = exp(A) z is normal with covariance exp(A) exp(A)^T; log|det exp(A)| = tr A."""
    matrix = torch.tensor([[0.5, -0.8], [0.3, -0.9]])
    cnf = on_points()
    cnf.net = Linear(matrix)
    spread = torch.linalg.matrix_exp(matrix)
    wanted = torch.distributions.MultivariateNormal(torch.zeros(2), spread @ spread.T)
    x = points(50, seed=2)
    torch.testing.assert_close(cnf.log_density(x), wanted.log_prob(x), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(cnf.to_data(x), x @ spread.T, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(cnf.to_noise(cnf.to_data(x)), x, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_the_density_is_that_of_the_change_of_variables() -> None:
    """log p(x) = log N(z) + log|det dz/dx|, with the determinant of the whole way."""
    cnf = steep(on_points(), 2.0)
    x = points(4, seed=6)
    with torch.enable_grad():
        for i in range(4):
            way = torch.autograd.functional.jacobian(lambda p: cnf.to_noise(p[None])[0], x[i])
            direct = normal_log_density(cnf.to_noise(x[i : i + 1])) + way.det().abs().log()
            torch.testing.assert_close(cnf.log_density(x[i : i + 1]), direct, atol=2e-3, rtol=1e-3)


@torch.no_grad()
@pytest.mark.parametrize("flow", ["continuous", "coupling"])
def test_a_density_has_mass_one_whatever_the_weights(flow: str) -> None:
    cnf = steep(on_points(flow=flow), 2.0)
    assert densities.mass(cnf.log_density, half=8.0, cells=160) == pytest.approx(1, abs=5e-3)


@torch.no_grad()
def test_one_direction_tells_the_likelihood_on_average() -> None:
    cnf, x = steep(on_points(), 2.0), points(20)
    many = x.expand(400, -1, -1).flatten(0, 1)
    probe = points(len(many), seed=8).sign()
    told = cnf.log_density(many, probe).view(400, 20)
    error = told.std(0) / 20
    assert (told.std(0) > 1e-3).any()
    assert ((told.mean(0) - cnf.log_density(x)).abs() < 4 * error + 1e-3).all()


@torch.no_grad()
def test_points_that_went_to_data_come_back() -> None:
    for flow in ("continuous", "coupling"):
        cnf, z = steep(on_points(flow=flow), 2.0), points(30)
        torch.testing.assert_close(cnf.to_noise(cnf.to_data(z)), z, atol=1e-3, rtol=1e-3)


def test_the_stretch_of_couplings_is_the_determinant() -> None:
    torch.manual_seed(1)
    flow = CouplingFlow(3, 8, 4)
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    x = points(5, dim=3)
    for i in range(5):
        way = torch.autograd.functional.jacobian(lambda p: flow.to_noise(p[None])[0][0], x[i])
        torch.testing.assert_close(flow.to_noise(x[i : i + 1])[1][0], way.det().abs().log())
    torch.testing.assert_close(flow.to_data(flow.to_noise(x)[0])[-1], x)


# --- training -----------------------------------------------------------------------------------------


def test_the_loss_is_what_a_point_costs() -> None:
    cnf = on_points(solver_steps=40)
    batch = cnf.batch(0)
    with torch.no_grad():
        loss, _ = cnf.loss(batch)
        assert float(loss) == pytest.approx(-float(cnf.log_density(batch.data).mean()), abs=1e-4)


def test_a_long_step_claims_what_the_adaptive_solver_does_not() -> None:
    """One long step of Euler is off by far; within a tolerance nothing is."""
    for fields, worst in (({"solver": "adaptive"}, 0.02), ({"solver": "adaptive", "tolerance": 1e-5}, 1e-3)):
        cnf = steep(on_points(**fields), 4.0)
        with torch.no_grad():
            batch, few = cnf.batch(0), steep(on_points(solver="euler", solver_steps=1), 4.0)
            exact = float(cnf.log_density(batch.data).mean())
            assert abs(-float(cnf.loss(batch)[0]) - exact) < worst
            assert abs(-float(few.loss(batch)[0]) - exact) > 0.05


def test_the_slope_of_the_likelihood_is_that_of_finite_differences() -> None:
    """A linear field of one number: dx/dt = a x in the plane costs x^2 e^(-2a) / 2 + 2a + log 2 pi."""
    cnf, a = on_points(solver_steps=20), torch.tensor(0.4, requires_grad=True)
    cnf.net = Linear(a * torch.eye(2))
    batch = cnf.batch(0)
    (slope,) = torch.autograd.grad(cnf.loss(batch)[0], a)
    squares = batch.data.square().sum(1).mean()
    assert float(slope) == pytest.approx(2 - float(squares * torch.exp(-2 * a.detach())), rel=1e-4)


def test_without_the_trace_it_pays_to_go_to_the_middle() -> None:
    """The slope by a is then only that of the noise's density: a larger a always pays."""
    cnf, a = on_points(objective="points", solver_steps=20), torch.tensor(0.4, requires_grad=True)
    cnf.net = Linear(a * torch.eye(2))
    (slope,) = torch.autograd.grad(cnf.loss(cnf.batch(0))[0], a)
    assert float(slope) < 0


def test_matching_asks_for_the_velocity_of_the_straight_line() -> None:
    cnf = on_points(objective="matching")
    batch = cnf.batch(0)
    cnf.net.forward = lambda x, t: batch.data - batch.noise
    assert float(cnf.loss(batch)[0].detach()) == 0


def test_two_half_batches_average_to_the_whole() -> None:
    losses = [
        float(cnf.loss(cnf.batch(3))[0].detach()) for cnf in (on_points(), on_points(0, 2), on_points(1, 2))
    ]
    assert losses[0] == pytest.approx((losses[1] + losses[2]) / 2, rel=1e-5)


@pytest.mark.parametrize(
    ("flow", "trace"), [("continuous", "exact"), ("continuous", "hutchinson"), ("coupling", "exact")]
)
def test_a_few_steps_make_points_cheaper(flow: str, trace: str) -> None:
    cnf = on_points(flow=flow, trace=trace, width=16, n_layer=4)
    optimizer = torch.optim.Adam(cnf.parameters(), lr=2e-2)
    losses = []
    for step in range(60):
        loss, _ = cnf.loss(cnf.batch(step))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert sum(losses[-10:]) < sum(losses[:10]) - 10 * 0.2


def test_couplings_have_no_velocity_to_be_matched() -> None:
    for fields in ({"objective": "matching"}, {"objective": "points"}, {"trace": "hutchinson"}):
        with pytest.raises(ValueError, match="no velocity"):
            on_points(flow="coupling", **fields)


# --- figures ------------------------------------------------------------------------------------------


@torch.no_grad()
def test_the_figures_stand_beside_the_truth() -> None:
    cnf = on_points(density="modes8").eval()
    figures = cnf.evaluate()
    assert figures["nats"] - figures["entropy"] == pytest.approx(figures["nats_above_truth"], abs=1e-4)
    entropy = math.log(8) + 1 + math.log(math.tau) + 2 * math.log(0.1)  # eight Gaussians that do not touch
    assert figures["entropy"] == pytest.approx(entropy, abs=0.05)
    assert figures["mass"] == pytest.approx(1, abs=0.01)
    assert 0 < figures["kernels_nats_above_truth"] < 0.1 < figures["gaussian_nats_above_truth"]
    assert abs(figures["hutchinson_bias"]) < figures["hutchinson_std"]
    assert figures["return_error"] < 1e-3
    assert all(math.isfinite(value) for value in figures.values())


def test_a_density_without_a_closed_form_has_nothing_beside_it() -> None:
    with torch.no_grad():
        figures = on_points(density="moons").eval().evaluate()
    assert "nats" in figures
    assert "nats_above_truth" not in figures


def test_kernels_and_a_gaussian_are_densities_and_the_best_width_is_taken() -> None:
    source = data.load({"name": "toy2d", "density": "modes8"})
    drawn, seen = source.held_out(500, 1), source.held_out(300, 2)
    for log in (
        lambda at: densities.gaussian(drawn, at),
        lambda at: densities.kernels(drawn, at, 0.3),
    ):
        assert densities.mass(log, half=12.0, cells=240) == pytest.approx(1, abs=1e-3)
    one = densities.kernels(torch.zeros(1, 2), points(5), 1.0)
    torch.testing.assert_close(one, normal_log_density(points(5)))
    best = densities.best_width(drawn, seen, (0.01, 0.1, 1.0))
    assert best == 0.1


@torch.no_grad()
@pytest.mark.parametrize("flow", ["continuous", "coupling"])
def test_what_is_shown_goes_from_noise_to_what_it_makes(flow: str) -> None:
    cnf = on_points(flow=flow).eval()
    shown = cnf.sample(SampleRequest(n=9, seed=3))
    torch.testing.assert_close(
        torch.from_numpy(shown.frames[-1]),
        cnf.to_data(torch.from_numpy(shown.frames[0])),
        atol=1e-3,
        rtol=1e-3,
    )
    assert (shown.points == shown.frames[-1]).all()
    assert shown.backdrop is not None
    assert CNF.unit == "points"


@pytest.mark.learn
def test_the_recipe_reaches_its_bars(tmp_path) -> None:
    outcome = trainer.execute(recipes.resolve("cnf/small"), Options(out=tmp_path), SilentReporter())
    assert outcome.met, outcome.verdicts
