"""Meshes: the OBJ file read back, near triangles over far ones, light by Lambert's law."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from atlas_cli.present.artifacts import mesh as module
from atlas_cli.present.artifacts.mesh import AMBIENT, GROUND, PIXELS, SURFACE, Mesh

CUBE = Mesh(
    np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float),
    np.array([
        [0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
        [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3],
    ]),
)  # fmt: skip


def test_the_obj_file_reads_back_as_the_mesh(tmp_path: Path) -> None:
    path, _ = CUBE.save(tmp_path, "x")
    rows = [line.split() for line in path.read_text(encoding="ascii").splitlines()]
    vertices = np.array([row[1:] for row in rows if row[0] == "v"], float)
    faces = np.array([row[1:] for row in rows if row[0] == "f"], int)
    assert (vertices == CUBE.vertices).all()
    assert (faces == CUBE.faces + 1).all()


def test_the_camera_is_a_rotation() -> None:
    camera = module._camera()
    np.testing.assert_allclose(camera @ camera.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(camera), 1)


def test_a_cube_shows_three_faces_each_in_its_shade() -> None:
    picture = CUBE.picture()
    seen = {tuple(int(c) for c in colour) for colour in picture.reshape(-1, 3)} - {GROUND}
    camera = module._camera()
    towards = camera.T @ (module.LIGHT / np.linalg.norm(module.LIGHT))  # the light, in the world's frame
    shades = AMBIENT + (1 - AMBIENT) * towards.clip(0)  # of the faces with normals x, y and z
    assert seen == {tuple(int(c) for c in SURFACE * shade) for shade in shades}


def test_the_nearer_triangle_hides_the_farther_one() -> None:
    right, up, viewer = module._camera()
    near = np.stack([-right - up, right - up, up])
    flat_far = near - 0.5 * viewer
    tilted = near + viewer * np.array([[0.2], [0.5], [0.9]])
    order = [np.concatenate([flat_far, tilted]), np.concatenate([tilted, flat_far])]
    faces = np.array([[0, 1, 2], [3, 4, 5]])
    pictures = [Mesh(vertices, faces).picture() for vertices in order]
    assert (pictures[0] == pictures[1]).all()  # whichever stands first in the file
    alone = Mesh(tilted, faces[:1]).picture()
    middle = PIXELS // 2
    assert (pictures[0][middle, middle] == alone[middle, middle]).all()
