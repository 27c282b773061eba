"""Pinned runs: frames come back as they were packed, of a network that is named, found as files alone."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from atlas_cli import catalog, paths, shelf
from atlas_cli.diagrams import frame_cache, gallery, networks, pinned, staleness
from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Heatmap, Images, Knob, Series, Words
from atlas_cli.diagrams.of_runs import of_run
from atlas_cli.diagrams.origins import Origin
from atlas_cli.diagrams.pinned import Pin
from atlas_cli.diagrams.web import frames as web_frames
from atlas_cli.errors import DataError, UsageError

ORIGIN = Origin("gpt/small", 1, "2026-11-30", "hash", "code", "weights")
EVERY = [shown for family in catalog.families() for shown in gallery.explorables_of(family) if shown.packed]
FILES = [file for file in staleness.found() if not file.name.endswith(networks.ENDING)]
MOST_BYTES = 140_000  # of a file


def computed(a: int, way: str) -> Frame:
    xs = [i / 20 for i in range(40)]
    wave = Curves("wave", (Series(way, xs, [a * x * (2 - x) for x in xs]),), marker=a, drag="a")
    picture = Images("picture", ([[a * i * j / 200 for i in range(8)] for j in range(8)],), 1)
    matrix = Heatmap("matrix", [[a * i + j for i in range(5)] for j in range(5)], 0, 30)
    return Frame(((wave, picture), (matrix,)), "Look.", {"a": a, "way": way})


KNOBS = (
    Knob("a", "A", (1, 2, 3), 2, "slider"),
    Knob("way", "way", ("up", "down"), "up", "choice", open=True),
)
NEEDS = Explorable(
    "waves", "ssm", ("mamba",), "Waves", "Why?", KNOBS, None, from_run=computed, systems=("mamba",)
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Content with nothing in it but what a test pins."""
    monkeypatch.setattr(paths, "content_dir", lambda: tmp_path)
    return tmp_path


def assert_near(found: object, wanted: object) -> None:
    """Equal, numbers to a level of 255 of the largest here, 18."""
    if isinstance(wanted, dict):
        assert found.keys() == wanted.keys()
        for name in wanted:
            assert_near(found[name], wanted[name])
    elif isinstance(wanted, list):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            assert_near(one, other)
    else:
        assert found == (pytest.approx(wanted, abs=18 / 255) if isinstance(wanted, float) else wanted)


def pin_of(values: dict[str, tuple] | None = None, **changes: object) -> Pin:
    kept = values or {knob.name: knob.values for knob in KNOBS}
    knobs = tuple(replace(knob, values=kept[knob.name]) for knob in KNOBS)
    _, text = web_frames.packed(replace(NEEDS, knobs=knobs, compute=computed))
    held = {name: list(value) for name, value in kept.items()}
    return Pin(ORIGIN, held, {}, text, shelf.digest(text))._replace(**changes)


def write(pin: Pin) -> Path:
    file = pinned.path(NEEDS)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(pin.as_text(), encoding="utf-8")
    return file


def test_every_frame_comes_back_as_it_was(folder: Path):
    write(pin_of())
    shown = pinned.drawn(NEEDS)
    assert not shown.needs_run
    for a, way in product((1, 2, 3), ("up", "down")):
        frame = frame_cache.frame_of(shown, {"a": a, "way": way})
        assert_near(frame.as_dict(), computed(a, way).as_dict())
    assert not (paths.cache_dir() / "frames").exists()  # they are at hand
    assert frame_cache.is_kept(shown, {})


def test_knobs_are_those_that_were_kept_and_a_run_brings_back_all(folder: Path):
    write(pin_of({"a": (2, 3), "way": ("up",)}))
    shown = pinned.drawn(NEEDS)
    assert [(knob.name, knob.values) for knob in shown.knobs] == [("a", (2, 3))]  # one value is no choice
    assert shown.frame({}).facts == {"a": 2, "way": "up"}
    assert shown.frame({"a": 3}).facts == {"a": 3, "way": "up"}
    assert web_frames.pack(shown) == ([knob.as_dict() for knob in shown.knobs], shown.packed)
    assert of_run(shown, None, folder) is shown
    with pytest.raises(UsageError, match="there is none in"):
        of_run(shown, "latest", folder)
    assert shown.unpinned == NEEDS


def test_without_a_pin_or_with_one_that_does_not_fit_a_run_is_needed(folder: Path):
    assert pinned.drawn(NEEDS) is NEEDS
    for values in ({"a": (1, 3), "way": ("up",)}, {"a": (2, 9), "way": ("up",)}):  # no default; no such value
        pin = pin_of()._replace(knobs={name: list(value) for name, value in values.items()})
        write(pin)
        assert pinned.drawn(NEEDS).needs_run
        assert staleness.of_drawing(NEEDS, pin) == ["the knobs of the diagram are others now"]
    write(pin_of())
    can = replace(NEEDS, compute=computed)
    assert pinned.drawn(can) is can


@pytest.mark.parametrize(
    "changes",
    [{"packed": "eJw="}, {"digest": "another"}, {"packed": "eJw=", "digest": shelf.digest("eJw=")}],
)
def test_frames_that_are_not_those_that_were_written_are_refused(folder: Path, changes: dict[str, str]):
    write(pin_of(**changes))
    with pytest.raises(DataError, match=r"waves\.json is damaged") as caught:
        pinned.drawn(NEEDS).frame({})
    assert "make pins" in str(caught.value.hint)


def test_a_file_that_is_no_pin_is_refused(folder: Path):
    file = write(pin_of())
    for text in ("", "[]", "{}", '{"origin": 3}'):
        file.write_text(text)
        with pytest.raises(DataError, match=r"waves\.json is damaged"):
            pinned.drawn(NEEDS)


def test_a_value_that_shows_nothing_new_is_left_out():
    def frame(setting: dict[str, int]) -> Frame:
        return Frame(((Words("w", (str(min(setting.get("layer", 1), 3)),)),),), "", {})

    layer = Knob("layer", "layer", (1, 2, 3, 4), 1, "slider")
    assert pinned.anew({"layer": layer}, frame) == {"layer": [1, 2, 3]}
    assert pinned.anew({"layer": replace(layer, default=4)}, frame) == {"layer": [1, 2, 3, 4]}


def test_every_caption_says_which_network(folder: Path):
    labelled = pinned.labelled(replace(NEEDS, compute=computed), ORIGIN)
    assert labelled.frame({}).caption == "Look. The network: gpt/small, seed 1, trained on 2026-11-30."


@pytest.mark.parametrize("shown", EVERY, ids=lambda shown: shown.name)
def test_what_is_shipped_is_whole_small_and_says_where_it_is_from(shown: Explorable):
    file = pinned.path(shown)
    pin = pinned.read(file)
    assert file.stat().st_size < MOST_BYTES
    names = [knob.name for knob in shown.knobs]
    for values in product(*(knob.values for knob in shown.knobs)):
        assert shown.frame(dict(zip(names, values, strict=True))).caption.endswith(f"{pin.origin.told}.")
    assert pin.origin.recipe.split("/")[0] in shown.systems


def test_every_file_fits_a_diagram():
    assert {pinned.path(shown) for shown in EVERY} == set(FILES)
    named = {
        networks.path(e.family, e.network)
        for f in catalog.families()
        for e in gallery.explorables_of(f)
        if e.network
    }
    assert named == {file for file in staleness.found() if file not in FILES}


def test_a_page_that_shows_one_needs_no_torch():
    import subprocess
    import sys

    code = (
        "import sys; from atlas_cli.diagrams import deliver, gallery;"
        f"shown = gallery.anywhere({EVERY[0].name!r});"
        "print(len(deliver.document(shown, 'text', (), None, '')), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    length, torch = done.stdout.split()
    assert int(length) > 500
    assert torch == "False"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_its_file_is_what_its_pin_writes(file: Path):
    pin = pinned.read(file)
    assert json.loads(pin.as_text()) == json.loads(file.read_text())
