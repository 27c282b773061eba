"""A grid of mixtures: rows give the lower layers their style, columns the upper ones."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Images, Knob, Series
from atlas_cli.explorables._grey import shades

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.systems.gan.stylegan import StyleGAN

SIDE = 3  # rows, and columns
N_PAIRS = 200  # of styles, behind the curves
N_LAYERS = 5  # with a style
CROSSOVERS = tuple(range(N_LAYERS + 1))  # layers from the bottom that have the row's style
NAMES = {"slant": "slant", "stroke": "stroke width", "class": "digit"}
DIGITS = {"different": ((2, 3, 8), (0, 4, 7)), "one": ((3, 3, 3), (3, 3, 3))}  # rows, columns
GREYS = 12  # shades: many small pictures are to be packed


def style_mixing(system: StyleGAN, crossover: int, digits: str) -> Frame:
    """The grid, and over all crossovers what of a mixture follows the row."""
    pictures = _grid(system, crossover, digits)
    curves = [_shares(system, at) for at in CROSSOVERS]
    follows = Curves(
        "Share of a mixture that is from the row",
        tuple(
            Series(NAMES[name], CROSSOVERS, tuple(shares[name] for shares in curves), look)
            for name, look in zip(curves[0], ("line", "dashed", "points"), strict=False)
        ),
        "layers that have the row's style", "share", marker=crossover, drag="crossover",
    )  # fmt: skip
    here = {NAMES[name]: share for name, share in curves[crossover].items()}
    layers = f"{crossover} {'layer' if crossover == 1 else 'layers'}"
    rows, columns = DIGITS[digits]
    told = ", ".join(f"{share:.0%} of the {name}" for name, share in here.items())
    return Frame(
        (
            (Images("Left: each row's own. Top: each column's", pictures, SIDE + 1),),
            (follows,),
        ),
        f"Rows are of the digits {_listed(rows)}, columns of {_listed(columns)}. The row gives the {layers} "
        f"nearest to the bottom their style, the column the other {N_LAYERS - crossover}; the noise is the "
        f"same. From the row is, over {N_PAIRS} pairs: {told}.",
        {f"{name} from the row": share for name, share in here.items()},
    )


def _listed(digits: tuple[int, ...]) -> str:
    return f"{', '.join(map(str, digits[:-1]))} and {digits[-1]}"


@cache
def _grid(system: StyleGAN, crossover: int, digits: str) -> tuple[Tensor, ...]:
    """The pictures, row by row; the first is empty."""
    import torch

    random = system.setting.generator("grid", 0)
    z = torch.randn(2 * SIDE, system.config.z_dim, generator=random)
    label = torch.tensor([digit % system.config.n_classes for part in DIGITS[digits] for digit in part])
    with torch.no_grad():
        w = system.styles(z, label if system.classes else None)
        noise = system.noise(1, random).expand(SIDE * SIDE, -1)
        rows, columns = w[:SIDE], w[SIDE:]
        left, top = (system.images(part, noise[:SIDE]).mean(1) for part in (rows, columns))
        grid = system.images(rows.repeat_interleave(SIDE, 0), noise, columns.repeat(SIDE, 1), crossover)
    body = [picture for i in range(SIDE) for picture in (left[i], *grid.mean(1)[i * SIDE : (i + 1) * SIDE])]
    return tuple(shades(picture, GREYS) for picture in (torch.full_like(top[0], -1), *top, *body))


@cache
def _shares(system: StyleGAN, crossover: int) -> dict[str, float]:
    """Measured as the recipe's figures are, on fewer pairs."""
    import torch

    from atlas_cli.metrics.judge import Judge
    from atlas_cli.screen import messages

    with torch.no_grad():
        judge = Judge.load_or_train(system.setting.data, messages.say)
        return system.mixture_shares(judge, crossover, N_PAIRS)


EXPLORABLE = Explorable(
    "style-mixing", "gan", ("stylegan",), "Styles of two digits, layer by layer",
    "Up to which layer is it the row's digit, and which layers set how thick it is written?",
    (
        Knob("crossover", "layers from the row", CROSSOVERS, 3, "slider"),
        Knob("digits", "digits", tuple(DIGITS), "different", "choice"),
    ),
    None, from_run=style_mixing, systems=("stylegan",), place=35,
)  # fmt: skip
