"""The walk of a VAE's run, with an encoder and a decoder that are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from atlas_cli import data
from atlas_cli.engine.system import Setting
from atlas_cli.explorables.autoencoder import code_walk
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.autoencoder.vae import VAE, Config


class Codes(torch.nn.Module):
    """The ink of both halves of an image, less their means, and nothing else."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        halves = torch.stack([x[:, 0, :, :4].mean((1, 2)), x[:, 0, :, 4:].mean((1, 2))], dim=1)
        z = torch.cat([9 * halves, torch.zeros(len(x), 2)], dim=1)
        return z, torch.zeros_like(z)


class Flat(torch.nn.Module):
    """Every pixel the logit of the first unit."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return z[:, :1, None, None].expand(-1, 1, 8, 8)


@pytest.fixture
def vae() -> VAE:
    system = VAE(Config(image_size=8, width=4, z_dim=4))
    system.encoder, system.decoder = Codes(), Flat()  # type: ignore[assignment]
    system.attach(Setting(data.load({"name": "digits"}), TrainConfig(steps=1, batch_size=2, lr=1e-3)))
    return system


def test_all_variance_lies_in_the_plane_if_only_two_units_vary(vae: VAE):
    found = code_walk.plane(vae, "0 and 1")
    assert found.share == pytest.approx(1)
    torch.testing.assert_close(found.axes @ found.axes.T, torch.eye(2))
    assert set(found.labels) == {0, 1}


def test_where_an_image_was_encoded_its_code_is_decoded(vae: VAE):
    found = code_walk.plane(vae, "3 and 8")
    z = found.middle + found.places[:3] @ found.axes
    drawn = code_walk.decoded(vae, found, found.places[:3])
    torch.testing.assert_close(drawn, (2 * z[:, 0].sigmoid() - 1)[:, None, None].expand(-1, 8, 8))


def test_the_frame_holds_the_place_its_row_and_the_crowds(vae: VAE):
    frame = code_walk.code_walk(vae, 0.4, -0.8, "0 and 1")
    (pictures, crowd), (row,) = frame.panels
    assert pictures.captions[0] == "decoded"
    assert [group.label for group in crowd.groups] == ["0s", "1s", "here"]
    assert len(row.images) == code_walk.N_STEPS
    assert "(0.4, -0.8)" in frame.caption
    left, right = (float(np.mean(image)) for image in (row.images[0], row.images[-1]))
    first = code_walk.plane(vae, "0 and 1").axes[0, 0]
    assert (right > left) == bool(first > 0)
