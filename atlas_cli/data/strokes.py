"""Strokes: handwritten digits without a download, drawn from skeletons by an unsteady pen.

Each image: pick a digit and one of its skeletons (`stroke_skeletons`), move the control points, bend and
slant the plane, run a smooth curve through the points, and ink every pixel by its distance from the curve.
Size and place follow MNIST: the ink fits a box of 20 px and its centre of mass lies at the image's centre,
so a reader trained on strokes alone reads real digits.
Shapes:  B images of one batch, P control points, S line segments, H = W = 28 pixels. Points are x, y down.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from atlas_cli.data.stroke_skeletons import SKELETONS

SIZE, BOX, CENTRE = 28, 20.0, 14.0  # px; the centre is in pixel indices, where MNIST puts it
SAMPLES = 4  # line segments between two control points
BATCH = 256  # images drawn at once: their distance field fits the cache

JITTER = 0.04  # sd of a control point's error, as a share of the box; a writer is U(.5, 1.5) as unsteady
WARP = 0.34  # sd of the six coefficients of the quadratic warp
ASPECT, ASPECT_SPREAD = 0.82, 0.20  # width over height; sd of its logarithm
SLANT, SLANT_SPREAD = 0.18, 0.30  # mean and sd of dx/dy: people lean to the right
ROTATION = 0.13  # sd, radians
RADIUS, RADIUS_SPREAD, PRESSURE = 1.20, 0.35, 0.12  # px; sd of its logarithm between images, and along one
EDGE = (0.8, 1.04)  # px over which the ink fades out
BLUR = 0.15  # the largest share of a 3x3 blur; half of the images have none

Array = NDArray[np.float32]


class Table(NamedTuple):
    """All V skeletons as padded arrays; a Catmull-Rom curve is a fixed linear map of its control points."""

    digit: NDArray[np.int64]  # (V,)
    points: Array  # (V, P, 2) in [-.5, .5]
    segments: NDArray[np.int64]  # (V,) how many of the S segments are real
    behind: NDArray[np.int64]  # (V, S, 2, 4) the four control points behind each end of a segment
    weight: Array  # (V, S, 2, 4) their weights


def draw(n: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Draw n digits, each class and each of its skeletons equally likely.

    Returns:
        Images (n, 28, 28), ink 255 on 0, and labels (n,). Equal (n, seed) gives equal arrays.
    """
    rng, table = np.random.default_rng(seed), _table()
    labels = rng.integers(0, 10, n)
    first = np.searchsorted(table.digit, np.arange(11))  # variants lie sorted by digit
    count = np.diff(first)
    variants = first[labels] + np.floor(rng.random(n) * count[labels]).astype(np.int64)

    # Batches of like lengths: no image waits for segments that it does not have.
    images = np.empty((n, SIZE, SIZE), np.uint8)
    order = np.argsort(-table.segments[variants], kind="stable")
    for start in range(0, n, BATCH):
        rows = order[start : start + BATCH]
        images[rows] = _draw_batch(variants[rows], rng)
    return images, labels


def _draw_batch(variants: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw one image for each variant; variants come longest first."""
    table = _table()
    segments = table.segments[variants]  # (B,)
    n_seg = segments[0]
    real = np.arange(n_seg) < segments[:, None]  # (B, S)

    points = _pose(_wobble(table.points[variants], rng), rng)  # (B, P, 2)
    index, weight = table.behind[variants, :n_seg], table.weight[variants, :n_seg]  # (B, S, 2, 4)
    who = np.arange(len(variants))[:, None, None, None]
    ends = (points[who, index] * weight[..., None]).sum(3)  # (B, S, 2 ends, 2)

    radius = RADIUS * _lognormal(rng, (len(variants), 1), RADIUS_SPREAD)  # (B, 1)
    radii = radius * _pressure(rng, real.shape)  # (B, S)
    distance = _distance(_fit(ends, real, radius), radii, segments)  # (B, H, W), in radii: 1 at the rim
    edge = rng.uniform(*EDGE, (len(variants), 1, 1)).astype(np.float32)
    ink: Array = np.clip(0.5 + (1 - distance) * radius[..., None] / edge, 0, 1)
    blur = rng.uniform(-BLUR, BLUR, (len(variants), 1, 1)).astype(np.float32).clip(0)
    return np.rint(255 * _centre(ink + blur * (_blur3(ink) - ink))).astype(np.uint8)


def _wobble(points: Array, rng: np.random.Generator) -> Array:
    """Move the control points: half white noise (a shaky hand), half smooth along the stroke (a new form)."""
    white, rough = rng.standard_normal((2, *points.shape), np.float32)  # (B, P, 2) each
    padded = np.pad(rough, ((0, 0), (1, 1), (0, 0)), mode="edge")
    unit = np.float32(6**-0.5)  # 1 + 4 + 1: the smoothed noise keeps unit variance
    smooth = unit * (padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:])
    unsteady = rng.uniform(0.5, 1.5, (len(points), 1, 1)).astype(np.float32)
    return points + JITTER * unsteady * (white + smooth) / np.float32(2**0.5)


def _pose(points: Array, rng: np.random.Generator) -> Array:
    """Bend the plane by a random quadratic, then stretch, slant and rotate it."""
    b = len(points)
    x, y = points[..., 0], points[..., 1]  # (B, P)
    quadratic = np.stack([x * x, x * y, y * y], -1)  # (B, P, 3)
    points = points + quadratic @ (WARP * rng.standard_normal((b, 3, 2), np.float32))

    aspect = ASPECT * _lognormal(rng, b, ASPECT_SPREAD)
    slant = SLANT + SLANT_SPREAD * _normal(rng, b)
    angle = ROTATION * _normal(rng, b)
    cos, sin = np.cos(angle), np.sin(angle)
    # Rotation times slant times stretch; y points down, so a lean to the right is minus the slant.
    matrix = np.stack([aspect * cos, -slant * cos - sin, aspect * sin, cos - slant * sin], -1)
    return points @ matrix.reshape(b, 2, 2).transpose(0, 2, 1)


def _fit(ends: Array, real: NDArray[np.bool_], radius: Array) -> Array:
    """Scale the ink into the box and put the mass of its curve at the centre of the image, in pixels."""
    mask = real[..., None, None]  # (B, S, 1, 1)
    low = np.where(mask, ends, np.inf).min((1, 2))  # (B, 2)
    high = np.where(mask, ends, -np.inf).max((1, 2))
    scale = (BOX - 2 * radius) / (high - low).max(1, keepdims=True)  # (B, 1): the pen's width counts
    ends = ends * scale[..., None, None]

    length = np.linalg.norm(ends[:, :, 1] - ends[:, :, 0], axis=-1) * real  # (B, S)
    mass = (length[..., None] * ends.mean(2)).sum(1) / length.sum(1, keepdims=True)  # (B, 2)
    return ends + (CENTRE - mass)[:, None, None]


def _distance(ends: Array, radius: Array, segments: NDArray[np.int64]) -> Array:
    """Distance from every pixel to the nearest segment, each in units of its own radius.

    With s the place of a pixel's foot on the line a + s d and t = clip(s, 0, 1):
    |p - a - t d|^2 = |p - a|^2 - |d|^2 t (2 s - t); |p - a|^2 and s are each a sum of a row and a column.
    """
    grid = np.arange(SIZE, dtype=np.float32)
    d = ends[:, :, 1] - ends[:, :, 0]  # (B, S, 2)
    length2 = np.maximum((d * d).sum(-1), 1e-8)  # (B, S)
    from_a = grid - ends[:, :, 0, :, None]  # (B, S, 2, 28)
    foot = from_a * (d / length2[..., None])[..., None]  # (B, S, 2, 28)
    from_a2 = (from_a / radius[..., None, None]) ** 2
    length2 = (length2 / radius**2)[..., None, None]  # (B, S, 1, 1)

    nearest = np.full((len(ends), SIZE, SIZE), np.inf, np.float32)
    s, t = np.empty_like(nearest), np.empty_like(nearest)
    for j in range(ends.shape[1]):
        b = int((segments > j).sum())  # longest first: the images that have a segment j are a prefix
        np.add(foot[:b, j, 1, :, None], foot[:b, j, 0, None, :], out=s[:b])
        np.clip(s[:b], 0, 1, out=t[:b])
        np.multiply(s[:b], 2, out=s[:b])
        np.subtract(s[:b], t[:b], out=s[:b])
        np.multiply(s[:b], t[:b], out=s[:b])
        np.multiply(s[:b], length2[:b, j], out=s[:b])
        np.add(from_a2[:b, j, 1, :, None], from_a2[:b, j, 0, None, :], out=t[:b])
        np.subtract(t[:b], s[:b], out=t[:b])
        np.minimum(nearest[:b], t[:b], out=nearest[:b])
    return np.sqrt(np.maximum(nearest, 0))


def _pressure(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """The pen's width along the strokes: a slow random wave around 1, (B, S)."""
    along = np.linspace(0, 1, shape[1], dtype=np.float32)
    phase, waves = rng.uniform(0, 2 * np.pi, (shape[0], 1)), rng.uniform(0.3, 2.0, (shape[0], 1))
    depth = PRESSURE * _normal(rng, (shape[0], 1))
    wave = 2**0.5 * np.sin(2 * np.pi * waves * along + phase)
    return (1 + depth * wave).astype(np.float32)


def _normal(rng: np.random.Generator, shape: int | tuple[int, ...]) -> Array:
    """Normal, but never beyond 2 sd: there the pen fills the loops and the slant lays the digit flat."""
    return rng.standard_normal(shape, np.float32).clip(-2, 2)


def _lognormal(rng: np.random.Generator, shape: int | tuple[int, ...], spread: float) -> Array:
    return np.exp(np.float32(spread) * _normal(rng, shape))


def _blur3(ink: Array) -> Array:
    """The mean of each 3x3 neighbourhood, black beyond the border."""
    padded = np.pad(ink, ((0, 0), (1, 1), (1, 1)))
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]  # (B, H, W + 2)
    return (rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]) / 9


def _centre(ink: Array) -> Array:
    """Move the ink by whole pixels, as MNIST does: crossings and pressure pull its mass off the curve's."""
    grid = np.arange(SIZE, dtype=np.float32)
    total = ink.sum((1, 2))
    y = np.rint(ink.sum(2) @ grid / total - CENTRE).astype(np.int64)[:, None] + np.arange(SIZE)  # (B, H)
    x = np.rint(ink.sum(1) @ grid / total - CENTRE).astype(np.int64)[:, None] + np.arange(SIZE)  # (B, W)
    inside = ((y >= 0) & (y < SIZE))[:, :, None] & ((x >= 0) & (x < SIZE))[:, None]  # (B, H, W)
    moved = ink[
        np.arange(len(ink))[:, None, None], y.clip(0, SIZE - 1)[:, :, None], x.clip(0, SIZE - 1)[:, None]
    ]
    return moved * inside


@cache
def _table() -> Table:
    """Parse the skeletons once, and turn each into padded arrays."""
    digits, parsed = [], []
    for digit in sorted(SKELETONS):
        for text in SKELETONS[digit].values():
            digits.append(digit)
            parsed.append(_parse(text))
    n_points = max(len(points) for points, _, _ in parsed)
    n_seg = max(len(index) for _, index, _ in parsed)
    v = len(parsed)
    points_all = np.zeros((v, n_points, 2), np.float32)
    index_all, weight_all = np.zeros((v, n_seg, 2, 4), np.int64), np.zeros((v, n_seg, 2, 4), np.float32)
    for i, (points, index, weight) in enumerate(parsed):
        points_all[i, : len(points)] = points
        index_all[i, : len(index)], weight_all[i, : len(index)] = index, weight
    segments = np.array([len(index) for _, index, _ in parsed])
    return Table(np.array(digits), points_all, segments, index_all, weight_all)


def _parse(text: str) -> tuple[Array, NDArray[np.int64], Array]:
    """Read one skeleton: points (P, 2), and the points and weights behind a segment's ends (S, 2, 4)."""
    points: list[list[float]] = []
    index, weight = [], []
    for stroke in text.split("/"):
        smooth: list[list[int]] = [
            []
        ]  # runs of points between corners; a corner ends one run and begins the next
        for word in stroke.split():
            points.append([float(v) / 100 - 0.5 for v in word.rstrip("!").split(",")])
            smooth[-1].append(len(points) - 1)
            if word.endswith("!"):
                smooth.append([len(points) - 1])
        for run in smooth:
            for k in range(len(run) - 1):
                four = [run[max(k - 1, 0)], run[k], run[k + 1], run[min(k + 2, len(run) - 1)]]
                for j in range(SAMPLES):
                    index.append([four, four])
                    weight.append([_catmull_rom(j / SAMPLES), _catmull_rom((j + 1) / SAMPLES)])
    return np.array(points, np.float32), np.array(index), np.array(weight, np.float32)


def _catmull_rom(u: float) -> list[float]:
    """Weights of the four control points at u in [0, 1] of the span between the middle two."""
    return [
        (-u + 2 * u**2 - u**3) / 2,
        (2 - 5 * u**2 + 3 * u**3) / 2,
        (u + 4 * u**2 - 3 * u**3) / 2,
        (u**3 - u**2) / 2,
    ]
