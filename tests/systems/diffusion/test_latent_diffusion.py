"""Latent diffusion: what stands between images and latents, and DDPM's own loss there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from atlas_cli.engine.loop import fit
from atlas_cli.engine.system import Setting
from atlas_cli.recipe import recipes
from atlas_cli.systems.autoencoder.tokenizer import Tokenizer
from atlas_cli.systems.diffusion import ddpm
from atlas_cli.systems.diffusion.ddpm import DDPM
from atlas_cli.systems.diffusion.latent_diffusion import Config
from tests.systems.diffusion.latents import TRAIN, attached, choosing, pixels, rounding, same, weights

TOKENIZERS = pytest.mark.parametrize("tokenizer", [rounding, choosing])
MODEL = {"image_size": 28, "channels": 1, "n_classes": 10}


# --- between images and latents ----------------------------------------------------------------------


@TOKENIZERS
@pytest.mark.parametrize(("size", "channels"), [(28, 1), (32, 3), (8, 1)])
@torch.no_grad()
def test_a_latent_is_a_quarter_as_wide_and_the_decoder_undoes_it(
    size: int, channels: int, tokenizer: Callable[..., Tokenizer]
) -> None:
    system = attached(None, tokenizer=tokenizer(size, channels), image_size=size, channels=channels)
    images = torch.rand(2, channels, size, size) * 2 - 1
    z = system.encode(images)
    assert z.shape == (2, 3, size // 4, size // 4) == (2, *system.config.latent_shape)
    assert system.decode(z).shape == images.shape


def test_an_image_size_that_factor_four_does_not_divide_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 4"):
        Config(image_size=30)


@TOKENIZERS
@pytest.mark.parametrize("scale", [1.0, 0.3, 7.0])
@torch.no_grad()
def test_an_image_there_and_back_is_what_the_tokenizer_makes_of_it(
    scale: float, tokenizer: Callable[..., Tokenizer]
) -> None:
    system = attached(None, tokenizer=tokenizer())
    system.latent_std.fill_(scale)
    images = torch.rand(4, 1, 8, 8) * 2 - 1
    expected = system.tokenizer.decode(system.tokenizer.encode(images))
    torch.testing.assert_close(system.decode(system.encode(images)), expected)


@TOKENIZERS
@torch.no_grad()
def test_the_latent_is_what_the_encoder_gives_before_anything_is_rounded(
    tokenizer: Callable[..., Tokenizer],
) -> None:
    system = attached(None, tokenizer=tokenizer())
    system.latent_std.fill_(0.5)
    images = torch.rand(4, 1, 8, 8) * 2 - 1
    torch.testing.assert_close(system.encode(images), 2 * system.tokenizer.encoder(images))


@torch.no_grad()
def test_decoding_quantises_first_as_the_codebook_of_diffusers_does() -> None:
    from diffusers.models.autoencoders.vq_model import VectorQuantizer

    system = attached(None, tokenizer=choosing())
    system.latent_std.fill_(2.0)
    theirs = VectorQuantizer(32, 3, beta=0.25, legacy=False)
    theirs.embedding.weight.copy_(system.tokenizer.quantiser.books[0].codes)  # type: ignore[index, union-attr]
    z = torch.randn(5, 3, 2, 2)
    quantised, _, _ = theirs(2 * z)
    torch.testing.assert_close(system.decode(z), system.tokenizer.decoder(quantised).clamp(-1, 1))


@torch.no_grad()
def test_an_error_too_small_for_another_level_leaves_no_trace() -> None:
    system = attached(None)
    z = system.tokenizer.encoder(torch.rand(4, 1, 8, 8) * 2 - 1)
    codes = system.tokenizer.quantiser(z).indices
    astray = z + 1e-4 * torch.randn(z.shape, generator=torch.Generator().manual_seed(0))
    assert torch.equal(system.tokenizer.quantiser(astray).indices, codes)
    assert torch.equal(system.decode(astray), system.decode(z))


# --- which runs it may build on ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        ({"levels": [8, 8, 4], "quantiser": "levels"}, None),
        ({"dim": 3, "codes": 256}, None),
        ({"levels": [4, 4], "quantiser": "levels"}, "is 3, but the tokenizer gives 2 a place"),
        ({"dim": 16, "codes": 256}, "is 3, but the tokenizer gives 16 a place"),
        ({"levels": [8, 8, 4], "quantiser": "codebook"}, "is a vq-vae"),
    ],
)
def test_a_tokenizer_must_give_as_many_numbers_a_place_as_are_denoised(
    model: dict[str, object], complaint: str | None
) -> None:
    found = [*Config().misfits({"tokenizer": {**MODEL, **model}, "pixels": MODEL})]
    assert [name for name, _ in found] == (["latent_channels"] if complaint else [])
    assert all(complaint in what for _, what in found if complaint)


def test_both_parents_must_have_learned_images_of_the_same_size() -> None:
    small = {**MODEL, "image_size": 8}
    found = [*Config().misfits({"tokenizer": {**small, "dim": 3}, "pixels": MODEL})]
    assert [name for name, _ in found] == ["image_size"]


def test_the_recipe_names_a_run_for_each_role() -> None:
    recipe = recipes.resolve("latent-diffusion/small")
    assert {role: parent.name for role, parent in recipe.parents.items()} == {
        "tokenizer": "fsq/small",
        "pixels": "ddpm/wide",
    }
    assert recipe.model["latent_channels"] == len(recipe.parents["tokenizer"].model["levels"])


# --- training ----------------------------------------------------------------------------------------


@torch.no_grad()
def test_latents_have_unit_variance_after_scaling(tiny_images: object) -> None:
    system = attached(tiny_images)
    system.tokenizer.encoder[-1].weight.mul_(30)  # type: ignore[operator, union-attr]
    images = tiny_images.train_images.float() / 127.5 - 1  # type: ignore[attr-defined]
    assert abs(float(system.encode(images).std()) - 1) > 0.5
    system.measure_latents()
    assert float(system.encode(images).std()) == pytest.approx(1, abs=1e-4)


def test_the_scale_is_measured_before_the_first_step_and_then_stands(tiny_images: object) -> None:
    system, fresh = attached(tiny_images), attached(tiny_images)
    fresh.measure_latents()
    optimizers, scales = system.optimizers(), []
    for step in range(3):
        system.step(system.batch(step), optimizers)
        scales.append(float(system.latent_std))
    assert scales == [float(fresh.latent_std)] * 3
    assert scales[0] != 1
    assert "latent_std" in system.state_dict()  # a run that goes on has it from its checkpoint


def test_training_leaves_the_tokenizer_bit_for_bit_and_the_run_does_not_hold_it(tiny_images: object) -> None:
    system = attached(tiny_images, TRAIN.model_copy(update={"weight_decay": 0.5, "ema": 0.9}))
    before, denoiser = weights(system.tokenizer), weights(system.denoiser)
    fit(system)
    assert same(before, weights(system.tokenizer))
    assert not same(denoiser, weights(system.denoiser))
    held = {name.split(".")[0] for name in system.state_dict()}
    assert held == {"denoiser", "latent_std"}


@TOKENIZERS
def test_the_loss_is_ddpms_on_latents(tiny_images: object, tokenizer: Callable[..., Tokenizer]) -> None:
    system = attached(tiny_images, tokenizer=tokenizer())
    system.latent_std.fill_(0.3)
    batch = system.batch(7)
    z = system.tokenizer.encoder(batch.images) / 0.3
    reference = DDPM(system.config.denoiser())
    reference.load_state_dict(system.denoiser.state_dict())
    expected, _ = reference.loss(ddpm.Batch(z, batch.label, batch.t, batch.noise))
    loss, _ = system.loss(batch)
    torch.testing.assert_close(loss, expected)
    loss.backward()
    assert any(p.grad is not None for p in system.denoiser.parameters())


def test_two_ranks_see_together_what_one_sees(tiny_images: object) -> None:
    def batch(rank: int, world: int):
        system = attached(tiny_images)
        parents = {"tokenizer": system.tokenizer, "pixels": pixels()}
        return system.attach(Setting(tiny_images, TRAIN, rank=rank, world_size=world, parents=parents)).batch(
            3
        )

    whole, first, second = batch(0, 1), batch(0, 2), batch(1, 2)
    for name in ("images", "label", "t", "noise"):
        assert torch.equal(getattr(whole, name), torch.cat([getattr(first, name), getattr(second, name)]))


@pytest.mark.parametrize("patch", [2, 4])
def test_without_a_first_stage_the_same_denoiser_learns_and_draws_pixels(
    patch: int, tiny_images: object
) -> None:
    system, ours = attached(tiny_images, first_stage="none", patch=patch), attached(tiny_images)
    assert system.denoiser.config.clip
    inner = {n for n, _ in system.denoiser.net.named_parameters()}
    assert inner == {n for n, _ in ours.denoiser.net.named_parameters()}  # but for the ends, the same network
    images = system.batch(0).images
    assert torch.equal(system.encode(images), images)
    assert torch.equal(system.decode(images), images)
    before = weights(system.denoiser)
    fit(system)
    assert not same(weights(system.denoiser), before)
    assert system.latent_std == 1  # pixels are never scaled
    with torch.no_grad():
        drawn = system.draw(torch.arange(3), torch.Generator().manual_seed(0), "latent")
    assert drawn.shape == (3, 1, 8, 8)
    assert drawn.abs().max() <= 1
