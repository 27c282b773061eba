"""A surface of triangles, shaded by the angle at which light falls on each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from atlas_cli.present.artifacts.base import Drawn

PIXELS = 320
AZIMUTH, ELEVATION = np.radians(35.0), np.radians(25.0)  # of the camera, which sees without perspective
LIGHT = np.array([0.3, 0.5, 0.8])  # towards the light, in the camera's frame: right, up, to the viewer
SURFACE, GROUND = np.array([255.0, 190.0, 110.0]), (16, 16, 16)
AMBIENT = 0.25  # share of the light that reaches a face turned away from it


@dataclass(frozen=True, eq=False)
class Mesh(Drawn):
    """Triangles; saved as Wavefront OBJ, and drawn from above and to the side.

    Attributes:
        vertices: (V, 3), z upwards.
        faces: (F, 3) indices of vertices from 0, anticlockwise seen from outside.
    """

    vertices: np.ndarray
    faces: np.ndarray

    def picture(self) -> np.ndarray:
        """The painter's algorithm: the farthest triangle first, nearer ones over it."""
        seen = self.vertices @ _camera().T  # (V, 3): right, up, towards the viewer
        low, high = seen[:, :2].min(axis=0), seen[:, :2].max(axis=0)
        scale = 0.9 * (PIXELS - 1) / max(float((high - low).max()), 1e-9)
        xy = (seen[:, :2] - (low + high) / 2) * scale * [1, -1] + (PIXELS - 1) / 2
        corners = seen[self.faces]  # (F, 3 corners, 3)
        shades = _shades(corners)
        image = Image.new("RGB", (PIXELS, PIXELS), GROUND)
        draw = ImageDraw.Draw(image)
        for face in corners[:, :, 2].mean(axis=1).argsort(kind="stable"):
            colour = tuple(int(c) for c in SURFACE * shades[face])
            draw.polygon([tuple(p) for p in xy[self.faces[face]]], fill=colour)
        return np.asarray(image)

    def save(self, folder: Path, name: str) -> list[Path]:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.obj"
        lines = [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in self.vertices]
        lines += [f"f {a} {b} {c}" for a, b, c in self.faces + 1]  # OBJ counts from 1
        path.write_text("\n".join(lines) + "\n", encoding="ascii")
        return [path, *super().save(folder, name)]

    def describe(self) -> str:
        return f"a mesh of {len(self.vertices)} vertices and {len(self.faces)} triangles"


def _camera() -> np.ndarray:
    """(3, 3): rows are the camera's right, its up, and the direction towards the viewer."""
    (ca, sa), (ce, se) = (np.cos(AZIMUTH), np.sin(AZIMUTH)), (np.cos(ELEVATION), np.sin(ELEVATION))
    return np.array([[-sa, ca, 0], [-ca * se, -sa * se, ce], [ca * ce, sa * ce, se]])


def _shades(corners: np.ndarray) -> np.ndarray:
    """Lambert's law for each triangle (F, 3, 3): the cosine between its normal and the light, in [0, 1]."""
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1).clip(1e-12)
    cosines = (normals @ (LIGHT / np.linalg.norm(LIGHT))) / lengths
    return AMBIENT + (1 - AMBIENT) * cosines.clip(0, 1)
