"""A round of the GAN against torchgan's trainer, with the same two networks and batch, in one run.

One of torchgan's dependencies, wget, builds from source, so it is no test dependency; with what the tests
need installed, `pip install --no-deps torchgan` does. Its trainer draws fakes for either turn anew, as
Algorithm 1 does; ours takes the same for both. The penalty, which torchgan has not, is left out.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from atlas_cli.engine.system import Setting
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.gan.gan import GAN, Config
from tests.benchmarks.alternating import seconds

BATCH, SIZE, LR, BETAS = 64, 28, 2e-4, (0.5, 0.999)
CPU = torch.device("cpu")


class RandomImages:
    """Images and labels without a data set."""

    def batch(self, random: object) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.rand(BATCH, 1, SIZE, SIZE) * 2 - 1, torch.randint(0, 10, (BATCH,))


def ours() -> tuple[GAN, Callable[[], None]]:
    gan = GAN(Config(image_size=SIZE, conditional=False, r1_gamma=0.0))
    train = TrainConfig(steps=100, batch_size=BATCH, lr=LR, betas=BETAS, precision="fp32")
    gan.attach(Setting(RandomImages(), train))
    optimizers = gan.optimizers()
    return gan, lambda: gan.step(gan.batch(0), optimizers)  # type: ignore[func-returns-value]


def theirs(gan: GAN, library: Any, folder: Path) -> Callable[[], None]:
    """Its trainer's own round, with copies of our networks and its defaults elsewhere."""

    def wrapped(base: type, net: torch.nn.Module, first: str) -> type:
        class Wrapped(base):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__(**{first: gan.config.z_dim})
                self.net = copy.deepcopy(net)

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return self.net(x, None)

        return Wrapped

    models, adam = library.models, {"name": torch.optim.Adam, "args": {"lr": LR, "betas": BETAS}}
    trainer = library.trainer.Trainer(
        {
            "generator": {
                "name": wrapped(models.Generator, gan.generator, "encoding_dims"), "optimizer": adam,
            },
            "discriminator": {
                "name": wrapped(models.Discriminator, gan.discriminator, "input_dims"), "optimizer": adam,
            },
        },
        [library.losses.MinimaxGeneratorLoss(), library.losses.MinimaxDiscriminatorLoss()],
        device=CPU, checkpoints=str(folder / "models" / "gan"), recon=str(folder / "images"),
        batch_size=BATCH,
    )  # fmt: skip
    data = RandomImages()

    def step() -> None:
        trainer.real_inputs, trainer.labels = data.batch(None)
        trainer.train_iter()

    return step


@pytest.mark.bench
@pytest.mark.filterwarnings("default")
def test_a_round_takes_no_longer_than_torchgan_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENSORBOARD_LOGGING", "0")
    monkeypatch.setenv("VISDOM_LOGGING", "0")
    library = pytest.importorskip("torchgan")
    gan, step = ours()
    mine, other = seconds(step, theirs(gan, library, tmp_path))
    print(f"\n{BATCH / mine:.0f} images/s, torchgan {BATCH / other:.0f}, ratio {other / mine:.2f}")
    assert other / mine > 1.0
