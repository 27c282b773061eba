"""Flow matching against closed forms, the fields of the paper, and DDPM with its sampler."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from atlas_cli.engine.system import Setting
from atlas_cli.explorables.flow import _velocity
from atlas_cli.explorables.flow._data import ring
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.diffusion import ddpm as diffusion
from atlas_cli.systems.diffusion.ddpm import DDPM
from atlas_cli.systems.diffusion.sampler import Walk
from atlas_cli.systems.flow.cfm import CFM, Batch, Config, detour
from atlas_cli.systems.flow.paths import (
    PATHS,
    mix,
    split,
    straight_time,
    v_of_velocity,
    velocity,
    velocity_of_v,
)
from atlas_cli.systems.flow.solvers import solve

BOTH = pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)


def tiny(**fields: object) -> CFM:
    torch.manual_seed(0)
    return CFM(Config(**{"image_size": 8, "width": 8, **fields}))


def pair(n: int = 4) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(1)
    return tuple(torch.randn(n, 1, 8, 8, generator=random, dtype=torch.float64) for _ in range(2))  # type: ignore[return-value]


def exactly(t: float) -> Tensor:
    return torch.tensor(t, dtype=torch.float64)


def gaussian(mean: float, std: float):
    """E[data - noise | x_t] for data ~ N(mean, std^2), in the place of the net."""

    def predict(x: Tensor, t: Tensor, label: Tensor) -> Tensor:
        t = t.view(-1, 1, 1, 1)
        slope = (t * std**2 - (1 - t)) / (t**2 * std**2 + (1 - t) ** 2)  # covariance over variance
        return mean + slope * (x - t * mean)

    return predict


# --- paths --------------------------------------------------------------------------------------------


@BOTH
def test_a_path_leads_from_noise_to_data(path):
    data, noise = pair()
    torch.testing.assert_close(mix(path, data, noise, exactly(0.0)), noise)
    torch.testing.assert_close(mix(path, data, noise, exactly(1.0)), data)


@BOTH
def test_the_velocity_is_the_derivative_of_the_way(path):
    data, noise = pair()
    for t in (0.0, 0.3, 0.9):
        before, time, after = (exactly(t + h) for h in (-1e-5, 0.0, 1e-5))
        slope = (mix(path, data, noise, after) - mix(path, data, noise, before)) / 2e-5
        torch.testing.assert_close(velocity(path, data, noise, time), slope, atol=1e-8, rtol=1e-7)


@BOTH
def test_a_point_and_its_velocity_give_back_data_and_noise(path):
    data, noise = pair()
    for t in (0.0, 0.4, 1.0):
        time = exactly(t)
        found = split(path, mix(path, data, noise, time), velocity(path, data, noise, time), time)
        torch.testing.assert_close(found, (data, noise))


@BOTH
def test_both_clocks_agree(path):
    for t in (0.0, 0.2, 0.5, 0.99, 1.0):
        assert path.clock(straight_time(path, t)) == pytest.approx(t)


def test_the_field_of_a_pair_is_that_of_the_paper():
    """Eq. 21 with sigma_min = 0: u_t(x | x_1) = (x_1 - x) / (1 - t), which names the datum and no noise."""
    data, noise = pair()
    for t in (0.0, 0.25, 0.8):
        time = exactly(t)
        x = mix(PATHS["straight"], data, noise, time)
        torch.testing.assert_close(velocity(PATHS["straight"], data, noise, time), (data - x) / (1 - t))


@pytest.mark.parametrize("t", [0.2, 0.5, 0.8])
def test_pairs_weighed_by_their_nearness_give_the_exact_field_of_a_mixture(t: float):
    """Eq. 8: the marginal field is the mean of the pairs' fields, weighed by how likely each passes there."""
    random = torch.Generator().manual_seed(3)
    data = ring().draw(200_000, seed=5).double()
    x = t * data[:6] + (1 - t) * torch.randn(6, 2, generator=random, dtype=torch.float64)
    weights = (-(x[:, None] - t * data).square().sum(-1) / (2 * (1 - t) ** 2)).softmax(1)
    mean = weights @ data
    expected = (mean - x) / (1 - t)
    torch.testing.assert_close(_velocity.velocity(ring(), x.float(), t).double(), expected, atol=0.05, rtol=0)


def test_regression_on_single_pairs_finds_the_field_of_all():
    """Theorem 2 where it can be solved: on Gaussian data the best line is the exact marginal field."""
    mean, std, t, n = 0.7, 0.4, 0.6, 400_000
    random = torch.Generator().manual_seed(0)
    data = mean + std * torch.randn(n, generator=random, dtype=torch.float64)
    noise = torch.randn(n, generator=random, dtype=torch.float64)
    time = exactly(t)
    x, u = (f(PATHS["straight"], data, noise, time) for f in (mix, velocity))
    found = torch.linalg.lstsq(torch.stack([x, torch.ones_like(x)], 1), u[:, None]).solution.flatten()
    slope = (t * std**2 - (1 - t)) / (t**2 * std**2 + (1 - t) ** 2)
    expected = torch.tensor([slope, mean - slope * t * mean], dtype=torch.float64)
    torch.testing.assert_close(found, expected, atol=0.01, rtol=0)


# --- training and sampling ----------------------------------------------------------------------------


def test_the_loss_is_zero_for_a_net_that_knows_the_pair():
    cfm, (data, noise) = tiny(), (x.float() for x in pair())
    batch = Batch(data, torch.arange(4), torch.rand(4, 1, 1, 1), noise)
    assert cfm.loss(batch)[0] > 0.1
    cfm.predict = lambda x, t, label: data - noise  # type: ignore[method-assign]
    assert cfm.loss(batch)[0] == 0


@pytest.mark.parametrize(("solver", "order"), [("euler", 1), ("midpoint", 2), ("heun", 2)])
def test_the_walk_of_a_gaussian_ends_where_it_must_and_halving_steps_pays_as_the_order_says(solver, order):
    """The exact flow takes noise z to mean + std z; midpoint gains an order there by luck."""
    mean, std = -0.2, 0.5
    cfm = tiny(solver=solver, guidance=1.0, clip=False)
    cfm.predict = gaussian(mean, std)  # type: ignore[method-assign]
    noise, label = pair()[0], torch.arange(4)

    def error(steps: int) -> float:
        *_, end = cfm.follow(noise, label, steps)
        return float((end - (mean + std * noise)).abs().mean())

    assert error(64) < 0.02
    assert math.log2(error(32) / error(64)) > order - 0.1


def test_on_the_way_of_one_datum_a_single_step_is_exact():
    datum, noise = torch.rand(1, 1, 8, 8) * 2 - 1, torch.randn(4, 1, 8, 8)
    cfm = tiny(guidance=1.0)
    cfm.predict = lambda x, t, label: (datum - x) / (1 - t.view(-1, 1, 1, 1))  # type: ignore[method-assign]
    (end,) = cfm.follow(noise, torch.arange(4), 1)
    torch.testing.assert_close(end, datum.expand(4, -1, -1, -1))


@pytest.mark.parametrize("spacing", [None, *PATHS])
@BOTH
def test_times_rise_from_noise_to_data(path, spacing):
    name = next(name for name, known in PATHS.items() if known is path)
    times = tiny(path=name, spacing=spacing).times(7)
    assert len(times) == 8
    assert times == sorted(times)
    assert times[0] == pytest.approx(0)
    assert times[-1] == pytest.approx(1)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("solver", ["euler", "midpoint", "heun"])
def test_clipped_walks_stay_finite_to_the_last_step(path: str, solver: str):
    cfm = tiny(path=path, solver=solver, guidance=3.0)
    with torch.no_grad():
        *_, end = cfm.follow(torch.randn(4, 1, 8, 8), torch.arange(4), 6)
    assert end.isfinite().all()
    assert end.abs().max() < 3


def test_guidance_exaggerates_what_the_class_adds():
    cfm = tiny(guidance=2.5)
    cfm.predict = lambda x, t, label: x + label.view(-1, 1, 1, 1)  # type: ignore[method-assign]
    x, label = torch.zeros(2, 1, 8, 8), torch.tensor([3, 7])
    found = cfm.guided(x, torch.tensor(0.5), label)
    torch.testing.assert_close(found[:, 0, 0, 0], 10 + 2.5 * (label - 10).float())


def test_a_detour_is_measured_against_the_straight_line():
    start = torch.zeros(1, 1, 2, 2)
    corner, end = start.clone(), start.clone()
    corner[0, 0, 0, 0] = end[0, 0, 0, 0] = end[0, 0, 1, 1] = 1.0
    assert detour([[start, end / 2, end]]) == pytest.approx(1)
    assert detour([[start, corner, end]]) == pytest.approx(math.sqrt(2))


# --- diffusion is a flow ------------------------------------------------------------------------------


def circle(n_steps: int, **fields: object) -> DDPM:
    """A DDPM whose levels lie evenly on the quarter of a circle, without offset."""
    ddpm = DDPM(diffusion.Config(image_size=8, width=8, n_steps=n_steps, sampler="ddim", **fields))
    ddpm.alpha_bar = torch.cos(torch.arange(1, n_steps + 1) / n_steps * math.pi / 2) ** 2
    return ddpm


def test_perfect_networks_join_the_same_noise_to_the_same_data_on_either_path():
    noise = torch.randn(16, 2, generator=torch.Generator().manual_seed(2))
    ends = [
        solve(lambda x, t, path=path: _velocity.velocity(ring(), x, t, path), noise, 400, "midpoint")
        for path in ("straight", "diffusion")
    ]
    torch.testing.assert_close(*ends, atol=0.02, rtol=0)


@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize("guidance", [1.0, 2.0])
def test_along_the_cosine_path_euler_is_ddim(guidance: float, clip: bool):
    """The recipe's ablation is a diffusion model: by the same net, DDPM's sampler draws the same images."""
    cfm = tiny(path="cosine", guidance=guidance, clip=clip)
    ddpm = circle(20, sampler_steps=5, guidance=guidance, clip=clip)
    net = cfm.net
    cfm.predict = lambda x, t, label: -math.pi / 2 * net(x, 1000 * (1 - t), label)  # type: ignore[method-assign]
    ddpm.predict = lambda x, t, label: net(x, (t + 1) * 50.0, label)  # type: ignore[method-assign]
    noise, label = torch.randn(4, 1, 8, 8), torch.arange(4)
    with torch.no_grad():
        *_, ours = cfm.follow(noise, label, 5)
        *_, theirs = ddpm.denoise(noise, label, torch.Generator())
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_along_the_cosine_path_the_loss_is_that_of_ddpm_up_to_a_constant():
    cfm, ddpm, n = tiny(path="cosine"), circle(1000), 4
    t = torch.tensor([10, 300, 600, 990])
    data, noise = (x.float() for x in pair(n))
    ddpm.predict = lambda x, t, label: torch.sin(x)  # type: ignore[method-assign]
    cfm.predict = lambda x, t, label: -math.pi / 2 * torch.sin(x)  # type: ignore[method-assign]
    theirs, _ = ddpm.loss(diffusion.Batch(data, torch.zeros(n, dtype=torch.long), t, noise))
    time = 1 - (t + 1).view(-1, 1, 1, 1) / 1000
    ours, _ = cfm.loss(Batch(data, torch.zeros(n, dtype=torch.long), time, noise))
    assert ours.item() == pytest.approx((math.pi / 2) ** 2 * theirs.item(), rel=1e-4)


def trained(system: DDPM | CFM, source: object, steps: int) -> None:
    """After so many steps: a new net says 0 wherever it is asked, and anything turns into anything."""
    system.attach(Setting(source, TrainConfig(steps=steps, batch_size=16, lr=5e-3)))
    optimizers = system.optimizers()
    for step in range(steps):
        system.step(system.batch(step), optimizers)


def test_a_trained_ddpm_becomes_a_flow_and_a_flow_a_ddpm(tiny_images):
    """By any schedule: scaled by 1 / (a + s), a step of DDIM is one of Euler's method."""
    torch.manual_seed(0)
    steps, label, noise = 10, torch.arange(4), torch.randn(4, 1, 8, 8)
    ddpm = DDPM(diffusion.Config(image_size=8, width=8, n_steps=100, clip=False))
    trained(ddpm, tiny_images, 30)
    walk = Walk("ddim", steps, eta=0.0, guidance=1.0, clip=False)
    visited = ddpm.timesteps(walk)
    a, s = (level.flatten() for level in ddpm.levels(torch.tensor(visited)))
    times = [*(a / (a + s)).tolist(), 1.0]
    cfm = tiny(guidance=1.0, clip=False)
    trained(cfm, tiny_images, 30)
    with torch.no_grad():
        *_, drawn = ddpm.denoise(noise, label, torch.Generator(), walk=walk)

        # there: Euler's method along the velocity that the ddpm stands for
        z = noise / (a[0] + s[0])
        for k, t in enumerate(visited):
            x = (a[k] + s[k]) * z
            v = ddpm.predict(x, torch.full_like(label, t), label)
            u = velocity_of_v(v, x, a[k], s[k])
            torch.testing.assert_close(v_of_velocity(u, x, a[k], s[k]), v, atol=1e-5, rtol=1e-4)
            z = z + (times[k + 1] - times[k]) * u
        assert v.std() > 0.1  # it has learned something
        torch.testing.assert_close(z, drawn, atol=1e-4, rtol=1e-4)

        # and back: a flow's velocity, asked by DDPM's own sampler
        def predict(x: Tensor, t: Tensor, label: Tensor) -> Tensor:
            signal, sigma = ddpm.levels(t)
            time = (signal / (signal + sigma)).flatten()
            return v_of_velocity(cfm.predict(x / (signal + sigma), time, label), x, signal, sigma)

        ddpm.predict = predict  # type: ignore[method-assign]
        *_, by_ddpm = ddpm.denoise(noise, label, torch.Generator(), walk=walk)
        z = noise / (a[0] + s[0])
        for t, later in pairwise(times):
            z = z + (later - t) * cfm.field(z, t, label)
    torch.testing.assert_close(z, by_ddpm, atol=1e-4, rtol=1e-4)
