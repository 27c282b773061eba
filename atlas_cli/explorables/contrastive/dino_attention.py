"""Where the [CLS] token of a run looks in held-out images, and what a net that was never trained looks at."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Bars, Explorable, Frame, Heatmap, Images, Knob
from atlas_cli.explorables._grey import shades

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.systems.contrastive.dino import DINO

NETS = ("trained", "untrained", "contrast")
SHOWN = 8  # held-out images
KEPT = (30, 60, 90)  # percent of the attention that is kept


def dino_attention(system: DINO, by: str, image: int, kept: int) -> Frame:
    """One image, the map of every head over it, and how well what is kept fits the digit."""
    import torch

    from atlas_cli.systems.contrastive import objects
    from atlas_cli.systems.contrastive.vit import PATCH

    images, mask = _images(system)
    every = {name: _maps(system, name) for name in NETS}
    asked, side = image - 1, system.config.image_size // PATCH
    maps = every[by][asked : asked + 1]  # (1, h, P)
    found = objects.kept(maps, kept / 100)
    fits = objects.overlap(found, mask[asked : asked + 1])
    best = int(fits.argmax())
    all_fit = tuple(
        float(objects.overlap(objects.kept(every[name], kept / 100), mask).max()) for name in NETS
    )
    looks = maps[0, best].view(side, side)
    both = torch.stack([found[0, best].float(), mask[asked].float()]).view(2, side, side)
    panels = (
        (
            Images("The image", (shades(images[asked].mean(0)),), 1, ("held out",)),
            Heatmap("Attention to each patch, best head", looks, 0.0, float(looks.max())),
            Heatmap("What is kept of it, and the digit", both[0] + 2 * both[1], 0.0, 3.0,
                    names=(("neither", 0.0), ("kept", 1.0), ("digit", 2.0), ("both", 3.0))),
        ),
        (Bars(f"Overlap with the digit, {SHOWN} images, best head", NETS, all_fit, 1.0),),
    )  # fmt: skip
    who = {"trained": "the run", "untrained": "an untrained net", "contrast": "contrast alone"}[by]
    return Frame(
        panels,
        f"Image {image} as {who} sees it: the patches that hold {kept}% of the map and those that the digit "
        f"touches overlap by {float(fits.max()):.2f} (intersection over union).",
        {"overlap": float(fits.max()), **dict(zip(NETS, all_fit, strict=True))},
    )


@cache
def _images(system: DINO) -> tuple[Tensor, Tensor]:
    """Held-out images as the run sees them, and which patches their digits touch."""
    from atlas_cli.data.images import to_float
    from atlas_cli.systems.contrastive import objects
    from atlas_cli.systems.contrastive.vit import PATCH

    plain = system.setting.data.test_images[:SHOWN]
    return system.shown(plain, "tested").cpu(), objects.of_patches(to_float(plain).cpu(), PATCH)


@cache
def _maps(system: DINO, by: str) -> Tensor:
    from atlas_cli.systems.contrastive import objects
    from atlas_cli.systems.contrastive.vit import PATCH

    images, _ = _images(system)
    if by == "contrast":
        return objects.contrast(images, PATCH)
    body = system.untrained() if by == "untrained" else None
    return system.attention(images.to(system.setting.device), body).cpu()


EXPLORABLE = Explorable(
    "dino-attention", "contrastive", ("dino",), "Where the last layer looks",
    "Does the trained net look at the digit more than contrast alone would?",
    (
        Knob("by", "seen by", NETS, "trained", "choice"),
        Knob("image", "image", tuple(range(1, SHOWN + 1)), 1, "play"),
        Knob("kept", "share kept", KEPT, 60, "slider", "%"),
    ),
    None, from_run=dino_attention, systems=("dino",), place=55,
)  # fmt: skip
