"""Panels and block diagrams as SVG files."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from atlas_cli import catalog
from atlas_cli.diagrams import blocks, gallery
from atlas_cli.diagrams.frames import (
    Bars,
    Curves,
    Explorable,
    Frame,
    Group,
    Heatmap,
    Panel,
    Quiver,
    Scatter,
    Series,
)
from atlas_cli.diagrams.shades import N_SHADES
from atlas_cli.diagrams.sketch import Note, Shape, Sketch
from atlas_cli.diagrams.svg import block_file
from atlas_cli.diagrams.svg import panels as svg_panels
from atlas_cli.diagrams.svg.style import style_sheet
from tests.diagrams.panels import PANELS

SVG = "{http://www.w3.org/2000/svg}"
EVERY = [e for family in catalog.families() for e in gallery.explorables_of(family)]
STEPPED = [d for family in catalog.families() for d in blocks.diagrams_of(family)]


def of(panel: Panel) -> ElementTree.Element:
    shown = Explorable(
        "e", "ssm", (), "Title & more", "Why?", (), lambda: Frame(((panel,),), "Look <here>", {"a": 1})
    )
    return ElementTree.fromstring(svg_panels.svg(shown, shown.frame(), {}))


def numbers(root: ElementTree.Element) -> list[float]:
    found = []
    for element in root.iter():
        for name in ("x", "y", "cx", "cy", "width", "height"):
            text = element.get(name, "0")
            if not text.endswith("%"):
                found.append(float(text))
    return found


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.kind)
def test_every_kind_is_well_formed_and_stays_on_the_sheet(panel: Panel):
    root = of(panel)
    assert root.find(f"{SVG}title").text == "Title & more"
    assert panel.title in [element.text for element in root.iter(f"{SVG}text")]
    assert max(numbers(root)) <= max(float(root.get("width")), float(root.get("height")))


def test_a_bar_is_as_long_as_its_value():
    root = of(Bars("b", ("half", "full"), (0.5, 1.0), 1.0))
    long = [float(r.get("width")) for r in root.iter(f"{SVG}rect") if r.get("class") == "bar"]
    assert long[0] == pytest.approx(long[1] / 2, abs=0.1)


def test_a_bar_tells_a_count_whole():
    told = [t.text for t in of(Bars("b", ("state", "attention"), (1024, 1536), 1536)).iter(f"{SVG}text")]
    assert {"1024", "1536"} <= {*told}


def test_cells_take_the_shade_of_their_value():
    root = of(Heatmap("h", ((0.0, 0.5, 1.0),), 0, 1))
    shades = [r.get("class") for r in root.iter(f"{SVG}rect") if re.fullmatch(r"h\d+", r.get("class") or "")]
    assert shades[:3] == ["h0", f"h{(N_SHADES - 1) // 2}", f"h{N_SHADES - 1}"]


def test_dashes_and_numbers_tell_lines_apart_without_colour():
    lines = (
        Series("a", (0, 1), (0, 1)),
        Series("b", (0, 1), (1, 0), "dashed"),
        Series("c", (0, 1), (1, 1), "dashed"),
    )
    root = of(Curves("c", lines))
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert "a" in texts
    assert {"2 b", "3 c"} <= set(texts)
    assert [p.get("class") for p in root.iter(f"{SVG}path")].count(
        "line s1 dashed"
    ) == 2  # the line, its sample


def test_light_and_dark_have_the_same_classes():
    for blocks_too in (False, True):
        light, dark = style_sheet(blocks_too).split("@media (prefers-color-scheme: dark)")
        selectors = set(re.findall(r"^(\S.*?) \{ (?:fill|stroke):", dark, re.MULTILINE))
        assert selectors
        assert all(f"{selector} {{" in light for selector in selectors)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_shades_run_one_way_through_lightness_and_hues_stand_out_from_the_page():
    light, dark = style_sheet().split("@media")
    for sheet, page in ((light, 1.0), (dark, luminance("#16191f"))):
        ramp = [luminance(c) for c in re.findall(r"\.h\d+ \{ fill: (#\w+)", sheet)]
        assert len(ramp) == N_SHADES
        assert ramp == sorted(ramp, reverse=page == 1.0)
        for hue in re.findall(r"\.s\d \{ stroke: (#\w+)", sheet):
            bright, dim = sorted((luminance(hue), page), reverse=True)
            assert (bright + 0.05) / (dim + 0.05) >= 4  # WCAG asks for 3 of graphics


@pytest.mark.parametrize("shown", EVERY, ids=lambda shown: shown.name)
def test_every_explorable_is_a_file_of_its_own(shown: Explorable):
    text = svg_panels.svg(shown, shown.frame(), shown.defaults)
    root = ElementTree.fromstring(text)
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert len(text) < 150_000
    assert root.find(f"{SVG}desc").text


@pytest.mark.parametrize("diagram", STEPPED, ids=lambda diagram: diagram.name)
def test_every_stepped_diagram_lights_its_steps(diagram):
    for number, step in enumerate(diagram.steps, start=1):
        root = ElementTree.fromstring(block_file.svg(diagram, number))
        lit = {e.get("data-node") for e in root.iter() if "lit" in (e.get("class") or "").split()} - {None}
        assert lit == set(step.nodes)
    everything = block_file.svg(diagram)
    assert all(f"{i}. " in everything for i in range(1, len(diagram.steps) + 1))
    assert 'role="button"' not in everything


def test_a_map_has_a_key_a_plane_its_numbers_and_a_log_axis_says_so():
    def words(panel: Panel) -> list[str]:
        return [element.text or "" for element in of(panel).iter(f"{SVG}text")]

    rows = ((0.0, 1.0),)
    assert {"0", "1"} <= set(words(Heatmap("h", rows, 0, 1)))
    named = words(Heatmap("h", rows, 0, 1, names=(("kept", 1.0), ("left out", 0.0))))
    assert {"kept", "left out"} <= set(named)
    plane = words(Scatter("s", (Group("g", ((0, 0),)),), (-2, 2, -3, 3)))
    assert {"-2", "2", "-3", "3", "0"} <= set(plane)
    line = (Series("a", (1, 10), (1, 100)),)
    assert any("log scale" in word for word in words(Curves("c", line, "tokens", log_y=True)))
    assert not any("log scale" in word for word in words(Curves("c", line, "tokens")))
    arrows = Quiver("q", ((0, 0), (0, 0)), ((1, 0), (0, 1)), (-1, 1, -1, 1), ("query", "key"))
    assert {"query", "key"} <= set(words(arrows))


def sketched(*shapes: Shape, **more: object) -> ElementTree.Element:
    return of(Sketch("k", shapes, (0, 1, 0, 1), **more))  # type: ignore[arg-type]


def paths(root: ElementTree.Element, kind: str) -> list[str]:
    return [p.get("d", "") for p in root.iter(f"{SVG}path") if p.get("class") == kind]


def test_a_sketch_has_one_unit_on_both_axes_where_its_ratio_is_that_of_its_ranges():
    root = sketched(Shape("", [((0, 0), (1, 1))], "line", 3))
    (way,) = paths(root, "s3")
    (x1, y1), (x2, y2) = (tuple(map(float, point.split())) for point in way[1:].split("L"))
    assert x2 - x1 == pytest.approx(y1 - y2)


def test_shapes_differ_without_colour_and_are_named_once():
    square = ((0, 0), (0, 1), (1, 1), (1, 0))
    root = sketched(
        Shape("one", [square], "area", 0), Shape("two", [square, square], "area", 1),
        Shape("far", [square], "dashed", 2), Shape("", [square], "line", 2),
    )  # fmt: skip
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert [texts.count(name) for name in ("one", "two", "far")] == [1, 1, 1]
    dashes = {p.get("class"): p.get("stroke-dasharray") for p in root.iter(f"{SVG}path")}
    assert dashes["s0"] is None
    assert dashes["s1"]
    both = [p.get("stroke-dasharray") for p in root.iter(f"{SVG}path") if p.get("class") == "s2"]
    assert set(both) == {None, "6 4"}


def test_nodes_are_circles_below_their_notes_and_the_ground_is_shaded():
    root = sketched(
        Shape("", [((0.5, 0.5),)], "nodes"), notes=(Note("12", 0.5, 0.5),), axes=False,
        ground=((0.0, 1.0), (0.5, 0.0)),
    )  # fmt: skip
    (note,) = [t for t in root.iter(f"{SVG}text") if t.text == "12"]
    circles = list(root.iter(f"{SVG}circle"))
    assert {circle.get("cx") for circle in circles} == {note.get("x")}
    shades = [r.get("class") for r in root.iter(f"{SVG}rect") if re.fullmatch(r"h\d+", r.get("class") or "")]
    assert shades == ["h0", f"h{N_SHADES - 1}", f"h{(N_SHADES - 1) // 2}", "h0"]
