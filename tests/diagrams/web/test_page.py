"""Diagrams as HTML: self-contained, small, true to the frames, and safe whatever a text holds."""

from __future__ import annotations

import base64
import json
import re
import xml.etree.ElementTree as ET
import zlib
from dataclasses import replace
from functools import cache
from itertools import pairwise, product
from typing import Any

import pytest

from atlas_cli import catalog
from atlas_cli.diagrams import blocks, gallery, pinned
from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Heatmap, Images, Knob, Series
from atlas_cli.diagrams.model import Diagram, Edge, Node, Step
from atlas_cli.diagrams.svg import blocks as svg_blocks
from atlas_cli.diagrams.web import frames as web_frames
from atlas_cli.diagrams.web import page as web_page

STEPPED = [diagram for family in catalog.families() for diagram in blocks.diagrams_of(family)]
EXPLORABLES = [shown for family in catalog.families() for shown in gallery.explorables_of(family)]
MOST_BYTES = 400_000


def small_explorable(n_values: int = 7, kind: str = "slider") -> Explorable:
    """A wave whose height is the knob's, its powers on a logarithmic axis, and a matrix."""

    def compute(height: float, way: str) -> Frame:
        xs = [i / 20 for i in range(40)]
        wave = Curves("wave", (Series(way, xs, [height * x * (2 - x) for x in xs]),), marker=height)
        powers = Curves("powers", (Series("decay", xs, [10 ** (-6 * x) for x in xs]),), log_y=True)
        matrix = Heatmap("matrix", [[height * i * j for i in range(5)] for j in range(5)], 0, 100)
        return Frame(((wave, powers), (matrix,)), "Look.", {"height": height})

    values = tuple(float(i) for i in range(n_values))
    knobs = (
        Knob("height", "height", values, values[n_values // 3], kind),  # type: ignore[arg-type]
        Knob("way", "way", ("up", "down"), "up", "choice"),
    )
    return Explorable("wave", "ssm", ("mamba",), "A wave", "Why?", knobs, compute)


def unpacked(packed: str) -> list[Any]:
    """The frames as the script rebuilds them."""
    data = json.loads(zlib.decompress(base64.b64decode(packed)))

    def array(entry: dict[str, Any]) -> Any:
        if "letters" in entry:
            whole = [ord(letter) - 48 for letter in entry["letters"]]
        else:
            whole = list(entry["differences"])
            for i in range(entry["stride"], len(whole)):
                whole[i] += whole[i - entry["stride"]]
        values: list[Any] = [entry["low"] + n * entry["step"] for n in whole]
        for length in reversed(entry["shape"][1:]):
            values = [values[i : i + length] for i in range(0, len(values), length)]
        return values

    def filled(value: Any) -> Any:
        if isinstance(value, list):
            return [filled(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "array" in value:
            return array(data["arrays"][value["array"]])
        return {name: filled(item) for name, item in value.items()}

    return [filled(frame) for frame in data["frames"]]


def assert_close(found: Any, wanted: Any, share: float) -> None:
    """Equal, numbers in lists up to a share of the largest of them."""
    if isinstance(wanted, dict):
        assert found.keys() == wanted.keys()
        for name in wanted:
            assert_close(found[name], wanted[name], share)
    elif isinstance(wanted, list) and wanted and isinstance(wanted[0], int | float):
        assert found == pytest.approx(wanted, rel=1e-9, abs=share * max(1e-9, *(map(abs, wanted))))
    elif isinstance(wanted, list):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            assert_close(one, other, share)
    else:
        assert found == wanted


def data_of(document: str) -> dict[str, Any]:
    return json.loads(re.findall(r'<script type="application/json">(.*?)</script>', document, re.DOTALL)[0])


def test_frames_survive_packing_to_the_eye():
    shown = small_explorable()
    knobs, packed = web_frames.pack(shown)
    settings = list(product(*(knob["values"] for knob in knobs)))
    frames = unpacked(packed)
    assert len(frames) == len(settings) == 14
    for frame, (height, way) in zip(frames, settings, strict=True):
        wanted = json.loads(json.dumps(shown.frame({"height": height, "way": way}).as_dict()))
        assert_close(frame, wanted, share=1 / 250)


def test_small_numbers_on_a_logarithmic_axis_stay_exact():
    shown = small_explorable()
    powers = unpacked(web_frames.pack(shown)[1])[0]["panels"][0][1]["series"][0]["ys"]
    assert powers == list(shown.frame().panels[0][1].series[0].ys)  # type: ignore[union-attr]
    assert min(powers) < 1e-11


def test_an_array_that_many_frames_show_is_stored_once():
    data = json.loads(zlib.decompress(base64.b64decode(web_frames.pack(small_explorable())[1])))
    keys = [json.dumps(entry) for entry in data["arrays"]]
    assert len(keys) == len(set(keys))
    assert len(keys) == 1 + 7 + 7  # xs; a wave and a matrix for each height, whichever way


def test_too_many_frames_cost_a_slider_values_but_never_its_ends_or_its_default(monkeypatch):
    monkeypatch.setattr(web_frames, "MOST_FRAMES", 60)
    shown = small_explorable(n_values=101)
    slider, choice = (knob["values"] for knob in web_frames.pack(shown)[0])
    assert 10 < len(slider) <= 30
    assert choice == ["up", "down"]
    assert {0.0, 100.0, shown.knobs[0].default} <= set(slider)
    gaps = [b - a for a, b in pairwise(slider)]
    assert max(gaps) <= 2 * (100 / (len(slider) - 2))  # even, but for the default


def test_too_many_bytes_cost_a_slider_values(monkeypatch):
    whole = web_frames.pack(small_explorable(n_values=60))[1]
    monkeypatch.setattr(web_frames, "MOST_BYTES", len(whole) // 2)
    knobs, packed = web_frames.pack(small_explorable(n_values=60))
    assert len(packed) <= len(whole) // 2
    assert 5 < len(knobs[0]["values"]) < 60


def test_pictures_in_few_shades_are_packed_as_letters_and_come_back_exactly():
    picture = [[(7 * i + 5 * j) % 17 / 16 for i in range(12)] for j in range(12)]
    fine = [[(7 * i + 5 * j) % 97 / 96 for i in range(12)] for j in range(12)]

    def compute(height: float, way: str) -> Frame:
        return Frame(((Images("few", (picture,), 1), Images("fine", (fine,), 1)),), "Look.", {})

    packed = web_frames.packed(replace(small_explorable(2), compute=compute))[1]
    entries = json.loads(zlib.decompress(base64.b64decode(packed)))["arrays"]
    assert ["letters" in entry for entry in entries] == [True, False]
    frame = unpacked(packed)[0]
    (few,), _ = (panel["images"] for panel in frame["panels"][0])
    assert_close(few, rounded_lists(picture), 1e-3)
    assert [*pinned.Packed(packed)] == unpacked(packed)


def rounded_lists(rows: list[list[float]]) -> list[list[float]]:
    """As a panel holds them."""
    return [[float(f"{value:.4g}") for value in row] for row in rows]


@cache
def page_of(name: str) -> str:
    return web_page.page(
        next(shown for shown in (*STEPPED, *EXPLORABLES) if f"{shown.family}-{shown.name}" == name)
    )


@pytest.mark.usefixtures("at_common_home")
@pytest.mark.parametrize("name", [f"{shown.family}-{shown.name}" for shown in (*STEPPED, *EXPLORABLES)])
def test_a_page_is_small_and_asks_for_nothing(name):
    document = page_of(name)
    data = data_of(document)
    network = len(json.dumps(data.get("network", "")))
    assert len(document.encode()) - network < MOST_BYTES
    assert not re.search(
        # a picture that the page has painted is data: of its own as well
        r"""(?:src|href|action)\s*=(?!["'](?:data:|\$\{paint\())|url\(|@import|fetch\(|XMLHttpRequest""",
        document,
    )
    assert data.get("steps") or data.get("packed") or data.get("told") or data["first"]
    assert document.count("<script") == (3 if "told" in data else 2)
    ids = re.findall(r'\bid="([^"]+)"', document)
    assert len(ids) == len(set(ids))
    for pointer in re.findall(r'\bfor="([^"]+)"', document):
        assert pointer in ids


@pytest.mark.parametrize("diagram", STEPPED, ids=lambda diagram: diagram.name)
def test_every_box_arrow_and_step_is_in_the_picture(diagram):
    for drawing in re.findall(r"<svg.*?</svg>", svg_blocks.drawings(diagram), re.DOTALL):
        root = ET.fromstring(drawing)
        nodes = {g.get("data-node") for g in root.iter("g") if g.get("data-node")}
        edges = {g.get("data-edge") for g in root.iter("g") if g.get("data-edge")}
        assert nodes == diagram.nodes.keys()
        assert edges == {f"{a}>{b}" for a, b in (edge.ends for edge in diagram.edges)}
        told = " ".join("".join(g.itertext()) for g in root.iter("g"))
        for node in diagram.nodes.values():
            assert all(word in told for word in node.label.split())
    data = data_of(web_page.page(diagram))
    assert [step["say"] for step in data["steps"]] == [step.say for step in diagram.steps]
    assert data["code"].keys() == {node.id for node in diagram.nodes.values() if node.code}


@pytest.mark.parametrize("diagram", STEPPED, ids=lambda diagram: diagram.name)
def test_an_arrow_touches_the_border_of_its_target(diagram):
    for drawing in re.findall(r"<svg.*?</svg>", svg_blocks.drawings(diagram), re.DOTALL):
        root = ET.fromstring(drawing)
        rects = {g.get("data-node"): g.find("rect") for g in root.iter("g") if g.get("data-node")}
        for group in (g for g in root.iter("g") if g.get("data-edge")):
            rect = rects[str(group.get("data-edge")).split(">")[1]]
            head = group.findall("path")[1].get("d")
            x, y = map(float, re.findall(r"M([\d.-]+) ([\d.-]+)", head)[0])
            left, top, width, height = (float(rect.get(k)) for k in ("x", "y", "width", "height"))
            assert left - 0.2 <= x <= left + width + 0.2
            assert top - 0.2 <= y <= top + height + 0.2
            assert min(abs(x - left), abs(x - left - width), abs(y - top), abs(y - top - height)) < 0.2


def test_no_text_breaks_out_of_the_page():
    evil = '</script> <script> "x" & <b> '
    node = Node("a", evil, evil, "", "op", 0, 0)
    other = Node("b", "b", "", "", "data", 1, 0)
    edge = Edge("a", "b", "<i>")
    step = Step(evil, frozenset({"a"}), frozenset({("a", "b")}))
    shown = Diagram("evil", "ssm", ("mamba",), evil, {"a": node, "b": other}, (edge,), (), (step,), evil)
    document = web_page.page(shown)
    assert document.count("<script") == 2
    assert "<b> " not in document
    assert "<i>" not in document
    assert data_of(document)["steps"][0]["say"] == evil


def test_a_setting_and_a_step_are_what_the_page_opens_with():
    shown = small_explorable()
    assert data_of(web_page.page(shown))["at"] == [2, 0]
    document = web_page.page(shown, {"height": 4.4, "way": "down"})
    assert data_of(document)["at"] == [4, 1]
    assert re.search(r'value="1" checked', document)
    assert data_of(web_page.page(STEPPED[0], step=2))["step"] == 2


def test_a_knob_that_plays_has_a_button_and_a_choice_has_none():
    document = web_page.fragment(small_explorable(kind="play"))
    assert document.count('aria-label="Play height"') == 1
    assert document.count('type="range"') == 1
    assert document.count('type="radio"') == 2


def test_fragments_share_one_style_and_one_script():
    parts = [web_page.fragment(shown) for shown in (*STEPPED[:2], small_explorable())]
    assert not any("<style" in re.sub(r'src="data:[^"]*"', "", part) for part in parts)  # a still has its own
    assert web_page.head().count("<style") == web_page.head().count("<script") == 1
    assert len({re.findall(r'id="([^"]+)"', part)[0] for part in parts}) == 3


def test_the_task_comes_first_and_a_button_after_its_slider():
    document = web_page.fragment(small_explorable(kind="play"))
    order = [
        document.index(part)
        for part in ('class="question"', 'type="range"', 'class="play"', 'class="panels"')
    ]
    assert order == sorted(order)


def test_a_miniature_is_one_panel_and_one_knob():
    document = web_page.miniature(small_explorable(), "height", every=3)
    data = data_of(document)
    assert [knob["name"] for knob in data["knobs"]] == ["height"]
    assert data["knobs"][0]["values"] == [0.0, 3.0, 6.0]
    assert data["loops"] is True
    assert data["at"] == [1]  # nearest to where it stands elsewhere
    frames = unpacked(data["packed"])
    assert len(frames) == 3
    assert [[panel["title"] for panel in row] for row in frames[0]["panels"]] == [["wave"]]


def test_a_page_asks_for_nothing_unless_it_is_live():
    assert "fetch(" not in web_page.script()
    assert "fetch(" in web_page.script(live=True)
