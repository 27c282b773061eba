"""Figures of a generator with styles: nearest neighbours, paths, slant and stroke.

Source:  precision and recall: Kynkaanniemi et al. 2019, arXiv:1904.06991, eq. 2. Path length: Karras, Laine,
         Aila 2018, arXiv:1812.04948, eq. 2 and 3; on the features of the atlas's judge, and not of VGG.
Shapes:  N samples, D feature dimensions, H height, W width.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from atlas_cli.data.images import to_float
from atlas_cli.metrics.judge import Judge

PSIS = (0.3, 0.5, 0.7, 1.0)  # of the curve of quality and variety
NEIGHBOURS = 3  # k: a sample reaches as far as its third nearest neighbour
N_CURVE = 1_000  # images at each psi, and as many real ones
N_PATHS, N_MIXED = 500, 200  # pairs of styles
COARSE = 3  # layers that count as coarse: all below the image's full size
EPSILON = 1e-2  # of the path, between the two images whose distance is taken; 1e-4 in the paper


@runtime_checkable
class Styled(Protocol):
    """A system that draws images of styles."""

    setting: Any

    def styles(self, z: Tensor, label: Tensor | None, psi: float = 1.0) -> Tensor: ...

    def noise(self, n: int, random: torch.Generator) -> Tensor: ...

    def images(
        self, coarse: Tensor, noise: Tensor, fine: Tensor | None = None, crossover: int = ...
    ) -> Tensor: ...

    def _latents(
        self, n: int, random: torch.Generator, wanted: int | None = None
    ) -> tuple[Tensor, Tensor | None]: ...


def of(system: Styled, judge: Judge, n_layers: int) -> dict[str, float]:
    """All figures that are not about samples alone; of mixtures where there are layers with a style."""
    figures = curve(system, judge) | path_figures(system, judge)
    return figures | (mixing_figures(system, judge, n_layers) if n_layers else {})


# --- quality and variety -----------------------------------------------------------------------------


def curve(system: Styled, judge: Judge) -> dict[str, float]:
    """Quality and variety at each psi, of images with the same noise."""
    random = system.setting.generator("truncation")
    z, label = system._latents(N_CURVE, random)
    noise = system.noise(N_CURVE, random)
    return truncation_curve(judge, N_CURVE, lambda psi: system.images(system.styles(z, label, psi), noise))


def precision_recall(
    real: Float[Tensor, "N D"], drawn: Float[Tensor, "M D"], k: int = NEIGHBOURS
) -> tuple[float, float]:
    """Share of drawn samples that lie within reach of a real one, and of real ones within reach of a drawn.

    A sample reaches as far as its k-th neighbour of its own kind. Precision is quality, recall variety.
    """

    def reach(x: Tensor) -> Tensor:
        return torch.cdist(x, x).kthvalue(k + 1, dim=1).values  # the nearest is the sample itself

    between = torch.cdist(real, drawn)  # (N, M)
    precise = (between <= reach(real)[:, None]).any(0)
    covered = (between <= reach(drawn)).any(1)
    return precise.float().mean().item(), covered.float().mean().item()


# --- paths -------------------------------------------------------------------------------------------


def path_figures(system: Styled, judge: Judge) -> dict[str, float]:
    """How fast images change on the way from one to another of their class: through z and through w."""
    random = system.setting.generator("paths")
    (a, label), (b, _) = system._latents(N_PATHS, random), system._latents(N_PATHS, random)
    noise, t = system.noise(N_PATHS, random), torch.rand(N_PATHS, 1, generator=random, device=a.device)
    return paths(
        a, b, t, lambda z: system.styles(z, label), lambda w: judge.features(system.images(w, noise))
    )


def path_length(
    walk: Callable[[Float[Tensor, "N 1"]], Float[Tensor, "N D"]], t: Float[Tensor, "N 1"]
) -> float:
    """Mean squared speed of features along paths: E |f(t + e) - f(t)|^2 / e^2.

    Args:
        walk: The features of N images, each at its own place of its own path.
        t: These places, in [0, 1 - EPSILON].
    """
    here, there = walk(t), walk(t + EPSILON)
    return float((there - here).square().sum(1).mean()) / EPSILON**2


def line(a: Float[Tensor, "N D"], b: Float[Tensor, "N D"], t: Float[Tensor, "N 1"]) -> Float[Tensor, "N D"]:
    """The straight way from a to b."""
    return a + t * (b - a)


def arc(a: Float[Tensor, "N D"], b: Float[Tensor, "N D"], t: Float[Tensor, "N 1"]) -> Float[Tensor, "N D"]:
    """The way from a to b on a sphere: Gaussian vectors are about equally long, and none is near zero.

    Where a and b point the same way it is the straight one.
    """
    cosine = torch.cosine_similarity(a, b).clamp(-1, 1)[:, None]
    angle = cosine.acos().clamp(min=1e-3)
    return (((1 - t) * angle).sin() * a + (t * angle).sin() * b) / angle.sin()


def truncation_curve(
    judge: Judge, n: int, draw: Callable[[float], Float[Tensor, "n C H W"]]
) -> dict[str, float]:
    """Precision and recall at each psi, and of real images.

    Args:
        judge: Whose features are compared.
        n: Images on either side, at most.
        draw: n images at a psi.
    """
    real = judge.features(judge.source.test(n)[0])
    figures: dict[str, float] = {}
    for psi in PSIS:
        precision, recall = precision_recall(real, judge.features(draw(psi)))
        figures |= {f"precision_psi{psi * 100:.0f}": precision, f"recall_psi{psi * 100:.0f}": recall}
    others = judge.features(to_float(judge.source.train_images[:n]))
    figures["precision_of_real"], figures["recall_of_real"] = precision_recall(real, others)
    return figures | {
        "recall_lost": figures["recall_psi100"] - figures["recall_psi50"],
        "precision_won": figures["precision_psi50"] - figures["precision_psi100"],
    }


def paths(
    a: Float[Tensor, "N Z"], b: Float[Tensor, "N Z"], t: Float[Tensor, "N 1"],
    style: Callable[[Tensor], Tensor], seen: Callable[[Tensor], Tensor],
) -> dict[str, float]:  # fmt: skip
    """Path lengths from a to b, on the arc through z and on the line through w.

    Args:
        a: Latent vectors.
        b: Those at the other ends.
        t: A place on each way, in [0, 1].
        style: w of z.
        seen: The features of what w draws.

    Returns:
        Both lengths and their ratios; a ratio to a way on which no feature changes is 0.
    """
    w_a, w_b, t = style(a), style(b), t * (1 - EPSILON)
    apart = (seen(w_b) - seen(w_a)).square().sum(1).mean().item()
    z = path_length(lambda t: seen(style(arc(a, b, t))), t)
    w = path_length(lambda t: seen(line(w_a, w_b, t)), t)
    return {
        "path_z": z,
        "path_w": w,
        "path_z_over_w": _over(z, w),
        "detour_z": _over(z, apart),
        "detour_w": _over(w, apart),
    }


def _over(length: float, other: float) -> float:
    return length / other if other else 0.0  # a generator that died draws one image for all styles


# --- mixtures ----------------------------------------------------------------------------------------


def mixing_figures(system: Styled, judge: Judge, n_layers: int) -> dict[str, float]:
    """Where slant, stroke and class of mixtures come from, at every crossover and at COARSE."""
    figures: dict[str, float] = {}
    for layer in range(1, n_layers):
        found = mixture_shares(system, judge, layer)
        figures |= {f"{name}_from_coarse_{layer}": share for name, share in found.items()}
    named = {f"{name}_from_coarse": figures[f"{name}_from_coarse_{COARSE}"] for name in found}
    return figures | named | {"stroke_from_fine": 1 - named["stroke_from_coarse"]}


def mixture_shares(system: Styled, judge: Judge, crossover: int, n: int | None = None) -> dict[str, float]:
    """How much of n mixtures, N_MIXED unless said, is from the style of the layers below the crossover.

    Returns:
        slant, stroke: Of two styles of one class; see `share_from`.
        class: Share read as the coarse style's class, of mixtures of two; where there are classes.
    """
    n, random = n or N_MIXED, system.setting.generator("mixing")
    (a, label), (b, _) = system._latents(n, random), system._latents(n, random)
    noise, w_a, w_b = system.noise(n, random), system.styles(a, label), system.styles(b, label)
    first, second = system.images(w_a, noise), system.images(w_b, noise)
    found = shares(first, second, system.images(w_a, noise, w_b, crossover))
    if label is not None:
        others = system.styles(b, label.roll(1))
        features = judge.features(system.images(w_a, noise, others, crossover))
        found["class"] = (judge.net.head(features).argmax(1) == label).float().mean().item()
    return found


# --- two properties of a digit -----------------------------------------------------------------------


def slant(images: Float[Tensor, "N C H W"]) -> Float[Tensor, "N"]:
    """How far the ink leans to the right for each pixel upwards, of images in [-1, 1].

    The slope of x on the height, by least squares over the ink: a shear by s adds s to it. Without ink 0.
    """
    ink = _ink(images)
    y, x = (
        torch.linspace(-1, 1, n, device=ink.device) * (n - 1) / 2 for n in ink.shape[1:]
    )  # px from the middle
    total = ink.sum((1, 2)).clamp(min=1e-6)
    x = x - ((ink.sum(1) @ x) / total)[:, None]  # (N, W)
    y = y - ((ink.sum(2) @ y) / total)[:, None]  # (N, H)
    together = torch.einsum("nhw,nh,nw->n", ink, y, x)
    upright = torch.einsum("nhw,nh->n", ink, y.square())
    return -together / upright.clamp(min=1e-6)


def stroke(images: Float[Tensor, "N C H W"]) -> Float[Tensor, "N"]:
    """Mean width of the strokes in pixels, of images in [-1, 1]: twice the ink over the length of its rim.

    The rim's length is the ink's total variation; a line of width w and length l has 2 (w + l) of it.
    """
    ink = torch.nn.functional.pad(_ink(images), [1] * 4)
    down, right = ink.diff(dim=1)[:, :, :-1], ink.diff(dim=2)[:, :-1]  # (N, H+1, W+1)
    rim = (down.square() + right.square()).sqrt().sum((1, 2))
    return 2 * ink.sum((1, 2)) / rim.clamp(min=1e-6)


def _ink(images: Float[Tensor, "N C H W"]) -> Float[Tensor, "N H W"]:
    return (images.mean(1) + 1) / 2


def share_from(first: Float[Tensor, "N"], second: Float[Tensor, "N"], mixed: Float[Tensor, "N"]) -> float:
    """How much of a property a mixture has from the first of its two images: 1 all, 0 all from the second.

    The slope, by least squares, of mixed - second on first - second.
    """
    apart = first - second
    return float(((mixed - second) * apart).sum() / apart.square().sum().clamp(min=1e-12))


def shares(
    first: Float[Tensor, "N C H W"], second: Float[Tensor, "N C H W"], mixed: Float[Tensor, "N C H W"]
) -> dict[str, float]:
    """How much of slant and stroke mixtures have from the first of their images."""
    measures = {"slant": slant, "stroke": stroke}
    return {name: share_from(*map(measure, (first, second, mixed))) for name, measure in measures.items()}
