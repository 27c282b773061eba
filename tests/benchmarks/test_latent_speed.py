"""Images a second of latent-diffusion's recipe against its parent's on pixels, at equal steps, in one run."""

from __future__ import annotations

import json

import pytest
import torch

from atlas_cli.engine.device import autocast, resolve_precision
from atlas_cli.engine.system import Setting
from atlas_cli.recipe import recipes
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.diffusion import ddpm, latent_diffusion

CPU = torch.device("cpu")


@pytest.mark.bench
@pytest.mark.parametrize("precision", ["fp32", "auto"])
def test_sampling_in_the_latent_is_three_times_as_fast_as_on_pixels(precision: str) -> None:
    configs = [recipes.resolve(f"{topic}/small").model for topic in ("ddpm", "latent-diffusion")]
    pixel, latent = (json.dumps(model) for model in configs)
    parent = ddpm.DDPM(ddpm.Config.model_validate_json(pixel))
    system = latent_diffusion.LatentDiffusion(latent_diffusion.Config.model_validate_json(latent))
    system.attach(Setting(None, TrainConfig(steps=1, lr=1e-4), parent=parent))
    with torch.no_grad(), autocast(resolve_precision(precision, CPU), CPU):
        figures = system.speed()
    ratio = figures["speedup"]
    print(f"\nlatent-diffusion sampling, {precision}: {ratio:.2f} times the images a second on pixels")
    assert ratio > 3
