"""What `atlas sample` shows of a transformer that looks at images: each image, and where every head looks."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from atlas_cli.data.drawing import read_drawing
from atlas_cli.data.images import to_float
from atlas_cli.draws import BatchRandom
from atlas_cli.engine.system import SampleRequest, Setting
from atlas_cli.present.artifacts.images import Images
from atlas_cli.systems.contrastive.vit import PATCH


@runtime_checkable
class Looking(Protocol):
    """A system whose attention can be asked for."""

    setting: Setting
    config: Any

    def laid(self, images: Tensor, random: BatchRandom) -> Tensor:
        """Images as the system sees them."""

    def attention(self, images: Tensor) -> Tensor:
        """Where it looks, (N, h, P)."""


def sheet(system: Looking, request: SampleRequest) -> Images:
    """Held-out images, or one of one's own, a row each: the image, and the attention of every head."""
    setting = system.setting
    ink = _asked_for(system, request)
    images = system.laid(ink, BatchRandom(request.seed, 0, len(ink), device=setting.device, purpose="shown"))
    maps = over(images, system.attention(images))
    rows = torch.cat([((images + 1) / 2)[:, None], maps.expand(-1, -1, images.shape[1], -1, -1)], 1)
    n_head = maps.shape[1]
    return Images(
        rows.flatten(0, 1).clamp(0, 1).cpu().numpy(), columns=1 + n_head,
        caption=f"A row each: the image, and what the {n_head} heads of the last layer look at.",
    )  # fmt: skip


def _asked_for(system: Looking, request: SampleRequest) -> Float[Tensor, "N C H W"]:
    """The user's drawing, or held-out images by a draw, on empty paper."""
    setting = system.setting
    if "image" in request.extras:
        size, channels = system.config.image_size, system.config.channels
        drawing = torch.from_numpy(read_drawing(request.extras["image"], size)).to(setting.device)
        return (2 * drawing - 1).view(1, 1, size, size).expand(1, channels, -1, -1)
    source, random = setting.data, setting.generator("sample", request.seed)
    keys = torch.rand(len(source.test_labels), generator=random, device=setting.device)
    return to_float(source.test_images[keys.argsort()[: request.n]])


def over(images: Float[Tensor, "N C H W"], attention: Float[Tensor, "N h P"]) -> Float[Tensor, "N h 1 H W"]:
    """Maps as large as the images; the patch that is looked at most is white."""
    rows, columns = (n // PATCH for n in images.shape[2:])
    maps = (attention / attention.amax(2, keepdim=True)).unflatten(2, (rows, columns))
    return F.interpolate(maps, scale_factor=float(PATCH))[:, :, None]
