"""A diffusion run whose walk is known."""

from __future__ import annotations

import pytest
import torch

from atlas_cli.systems.diffusion.ddpm import DDPM, Config


@pytest.fixture
def ddpm() -> DDPM:
    """Eight steps, and a net that always sees the same picture."""
    config = Config(
        n_steps=40, width=4, multipliers=(1,), image_size=8, sampler_steps=8, clip=False, guidance=1.0
    )
    system = DDPM(config)
    picture = torch.linspace(-1, 1, 64).view(1, 1, 8, 8)
    system.predict_data = lambda x_t, t, label, predict=None, walk=None: picture.expand_as(x_t)
    return system.eval()
