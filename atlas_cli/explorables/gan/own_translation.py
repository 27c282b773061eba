"""What a trained translator makes of edges, and what its own discriminator says of every patch of that."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Heatmap, Images, Knob, Series
from atlas_cli.explorables._grey import shades

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.systems.gan.patchgan import PatchGAN

DRAWS = tuple(range(1, 9))  # noises; the first so many are shown one by one
ROWS = tuple(range(28))


class Pair(NamedTuple):
    """One test digit of a class, in [-1, 1], and what the run makes of its edges."""

    edges: Tensor  # (H, W), 1 on an edge
    chalk: Tensor  # (H, W)
    made: Tensor  # (draws, H, W)
    taken_chalk: Tensor  # (h, w), the probability of being real that each patch is given
    taken_made: Tensor  # (draws, h, w)


def own_translation(system: PatchGAN, digit: int, draw: int, row: int) -> Frame:
    """A digit's edges, its translation, both maps of verdicts, and the greys along one row."""
    pair = _pair(system, digit % system.config.n_classes)
    row = min(row, len(pair.edges) - 1)
    made, taken = pair.made[draw - 1], pair.taken_made[draw - 1]
    pictures = Images(
        f"The edges, translation {draw}, and the digit in chalk",
        tuple(shades(picture) for picture in (2 * pair.edges - 1, made, pair.chalk)), 3,
        ("given", f"made, by noise {draw}", "real"),
    )  # fmt: skip
    verdicts = tuple(
        Heatmap(f"Its patches' probability of being real: {name}", _rounded(map_), 0.0, 1.0, "patch", "patch")
        for name, map_ in ((f"translation {draw}", taken), ("chalk", pair.taken_chalk))
    )
    columns = tuple(range(pair.edges.shape[1]))
    greys = Curves(
        f"Ink along row {row}",
        (
            Series("chalk", columns, _rounded((pair.chalk[row] + 1) / 2), "dashed"),
            Series(f"translation {draw}", columns, _rounded((made[row] + 1) / 2)),
            Series("mean of all noises", columns, _rounded((pair.made.mean(0)[row] + 1) / 2), "points"),
        ),
        "column", "ink",
    )  # fmt: skip
    steps, real_steps = (_steps(picture) for picture in (made, pair.chalk))
    p_made, p_chalk = float(taken.mean()), float(pair.taken_chalk.mean())
    return Frame(
        ((pictures,), verdicts, (greys,)),
        f"Edges of class {digit}, by noise {draw}, cut along row {row}. From pixel to pixel the ink changes "
        f"by {steps:.3f} in the translation and by {real_steps:.3f} in chalk. The run's discriminator gives "
        f"their patches {p_made:.0%} and {p_chalk:.0%} to be real.",
        {
            "change a pixel, made": steps, "change a pixel, chalk": real_steps,
            "taken for real, made": p_made, "taken for real, chalk": p_chalk,
        },
    )  # fmt: skip


def _steps(picture: Tensor) -> float:
    """Root mean square of the steps of ink to the right and down."""
    ink = (picture + 1) / 2
    right, down = ink.diff(dim=1).square().mean(), ink.diff(dim=0).square().mean()
    return float(((right + down) / 2).sqrt())


def _rounded(values: Tensor) -> Tensor:
    return (values * 100).round() / 100


@cache
def _pair(system: PatchGAN, digit: int) -> Pair:
    """The first test digit of a class; noise and chalk are the same at every call."""
    import torch

    from atlas_cli.metrics.edges import edge_map

    images, labels = system.setting.data.test()
    ink = images[labels == digit][:1]
    random = torch.Generator(ink.device).manual_seed(digit)
    with torch.no_grad():
        edges = edge_map(ink)
        chalk = system.in_chalk(ink, random)
        many = edges.expand(len(DRAWS), -1, -1, -1)
        made = system.translate(many, random)
        taken = system.discriminator(many, made).sigmoid()
        taken_chalk = system.discriminator(edges, chalk).sigmoid()
    return Pair(edges[0, 0], chalk[0].mean(0), made.mean(1), taken_chalk[0], taken)


EXPLORABLE = Explorable(
    "own-translation", "gan", ("patchgan",), "What a translator makes of edges",
    "Where does another noise change the ink, and which patches does the discriminator still doubt?",
    (
        Knob("digit", "digit", tuple(range(10)), 3, "choice"),
        Knob("draw", "noise", DRAWS, 1, "play"),
        Knob("row", "row", ROWS, 14, "slider"),
    ),
    None, from_run=own_translation, systems=("patchgan",), place=45,
)  # fmt: skip
