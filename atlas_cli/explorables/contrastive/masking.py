"""What is left of a held-out image at each ratio, and what a run paints in the hidden places."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Images, Knob, Series
from atlas_cli.explorables._grey import shades

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.systems.contrastive.mae import MAE

PERCENT = (25, 40, 50, 60, 75, 90)  # of the patches that are hidden
SHOWN, JUDGED = 8, 200  # held-out images that are shown, and over which the error is a mean


def masking(system: MAE, ratio: int, image: int) -> Frame:
    """One image at one ratio, and the error of the hidden patches at all of them."""
    from atlas_cli.systems.contrastive.mae import kept

    one = slice(image - 1, image)
    images, order = _shown(system)
    left, painted = (part.cpu() for part in system.painted(images[one], order[one], ratio / 100))
    target = system.as_picture(system.target(images[one])).cpu()
    pictures = [(images[one].cpu() + 1) / 2, left, painted, target]
    errors = tuple(_error(system, percent) for percent in PERCENT)
    nothing = _nothing(system)
    n, seen = system.config.n_patches, kept(system.config.n_patches, ratio / 100)
    error = errors[PERCENT.index(ratio)]
    panels = (
        (
            Images(
                f"Image {image}",
                tuple(shades(2 * picture[0].mean(0) - 1) for picture in pictures),
                4,
                ("held out", "left of it", "painted", "what was asked"),
            ),
        ),
        (
            Curves(
                f"Error of the hidden patches, {JUDGED} images",
                (
                    Series("this run", PERCENT, errors),
                    Series("painting nothing", PERCENT, (nothing,) * len(PERCENT), "dashed"),
                ),
                "percent hidden",
                "mean squared error",
                marker=ratio,
                drag="ratio",
            ),
        ),
    )
    return Frame(
        panels,
        f"Of image {image}, {seen} of {n} patches are seen. With {ratio}% hidden the error is {error:.2f} "
        f"over {JUDGED} images, where painting nothing would cost {nothing:.2f}.",
        {"patches seen": seen, "error": error, "error of painting nothing": nothing},
    )


@cache
def _shown(system: MAE) -> tuple[Tensor, Tensor]:
    """Held-out images as the run sees them, and an order of the patches of each."""
    from atlas_cli.draws import BatchRandom

    source = system.setting.data
    images = system.shown(source.test_images[:JUDGED], source.test_labels[:JUDGED], "tested").x
    random = BatchRandom(0, 0, len(images), device=images.device, purpose="masked")
    return images, random.permutations(system.config.n_patches)


@cache
def _error(system: MAE, percent: int) -> float:
    return system.error(_shown(system)[0], percent / 100)


@cache
def _nothing(system: MAE) -> float:
    """Mean square of the target."""
    return system.target(_shown(system)[0]).square().mean().item()


EXPLORABLE = Explorable(
    "masking", "contrastive", ("mae",), "Painted from what is left",
    "From which share on does the painting show a digit, but not this one?",
    (
        Knob("ratio", "hidden", PERCENT, 75, "slider", "%"),
        Knob("image", "image", tuple(range(1, SHOWN + 1)), 1, "play"),
    ),
    None, from_run=masking, systems=("mae",), place=50,
)  # fmt: skip
