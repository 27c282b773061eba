"""A VAE without networks: linear both ways, with the optimum that probabilistic PCA has."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from atlas_cli.systems.autoencoder.pca import PCA
from atlas_cli.systems.autoencoder.vae import VAE, Config

SIDE, N_CODES = 4, 3
P = SIDE * SIDE


class LinearEncoder(nn.Module):
    """z = A (x - mean), with the same variances for every image."""

    def __init__(self, weight: Tensor, bias: Tensor, log_var: Tensor) -> None:
        super().__init__()
        self.weight, self.bias, self.log_var = (nn.Parameter(t) for t in (weight, bias, log_var))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x.flatten(1) @ self.weight.T + self.bias, self.log_var.expand(len(x), -1)


class LinearDecoder(nn.Module):
    """mean + W z."""

    def __init__(self, weight: Tensor, mean: Tensor) -> None:
        super().__init__()
        self.weight, self.mean = nn.Parameter(weight), nn.Parameter(mean)

    def forward(self, z: Tensor) -> Tensor:
        return (self.mean + z @ self.weight.T).view(-1, 1, SIDE, SIDE)


def images(n: int = 400) -> Tensor:
    """(n, P) in double precision, of a few directions and some noise."""
    random = torch.Generator().manual_seed(3)
    axes = torch.randn(N_CODES + 2, P, generator=random, dtype=torch.float64)
    scales = torch.tensor([0.5, 0.3, 0.2, 0.08, 0.04], dtype=torch.float64)[:, None]
    codes = torch.randn(n, N_CODES + 2, generator=random, dtype=torch.float64)
    return 0.5 + codes @ (scales * axes) + 0.05 * torch.randn(n, P, generator=random, dtype=torch.float64)


def system(encoder: nn.Module, decoder: nn.Module, std: float) -> VAE:
    """The system with linear maps in the place of its networks."""
    config = Config(image_size=SIDE, z_dim=N_CODES, width=4, decoder="learned_variance", std=std)
    vae = VAE(config).double()
    vae.encoder, vae.decoder = encoder, decoder  # type: ignore[assignment]
    with torch.no_grad():
        vae.log_std.fill_(math.log(std))
    return vae


def at_optimum(pca: PCA) -> VAE:
    """The encoder is the exact posterior: M^-1 W^T (x - mean) with variances s^2 / lambda."""
    encoder = pca.weights.T / pca.variances[:, None]
    log_var = (pca.noise / pca.variances).log()
    linear = LinearEncoder(encoder, -encoder @ pca.mean, log_var)
    return system(linear, LinearDecoder(pca.weights.clone(), pca.mean.clone()), math.sqrt(pca.noise))
