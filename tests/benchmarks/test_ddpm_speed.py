"""Images a second of ddpm against two libraries, at equal parameters and size, in one run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import pytest
import torch

from atlas_cli.engine.device import autocast, resolve_precision
from atlas_cli.engine.system import Setting
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.diffusion.ddpm import DDPM, Config

BATCH, SIZE, STEPS = 64, 28, 20
CPU = torch.device("cpu")


class RandomImages:
    """Images and labels without a data set."""

    def batch(self, random: object) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.rand(BATCH, 1, SIZE, SIZE) * 2 - 1, torch.randint(0, 10, (BATCH,))


class DenoisingDiffusion(torch.nn.Module):
    """denoising-diffusion-pytorch at 28x28 with the parameter count of ours."""

    name = "denoising-diffusion-pytorch"

    def __init__(self) -> None:
        from denoising_diffusion_pytorch import GaussianDiffusion, Unet

        super().__init__()
        net = Unet(dim=40, dim_mults=(1, 1), channels=1, flash_attn=False)
        self.diffusion = GaussianDiffusion(
            net, image_size=SIZE, timesteps=1000, sampling_timesteps=STEPS, auto_normalize=False
        )

    def loss(self, images: torch.Tensor) -> torch.Tensor:
        return self.diffusion(images)

    def sample(self, n: int) -> torch.Tensor:
        return self.diffusion.sample(batch_size=n)


class Diffusers(torch.nn.Module):
    """diffusers' UNet2DModel and DDIM scheduler: two levels, attention in the middle, as ours."""

    name = "diffusers"

    def __init__(self) -> None:
        from diffusers import DDIMScheduler, UNet2DModel

        super().__init__()
        self.net = UNet2DModel(
            sample_size=SIZE, in_channels=1, out_channels=1, layers_per_block=1, block_out_channels=(56, 56),
            down_block_types=("DownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "UpBlock2D"),
            norm_num_groups=8, num_class_embeds=11,
        )  # fmt: skip
        self.schedule = DDIMScheduler(num_train_timesteps=1000)

    def loss(self, images: torch.Tensor) -> torch.Tensor:
        noise, t = torch.randn_like(images), torch.randint(0, 1000, (len(images),))
        label = torch.randint(0, 10, (len(images),))
        output = self.net(self.schedule.add_noise(images, noise, t), t, class_labels=label).sample
        return torch.nn.functional.mse_loss(output.float(), noise)

    def sample(self, n: int) -> torch.Tensor:
        x, label = torch.randn(n, 1, SIZE, SIZE), torch.arange(n) % 10
        self.schedule.set_timesteps(STEPS)
        for t in self.schedule.timesteps:
            x = self.schedule.step(self.net(x, t, class_labels=label).sample, t, x).prev_sample
        return x


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
@pytest.mark.parametrize("peer", [DenoisingDiffusion, Diffusers])
def test_training_and_sampling_are_faster_than_the_peer(
    peer: type[DenoisingDiffusion] | type[Diffusers], precision: str
) -> None:
    precision = resolve_precision(precision, CPU)
    theirs = peer()
    ours = DDPM(Config(sampler_steps=STEPS, guidance=1.0))
    ours.attach(Setting(RandomImages(), TrainConfig(steps=1, batch_size=BATCH, lr=1e-4)))
    sizes = [sum(p.numel() for p in m.parameters()) for m in (ours, theirs)]
    assert 0.8 < sizes[0] / sizes[1] < 1.25, sizes
    images = torch.rand(BATCH, 1, SIZE, SIZE) * 2 - 1
    steps = (
        train_step(ours, lambda: ours.loss(ours.batch(0))[0], precision),
        train_step(theirs, lambda: theirs.loss(images), precision),
    )

    def sample_ours() -> None:
        with torch.no_grad(), autocast(precision, CPU):
            ours.draw(torch.arange(16) % 10, torch.Generator().manual_seed(0))

    def sample_theirs() -> None:
        with torch.no_grad(), autocast(precision, CPU):
            theirs.sample(16)

    for name, pair in (("training", steps), ("sampling, 20 steps", (sample_ours, sample_theirs))):
        for run in pair:
            run()  # warm-up
        ratio = statistics.median(seconds(pair[1]) / seconds(pair[0]) for _ in range(5))
        print(f"\nddpm {name}, {precision}: {ratio:.2f} times {peer.name}'s images a second")
        assert ratio > 1
