"""Images a second of latent-diffusion's recipe against those on pixels, at equal steps, in one run."""

from __future__ import annotations

import json

import pytest
import torch

from atlas_cli.engine.device import autocast, resolve_precision
from atlas_cli.engine.system import Setting
from atlas_cli.recipe import recipes
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.autoencoder import fsq
from atlas_cli.systems.diffusion import ddpm, latent_diffusion

CPU = torch.device("cpu")


@pytest.mark.bench
@pytest.mark.parametrize("precision", ["fp32", "auto"])
def test_sampling_in_the_latent_is_three_times_as_fast_as_on_pixels(precision: str) -> None:
    recipe = recipes.resolve("latent-diffusion/small")
    made = {role: json.dumps(parent.model) for role, parent in recipe.parents.items()}
    parents = {
        "tokenizer": fsq.FSQ(fsq.Config.model_validate_json(made["tokenizer"])),
        "pixels": ddpm.DDPM(ddpm.Config.model_validate_json(made["pixels"])),
    }
    config = latent_diffusion.Config.model_validate_json(json.dumps(recipe.model))
    system = latent_diffusion.LatentDiffusion(config)
    system.attach(Setting(None, TrainConfig(steps=1, lr=1e-4), parents=parents))
    with torch.no_grad(), autocast(resolve_precision(precision, CPU), CPU):
        figures = system.speed()
    ratio = figures["speedup"]
    print(f"\nlatent-diffusion sampling, {precision}: {ratio:.2f} times the images a second on pixels")
    assert ratio > 3
