"""Consistency models against diffusers' schedulers and the exact consistency function of a Gaussian."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from atlas_cli.engine.system import SampleRequest, Setting
from atlas_cli.errors import UsageError
from atlas_cli.recipe import recipes
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.diffusion.consistency import Batch, Config, Consistency
from atlas_cli.systems.diffusion.ddpm import DDPM, alpha_bar
from atlas_cli.systems.diffusion.ddpm import Config as TeacherConfig

TRAIN = TrainConfig(steps=40, batch_size=8, lr=1e-2)
T = 100  # steps of the teacher
MEAN, STD = 0.3, 0.4  # of the Gaussian whose paths are known


def teacher(**fields: object) -> DDPM:
    """A small network with no weight at zero, so that its answers depend on everything."""
    torch.manual_seed(0)
    net = DDPM(TeacherConfig(**{"image_size": 8, "n_steps": T, "width": 8, **fields}))
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return net.requires_grad_(False)


def attached(data: object = None, parent: DDPM | None = None, **fields: object) -> Consistency:
    given = {"image_size": 8, "n_levels": 10, "n_levels_start": 10, "target_ema": 0.0, **fields}
    config = Config(**given)
    system = Consistency(config)
    system.attach(Setting(data, TRAIN, parent=parent or teacher()))
    return system


def exact(system: Consistency) -> Consistency:
    """For data ~ N(m, s^2): the teacher is the optimal denoiser, the student the exact end of its path.

    Along the path (x_t - signal m) / std(x_t) stays as it is, so f(x_t) = m + s (x_t - signal m) / std(x_t).
    """

    def parts(x_t: Tensor, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        signal, sigma = system.levels(t)
        return signal, sigma, (x_t - signal * MEAN) / (signal**2 * STD**2 + sigma**2).sqrt()

    def denoiser(x_t: Tensor, t: Tensor, label: Tensor) -> Tensor:
        signal, sigma, z = parts(x_t, t)
        data = MEAN + signal * STD**2 * z / (signal**2 * STD**2 + sigma**2).sqrt()
        return (signal * x_t - data) / sigma  # as v

    def end(x_t: Tensor, t: Tensor, label: Tensor) -> Tensor:
        signal, sigma, z = parts(x_t, t)
        return (signal * x_t - (MEAN + STD * z)) / sigma  # as v

    system.teacher.predict, system.student.predict = denoiser, end  # type: ignore[method-assign]
    return system


def gaussian_batch(system: Consistency, levels: int, n: int = 64) -> Batch:
    """Pairs of neighbouring levels, all of them equally often."""
    random = torch.Generator().manual_seed(0)
    piece, steps = torch.arange(n) % levels, system.student.config.n_steps
    s, t = piece * steps // levels - 1, (piece + 1) * steps // levels - 1
    data = MEAN + STD * torch.randn(n, 1, 8, 8, generator=random)
    return Batch(data, torch.zeros(n, dtype=torch.long), t, s, torch.randn(n, 1, 8, 8, generator=random))


# --- the consistency function -----------------------------------------------------------------------------


def test_the_image_itself_is_left_as_it_is_whatever_the_weights() -> None:
    x, label = torch.randn(4, 1, 8, 8), torch.arange(4)
    assert torch.equal(attached().jump(x, torch.full((4,), -1), label), x)


def test_boundary_scalings_equal_diffusers_at_unit_data_variance() -> None:
    """The paper's x is data + noise * sigma: divide ours by its signal, and the scalings must agree."""
    from diffusers import CMStochasticIterativeScheduler

    system, t = attached(), torch.arange(-1, T - 1)
    signal, sigma = system.levels(t)
    reference = CMStochasticIterativeScheduler(sigma_min=0.0, sigma_data=1.0)
    c_skip, c_out = reference.get_scalings_for_boundary_condition(sigma / signal)
    ours = system.boundary(t)
    torch.testing.assert_close(ours[0] * signal, c_skip, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(-ours[1], c_out, atol=1e-5, rtol=1e-5)  # the network says -v, as to the sign


@pytest.mark.parametrize("kind", ["cosine", "linear"])
def test_each_step_along_the_path_equals_diffusers_ddim(kind: str) -> None:
    from diffusers import DDIMScheduler

    parent = teacher(schedule=kind)
    system = attached(parent=parent)
    kept = alpha_bar(parent.config).double()
    betas = (1 - kept / torch.cat([torch.ones(1).double(), kept[:-1]])).float().numpy()
    reference = DDIMScheduler(
        num_train_timesteps=T, trained_betas=betas, clip_sample=False, prediction_type="v_prediction",
        timestep_spacing="trailing",
    )  # fmt: skip
    reference.set_timesteps(20)
    visited = reference.timesteps.tolist()
    x, v = torch.randn(4, 1, 8, 8), torch.randn(4, 1, 8, 8)
    for t, s in zip(visited, [*visited[1:], -1], strict=True):
        now, then = torch.full((4,), t), torch.full((4,), s)
        ours = system.flow(x, parent.to_data(v, x, now), now, then)
        torch.testing.assert_close(ours, reference.step(v, t, x, eta=0.0).prev_sample, atol=1e-5, rtol=1e-5)


def test_with_the_image_known_the_step_keeps_the_noise_of_x_t() -> None:
    """Training without a teacher: x_s must be the same image under the same noise (Algorithm 3)."""
    system = attached(distill=False)
    data, noise = torch.randn(4, 1, 8, 8), torch.randn(4, 1, 8, 8)
    t, s = torch.arange(40, 80, 10), torch.arange(4)
    x_t, x_s = (system.student.add_noise(data, noise, at) for at in (t, s))
    torch.testing.assert_close(system.flow(x_t, data, t, s), x_s, atol=1e-5, rtol=1e-5)


# --- the loss ---------------------------------------------------------------------------------------------


def test_the_exact_function_of_a_gaussian_is_a_fixed_point_up_to_the_step_of_the_solver() -> None:
    """DDIM's step errs by its length squared: four times as many steps, and the squared loss falls by 4^4."""
    system = exact(attached(parent=teacher(n_steps=1000), guidance=1.0, clip=False, distance="l2"))
    losses = [float(system.loss(gaussian_batch(system, levels, 80))[0]) for levels in (5, 20, 80)]
    assert losses[1] < losses[0] / 4**3
    assert losses[2] < losses[1] / 4**3
    assert losses[2] < 1e-6


def test_another_function_is_no_fixed_point() -> None:
    system = exact(attached(guidance=1.0, clip=False, distance="l2"))
    batch = gaussian_batch(system, 20)
    best = float(system.loss(batch)[0])
    system.student.predict = system.teacher.predict  # type: ignore[method-assign]
    assert float(system.loss(batch)[0]) > 30 * best


def test_next_to_the_image_the_target_is_the_guided_estimate_of_the_teacher() -> None:
    system = attached(guidance=3.0, clip=True, distance="l2")
    x, label, s = torch.randn(8, 1, 8, 8), torch.arange(8), torch.full((8,), -1)
    t = torch.full((8,), 9)
    signal, sigma = system.levels(t)
    conditional, nobody = (
        system.teacher.predict(signal * x + sigma, t, who) for who in (label, torch.full_like(label, 10))
    )
    guided = nobody + 3.0 * (conditional - nobody)
    wanted = (signal * (signal * x + sigma) - sigma * guided).clamp(-1, 1)
    landed = system.jump(signal * x + sigma, t, label)
    loss, _ = system.loss(Batch(x, label, t, s, torch.ones_like(x)))
    torch.testing.assert_close(loss, (landed - wanted).square().mean())


@pytest.mark.parametrize("target_ema", [0.0, 0.9])
def test_no_gradient_flows_into_the_target(target_ema: float) -> None:
    system = attached(distance="l2", target_ema=target_ema)
    batch = gaussian_batch(system, 5)
    with torch.no_grad():
        x_t = system.student.add_noise(batch.data, batch.noise, batch.t)
        x_s = system.flow(x_t, system.taught(x_t, batch.t, batch.label), batch.t, batch.s)
        target = system.jump(x_s, batch.s, batch.label)
    system.loss(batch)[0].backward()
    ours = [p.grad.clone() for p in system.parameters()]  # type: ignore[union-attr]
    system.zero_grad()
    (system.jump(x_t, batch.t, batch.label) - target).square().mean().backward()
    for mine, wanted in zip(ours, system.parameters(), strict=True):
        torch.testing.assert_close(mine, wanted.grad)


def test_pseudo_huber_is_squared_near_zero_and_linear_far_away() -> None:
    system, zero = attached(distance="huber", huber_c=1.0), torch.zeros(1, 1, 8, 8)
    near, far = system.distance(zero + 1e-4, zero), system.distance(zero + 1e4, zero)
    assert float(near) == pytest.approx(64 * 1e-8 / 2, rel=0.1)  # |d|^2 / 2c
    assert float(far) == pytest.approx(8 * 1e4, rel=1e-3)  # |d|


# --- training ---------------------------------------------------------------------------------------------


def test_levels_double_at_even_intervals(tiny_images: object) -> None:
    system = attached(tiny_images, n_levels=10, n_levels_start=2)
    assert [system.levels_at(k) for k in (0, 9, 10, 19, 20, 29, 30, 39)] == [2, 2, 4, 4, 8, 8, 10, 10]
    assert attached(tiny_images).levels_at(0) == 10


def test_pairs_are_neighbours_from_pure_noise_to_the_image(tiny_images: object) -> None:
    system = attached(tiny_images, n_levels=3, n_levels_start=3)
    drawn = [system.batch(k) for k in range(20)]
    pairs = {(int(t), int(s)) for b in drawn for t, s in zip(b.t, b.s, strict=True)}
    assert pairs == {(T - 1, 66), (66, 32), (32, -1)}


def test_the_student_begins_as_the_teacher_and_untaught_it_does_not() -> None:
    parent = teacher()
    for distill in (True, False):
        student = attached(parent=parent, distill=distill).student.state_dict()
        same = [torch.equal(student[name], weight) for name, weight in parent.state_dict().items()]
        assert all(same) if distill else not any(same)


def test_training_leaves_the_teacher_alone_and_a_checkpoint_does_not_hold_it(tiny_images: object) -> None:
    system = attached(tiny_images)
    before = {name: weight.clone() for name, weight in system.teacher.state_dict().items()}
    system.step(system.batch(0), system.optimizers())
    assert all(torch.equal(w, before[n]) for n, w in system.teacher.state_dict().items())
    assert all(name.startswith("student.net.") for name in system.state_dict())


def test_the_target_follows_the_student_and_comes_back_with_the_weights(tiny_images: object) -> None:
    system = attached(tiny_images, target_ema=0.75)
    start = {n: w.clone() for n, w in system.teacher.net.state_dict().items()}
    system.step(system.batch(0), system.optimizers())
    student, target = system.student.net.state_dict(), system.target.net.state_dict()
    assert start.keys() == student.keys() == target.keys()
    for name, was in start.items():
        torch.testing.assert_close(target[name], 0.75 * was + 0.25 * student[name])
    assert {n.split(".")[0] for n, _ in system.named_parameters()} == {"student"}
    again = attached(tiny_images, target_ema=0.75)
    again.load_state_dict(system.state_dict())
    assert all(torch.equal(w, target[n]) for n, w in again.target.net.state_dict().items())


def test_a_teacher_that_predicts_noise_is_refused() -> None:
    with pytest.raises(UsageError, match="epsilon"):
        attached(parent=teacher(prediction="epsilon"))


# --- sampling ---------------------------------------------------------------------------------------------


def test_one_jump_of_the_exact_function_draws_the_gaussian() -> None:
    system = exact(attached())
    label = torch.zeros(1000, dtype=torch.long)
    noise = torch.randn(1000, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    drawn = system.jump(noise, torch.full_like(label, T - 1), label)
    assert drawn.mean().item() == pytest.approx(MEAN, abs=0.01)
    assert drawn.std().item() == pytest.approx(STD, abs=0.01)


def test_a_walk_of_one_step_is_one_jump_from_noise() -> None:
    system, label = attached(), torch.arange(4)
    noise, image = system.draw(label, 1, torch.Generator().manual_seed(3))
    wanted = system.jump(noise, torch.full((4,), T - 1), label).clamp(-1, 1)
    torch.testing.assert_close(image, wanted.detach())


def test_several_steps_equal_diffusers_latent_consistency_sampler() -> None:
    """Its own skip is the identity but for the last few of T steps, and is not reached here."""
    from diffusers import LCMScheduler

    system, label = attached(), torch.arange(4)
    kept = system.student.alpha_bar.double()
    betas = (1 - kept / torch.cat([torch.ones(1).double(), kept[:-1]])).float().numpy()
    reference = LCMScheduler(
        num_train_timesteps=T, original_inference_steps=T, trained_betas=betas, clip_sample=True,
        prediction_type="v_prediction", timestep_scaling=1000.0,
    )  # fmt: skip
    reference.set_timesteps(timesteps=system.timesteps(4))
    path = system.draw(label, 4, torch.Generator().manual_seed(5))
    random = torch.Generator().manual_seed(5)
    x = system.student.noise(4, random)
    assert torch.equal(path[0], x)
    for k, t in enumerate(reference.timesteps):
        v = system.student.predict(x, t.repeat(4), label)
        x, image = reference.step(v, t, x, generator=random, return_dict=False)
        torch.testing.assert_close(path[2 * k + 1], image.detach(), atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(path[min(2 * k + 2, 7)], x.detach(), atol=1e-5, rtol=1e-5)


def test_the_teacher_in_its_place_walks_by_ddim() -> None:
    system, label = attached(network="teacher", guidance=2.0), torch.arange(4)
    path = system.draw(label, 5, torch.Generator().manual_seed(1))
    base = teacher(guidance=2.0, sampler="ddim", sampler_steps=5)
    base.timesteps = lambda walk: system.timesteps(5)  # type: ignore[method-assign]
    *_, wanted = base.denoise(path[0], label, torch.Generator())
    torch.testing.assert_close(path[-1], wanted, atol=1e-5, rtol=1e-5)


def test_steps_are_evenly_spread_from_pure_noise() -> None:
    system = attached()
    assert [system.timesteps(n) for n in (1, 2, 4)] == [[99], [99, 49], [99, 74, 49, 24]]
    assert system.timesteps(3 * T)[-1] == 0


def test_a_sample_shows_every_jump_and_every_return_to_noise() -> None:
    system = attached(sampler_steps=4)
    artifact = system.sample(SampleRequest(n=3, seed=0, label=7))
    assert artifact.images is not None
    assert artifact.images.shape == (3, 1, 8, 8)
    assert len(artifact.frames) == 1 + 4 + 3  # the noise, four images, noise three times between them


def test_the_recipe_trains_without_the_average_and_without_the_teacher_too() -> None:
    recipe = recipes.resolve("consistency/small")
    (averaged, untaught) = recipe.variants.values()
    assert (averaged.model["target_ema"], averaged.model.get("distill", True)) == (0.0, True)
    assert untaught.model["distill"] is False
    assert untaught.model["target_ema"] == recipe.model["target_ema"]
    assert all(recipe.trains_anew(changes) for changes in recipe.vary.values())
