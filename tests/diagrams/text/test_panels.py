"""Panels in a terminal: exact lines for small ones, and what holds for all."""

from __future__ import annotations

import pytest

from atlas_cli import catalog
from atlas_cli.diagrams import gallery
from atlas_cli.diagrams.frames import (
    Bars,
    Curves,
    Explorable,
    Frame,
    Group,
    Heatmap,
    Images,
    Knob,
    Panel,
    Quiver,
    Scatter,
    Series,
    Tokens,
    Words,
)
from atlas_cli.diagrams.sketch import Note, Shape, Sketch
from atlas_cli.diagrams.text.look import Look
from atlas_cli.diagrams.text.panels import drawing, panel_lines, panels
from tests.diagrams.panels import PANELS

BRAILLE = [chr(code) for code in range(0x2801, 0x2900)]
EVERY = [e for family in catalog.families() for e in gallery.explorables_of(family)]


def plain(panel: Panel, width: int = 40, ascii_only: bool = False) -> list[str]:
    return [line.plain.rstrip() for line in panel_lines(panel, Look(width, ascii_only))]


def test_bars_are_as_long_as_their_values():
    panel = Bars("b", ("one", "two", "three"), (0.0, 0.5, 1.0), 1.0)
    assert plain(panel, 25) == [
        "b",
        "one" + 19 * " " + "0",
        "two    ███████        0.5",
        "three  ██████████████ 1",
    ]
    assert plain(panel, 25, True)[3] == "three  ############## 1"


def test_a_heatmap_shades_from_light_to_dark():
    panel = Heatmap("h", ((0.0, 0.3, 0.6, 1.0),), 0, 1, "t", "k", ("0", "3"), ("row",))
    assert plain(panel, 13) == ["h", "row │ ░▓█│", "     0  3", "across: t,", "down: k"]
    assert plain(panel, 13, True)[1] == "row | :%#|"


def test_signs_of_a_diverging_map_differ_without_colour():
    panel = Heatmap("h", ((-1.0, -0.4, 0.0, 0.4, 1.0),), -1, 1, diverging=True)
    assert plain(panel, 8)[1] == " │≣= ░█│"
    assert plain(panel, 8, True)[1] == " |@~ :#|"


def test_a_curve_runs_from_corner_to_corner_and_the_marker_stands():
    panel = Curves("c", (Series("up", (0, 1), (0, 1)),), "x", marker=1)
    lines = plain(panel, 24)
    assert lines[1].startswith("1 │")
    assert lines[1][-1] in BRAILLE
    assert lines[11].startswith("0 │")
    assert lines[11][3] in BRAILLE
    assert not set(BRAILLE) & {*lines[11][12:], *lines[1][:12]}
    assert "┊" in lines[5]
    assert "── up" in lines[-1]
    ascii_lines = plain(panel, 24, True)
    assert all(line.isascii() for line in ascii_lines)
    assert ascii_lines[1][-1] == "."
    assert ascii_lines[11][3] == "."


def test_lines_that_look_alike_are_numbered():
    two = tuple(Series(name, (0, 1, 2), (k, k, k)) for k, name in enumerate(("low", "high")))
    lines = plain(Curves("c", two), 40)
    assert lines[-1] == "──1 low   ──2 high"
    assert any("1" in line[2:] for line in lines[2:12])
    assert any("2" in line[2:] for line in lines[1:11])


def test_logarithmic_axes_leave_out_what_they_cannot_show():
    panel = Curves("c", (Series("s", (0, 1, 10, 100), (1, 1, 10, 100)),), log_x=True, log_y=True)
    lines = plain(panel)
    assert lines[1].startswith("100 │")
    assert lines[13].split() == ["1", "(both", "axes", "log)", "100"]


def test_the_groups_of_a_scatter_have_their_own_marks():
    panel = Scatter(
        "s", (Group("a", ((-1, -1),)), Group("b", ((1, 1),)), Group("c", ((1, -1),))), (-1, 1, -1, 1)
    )
    lines = plain(panel, 14)
    assert lines[1].endswith("●")
    bottom = lines[lines.index("   └──────────") - 1]
    assert bottom == "-1 │·        +"
    assert lines[-2:] == ["· a   ● b", "+ c"]


def test_arrows_point_where_they_go():
    vectors = {(1.0, 0.0): "→", (0.0, 1.0): "↑", (-1.0, -1.0): "↙", (0.0, 0.0): "·"}
    for vector, head in vectors.items():
        assert head in "".join(plain(Quiver("q", ((0, 0),), (vector,), (-2, 2, -2, 2))))
    assert "<" in "".join(plain(Quiver("q", ((0, 0),), ((-1.0, 0.0),), (-2, 2, -2, 2)), ascii_only=True))


def test_a_strip_of_many_images_that_does_not_fit_is_drawn_at_half_its_size():
    half = tuple(tuple(float(x < 4) for x in range(8)) for _ in range(8))
    strip = Images("i", (half,) * 5, 5, tuple("abcde"))
    assert plain(strip, 48)[1] == "  ".join(["████    "] * 5).rstrip()  # it fits
    small = plain(strip, 30)
    assert small[1:3] == [" ".join(["⣿⣿  "] * 5).rstrip()] * 2
    assert small[3] == "a    b    c    d    e"
    assert plain(strip, 30, ascii_only=True)[1:3] == [" ".join(["@@  "] * 5).rstrip()] * 2
    assert len(plain(Images("i", (half,) * 4, 4), 30)) > 6  # of few each keeps its size


def test_images_are_pairs_of_pixels():
    panel = Images("i", (((1.0, 0.0), (1.0, 0.0)),), 1, ("ab",))
    assert plain(panel) == ["i", "█", "ab"]
    coloured = panel_lines(panel, Look(40, colour=True))[1]
    assert coloured.plain == "▀▀"
    assert [str(span.style) for span in coloured.spans] == ["#ffffff on #ffffff", "#000000 on #000000"]


def test_tokens_stand_over_their_weights_and_wrap():
    panel = Tokens("t", (("the", 0.0, "0"), ("cat", 1.0, "all"), ("sat", 0.5, "half")))
    assert plain(panel, 40) == ["t", "the cat sat", "    ███ ▄▄▄", "0   all half"]
    assert len(plain(panel, 8)) == 1 + 3 + 1 + 3


def test_panels_stand_side_by_side_where_there_is_room():
    frame = Frame(((Words("left", ("one",)), Words("right", ("two",))),), "", {})
    wide = [line.plain for line in panels(frame, 80)]
    assert wide[0].split() == ["left", "right"]
    narrow = [line.plain for line in panels(frame, 60)]
    assert narrow == ["left", "one", "", "right", "two", ""]


@pytest.mark.parametrize("width", [40, 80, 100, 140])
@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.kind)
def test_every_kind_keeps_within_its_width(panel: Panel, width: int):
    for ascii_only in (False, True):
        lines = plain(panel, width, ascii_only)
        assert max(map(len, lines)) <= width
        assert not ascii_only or all(line.isascii() for line in lines)


@pytest.mark.parametrize("width", [76, 96, 136])
@pytest.mark.parametrize("shown", EVERY, ids=lambda shown: shown.name)
def test_every_explorable_fits_and_has_an_ascii_form(shown: Explorable, width: int):
    frame = shown.frame()
    lines = [line.plain.rstrip() for line in drawing(shown, frame, shown.defaults, width)]
    assert max(map(len, lines)) <= width
    assert shown.question.split()[0] in " ".join(lines)
    assert all(knob.label in "\n".join(lines) for knob in shown.knobs)
    plain_panels = panels(frame, width, plain=True)
    from atlas_cli.screen.terminal import to_ascii

    assert max(len(to_ascii(line.plain).rstrip()) for line in plain_panels) <= width


def test_a_slider_shows_where_its_knob_stands():
    knob = Knob("t", "time", (0, 5, 10), 0, "slider", "s")
    shown = Explorable("e", "ssm", (), "T", "Q?", (knob,), lambda t: Frame((), "", {}))
    first, last = (drawing(shown, shown.frame(), {"t": t}, 80)[2].plain for t in (0, 10))
    assert "0 s ●───" in first
    assert "───● 10 s" in last


def test_shades_that_stand_for_kinds_and_arrows_with_names_have_a_key():
    kinds = Heatmap("h", ((0.2, 1.0),), 0, 1, names=(("shared", 0.2), ("new", 1.0)))
    shared, new = plain(kinds)[1][2], plain(kinds)[1][-2]
    assert plain(kinds)[-1] == f"{shared * 2} shared   {new * 2} new"
    arrows = Quiver("q", ((0, 0), (0, 0)), ((1, 0), (0, 1)), (-1, 1, -1, 1), ("query", "key"))
    lines = plain(arrows)
    assert lines[-1] == "1 query   2 key"
    assert any("1" in line for line in lines[1:-4])


SQUARE = ((0, 0), (0, 1), (1, 1), (1, 0))
WINDOW = (0, 1, 0, 1)


def sketched(*shapes: Shape, **more: object) -> list[str]:
    """The rows of a sketch of 10 by 5 characters without axes."""
    panel = Sketch("k", shapes, WINDOW, axes=False, **more)  # type: ignore[arg-type]
    return plain(panel, 12)[1:]


def test_an_area_fills_the_characters_whose_middles_it_goes_around():
    assert sketched(Shape("", [((0, 0), (0, 0.5), (0.6, 0.5), (1, 0))], "area")) == [
        "", "", "▒▒▒▒▒▒", "▒▒▒▒▒▒▒▒", "▒▒▒▒▒▒▒▒▒",
    ]  # fmt: skip


def test_areas_have_shades_of_their_own_and_lines_cross_them():
    halves = [Shape(name, [[(x + i / 2, y) for x, y in ((0, 0), (0, 1), (0.5, 1), (0.5, 0))]], "area", i)
              for i, name in enumerate(("left", "right"))]  # fmt: skip
    lines = sketched(*halves, Shape("", [((0, 0.5), (1, 0.5))], "line", 2))
    assert "▒▒░░" in lines[1]
    assert set(lines[2]) & set(BRAILLE)
    assert lines[-2:] == ["▒▒ left", "░░ right"]


def test_an_arrow_has_its_head_at_the_end_of_its_path_and_a_short_one_none():
    far = "".join(sketched(Shape("", [((0, 0), (0.5, 0), (0.5, 1))], "arrow")))
    assert far.count("↑") == 1
    assert not set("→↗↑↖←↙↓↘") & set("".join(sketched(Shape("", [((0, 0), (0.05, 0))], "arrow"))))


def test_notes_stand_in_nodes_and_a_full_node_has_brackets():
    shapes = (Shape("lacks", [((0.2, 0.5),)], "nodes"), Shape("done", [((0.8, 0.5),)], "full nodes"))
    panel = Sketch("k", shapes, WINDOW, (Note("3", 0.2, 0.5), Note("16", 0.8, 0.5)), axes=False)
    lines = plain(panel, 40)
    (row,) = [line for line in lines if "[16]" in line]
    assert " 3 " in row
    assert lines[-1] == "n lacks   [n] done"


def test_names_of_places_stand_at_them():
    panel = Sketch("k", (Shape("", [SQUARE], "line"),), WINDOW, x_ticks=(("a", 0.0), ("m", 0.5), ("z", 1.0)),
                   y_ticks=(("top", 1.0), ("floor", 0.0)), x_label="letters")  # fmt: skip
    lines = plain(panel, 43)
    assert lines[1].startswith("  top │")
    assert lines[18].startswith("floor │")
    assert lines[20].split() == ["a", "m", "z"]
    assert lines[20].index("m") == lines[20].index("a") + 18
    assert lines[21].strip() == "letters"


def test_the_ground_is_shaded_with_its_first_row_at_the_top():
    lines = sketched(ground=((0.0, 1.0), (1.0, 0.0)), high=1.0)
    assert lines[0] == 5 * " " + 5 * "▓"
    assert lines[4] == 5 * "▓"


def test_marks_are_seen_on_a_ground():
    many = [[(i / 99, i / 99) for i in range(100)]]
    panel = Sketch("k", (Shape("real", many, "dots", None), Shape("made", many, "dots")), WINDOW,
                   ground=((0.1, 0.4), (0.7, 1.0)))  # fmt: skip
    for ascii_only in (False, True):
        lines = plain(panel, 42, ascii_only)
        real, made = (entry[0] for entry in lines[-1].split("   "))
        assert real != made
        assert not {real, made} & set(" ░▒▓·.:-%")


def test_an_area_too_thin_for_a_line_is_still_seen():
    strips = [[(0, y - 0.1), (0, y + 0.1), (1, y + 0.1), (1, y - 0.1)] for y in range(20)]
    lines = plain(Sketch("s", (Shape("", strips, "area"),), (0, 1, -0.5, 19.5), axes=False, ratio=0.5))
    assert sum("▒" in line for line in lines) == len(lines) - 1  # all but the title
    (line,) = [
        x
        for x in plain(Sketch("s", (Shape("", strips[7:8], "area"),), (0, 1, -0.5, 19.5), axes=False))
        if "▒" in x
    ]
    assert line.strip("▒") == ""
