"""Images a second of ddpm against denoising-diffusion-pytorch, at equal parameters and size, in one run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import pytest
import torch

from atlas_cli.engine.device import autocast, resolve_precision
from atlas_cli.engine.system import Setting
from atlas_cli.recipes import TrainConfig
from atlas_cli.systems.diffusion.ddpm import DDPM, Config

BATCH, SIZE = 64, 28
CPU = torch.device("cpu")


class RandomImages:
    """Images and labels without a data set."""

    def batch(self, random: object) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.rand(BATCH, 1, SIZE, SIZE) * 2 - 1, torch.randint(0, 10, (BATCH,))


def peer():
    """The library's U-Net and diffusion at 28x28 with the parameter count of ours."""
    from denoising_diffusion_pytorch import GaussianDiffusion, Unet

    net = Unet(dim=40, dim_mults=(1, 1), channels=1, flash_attn=False)
    return GaussianDiffusion(
        net, image_size=SIZE, timesteps=1000, sampling_timesteps=20, auto_normalize=False
    )


def train_step(
    model: torch.nn.Module, loss: Callable[[], torch.Tensor], precision: str
) -> Callable[[], None]:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with autocast(precision, CPU):
            value = loss()
        value.backward()
        optimizer.step()

    return step


def seconds(step: Callable[[], object]) -> float:
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


@pytest.mark.bench
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("precision", ["fp32", "auto"])
def test_training_and_sampling_are_faster_than_the_peer(precision: str) -> None:
    precision = resolve_precision(precision, CPU)
    theirs = peer()
    ours = DDPM(Config(sampler_steps=20, guidance=1.0))
    ours.attach(Setting(RandomImages(), TrainConfig(steps=1, batch_size=BATCH, lr=1e-4)))
    sizes = [sum(p.numel() for p in m.parameters()) for m in (ours, theirs)]
    assert 0.8 < sizes[0] / sizes[1] < 1.25, sizes
    images = torch.rand(BATCH, 1, SIZE, SIZE) * 2 - 1
    steps = (
        train_step(ours, lambda: ours.loss(ours.batch(0))[0], precision),
        train_step(theirs, lambda: theirs(images), precision),
    )

    def sample_ours() -> None:
        with torch.no_grad(), autocast(precision, CPU):
            ours.draw(torch.arange(16) % 10, torch.Generator().manual_seed(0))

    def sample_theirs() -> None:
        with torch.no_grad(), autocast(precision, CPU):
            theirs.sample(batch_size=16)

    for name, pair in (("training", steps), ("sampling, 20 steps", (sample_ours, sample_theirs))):
        for run in pair:
            run()  # warm-up
        ratio = statistics.median(seconds(pair[1]) / seconds(pair[0]) for _ in range(5))
        print(f"\nddpm {name}, {precision}: {ratio:.2f} times denoising-diffusion-pytorch's images a second")
        assert ratio > 1
