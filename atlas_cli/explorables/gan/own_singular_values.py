"""How much each layer of a trained discriminator stretches, before and after the division.

A finished run has averaged weights and the directions of its last step: what is shown is what these compute
with.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Knob, Series

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from atlas_cli.systems.gan.sngan import SNGAN

LAYERS = tuple(range(1, 7))
SHOWN = 64  # singular values of a layer, at most


class Spectrum(NamedTuple):
    """Singular values of a layer, the largest first."""

    name: str
    weight: NDArray  # as it is learned
    used: NDArray  # as the layer computes with it


def own_singular_values(system: SNGAN, layer: int) -> Frame:
    """The largest singular value of every layer, and all those of one."""
    found = spectra(system)
    layer = min(layer, len(found))
    one = found[layer - 1]
    places = tuple(range(1, len(found) + 1))
    largest = (
        Series("weight", places, [_short(spectrum.weight[0]) for spectrum in found], "dashed"),
        Series("as the layer uses it", places, [_short(spectrum.used[0]) for spectrum in found], "points"),
    )
    n = min(SHOWN, len(one.weight))
    ranks = tuple(range(1, n + 1))
    all_of_one = (
        Series("weight", ranks, [_short(value) for value in one.weight[:n]], "dashed"),
        Series("as the layer uses it", ranks, [_short(value) for value in one.used[:n]]),
    )
    before, after = float(one.weight[0]), float(one.used[0])
    second = float(one.used[1]) if len(one.used) > 1 else 0.0
    return Frame(
        (
            (Curves("Largest a layer", largest, "layer", "singular value", marker=layer, drag="layer"),),
            (Curves(f"All of layer {layer}, {one.name}", all_of_one, "rank", "singular value"),),
        ),
        f"Layer {layer}, {one.name}, has a weight that stretches by up to {before:.3g}; what the layer "
        f"computes with stretches by up to {after:.4g}, and second most by {second:.3g}. Of all layers the "
        f"steepest is used at {max(float(spectrum.used[0]) for spectrum in found):.4g}.",
        {"weight": before, "used": after, "second": second},
    )  # fmt: skip


def _short(value: float) -> float:
    return round(float(value), 4)


@cache
def spectra(system: SNGAN) -> tuple[Spectrum, ...]:
    """Of every layer of the discriminator, from the image to the logit; exact, by SVD."""
    import torch

    from atlas_cli.systems.gan.sngan import as_matrix, standing

    found = []
    for name in system.layers:
        layer = system.discriminator.get_submodule(name)
        used = standing(layer)
        norms = getattr(layer, "parametrizations", None)
        weight = norms.weight.original.detach() if norms is not None else used
        values = [torch.linalg.svdvals(as_matrix(w).cpu().double()).numpy() for w in (weight, used)]
        found.append(Spectrum(_title(name), *values))
    return tuple(found)


def _title(name: str) -> str:
    """In words: the layers of the body stand one after another."""
    names = {"head": "the verdict", "embed": "the classes"}
    return names.get(name, f"number {name.rpartition('.')[2]} of the body")


EXPLORABLE = Explorable(
    "own-singular-values", "gan", ("sngan",), "How much each layer stretches",
    "Which layer would have stretched most without the division, and how many of its directions are used?",
    (Knob("layer", "layer", LAYERS, 2, "slider"),),
    None, from_run=own_singular_values, systems=("sngan",), place=22,
)  # fmt: skip
