"""Training steps of vq-vae and fsq against vector-quantize-pytorch's layers between the same networks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from vector_quantize_pytorch import FSQ, ResidualVQ, VectorQuantize

from atlas_cli.engine.system import Setting
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.autoencoder import fsq, tokenizer, vq_vae
from atlas_cli.systems.autoencoder.tokenizer import Tokenizer
from tests.benchmarks.alternating import seconds

pytestmark = pytest.mark.bench

BATCH, SIZE, WIDTH = 64, 28, 32
CODES, DIM, LEVELS = 256, 16, (8, 8, 4)
LEARNED = {
    "codebook_size": CODES,
    "dim": DIM,
    "decay": 0.99,
    "commitment_weight": 0.25,
    "rotation_trick": False,
}
RARE = 0.1  # a code that fewer than this of an even share choose is put elsewhere, on both sides


class RandomImages:
    """Images without a data set."""

    def batch(self, random: object) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.rand(BATCH, 1, SIZE, SIZE) * 2 - 1, torch.zeros(BATCH, dtype=torch.long)


def ours(system: Tokenizer) -> Callable[[], None]:
    train = TrainConfig(steps=100, batch_size=BATCH, lr=8e-3, precision="fp32")
    system.attach(Setting(RandomImages(), train))
    optimizers = system.optimizers()
    return lambda: system.step(system.batch(0), optimizers) and None


class Theirs(nn.Module):
    """The library's layer between networks that equal ours, in the library's own order of axes."""

    def __init__(self, layer: nn.Module, dim: int) -> None:
        super().__init__()
        self.encoder, self.layer = tokenizer.encoder(1, WIDTH, dim), layer
        self.decoder = tokenizer.decoder(1, WIDTH, dim)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        z = self.encoder(images)
        quantised, _, *penalty = self.layer(z.flatten(2).transpose(1, 2))
        loss = F.mse_loss(self.decoder(quantised.transpose(1, 2).reshape(z.shape)), images)
        return loss + sum(p.sum() for p in penalty)


def theirs(layer: nn.Module, dim: int) -> Callable[[], None]:
    model, data = Theirs(layer, dim), RandomImages()
    optimizer = torch.optim.AdamW(model.parameters(), lr=8e-3)

    def step() -> None:
        loss = model(data.batch(None)[0])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def sides(kind: str) -> tuple[Callable[[], None], Callable[[], None]]:
    """A step of ours and one of theirs."""
    dead = RARE * BATCH * (SIZE // tokenizer.FACTOR) ** 2 / CODES  # they count vectors, we take shares
    if kind == "levels":
        own: Tokenizer = fsq.FSQ(fsq.Config(width=WIDTH, levels=LEVELS))
        return ours(own), theirs(FSQ(list(LEVELS)), len(LEVELS))
    stages = 4 if kind == "residual" else 1
    own = vq_vae.VQVAE(vq_vae.Config(width=WIDTH, codes=CODES, dim=DIM, stages=stages, rare=RARE))
    layer = (
        ResidualVQ(num_quantizers=stages, threshold_ema_dead_code=dead, **LEARNED)
        if stages > 1
        else VectorQuantize(threshold_ema_dead_code=dead, **LEARNED)
    )
    return ours(own), theirs(layer, DIM)


@pytest.mark.parametrize("kind", ["codebook", "residual", "levels"])
def test_a_step_takes_no_longer_than_with_the_librarys_layer(kind: str) -> None:
    torch.manual_seed(0)
    mine, other = seconds(*sides(kind))
    print(f"\n{kind}: {BATCH / mine:.0f} images/s, the library {BATCH / other:.0f}, ratio {other / mine:.2f}")
    assert other / mine > 0.95
