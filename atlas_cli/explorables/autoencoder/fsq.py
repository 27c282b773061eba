"""Finite scalar quantisation: rounding to a grid in place of a learned codebook.

Source:  Mentzer et al. 2023, arXiv:2309.15505, section 3.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Bars, Curves, Explorable, Frame, Knob, Series
from atlas_cli.diagrams.sketch import Shape, Sketch

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_POINTS = 120
DIMS = 8


def quantise(z: NDArray, levels: int) -> tuple[NDArray, NDArray]:
    """Numbers bounded to [-1, 1], and rounded there to `levels` values (Mentzer et al. 2023, section 3.1)."""
    import numpy as np

    half = (levels - 1) / 2
    offset = 0.5 if levels % 2 == 0 else 0.0
    shift = np.arctanh(offset / half) if offset < half else 0.0  # 0 stays in the middle; two levels need none
    bounded = np.tanh(z + shift) * half - offset
    return (bounded + offset) / half, (np.round(bounded) + offset) / half


def fsq(levels: int, dim: int) -> Frame:
    """Points of the plane, and the grid that they are rounded to."""
    import numpy as np

    z = np.random.default_rng(6).standard_normal((N_POINTS, 2))
    bounded, rounded = quantise(z, levels)
    values = np.linspace(-1, 1, levels)
    counts = [float((np.abs(rounded - value) < 1e-6).mean()) for value in values]
    dims = tuple(range(1, DIMS + 1))
    sizes = (
        Series(f"{levels} levels", dims, tuple(levels**d for d in dims)),
        Series("2 levels", dims, tuple(2**d for d in dims), "dashed"),
    )
    return Frame(
        (
            (
                _rounding(bounded, rounded, values),
                Bars("Use of each level", tuple(f"{v:+.2f}" for v in values), counts, 0.6),
            ),
            (Curves("Codes there are", sizes, "numbers in a code", "codes", log_y=True, marker=dim,
                    drag="dim"),),
        ),
        f"{dim} numbers of {levels} levels make {levels**dim:,} codes. No codebook is learned: the grid is "
        f"the codebook, and the least used of its levels still takes {min(counts):.0%} of the points.",
        {
            "codes": levels**dim, "bits a code": dim * float(np.log2(levels)),
            "error of two numbers": float(np.square(rounded - bounded).sum(1).mean()),
            "least used level": min(counts),
        },
    )  # fmt: skip


def _rounding(bounded: NDArray, rounded: NDArray, values: NDArray) -> Sketch:
    """Each point, the code that it is rounded to and what lies between; and where one code's realm ends."""
    import numpy as np

    borders = (values[:-1] + values[1:]) / 2
    lines = [((b, -1), (b, 1)) for b in borders] + [((-1, b), (1, b)) for b in borders]
    shapes = (
        Shape("", lines, "line", None),
        Shape("moved by", np.stack([bounded, rounded], axis=1), "line", 0),
        Shape("bounded", [bounded], "dots", 5),
        Shape("a code", [[(x, y) for x in values for y in values]], "dots", 1),
    )
    return Sketch(
        "Two of the numbers of a code, and where they are rounded to", shapes, (-1.1, 1.1, -1.1, 1.1)
    )


EXPLORABLE = Explorable(
    "fsq", "autoencoder", ("fsq", "vq-vae"), "Rounding in place of a codebook",
    "Does a level ever stay empty? What makes more codes: more levels, or more numbers in a code?",
    (
        Knob("levels", "levels of a number", tuple(range(2, 13)), 5, "slider"),
        Knob("dim", "numbers in a code", tuple(range(1, DIMS + 1)), 4, "slider"),
    ),
    fsq,
    place=40,
)  # fmt: skip
