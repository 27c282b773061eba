"""MeanFlow against the closed form on a Gaussian, finite differences, and flow matching."""

from __future__ import annotations

import torch
from torch import Tensor

from atlas_cli.systems.flow.meanflow import WEIGHT_FLOOR, Batch, Config, MeanFlow, spread

STD = 0.5  # of the data; their mean is 0


def tiny(**fields: object) -> MeanFlow:
    torch.manual_seed(0)
    return MeanFlow(Config(**{"image_size": 8, "width": 8, "guidance": 1.0, **fields}))


def way(t: Tensor) -> Tensor:
    """Where the flow has noise 1 at time t."""
    return (STD**2 * t**2 + (1 - t) ** 2).sqrt()


def velocity(x: Tensor, t: Tensor) -> Tensor:
    return (t * STD**2 - (1 - t)) / (t**2 * STD**2 + (1 - t) ** 2) * x


def average(x: Tensor, t: Tensor, s: Tensor, label: Tensor) -> Tensor:
    """The exact flow's: x_s - x_t over s - t, and the velocity where they are the same."""
    t, s = spread(t), spread(s)
    apart = torch.where(s > t, s - t, 1.0)
    return torch.where(s > t, (way(s) / way(t) - 1) * x / apart, velocity(x, t))


def batch(n: int = 6, long: bool = True) -> Batch:
    random = torch.Generator().manual_seed(2)
    data, noise = (torch.randn(n, 1, 8, 8, generator=random, dtype=torch.float64) for _ in range(2))
    t = torch.rand(n, generator=random, dtype=torch.float64) * 0.5
    return Batch(data * STD, torch.arange(n), t, t + 0.4 if long else t, noise)


def test_the_average_velocity_of_a_gaussian_is_what_the_identity_asks_for():
    system, given = tiny(), batch()
    system.average = average  # type: ignore[method-assign]
    x = spread(given.t) * given.data + spread(1 - given.t) * given.noise
    system.guided_velocity = lambda x, batch: velocity(x, spread(batch.t))  # type: ignore[method-assign]
    _, figures = system.loss(given)
    assert figures["squared_error"] < 1e-20
    assert x.isfinite().all()


def test_a_wrong_average_is_not():
    system, given = tiny(), batch()
    system.guided_velocity = lambda x, batch: velocity(x, spread(batch.t))  # type: ignore[method-assign]
    system.average = lambda x, t, s, label: velocity(x, spread(t))  # type: ignore[method-assign]
    assert system.loss(given)[1]["squared_error"] > 0.01


def test_the_derivative_is_that_along_the_way():
    system, given = tiny().double(), batch()
    with torch.no_grad():
        for parameter in system.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    x = spread(given.t) * given.data + spread(1 - given.t) * given.noise
    v, h = given.data - given.noise, 1e-5

    def at(step: float) -> Tensor:
        return system.average(x + step * v, given.t + step, given.s, given.label)

    slope = (at(h) - at(-h)) / (2 * h)
    target = v + spread(given.s - given.t) * slope
    expected = (system.average(x, given.t, given.s, given.label) - target).square().mean()
    torch.testing.assert_close(system.loss(given)[1]["squared_error"], expected.detach(), rtol=1e-5, atol=0)


def test_a_stretch_of_no_length_is_flow_matching():
    system, given = tiny(), batch(long=False)
    given = Batch(given.data.float(), given.label, given.t.float(), given.t.float(), given.noise.float())
    x = spread(given.t) * given.data + spread(1 - given.t) * given.noise
    error = (system.average(x, given.t, given.t, given.label) - (given.data - given.noise)).square().mean()
    torch.testing.assert_close(system.loss(given)[1]["squared_error"], error.detach())


def test_one_step_of_the_exact_average_ends_where_the_flow_does_and_so_do_five():
    system, noise = tiny(), torch.randn(4, 1, 8, 8)
    system.average = average  # type: ignore[method-assign]
    for steps in (1, 5):
        torch.testing.assert_close(system.follow(noise, torch.arange(4), steps)[-1], STD * noise)


def test_the_target_gives_no_gradient():
    system, given = tiny().double(), batch()
    with torch.no_grad():
        for parameter in system.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    x = spread(given.t) * given.data + spread(1 - given.t) * given.noise
    v, h = given.data - given.noise, 1e-5
    with torch.no_grad():
        ahead, behind = (
            system.average(x + step * v, given.t + step, given.s, given.label) for step in (h, -h)
        )
    target = v + spread(given.s - given.t) * (ahead - behind) / (2 * h)
    squares = (system.average(x, given.t, given.s, given.label) - target).square().flatten(1).mean(1)
    expected = (squares / (squares.detach() + WEIGHT_FLOOR)).mean()
    weight = system.net.conv_out.weight
    (theirs,) = torch.autograd.grad(expected, weight)
    (ours,) = torch.autograd.grad(system.loss(given)[0], weight)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-10)


def test_guidance_exaggerates_what_the_class_adds_and_leaves_images_without_one():
    system, given = tiny(guidance=2.0), batch(2)
    given = Batch(given.data, torch.tensor([3, 10]), given.t, given.s, given.noise)
    system.average = lambda x, t, s, label: torch.full_like(x, 0.5)  # type: ignore[method-assign]
    found, v = system.guided_velocity(given.data, given), given.data - given.noise
    torch.testing.assert_close(found[0], 2 * v[0] - 0.5)
    torch.testing.assert_close(found[1], v[1])


def test_times_are_in_order_and_as_many_stretches_are_long_as_the_recipe_says():
    from atlas_cli import data
    from atlas_cli.engine.system import Setting
    from atlas_cli.recipe.recipes import TrainConfig

    source = data.load({"name": "digits"})
    system = tiny(long_share=0.25).attach(Setting(source, TrainConfig(steps=1, batch_size=512, lr=1e-3)))
    drawn = system.batch(0)
    assert (drawn.s >= drawn.t).all()
    assert 0.15 < float((drawn.s > drawn.t).float().mean()) < 0.35
