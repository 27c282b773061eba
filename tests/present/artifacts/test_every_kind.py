"""What holds for every kind of artifact: it saves, prints anywhere, describes itself, shows in a notebook."""

from __future__ import annotations

import ast
import base64
import importlib
import json
from pathlib import Path

import numpy as np
import pytest

from atlas_cli.present import artifacts
from atlas_cli.present.artifacts.base import Artifact, Drawn
from atlas_cli.present.artifacts.film import Film
from atlas_cli.present.artifacts.images import Images
from atlas_cli.present.artifacts.mesh import Mesh
from atlas_cli.present.artifacts.points import Points
from atlas_cli.present.artifacts.scene import Scene
from atlas_cli.present.artifacts.sound import Sound
from atlas_cli.present.artifacts.text import Text
from atlas_cli.present.artifacts.trajectory import Trajectory
from tests.present.artifacts.house import printed

RANDOM = np.random.default_rng(0)
KINDS: dict[str, tuple[Artifact, list[str]]] = {
    "images": (Images(RANDOM.random((3, 1, 8, 8)), caption="a <b> & c", facts={"n": 3}), ["x.png"]),
    "points": (Points(RANDOM.standard_normal((2000, 2)), facts={"n": 3}), ["x.png"]),
    "text": (Text(["ab", "c"], facts={"n": 3}), ["x.txt"]),
    "film": (Film(RANDOM.random((5, 3, 8, 8)), facts={"n": 3}), ["x.png", "x.gif"]),
    "trajectory": (Trajectory([RANDOM.random((4, 2))], facts={"n": 3}), ["x.png", "x.json"]),
    "scene": (Scene(RANDOM.random((2, 3, 8, 8)), np.array([[0, 20], [90, 20]]), facts={"n": 3}),
              ["x.png", "x.gif"]),
    "mesh": (Mesh(RANDOM.random((3, 3)), np.array([[0, 1, 2]]), facts={"n": 3}), ["x.obj", "x.png"]),
    "sound": (Sound(np.sin(np.arange(800) / 9), 8000, facts={"n": 3}), ["x.wav", "x.png"]),
}  # fmt: skip
for file in Path(__file__).parent.glob("test_*.py"):  # a kind that was added brings its example
    if file.stem.removeprefix("test_") not in {*KINDS, "every_kind"}:
        module = importlib.import_module(f"{__package__}.{file.stem}")
        KINDS[file.stem.removeprefix("test_")] = module.EXAMPLE
kinds = pytest.mark.parametrize("kind", KINDS)


def test_no_kind_is_left_out_here() -> None:
    files = {path.stem for path in Path(artifacts.__path__[0]).glob("*.py")} - {"__init__", "base"}
    assert files == set(KINDS)


@kinds
def test_it_saves_the_files_it_names(kind: str, tmp_path: Path) -> None:
    artifact, names = KINDS[kind]
    files = artifact.save(tmp_path / "new" / "folder", "x")
    assert [file.name for file in files] == names
    assert sorted((tmp_path / "new" / "folder").iterdir()) == sorted(files)


@kinds
@pytest.mark.parametrize("width", [40, 120])
def test_it_prints_in_ascii_without_colour_within_the_terminal(kind: str, width: int) -> None:
    lines = printed(KINDS[kind][0], encoding="ascii", width=width).splitlines()
    assert any(line.strip() for line in lines)
    assert max(map(len, lines)) <= width


LARGE: dict[str, Artifact] = {
    "images": Images(RANDOM.random((20, 1, 28, 28))), "one image": Images(RANDOM.random((1, 3, 256, 256))),
    "points": Points(RANDOM.standard_normal((2000, 2)), RANDOM.standard_normal((2000, 2))),
    "films": Film(RANDOM.random((5, 20, 3, 28, 28)), columns=4),
    "trajectory": Trajectory([RANDOM.random((4, 2))]),
    "scene": Scene(RANDOM.random((8, 3, 64, 64)), np.zeros((8, 2))),
    "mesh": Mesh(RANDOM.random((3, 3)), np.array([[0, 1, 2]])),
    "sound": Sound(np.sin(np.arange(800) / 9), 8000),
}  # fmt: skip


@pytest.mark.parametrize("kind", LARGE)
@pytest.mark.parametrize("colour", [True, False])
@pytest.mark.parametrize(("width", "height"), [(60, 20), (80, 24), (140, 40), (80, 7)])
def test_on_a_screen_it_is_no_higher_than_that(kind: str, colour: bool, width: int, height: int) -> None:
    assert len(printed(LARGE[kind], colour=colour, width=width, height=height).splitlines()) <= height - 3


@kinds
def test_it_prints_the_same_every_time_in_colour(kind: str) -> None:
    shown = printed(KINDS[kind][0], colour=True)
    assert shown == printed(KINDS[kind][0], colour=True)
    assert ("▀" in shown) is isinstance(KINDS[kind][0], Drawn)


@kinds
def test_it_describes_itself_in_words_and_in_json(kind: str) -> None:
    artifact = KINDS[kind][0]
    assert "\n" not in artifact.describe()
    document = json.loads(json.dumps(artifact.to_json()))
    lines = {"text": ["ab", "c"]}.get(kind, [] if isinstance(artifact, Drawn) else artifact.lines())
    assert document == {"caption": artifact.caption, "text": lines, "facts": {"n": 3}}


@kinds
def test_a_notebook_gets_words_html_and_the_picture(kind: str) -> None:
    artifact = KINDS[kind][0]
    bundle = artifact._repr_mimebundle_()
    assert bundle["text/plain"] == ("\n".join(artifact.lines()) or artifact.describe())
    assert bundle["text/html"] == artifact._repr_html_()
    if kind == "text":
        assert bundle["text/plain"] == "ab\nc"
        assert "<pre>ab\nc</pre>" in bundle["text/html"]
    assert ("image/png" in bundle) is isinstance(artifact, Drawn)
    if isinstance(artifact, Drawn):
        assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
        assert bundle["image/png"] in bundle["text/html"]


def test_a_caption_is_escaped_in_html() -> None:
    assert "<figcaption>a &lt;b&gt; &amp; c</figcaption>" in KINDS["images"][0]._repr_html_()


def test_no_kind_knows_the_engine() -> None:
    for file in Path(artifacts.__path__[0]).glob("*.py"):
        nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        names = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
        own = [name for name in names if name.startswith("atlas_cli")]
        assert all(name.startswith(("atlas_cli.present", "atlas_cli.screen")) for name in own), file.name
