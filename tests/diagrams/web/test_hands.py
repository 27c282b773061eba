"""Hands on a page: what belongs together is lit together, and what the reader puts there is computed with."""

from __future__ import annotations

import pytest

from atlas_cli.diagrams import gallery
from atlas_cli.diagrams.frames import (
    Bars,
    Curves,
    Explorable,
    Frame,
    Heatmap,
    Knob,
    Link,
    Panel,
    Scatter,
    Series,
)
from atlas_cli.diagrams.sketch import Note, Shape, Sketch

pytestmark = pytest.mark.usefixtures("at_common_home")
NEXT_FRAME = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def lit(page, kind: str) -> list[int]:
    """The numbers of the parts that are lit in the panels of a kind."""
    parts = page.locator(f".of-{kind} .lit")
    return [int(part) for part in parts.evaluate_all("(parts) => parts.map((part) => part.dataset.part)")]


def test_a_part_lights_what_belongs_to_it_in_the_other_panels(opened):
    page = opened(gallery.anywhere("selective-scan"))
    page.locator(".token").nth(4).hover()
    assert (lit(page, "tokens"), lit(page, "bars")) == ([4], [4])
    assert page.locator(".of-heatmap .ray").count() == 2  # the word's row, and the column after it
    page.locator(".bars > li").nth(8).hover()
    assert (lit(page, "tokens"), lit(page, "bars")) == ([8], [8])
    canvas = page.locator(".of-heatmap .heat > canvas").bounding_box()
    page.mouse.move(canvas["x"] + 2.5 / 12 * canvas["width"], canvas["y"] + 1.5 / 12 * canvas["height"])
    assert lit(page, "tokens") == [1, 2]  # row 1, column 2
    assert page.locator(".of-heatmap .axis-names").inner_text().startswith("holds of word A, after word 2: ")
    page.mouse.move(5, 5)
    assert page.locator(".lit, .ray").count() == 0
    assert page.locator(".of-heatmap .axis-names").inner_text() == "down: holds of word · across: after word"


def test_the_light_stays_where_it_is_when_a_knob_turns(opened):
    page = opened(gallery.anywhere("selective-scan"), reduced_motion="reduce")
    page.locator(".token").nth(4).hover()
    page.locator("input[type=range]").first.evaluate(
        "(input) => { input.value = 0; input.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    page.evaluate(NEXT_FRAME)
    assert (lit(page, "tokens"), lit(page, "bars")) == ([4], [4])


def test_keys_walk_over_the_parts_and_say_what_they_light(opened):
    page = opened(gallery.anywhere("selective-scan"))
    page.locator(".play").last.focus()
    page.keyboard.press("Tab")
    page.wait_for_selector(".lit")
    assert (lit(page, "tokens"), lit(page, "bars")) == ([0], [0])
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert (lit(page, "tokens"), lit(page, "bars")) == ([1], [1])
    spoken = page.locator(".spoken").inner_text()
    assert "What the last state holds of each word: A" in spoken
    assert "Step delta of each word: A 1 0.5" in spoken
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")  # the heat map: rows and columns
    page.keyboard.press("ArrowDown")
    assert lit(page, "tokens") == [0, 1]
    assert "holds of word A, after word 0" in page.locator(".spoken").inner_text()
    page.keyboard.press("Tab")
    page.wait_for_function("() => !document.querySelector('.lit, .ray')")  # once the focus has come to rest


def made_up(*rows: tuple[Panel, ...]) -> Explorable:
    """One that shows the same panels wherever its knob stands."""

    def compute(turn: int) -> Frame:
        return Frame(rows, f"At {turn}.", {})

    knob = Knob("turn", "turn", (5, 6, 7), 6, "slider")
    mark = repr(rows)  # what is kept of it is not that of another
    return Explorable("made-up", "ssm", ("mamba",), "Made up", "?", (knob,), compute, fingerprint=mark)


def near(page, kind: str, x: float, y: float) -> tuple[float, float]:
    """Where on the screen a place of the last drawing of a kind is."""
    scaled = """(plot, [x, y]) => {
      const seen = plot.firstElementChild.getBoundingClientRect(), { scale } = plot;
      const across = seen.width / scale.width, down = seen.height / scale.height;
      return [seen.left + scale.x(x) * across, seen.top + scale.y(y) * down];
    }"""
    return tuple(page.locator(f".of-{kind} .plot").last.evaluate(scaled, [x, y]))


def made_of(page, kind: str = "sketch") -> set[str]:
    """What the parts of a sketch that are lit are made of."""
    parts = page.locator(f".of-{kind} .lit")
    return set(parts.evaluate_all("(parts) => parts.map((part) => part.dataset.of)"))


def test_a_node_of_a_sketch_lights_what_it_has_gathered_and_its_places_in_a_curve(opened):
    page = opened(gallery.anywhere("scan-tree"), reduced_motion="reduce")  # after two rounds of doubling
    page.mouse.move(*near(page, "sketch", 5, -2))  # inputs 3 to 6
    assert made_of(page) == {"2", "3", "4", "5", "2 3", "3 4", "4 5", "2 3 4 5"}
    assert page.locator(".of-curves g.ray line").count() == 4
    page.mouse.move(*near(page, "sketch", 5, 0))
    assert made_of(page) == {"5"}
    page.mouse.move(*near(page, "curves.linked", 7, 0.5))
    assert made_of(page) == {"7"}


def test_a_path_of_a_sketch_lights_its_steps_and_what_it_misses_by_and_keys_walk_along(opened):
    shown = gallery.anywhere("euler")
    path = shown.frame().panels[0][0].shapes[1].paths[3]
    page = opened(shown, reduced_motion="reduce")
    x, y = near(page, "sketch", *path[0])
    page.mouse.move(x + 4, y)  # near it will do
    assert made_of(page) == {"3"}
    assert page.locator(".of-sketch .lit").count() == 1 + 4 + 1 + 1  # the exact flow, four steps, start, miss
    page.mouse.move(5, 5)
    page.locator(".of-sketch").focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    assert made_of(page) == {"2"}
    assert "exact flow 3" in page.locator(".spoken").inner_text()


def test_the_numbers_of_parts_survive_packing(opened):
    paths = [((i / 22, 0), (i / 22, 1)) for i in range(23)]  # 4095 levels are no multiple of 22
    page = opened(made_up((Sketch("s", (Shape("p", paths, parts=range(23)),), (0, 1, 0, 1), links="path"),)))
    parts = page.locator(".of-sketch [data-of]")
    assert parts.evaluate_all("(all) => all.map((one) => one.dataset.of)") == [str(i) for i in range(23)]


def test_no_name_of_a_place_and_no_note_is_cut_off_at_the_edge(opened):
    curve = Curves("c", (Series("s", (0, 4000), (0, 1)),))
    notes = (Note("a long note at the end", 1.0, 0.5, "left"), Note("and at the start", 0.0, 0.2, "right"))
    page = opened(made_up((curve, Sketch("s", (), (0, 1, 0, 1), notes, x_ticks=(("a long name", 1.0),)))))
    out = """(svg) => {
      const room = svg.getBoundingClientRect();
      const cut = (one) => {
        const { left, right } = one.getBoundingClientRect();
        return left < room.left - 0.5 || right > room.right + 0.5;
      };
      return [...svg.querySelectorAll("text")].filter(cut).map((text) => text.textContent);
    }"""
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 1400})
        page.evaluate(NEXT_FRAME)
        assert [page.locator(".plot > svg").nth(i).evaluate(out) for i in (0, 1)] == [[], []]


def test_what_the_reader_put_there_stands_in_the_address(opened):
    shown = gallery.anywhere("field")
    page = opened(shown, reduced_motion="reduce")
    page.locator("input[type=range]").first.evaluate(
        "(input) => { input.value = 15; input.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    for n, spot in enumerate([(0.6, 1.1), (-1.5, 0.4)], 1):
        page.evaluate(NEXT_FRAME)  # what was put there before is drawn, and stands where it will stay
        page.mouse.click(*near(page, "quiver", *spot))
        page.wait_for_function(
            f"() => document.querySelectorAll('.of-scatter .handle.dropped').length === {n}"
        )
    page.wait_for_function("() => decodeURIComponent(location.hash).split(';').length === 2")
    place = "(all) => all.map((one) => [one.getAttribute('cx'), one.getAttribute('cy')])"
    where = page.locator(".handle.dropped").evaluate_all(place)
    address, told = page.evaluate("() => location.href"), page.locator(".trail").evaluate_all(place)
    assert "own.dropped=" in address

    page.goto("about:blank")
    page.goto(address)
    page.wait_for_selector(".handle.dropped")
    found = page.locator(".handle.dropped").evaluate_all(place)
    assert len(found) == len(where) == 4
    for (x, y), (u, v) in zip(found, where, strict=True):
        assert (float(x), float(y)) == pytest.approx((float(u), float(v)), abs=0.3)
    assert len(page.locator(".trail").evaluate_all(place)) == len(told)
    page.locator(".undo").click()
    page.wait_for_function("() => !location.hash.includes('own.')")
    assert page.locator(".handle.dropped").count() == 0


@pytest.mark.parametrize(
    "told", ["0.5,x@0,optimal", "0.5@0,optimal", "1,1", "1,1@7,optimal", "1,1@0,nobody", "", ";;;", "1,1@0"]
)
def test_an_address_that_makes_no_sense_changes_nothing(opened, told):
    page = opened(gallery.anywhere("field"), reduced_motion="reduce")
    figure = page.locator("figure").get_attribute("id")
    page.evaluate("(hash) => { location.hash = hash; }", f"{figure}?own.dropped={told}&own.nothing=1")
    page.evaluate(NEXT_FRAME)
    assert page.locator(".handle").count() == 0
    assert page.locator(".undo").is_hidden()


def test_words_modes_and_drawings_stand_in_the_address_too(opened):
    for name, thing in (("selective-scan", "turned=3;5"), ("probability-path", f"modes={'0.5,0.5;' * 5}1,1")):
        page = opened(gallery.anywhere(name), reduced_motion="reduce")
        figure = page.locator("figure").get_attribute("id")
        before = page.locator(".panels").inner_html()
        page.evaluate("(hash) => { location.hash = hash; }", f"{figure}?own.{thing}")
        page.evaluate(NEXT_FRAME)
        assert page.locator(".panels").inner_html() != before
        assert page.locator(".undo").is_visible()
    page = opened(gallery.anywhere("noising"), reduced_motion="reduce")
    page.get_by_role("button", name="Blank sheet").click()
    page.wait_for_function("() => location.hash.includes('own.')")
    address, sheet = page.evaluate("() => location.href"), page.locator(".drawable").screenshot()
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_selector(".undo:not([hidden])")
    assert page.locator(".drawable").screenshot() == sheet


def test_bars_with_the_same_labels_need_no_word_of_it(opened):
    bars, other = Bars("b", ("a", "b"), (1.0, 2.0), 2.0), Bars("c", ("a", "c"), (1.0, 2.0), 2.0)
    page = opened(made_up((bars, bars), (other,)))
    page.locator(".bars").first.locator("li").nth(1).hover()
    assert lit(page, "bars") == [1, 1]
    assert page.locator(".linked").count() == 2


def test_numbers_may_count_from_elsewhere_and_curves_have_theirs_below(opened):
    curve = Curves("c", (Series("s", (1, 2, 3), (4, 5, 6)),), links=Link("token", first=-1))
    last = Heatmap("h", ((0.1, 0.2), (0.3, 0.4)), 0, 1, "x", "y", links=Link("token", "y", first=1))
    page = opened(made_up((curve, last), (Bars("b", ("a", "b"), (1.0, 2.0), 2.0),)))
    canvas = page.locator(".heat > canvas").bounding_box()
    page.mouse.move(canvas["x"] + 5, canvas["y"] + 0.75 * canvas["height"])  # the second row is token 2
    line = page.locator(".of-curves g.ray line")
    assert line.count() == 1
    right = page.locator(".of-curves polyline").evaluate("(line) => line.points[2].x")
    assert float(line.get_attribute("x1")) == pytest.approx(right, abs=0.06)  # x = 3 is token 2
    assert page.locator(".of-bars.linked").count() == 0


def test_points_are_dropped_and_modes_dragged_and_all_is_undone(opened):
    page = opened(gallery.anywhere("probability-path"), reduced_motion="reduce")
    room = page.locator(".panels")
    before = room.inner_html()
    assert page.locator(".undo").is_hidden()
    box = page.locator(".plot > svg").first.bounding_box()
    page.mouse.click(box["x"] + 0.4 * box["width"], box["y"] + 0.3 * box["height"])
    page.evaluate(NEXT_FRAME)
    assert page.locator(".handle.dropped").count() == 2  # in both planes
    assert page.locator(".trail").count() == 4
    place = "(one) => [Number(one.getAttribute('cx')), Number(one.getAttribute('cy'))]"
    point = page.locator(".handle.dropped").first
    start = point.evaluate(place)
    turn = (
        "(input) => { input.value = input.max; input.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    page.locator("input[type=range]").evaluate(turn)
    page.evaluate(NEXT_FRAME)
    assert point.evaluate(place) != start  # it travels as time goes on
    assert page.locator(".trail.ahead").first.evaluate("(line) => line.points.length") <= 2  # all is past

    speed = page.locator(".facts dd").nth(2).inner_text()
    mode = page.locator(".handle.mode").first
    at = mode.bounding_box()
    middle = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] - 30, middle[1], steps=4)
    page.evaluate(NEXT_FRAME)
    page.mouse.up()
    assert mode.bounding_box()["x"] == pytest.approx(at["x"] - 30, abs=1)
    assert page.locator(".facts dd").nth(2).inner_text() != speed
    mode.focus()
    moved = mode.evaluate(place)
    page.keyboard.press("ArrowRight")
    page.evaluate(NEXT_FRAME)
    assert mode.evaluate(place)[0] > moved[0]
    assert (
        page.evaluate("() => document.activeElement.dataset.own") == "modes 0"
    )  # drawn anew, and still held

    page.locator(".undo").click()
    page.locator("input[type=range]").evaluate("(input) => { input.value = input.defaultValue; }")
    page.locator("input[type=range]").dispatch_event("input")
    page.evaluate(NEXT_FRAME)
    assert page.locator(".undo").is_hidden()
    assert room.inner_html() == before


def test_a_digit_is_drawn_and_drowns(opened):
    page = opened(gallery.anywhere("noising"), reduced_motion="reduce")
    ink = """() => [...document.querySelectorAll(".grid canvas")].map((canvas) => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return data.filter((v, i) => i % 4 === 0).reduce((sum, v) => sum + v, 0);
    })"""
    page.get_by_role("button", name="Blank sheet").click()
    page.evaluate(NEXT_FRAME)
    blank = page.evaluate(ink)
    assert blank[0] == 0
    sheet = page.locator(".drawable").bounding_box()
    page.mouse.move(sheet["x"] + 0.3 * sheet["width"], sheet["y"] + 0.5 * sheet["height"])
    page.mouse.down()
    page.mouse.move(sheet["x"] + 0.7 * sheet["width"], sheet["y"] + 0.5 * sheet["height"], steps=3)
    page.mouse.up()
    page.evaluate(NEXT_FRAME)
    drawn = page.evaluate(ink)
    assert drawn[0] > 10 * 255  # a line of more than ten pixels
    assert drawn[1] > blank[1]


def test_a_digit_is_drawn_and_lands_in_the_plane(opened):
    page = opened(gallery.anywhere("latent-walk"), reduced_motion="reduce")
    assert page.locator(".drawable").count() == 0
    page.get_by_role("button", name="Draw a digit").click()
    page.evaluate(NEXT_FRAME)
    yours = page.locator(".of-scatter .lone").last.locator("path, circle")
    at = yours.bounding_box()
    sheet = page.locator(".drawable").bounding_box()
    for x, y in ((0.3, 0.3), (0.7, 0.3), (0.7, 0.7)):
        page.mouse.move(sheet["x"] + x * sheet["width"], sheet["y"] + y * sheet["height"])
        page.mouse.down()
    page.mouse.up()
    page.evaluate(NEXT_FRAME)
    assert yours.bounding_box() != at
    assert page.locator(".grid").first.locator("canvas").count() == 6


def test_a_word_is_pressed_by_mouse_and_by_key(opened):
    page = opened(gallery.anywhere("selective-scan"), reduced_motion="reduce")
    step = page.locator(".bars .amount").nth(3)  # of "so", a filler
    before, content = step.inner_text(), page.locator(".bars .amount").nth(1).inner_text()
    page.locator(".token").nth(3).click()
    page.evaluate(NEXT_FRAME)
    assert step.inner_text() == content != before
    page.mouse.move(5, 5)
    page.locator(".undo").focus()
    for key in ("Tab", "ArrowRight", "ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
        page.evaluate(NEXT_FRAME)
    assert step.inner_text() == before
    assert lit(page, "tokens") == [3]  # the panel, drawn anew, kept the focus and its light


def test_without_scripts_the_first_frame_still_stands(opened):
    shown = gallery.anywhere("discretisation")
    page = opened(shown, java_script_enabled=False)
    still = page.locator("img.still")
    assert still.bounding_box()["height"] > 200
    assert shown.title in still.get_attribute("alt")
    assert len(set(still.screenshot()[100:])) > 200  # a picture, and no broken sign


def test_without_scripts_the_words_of_a_large_picture_stand(opened):
    shown = gallery.anywhere("selective-scan")
    assert shown.title in opened(shown, java_script_enabled=False).locator(".panels p").inner_text()


def test_a_point_says_its_number_only_where_its_panel_is_linked(opened):
    shown = gallery.anywhere("field")
    assert isinstance(shown.frame().panels[1][0], Scatter)
    page = opened(shown, reduced_motion="reduce")
    page.locator('.of-quiver path[data-part="7"]').first.dispatch_event("pointermove")
    assert lit(page, "scatter") == [7]
    assert lit(page, "quiver") == [7]
