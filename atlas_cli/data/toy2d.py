"""Toy densities in the plane: endless points, most with a closed-form density.

Source:  modes25 is the "2D grid" of the mode-collapse literature (VEEGAN, arXiv:1705.07761; PacGAN,
         arXiv:1712.04086): means at -4 .. 4 in steps of 2, standard deviation 0.05. A sample is good
         within three standard deviations of a mode, and a mode is found when it has a good sample.
Shapes:  B batch, K modes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from atlas_cli.config import DataConfig
from atlas_cli.data import Place
from atlas_cli.draws import BatchRandom, stable_seed

Points = Float[Tensor, "B 2"]


class Toy2dConfig(DataConfig):
    """A density in the plane, within about [-4, 4] in both directions."""

    kind: ClassVar[str] = "points"

    density: Literal["modes25", "modes8", "moons", "rings", "checkerboard", "spiral"] = "moons"
    std: float | None = Field(None, gt=0, le=100)  # None: the density's usual one; checkerboard has none

    def facts(self) -> dict[str, Any]:
        """Points of the plane."""
        return {"dim": 2}


class Modes25Config(DataConfig):
    """25 narrow Gaussians in a 5 x 5 grid, on which GANs lose modes."""

    kind: ClassVar[str] = "points"

    density: Literal["modes25"] = "modes25"
    std: float | None = Field(None, gt=0, le=100)  # None: 0.05

    def facts(self) -> dict[str, Any]:
        """Points of the plane."""
        return {"dim": 2}


@dataclass(eq=False)
class PointSource:
    """An endless source of points.

    Attributes:
        name: The density.
        place: Its device is where points are made, its seed that of held-out points.
        draw: Random draws -> points (B, 2).
        std: Standard deviation of the noise around the density's skeleton; 0: no noise.
        modes: (K, 2) means of a mixture, None for other densities.
        log_density: Points -> natural log of the density, None where no closed form is known.
    """

    name: str
    place: Place
    draw: Callable[[BatchRandom], Points]
    std: float
    modes: Float[Tensor, "K 2"] | None = None
    log_density: Callable[[Points], Float[Tensor, "B"]] | None = None

    def batch(self, random: BatchRandom) -> Points:
        """Training points: a pure function of the step's random draws."""
        return self.draw(random)

    def held_out(self, n: int, seed: int | None = None) -> Points:
        """n points from a stream of draws that no training step uses."""
        seed = stable_seed("held-out", self.name, self.place.seed if seed is None else seed)
        return self.draw(BatchRandom(seed, 0, n, device=self.place.device))


def load(config: Toy2dConfig | Modes25Config, place: Place) -> PointSource:
    """The density of a config."""
    make, usual_std = _DENSITIES[config.density]
    return make(config.density, config.std or usual_std, place)


def _modes25(name: str, std: float, place: Place) -> PointSource:
    steps = torch.arange(-4.0, 5.0, 2.0, device=place.device)
    return _mixture(name, torch.cartesian_prod(steps, steps), std, place)


def _modes8(name: str, std: float, place: Place) -> PointSource:
    angles = torch.arange(8, device=place.device) * (math.tau / 8)
    return _mixture(name, 3.0 * _on_circle(angles), std, place)


def _mixture(name: str, modes: Float[Tensor, "K 2"], std: float, place: Place) -> PointSource:
    """Equal-weight isotropic Gaussians."""

    def draw(random: BatchRandom) -> Points:
        return modes[random.integers(0, len(modes))] + std * random.normal(2)

    def log_density(points: Points) -> Float[Tensor, "B"]:
        squares = (points[:, None] - modes).square().sum(-1)  # (B, K)
        exponents = -squares / (2 * std**2)
        return exponents.logsumexp(1) - math.log(len(modes) * math.tau * std**2)

    return PointSource(name, place, draw, std, modes, log_density)


def _rings(name: str, std: float, place: Place) -> PointSource:
    """Three concentric circles, equally likely, blurred by an isotropic Gaussian."""
    radii = torch.tensor([1.0, 2.0, 3.0], device=place.device)

    def draw(random: BatchRandom) -> Points:
        radius = radii[random.integers(0, len(radii))]
        return radius[:, None] * _on_circle(math.tau * random.uniform()) + std * random.normal(2)

    def log_density(points: Points) -> Float[Tensor, "B"]:
        """Integrate the Gaussian along the circle: exp(-(r^2 + R^2) / 2s^2) I_0(rR / s^2) / (2 pi s^2)."""
        r = points.norm(dim=1)[:, None]  # (B, 1)
        # i0e(x) = I_0(x) exp(-x) stays finite, which turns r^2 + R^2 into (r - R)^2.
        bessel = torch.special.i0e(r * radii / std**2)
        log_rings = -(r - radii).square() / (2 * std**2) + bessel.log()  # (B, 3)
        return log_rings.logsumexp(1) - math.log(len(radii) * math.tau * std**2)

    return PointSource(name, place, draw, std, None, log_density)


def _moons(name: str, std: float, place: Place) -> PointSource:
    """Two interleaved half circles."""

    def draw(random: BatchRandom) -> Points:
        lower = random.integers(0, 2)[:, None]  # (B, 1)
        arc = _on_circle(math.pi * random.uniform())
        flipped = arc.new_tensor([1.0, 0.5]) - arc
        points = torch.where(lower == 1, flipped, arc) - arc.new_tensor([0.5, 0.25])  # centred
        return 2.0 * points + std * random.normal(2)

    return PointSource(name, place, draw, std)


def _spiral(name: str, std: float, place: Place) -> PointSource:
    """Two arms, one the other turned by half a circle."""

    def draw(random: BatchRandom) -> Points:
        # The square root spreads points evenly along the arm, whose length grows as the angle squared.
        turn = random.uniform().sqrt()
        side = random.integers(0, 2) * 2 - 1
        return (3.5 * turn * side)[:, None] * _on_circle(1.5 * math.tau * turn) + std * random.normal(2)

    return PointSource(name, place, draw, std)


def _checkerboard(name: str, std: float, place: Place) -> PointSource:
    """Uniform on the 8 dark squares of a 4 x 4 board over [-4, 4]."""

    def draw(random: BatchRandom) -> Points:
        column, half = random.integers(0, 4), random.integers(0, 2)
        row = 2 * half + column % 2
        corner = torch.stack([column, row], dim=1) * 2.0 - 4.0  # (B, 2)
        return corner + 2.0 * random.uniform(2)

    def log_density(points: Points) -> Float[Tensor, "B"]:
        cell = ((points + 4.0) / 2.0).floor()
        dark = (cell.sum(1) % 2 == 0) & (points.abs() < 4.0).all(1)
        inside = -math.log(8 * 4.0)  # eight squares of area four
        return torch.where(dark, inside, -math.inf)

    return PointSource(name, place, draw, std, None, log_density)


def _on_circle(angle: Float[Tensor, "B"]) -> Points:
    return torch.stack([angle.cos(), angle.sin()], dim=1)


#: density -> its maker, and its usual standard deviation
_DENSITIES: dict[str, tuple[Callable[[str, float, Place], PointSource], float]] = {
    "modes25": (_modes25, 0.05),
    "modes8": (_modes8, 0.1),
    "moons": (_moons, 0.1),
    "rings": (_rings, 0.08),
    "checkerboard": (_checkerboard, 0.0),
    "spiral": (_spiral, 0.1),
}
