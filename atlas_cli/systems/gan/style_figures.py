"""Figures of a generator with styles: nearest neighbours, paths, slant and stroke.

Source:  precision and recall: Kynkaanniemi et al. 2019, arXiv:1904.06991, eq. 2. Path length: Karras, Laine,
         Aila 2018, arXiv:1812.04948, eq. 2 and 3; on the features of the atlas's judge, and not of VGG.
Shapes:  N samples, D feature dimensions, H height, W width.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from atlas_cli.data.images import to_float
from atlas_cli.metrics.judge import Judge

PSIS = (0.3, 0.5, 0.7, 1.0)  # of the curve of quality and variety
NEIGHBOURS = 3  # k: a sample reaches as far as its third nearest neighbour
EPSILON = 1e-2  # of the path, between the two images whose distance is taken; 1e-4 in the paper


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
