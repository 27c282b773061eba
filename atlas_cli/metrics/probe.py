"""What frozen features are worth: a linear classifier on them, with all labels or a few, and neighbours.

Raw pixels and an untrained encoder stand beside it: what they reach is owed to the images, not to training.
Alignment and uniformity: Wang, Isola 2020, arXiv:2005.10242, eq. in section 4.1. Spread: Chen, He 2020,
arXiv:2011.10566, section 4.1.
Shapes: N images, D features.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from atlas_cli import shelf
from atlas_cli.draws import generator

VERSION = 1  # of the probes below: what is kept of another one is reckoned anew
NEIGHBOURS = 5
FEW, DRAWS = 100, 5  # labels of a small set, and how many such sets the figure is the mean of
ROUNDS = 100  # of the solver, at most


class Labelled(NamedTuple):
    """Images, or features of them, with their classes."""

    x: Float[Tensor, "N *shape"]
    label: Int[Tensor, "N"]


def probe(train: Labelled, test: Labelled) -> dict[str, float]:
    """What can be read from features.

    Returns:
        probe: Share of the test images that a linear classifier of the training features reads rightly.
        probe_100: The same with the labels of FEW training images alone, classes in equal shares; the mean of
            DRAWS such sets.
        knn: Share of the test images whose nearest training images, by angle, are mostly of their class.
    """
    x, y = _whitened(train.x, train.x), train.label.cpu().numpy()
    x_test, y_test = _whitened(train.x, test.x), test.label.cpu().numpy()
    few = []
    for draw in range(DRAWS):
        chosen = even_shares(train.label, FEW, draw).numpy()
        few.append(_linear(x[chosen], y[chosen], x_test, y_test))
    return {
        "probe": _linear(x, y, x_test, y_test),
        f"probe_{FEW}": float(np.mean(few)),
        "knn": knn_accuracy(train, test),
    }


def even_shares(label: Int[Tensor, "N"], n: int, draw: int) -> Int[Tensor, "n"]:
    """Indices of n images, as many of each class as of any other, by a draw."""
    order = torch.randperm(len(label), generator=generator("few labels", draw))
    shuffled = label.cpu()[order]
    rank = F.one_hot(shuffled).cumsum(0).gather(1, shuffled[:, None]).squeeze(1)  # within its class
    return order[rank.argsort(stable=True)[:n]]


def knn_accuracy(train: Labelled, test: Labelled) -> float:
    """Share of the test images that their nearest training images name rightly, by a vote of their angles."""
    a = F.normalize(train.x.flatten(1).float(), dim=1)
    b = F.normalize(test.x.flatten(1).float(), dim=1)
    near, index = (b @ a.T).topk(min(NEIGHBOURS, len(a)), dim=1)  # (M, NEIGHBOURS)
    votes = F.one_hot(train.label[index], int(train.label.max()) + 1) * near[..., None]  # (M, NEIGHBOURS, K)
    return (votes.sum(1).argmax(1) == test.label).float().mean().item()


def pixel_probe(train: Labelled, test: Labelled) -> Mapping[str, float]:
    """What can be read from the pixels themselves; reckoned once for the same images, and kept."""
    slot, mark = f"pixel-probe-v{VERSION}", _digest(train, test)
    known = shelf.get(f"{slot}-{mark[:16]}", mark)
    if known is None:
        known = probe(train, test)
        shelf.put(f"{slot}-{mark[:16]}", mark, known)
    return {name: float(value) for name, value in known.items()}


def way(name: str) -> str:
    """How features are laid out in the plane: pca or tsne.

    Raises:
        ValueError: another one.
    """
    if name not in ("pca", "tsne"):
        raise ValueError(f"{name} is neither pca nor tsne")
    return name


def plane(features: Float[Tensor, "N D"], way: str = "pca") -> np.ndarray:
    """Features as points of the plane, (N, 2).

    Args:
        features: Of at least three images.
        way: "pca", two principal components, each with its largest weight positive; or "tsne", which keeps
            neighbours together and says nothing of distances (van der Maaten, Hinton 2008).
    """
    x = F.normalize(features.cpu().double(), dim=1)
    x = x - x.mean(0)
    if way == "tsne":
        from sklearn.manifold import TSNE

        perplexity = min(30.0, (len(x) - 1) / 3)
        return np.asarray(TSNE(perplexity=perplexity, init="pca", random_state=0).fit_transform(x.numpy()))
    axes = torch.linalg.svd(x, full_matrices=False).Vh[:2]  # (2, D)
    axes = axes * axes.gather(1, axes.abs().argmax(1, keepdim=True)).sign()
    return (x @ axes.T).numpy()


def alignment(a: Float[Tensor, "N D"], b: Float[Tensor, "N D"]) -> float:
    """Mean squared distance of the features of two views of one image, on the unit sphere: 0 is the same."""
    return (F.normalize(a, dim=1) - F.normalize(b, dim=1)).square().sum(1).mean().item()


def uniformity(features: Float[Tensor, "N D"], t: float = 2.0) -> float:
    """log of the mean of exp(-t |a - b|^2) over pairs of images, on the unit sphere: the lower the evener."""
    distance2 = torch.pdist(F.normalize(features.float(), dim=1)).square()
    return (-t * distance2).exp().mean().log().item()


def spread(features: Float[Tensor, "N D"]) -> Float[Tensor, ""]:
    """Deviation of a feature over images, times sqrt(D), on the unit sphere: 1 is all round, 0 a point."""
    unit = F.normalize(features.float(), dim=1)
    return unit.std(0).mean() * unit.shape[1] ** 0.5


def _whitened(train: Tensor, x: Tensor) -> np.ndarray:
    """Features with the mean and the deviation of those of training taken out, (N, D)."""
    train, x = train.flatten(1).cpu().double(), x.flatten(1).cpu().double()
    scale = train.std(0).clamp(min=1e-3 * float(train.std()) + 1e-12)
    return ((x - train.mean(0)) / scale).float().cpu().numpy()


def _linear(x: np.ndarray, y: np.ndarray, x_test: np.ndarray, y_test: np.ndarray) -> float:
    """Share of the test images that a logistic regression reads rightly."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=0.1, max_iter=ROUNDS, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # poor features take more rounds than they repay
        model.fit(x, y)
    return float(model.score(x_test, y_test))


def _digest(*parts: Labelled) -> str:
    digest = hashlib.sha256()
    for part in parts:
        for tensor in part:
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
