"""Latent diffusion draws: DDPM's own walk in a latent, its figures, and the opponents of its recipe."""

from __future__ import annotations

import pytest
import torch

from atlas_cli import catalog
from atlas_cli.engine.system import SampleRequest
from atlas_cli.metrics.effort import operations
from atlas_cli.metrics.judge import Judge
from atlas_cli.pages.source import read_page
from atlas_cli.recipe import recipes
from atlas_cli.recipe.model import Recipe
from atlas_cli.systems.autoencoder import fsq
from atlas_cli.systems.diffusion import ddpm
from atlas_cli.systems.diffusion.ddpm import DDPM
from atlas_cli.systems.diffusion.latent_diffusion import SPEED_REPEATS, Config, LatentDiffusion
from tests.systems.diffusion.latents import attached

PATCHES, PIXELS = "on patches of 4 x 4 pixels", "as small a net on 2 x 2 pixels"


# --- the walk ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("sampler", ["ddpm", "ddim"])
def test_sampling_is_ddpms_walk_on_latents_decoded_once(sampler: str) -> None:
    system = attached(None, sampler=sampler, sampler_steps=5, guidance=2.0)
    system.latent_std.fill_(0.4)
    update = {"sampler": sampler, "sampler_steps": 5, "guidance": 2.0}
    reference = DDPM(system.config.denoiser().model_copy(update=update))
    reference.load_state_dict(system.denoiser.state_dict())
    label = torch.arange(6)
    latent = reference.draw(label, torch.Generator().manual_seed(1))[-1]
    with torch.no_grad():
        drawn = system.draw(label, torch.Generator().manual_seed(1), "latent")
        codes = system.tokenizer.quantiser(0.4 * latent).indices
        torch.testing.assert_close(drawn, system.tokenizer.decode(codes))


def test_latents_are_not_clipped() -> None:
    system = attached(None, sampler_steps=5, guidance=1.0)
    far = torch.full((3, *system.config.latent_shape), 5.0)
    system.denoiser.predict = lambda x_t, t, label: system.denoiser.target(far, x_t * 0, t)  # type: ignore[method-assign]
    system.denoiser.to_data = lambda output, x_t, t: far  # type: ignore[method-assign]
    end = system.walk(torch.arange(3), torch.Generator().manual_seed(0), "latent")[-1]
    torch.testing.assert_close(end, far, atol=1e-2, rtol=0)


def test_pixel_space_is_the_ddpm_of_pixels_at_equal_steps_and_guidance() -> None:
    system = attached(None, sampler_steps=7, guidance=2.0)
    label = torch.arange(4)
    drawn = system.draw(label, torch.Generator().manual_seed(1), "pixel")
    alike = DDPM(ddpm.Config(image_size=8, width=8, n_steps=20, sampler_steps=7, guidance=2.0))
    alike.load_state_dict(system.setting.parents["pixels"].state_dict())
    torch.testing.assert_close(drawn, alike.draw(label, torch.Generator().manual_seed(1))[-1])
    assert drawn.abs().max() <= 1  # it keeps its own clipping


def test_a_sample_shows_the_decoded_path() -> None:
    system = attached(None, sampler_steps=5)
    with torch.no_grad():
        artifact = system.sample(SampleRequest(n=3, label=2))
    assert len(artifact.frames) == 6  # the noise and five steps
    assert all(frame.shape == (3, 1, 8, 8) for frame in artifact.frames)
    assert artifact.images is artifact.frames[-1]


# --- figures -----------------------------------------------------------------------------------------


def test_restored_test_images_are_judged_by_other_ones() -> None:
    system, aside = attached(None), torch.rand(6, 1, 8, 8) * 2 - 1
    scores = {"judge_frechet": 6.0, "judge_frechet_floor": 4.0, "judge_frechet_over_floor": 1.5}
    scored: list[tuple[torch.Tensor, bool]] = []

    def score(images: torch.Tensor, *, from_tests: bool = False) -> dict[str, float]:
        scored.append((images, from_tests))
        return scores

    judge = object.__new__(Judge)
    vars(judge).update(kept_aside=lambda: (aside, torch.arange(6)), score=score)
    with torch.no_grad():
        figures = system.reconstruction(judge)
        back = system.decode(system.encode(aside))
    ((images, from_tests),) = scored
    assert from_tests
    assert torch.equal(images, back)
    names = ("reconstruction_frechet", "reconstruction_floor", "reconstruction_over_floor")
    assert [figures[name] for name in names] == [6.0, 4.0, 1.5]
    mse = ((back - aside) / 2).square().mean()  # of pixels from 0 to 1
    assert figures["reconstruction_psnr"] == pytest.approx(float(-10 * mse.log10()))


def test_speed_is_taken_from_both_spaces_in_turn() -> None:
    system = attached(None, sampler_steps=2)
    order: list[str] = []
    draw = system.draw
    system.draw = lambda label, seed, space: (order.append(space), draw(label, seed, space))[1]  # type: ignore[method-assign]
    with torch.no_grad():
        figures = system.speed()
    *timed, _, _ = order
    assert timed == ["latent", "pixel"] * (1 + SPEED_REPEATS)
    assert set(figures) == {"images_per_second", "pixel_images_per_second", "speedup", "fewer_operations"}
    system.config = system.config.model_copy(update={"space": "pixel"})
    with torch.no_grad():
        figures = system.speed()
    assert (figures["speedup"], figures["fewer_operations"]) == (1, 1)


def test_operations_are_those_of_the_drawing_decoder_included() -> None:
    few, many = (attached(None, sampler_steps=n) for n in (1, 3))
    with torch.no_grad():
        z = torch.zeros(1, *few.config.latent_shape)
        decoding = operations(lambda: few.decode(z))
        one, three = (
            operations(lambda s=system: s.draw(torch.arange(1), torch.Generator().manual_seed(0), "latent"))
            for system in (few, many)
        )
    assert decoding > 0
    assert one - decoding == (three - one) / 2  # a step of the walk


# --- the opponents of the recipe ---------------------------------------------------------------------


def denoiser(model: dict[str, object]) -> LatentDiffusion:
    return LatentDiffusion(Config.model_validate(model)).eval()


def parameters(model: dict[str, object]) -> int:
    """Of the denoiser alone."""
    return sum(p.numel() for p in denoiser(model).denoiser.parameters())


@torch.no_grad()
def a_pass(model: dict[str, object]) -> int:
    """Operations of a denoiser for one image."""
    system = denoiser(model)
    z, one = torch.zeros(1, *system.config.latent_shape), torch.ones(1, dtype=torch.long)
    return operations(lambda: system.denoiser.predict(z, one, one))


@torch.no_grad()
def coding(recipe: Recipe) -> tuple[int, int]:
    """Operations of the tokenizer's encoder and decoder for one image."""
    tokenizer = fsq.FSQ(fsq.Config.model_validate(recipe.parents["tokenizer"].model))
    image, z = torch.zeros(1, 1, 28, 28), torch.zeros(1, 3, 7, 7)
    return operations(lambda: tokenizer.encoder(image)), operations(lambda: tokenizer.decoder(z))


def test_the_opponents_are_the_latents_grid_on_pixels_and_an_equally_small_net() -> None:
    recipe = recipes.resolve("latent-diffusion/small")
    latent = parameters(recipe.model)
    grids = {}
    for row, variant in recipe.variants.items():
        assert parameters(variant.model) == pytest.approx(latent, rel=0.05)
        grids[row] = variant.model["image_size"] // variant.model["patch"]
    assert grids == {PATCHES: 7, PIXELS: 14}


def test_the_opponents_may_learn_for_as_long_as_both_stages_together() -> None:
    recipe = recipes.resolve("latent-diffusion/small")
    first, wide = recipe.parents["tokenizer"].train, recipe.parents["pixels"]
    assert first.batch_size == recipe.train.batch_size == wide.train.batch_size
    assert recipe.variants[PATCHES].train.steps == first.steps + recipe.train.steps
    encoding, decoding = coding(recipe)
    of_first = 3 * (encoding + decoding) * first.steps  # a pass back takes two forward
    both = of_first + (encoding + 3 * a_pass(recipe.model)) * recipe.train.steps
    pixels = recipe.variants[PIXELS]
    assert 3 * a_pass(pixels.model) * pixels.train.steps == pytest.approx(both, rel=0.02)
    image, one = torch.zeros(1, 1, 28, 28), torch.ones(1, dtype=torch.long)
    net = DDPM(ddpm.Config.model_validate(wide.model))
    with torch.no_grad():
        of_wide = 3 * operations(lambda: net.predict(image, one, one)) * wide.train.steps
    assert of_wide > both  # the latents were not given more than the pixels that they are compared with


def test_on_patches_an_image_takes_as_many_operations_as_in_the_latent_as_the_page_says() -> None:
    recipe = recipes.resolve("latent-diffusion/small")
    passes = 2 * recipe.model["sampler_steps"]  # with the class and without
    latent = passes * a_pass(recipe.model) + coding(recipe)[1]
    patches = passes * a_pass(recipe.variants[PATCHES].model)
    assert patches == pytest.approx(latent, rel=0.05)
    page = read_page(catalog.resolve("latent-diffusion"))
    (trained,) = (s.markdown for s in page.sections if s.title == "How it is trained")
    assert "takes as many operations, to a few in a hundred" in " ".join(trained.split())
