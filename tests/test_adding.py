"""Adding a diagram adds one file and edits none: in a copy of the house, used through the command line."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from atlas_cli import shelf

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("atlas_cli", "content", "recipes")
Atlas = Callable[..., str]

EXPLORABLE = '''"""A wave to turn."""

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Knob, Series
from atlas_cli.explorables.ssm._added import STEPS


def added_wave(height: int) -> Frame:
    """A line that rises to a height."""
    rising = tuple(height * step / STEPS for step in range(STEPS + 1))
    curve = Series("wave", tuple(range(STEPS + 1)), rising)
    return Frame(((Curves("Rising", (curve,)),),), "Where does it end?", {"end": rising[-1]})


EXPLORABLE = Explorable(
    "added-wave", "ssm", ("s4",), "A wave that was added", "Is it found?",
    (Knob("height", "height", (1, 2, 3), 2, "slider"),), added_wave,
)
'''
HELPER = "STEPS = 4\n"
TWIN = "twin(({}, first) => ({ height }) => ({ ...first, facts: { end: height } }));\n"
STEPPED = """
title: Steps that were added
topics: [s4]
nodes:
  first: {label: a first box, kind: data}
  second: {label: a second box}
edges:
  - first -> second
steps:
  - {say: The first box opens., show: [first]}
  - {say: The second box follows., show: [second]}
question: Are they found?
"""

# A kind of panel is a class, and one entry for each renderer.
PANEL = '''

@dataclass(frozen=True)
class Dial(Panel):
    """A hand that points somewhere."""

    turn: float
    kind: ClassVar[str] = "dial"
'''
IN_TEXT = """

from atlas_cli.diagrams.frames import Dial

PANELS[Dial] = lambda panel, look: [Text(f"the hand points to {panel.turn:g}")]
"""
IN_SVG = """

from atlas_cli.diagrams.frames import Dial

PANELS[Dial] = lambda panel, width: ([text(0, 14, f"the hand points to {panel.turn:g}")], 20.0)
"""
TABLE = "const PANELS = {"
IN_SCRIPT = 'const PANELS = {\n  dial: { draw: ({ turn }) => [element("p", `the hand points to ${turn}`)] },'
TURNED = '''"""A dial to turn."""

from atlas_cli.diagrams.frames import Dial, Explorable, Frame, Knob


def added_dial(turn: int) -> Frame:
    """A dial."""
    return Frame(((Dial("A dial", turn),),), "Where does it point?", {})


EXPLORABLE = Explorable(
    "added-dial", "ssm", ("s4",), "A dial that was added", "Is it drawn?",
    (Knob("turn", "turn", (1, 2, 3), 2, "slider"),), added_dial,
)
'''


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the package, the pages and the recipes."""
    for part in PARTS:
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.fixture
def atlas(house: Path) -> Atlas:
    """Runs `atlas ARGUMENTS` of the copy and returns what it prints."""
    places = {"PYTHONPATH": str(house), "ATLAS_HOME": str(house / "home"), "PYTHONDONTWRITEBYTECODE": "1"}

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "atlas_cli", *arguments]
        done = subprocess.run(
            command, cwd=house, env={**os.environ, **places}, capture_output=True, encoding="utf-8"
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def listed(atlas: Atlas) -> list[dict[str, Any]]:
    """What the copy has of the family, in its order."""
    found: list[dict[str, Any]] = json.loads(atlas("diagram", "ssm", "--list", "--json"))["diagrams"]
    return found


def test_an_explorable_is_one_file(house: Path, atlas: Atlas):
    before = listed(atlas)
    room = house / "atlas_cli" / "explorables" / "ssm"
    (room / "added_wave.py").write_text(EXPLORABLE, encoding="utf-8")
    (room / "_added.py").write_text(HELPER, encoding="utf-8")
    drawn = atlas("diagram", "s4", "added-wave", "--set", "height=3")
    assert "A wave that was added" in drawn
    assert "Is it found?" in drawn
    assert ["end", "3"] in [line.split() for line in drawn.splitlines()]
    assert "A wave that was added" in atlas("diagram", "added wave")  # its name alone will do
    picture = atlas("diagram", "s4", "added-wave", "--format", "svg")
    assert picture.startswith("<svg")
    assert "A wave that was added" in picture
    after = listed(atlas)
    assert [entry for entry in after if entry["name"] != "added-wave"] == before
    without_run = [entry["name"] for entry in after if not entry["needs_run"]]
    unplaced = without_run[without_run.index("added-wave") :]  # it asks for no place, so those do neither
    assert unplaced == sorted(unplaced)
    assert without_run.index("added-wave") > 5


def test_a_twin_is_a_script_beside_its_module(house: Path, atlas: Atlas):
    room = house / "atlas_cli" / "explorables" / "ssm"
    (room / "added_wave.py").write_text(EXPLORABLE, encoding="utf-8")
    (room / "_added.py").write_text(HELPER, encoding="utf-8")
    page = atlas("diagram", "s4", "added-wave", "--format", "html")
    assert '"packed":' in page
    assert "atlasTwin = make" not in page
    (room / "added_wave.js").write_text(TWIN, encoding="utf-8")
    (room / "_added.js").write_text("function added() {}\n", encoding="utf-8")
    page = atlas("diagram", "s4", "added-wave", "--format", "html")
    assert '"packed":' not in page
    assert page.index("function added") < page.index(TWIN)  # its helper's comes before it


def test_a_pinned_run_is_one_file(house: Path, atlas: Atlas):
    before = listed(atlas)
    room = house / "atlas_cli" / "explorables" / "ssm"
    needs_a_run = EXPLORABLE.replace("added_wave,\n)", 'None, from_run=added_wave, systems=("s4",),\n)')
    assert needs_a_run != EXPLORABLE
    (room / "added_wave.py").write_text(needs_a_run, encoding="utf-8")
    (room / "_added.py").write_text(HELPER, encoding="utf-8")
    assert [entry["needs_run"] for entry in listed(atlas) if entry not in before] == [True]
    frames = [added_frame(height) for height in (2, 3)]
    data = json.dumps({"frames": frames, "arrays": []}).encode()
    packed = base64.b64encode(zlib.compress(data)).decode()
    pin = {
        "origin": {"recipe": "s4/small", "seed": 1, "date": "2026-11-30"} | NOTHING,
        "knobs": {"height": [2, 3]}, "drawn_by": {}, "packed": packed, "digest": shelf.digest(packed),
    }  # fmt: skip
    folder = house / "content" / "ssm" / "pinned"
    (folder / "added-wave.json").write_text(json.dumps(pin), encoding="utf-8")
    assert "ends at 3, as it was pinned" in atlas("diagram", "s4", "added-wave", "--set", "height=3")
    assert [entry["needs_run"] for entry in listed(atlas) if entry not in before] == [False]
    old = json.loads(atlas("recipe", "stale", "--json"))["stale"]
    assert "ssm/pinned/added-wave.json" in [entry["name"] for entry in old]


NOTHING = {"hash": "", "code": "", "weights": ""}


def added_frame(height: int) -> dict[str, Any]:
    """As a pin holds it."""
    panel = {"kind": "words", "title": "w", "drag": [], "lines": ["a line"]}
    said = f"It ends at {height}, as it was pinned."
    return {"kind": "frame", "panels": [[panel]], "caption": said, "facts": {}}


def test_a_stepped_diagram_is_one_file(house: Path, atlas: Atlas):
    before = listed(atlas)
    folder = house / "content" / "ssm" / "diagrams"
    (folder / "added-steps.yaml").write_text(STEPPED, encoding="utf-8")
    drawn = atlas("diagram", "s4", "added-steps")
    assert "Steps that were added" in drawn
    assert drawn.index("The first box opens.") < drawn.index("The second box follows.")
    picture = atlas("diagram", "s4", "added-steps", "--format", "svg")
    assert picture.startswith("<svg")
    assert "a second box" in picture
    after = listed(atlas)
    assert [entry for entry in after if entry["name"] != "added-steps"] == before
    assert ("added-steps", "stepped") in [(entry["name"], entry["kind"]) for entry in after]


def test_a_kind_of_panel_is_a_class_and_one_entry_a_renderer(house: Path, atlas: Atlas):
    diagrams = house / "atlas_cli" / "diagrams"
    for file, added in (("frames.py", PANEL), ("text/panels.py", IN_TEXT), ("svg/panels.py", IN_SVG)):
        with (diagrams / file).open("a", encoding="utf-8") as source:
            source.write(added)
    script = diagrams / "web" / "assets" / "scripts" / "panels.js"
    text = script.read_text(encoding="utf-8")
    assert text.count(TABLE) == 1
    script.write_text(text.replace(TABLE, IN_SCRIPT), encoding="utf-8")
    room = house / "atlas_cli" / "explorables" / "ssm"
    (room / "added_dial.py").write_text(TURNED, encoding="utf-8")
    for _ in ("computed", "from the cache"):
        assert "the hand points to 2" in atlas("diagram", "s4", "added-dial")
    assert "the hand points to 3" in atlas("diagram", "added-dial", "--set", "turn=3", "--format", "svg")
    page = atlas("diagram", "s4", "added-dial", "--format", "html")
    assert "A dial that was added" in page
    assert "dial: { draw:" in page
