"""Paths of an agent in the plane or in space, with its goal and what stood in its way."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from atlas_cli.present.artifacts.base import Drawn

PIXELS = 320
GROUND, OBSTACLE = (16, 16, 16), (80, 84, 92)
PATH, START, END, GOAL = (255, 170, 60), (90, 200, 120), (255, 255, 255), (90, 150, 255)
MARK = 4  # half the side of a marked place, in pixels
AZIMUTH, ELEVATION = np.radians(45.0), np.radians(30.0)  # from where a path in space is looked at


@dataclass(frozen=True)
class _Window:
    """From the agent's world to the picture: what lies in its middle, and pixels a unit."""

    middle: np.ndarray
    scale: float

    def pixels(self, places: np.ndarray) -> np.ndarray:
        """Places (N, 2 or 3) as (N, 2) x and y in pixels, y downwards."""
        xy = (_flat(places) - self.middle) * self.scale
        return (PIXELS - 1) / 2 + xy * [1, -1]


@dataclass(frozen=True, eq=False)
class Trajectory(Drawn):
    """Paths over one map; saved as a picture and, for further use, as JSON.

    Attributes:
        paths: Each (T_i, 2) or (T_i, 3), in the units of the agent's world; x to the right, y or z upwards.
        goal: (2,) or (3,), where the agent should end.
        obstacles: (M, 3) or (M, 4) discs or balls: their centre and, last, their radius.
    """

    paths: list[np.ndarray]
    goal: np.ndarray | None = None
    obstacles: np.ndarray | None = None

    def picture(self) -> np.ndarray:
        window = self._window()
        rgb = np.full((PIXELS, PIXELS, 3), GROUND, np.uint8)
        rows, columns = np.mgrid[:PIXELS, :PIXELS]
        for *centre, radius in self.obstacles if self.obstacles is not None else []:
            x, y = window.pixels(np.array([centre]))[0]
            rgb[(columns - x) ** 2 + (rows - y) ** 2 <= (radius * window.scale) ** 2] = OBSTACLE
        for path in self.paths:
            _draw_line(rgb, window.pixels(path))
        ends = [(path[0], START) for path in self.paths] + [(path[-1], END) for path in self.paths]
        if self.goal is not None:
            ends.append((self.goal, GOAL))
        for place, colour in ends:
            _mark(rgb, window.pixels(place[None])[0], colour)
        return rgb

    def _window(self) -> _Window:
        """A window that shows everything, marks at the margin included."""
        shown = [_flat(path) for path in self.paths]
        if self.goal is not None:
            shown.append(_flat(self.goal[None]))
        if self.obstacles is not None and len(self.obstacles):
            centres, radius = _flat(self.obstacles[:, :-1]), self.obstacles[:, -1:]
            shown += [centres - radius, centres + radius]
        everything = np.concatenate(shown)
        low, high = everything.min(axis=0), everything.max(axis=0)
        margin = 2 * MARK
        scale = (PIXELS - 1 - 2 * margin) / max(float((high - low).max()), 1e-9)
        return _Window((low + high) / 2, scale)

    def save(self, folder: Path, name: str) -> list[Path]:
        files = super().save(folder, name)
        path = folder / f"{name}.json"
        document = {
            "paths": [p.tolist() for p in self.paths],
            "goal": None if self.goal is None else self.goal.tolist(),
            "obstacles": None if self.obstacles is None else self.obstacles.tolist(),
        }
        path.write_text(json.dumps(document) + "\n", encoding="utf-8")
        return [*files, path]

    def describe(self) -> str:
        where = "in space" if self.paths[0].shape[1] == 3 else "in the plane"
        steps = max(len(path) for path in self.paths) - 1
        return f"{len(self.paths)} paths {where} of up to {steps} steps"


def _flat(places: np.ndarray) -> np.ndarray:
    """(N, 2) as they are; (N, 3) seen from AZIMUTH and ELEVATION without perspective."""
    if places.shape[1] == 2:
        return places
    x, y, z = places.T
    right = x * np.cos(AZIMUTH) - y * np.sin(AZIMUTH)
    away = x * np.sin(AZIMUTH) + y * np.cos(AZIMUTH)
    return np.stack([right, away * np.sin(ELEVATION) + z * np.cos(ELEVATION)], axis=1)


def _draw_line(rgb: np.ndarray, xy: np.ndarray) -> None:
    """Join the points (T, 2), at one sample a pixel."""
    for a, b in itertools.pairwise(xy):
        samples = int(np.abs(b - a).max()) + 2
        x, y = np.linspace(a, b, samples).round().astype(int).T
        rgb[y, x] = PATH


def _mark(rgb: np.ndarray, xy: np.ndarray, colour: tuple[int, int, int]) -> None:
    x, y = xy.round().astype(int)
    rgb[max(0, y - MARK) : y + MARK + 1, max(0, x - MARK) : x + MARK + 1] = colour
