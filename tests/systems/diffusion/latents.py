"""Small tokenizers and latent diffusions that say something before they are trained."""

from __future__ import annotations

import torch

from atlas_cli.engine.system import Setting, System
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.autoencoder import fsq, vq_vae
from atlas_cli.systems.autoencoder.tokenizer import Tokenizer
from atlas_cli.systems.diffusion import ddpm
from atlas_cli.systems.diffusion.ddpm import DDPM
from atlas_cli.systems.diffusion.latent_diffusion import Config, LatentDiffusion

TRAIN = TrainConfig(steps=10, batch_size=8, lr=2e-3, precision="fp32")


def awake(system: System) -> System:
    """The same system, whose layers that start at zero say something."""
    for name, parameter in system.named_parameters():
        if parameter.dim() == 4 and not parameter.any():
            torch.nn.init.normal_(system.get_parameter(name), std=0.1)
    return system


def rounding(size: int = 8, channels: int = 1) -> Tokenizer:
    """Three numbers a place, as fsq/small has."""
    torch.manual_seed(1)
    made = fsq.FSQ(fsq.Config(image_size=size, channels=channels, width=8, levels=(8, 8, 4)))
    return awake(made).requires_grad_(False)  # type: ignore[return-value]


def choosing(size: int = 8, channels: int = 1) -> Tokenizer:
    """Three numbers a place, with a codebook."""
    torch.manual_seed(1)
    made = vq_vae.VQVAE(vq_vae.Config(image_size=size, channels=channels, width=8, codes=32, dim=3))
    return awake(made).requires_grad_(False)  # type: ignore[return-value]


def pixels() -> DDPM:
    torch.manual_seed(2)
    parent = DDPM(ddpm.Config(image_size=8, width=8, n_steps=20, sampler_steps=3, guidance=1.0))
    return parent.requires_grad_(False)


def attached(
    images: object, train: TrainConfig = TRAIN, tokenizer: Tokenizer | None = None, **fields: object
) -> LatentDiffusion:
    torch.manual_seed(0)
    system = LatentDiffusion(Config(**{"image_size": 8, "n_steps": 20, "width": 8, **fields}))
    parents = {"tokenizer": tokenizer or rounding(), "pixels": pixels()}
    awake(system).attach(Setting(images, train, parents=parents))
    return system


def weights(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in module.state_dict().items()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a)
