"""Every diagram in a real browser: it opens quietly, answers to every control, and anybody can use it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from atlas_cli import catalog
from atlas_cli.diagrams import gallery
from atlas_cli.diagrams.frame_cache import frame_of
from atlas_cli.diagrams.web import page as web_page

pytestmark = pytest.mark.usefixtures("at_common_home")

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
playwright = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed")
if not CHROMIUM.is_file():
    pytest.skip(f"{CHROMIUM} is not installed", allow_module_level=True)

LOOKS = ("color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size")  # not: names
FRAME_MS = 1000 / 60
YARDSTICK_MS = 8  # what five hundred lines of text take to lay out where a frame is 1/60 s

EVERY = {
    f"{family.slug}-{shown.name}": shown
    for family in catalog.families()
    for shown in gallery.diagrams_of(family)
}
STEPPED = [name for name, shown in EVERY.items() if hasattr(shown, "steps")]
# What a worker computes answers later: see tests/diagrams/web/test_computing.py.
TURNED = [n for n, shown in EVERY.items() if not hasattr(shown, "steps") and not shown.network]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=str(CHROMIUM), args=list(ARGUMENTS))
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The address of a diagram's page, written when it is first asked for."""
    folder = tmp_path_factory.mktemp("pages")

    def address(name: str) -> str:
        path = folder / f"{name}.html"
        if not path.exists():
            path.write_text(web_page.page(EVERY[name]), encoding="utf-8")
        return path.as_uri()

    return address


@pytest.fixture(scope="module")
def windows(browser: Any) -> Callable[[int, str], tuple[Any, list[str]]]:
    """A tab of a width and a colour scheme, with what it complained of or asked for; each is opened once."""

    @cache
    def window(width: int, scheme: str) -> tuple[Any, list[str]]:
        complaints: list[str] = []
        page = browser.new_context(
            viewport={"width": width, "height": 1400}, color_scheme=scheme, reduced_motion="reduce"
        ).new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda r: None if r.url.startswith("file:") else complaints.append(r.url))
        return page, complaints

    return window


@pytest.fixture
def opened(
    windows: Callable[[int, str], tuple[Any, list[str]]], files: Callable[[str], str]
) -> Iterator[Callable[..., Any]]:
    """Opens a diagram; in the end nothing may have been complained of or asked for."""
    used = []

    def open_page(name: str, width: int = 1280, scheme: str = "light") -> Any:
        page, complaints = windows(width, scheme)
        complaints.clear()
        used.append(complaints)
        page.set_viewport_size({"width": width, "height": 1400})
        page.emulate_media(color_scheme=scheme)
        page.goto(files(name))
        page.wait_for_selector(".caption:not(:empty)")
        return page

    yield open_page
    assert not any(used), used


def screenshot(page: Any) -> str:
    """A digest of what a block diagram looks like."""
    image = page.locator(".picture").screenshot(animations="disabled")
    return hashlib.sha256(image).hexdigest()


def grave_faults(page: Any, *rules: str) -> list[tuple[str, list[str]]]:
    """What axe calls serious or critical, by all of its rules or by some."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    found = axe.Axe().run(page, options={"runOnly": list(rules)} if rules else None).response["violations"]
    return [
        (fault["id"], [node["html"] for node in fault["nodes"]][:3])
        for fault in found
        if fault["impact"] in ("serious", "critical")
    ]


def panels(page: Any) -> str:
    """A digest of all that the panels hold, once the browser has drawn them."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    drawn = page.evaluate(
        """() => document.querySelector(".panels").innerHTML
        + [...document.querySelectorAll(".panels canvas")].map((canvas) => canvas.toDataURL()).join()"""
    )
    return hashlib.sha256(drawn.encode()).hexdigest()


@pytest.mark.parametrize("name", STEPPED)
def test_every_step_changes_the_picture(opened, name):
    page, count = opened(name), len(EVERY[name].steps)
    seen, said = [], []
    for number in range(1, count + 1):
        page.locator(f'.number[data-step="{number}"]').click()
        assert page.locator('.number[aria-current="step"]').inner_text() == str(number)
        assert page.locator(".stepped svg:visible .node.lit").count() == len(
            EVERY[name].steps[number - 1].nodes
        )
        seen.append(screenshot(page))
        said.append(page.locator(".caption").inner_text())
    assert len(set(seen)) == len(set(said)) == count


@pytest.mark.parametrize("name", TURNED)
def test_every_knob_changes_the_picture(opened, name):
    page = opened(name)
    first = panels(page)
    for knob in EVERY[name].knobs:
        box = page.locator(f'[data-knob="{knob.name}"]')
        seen = set()
        if knob.kind == "choice":
            start = box.locator("input:checked")
            for i in range(len(knob.values)):
                box.locator("label").nth(i).click()
                seen.add(panels(page))
            assert len(seen) == len(knob.values)
            box.locator("label").nth(knob.values.index(knob.default)).click()
            assert start.is_checked()
            continue
        slider = box.locator("input")
        start = slider.input_value()
        for place in (0, int(slider.get_attribute("max")) // 2, int(slider.get_attribute("max"))):
            slider.fill(str(place))
            seen.add(panels(page))
        assert len(seen) > 1
        slider.fill(start)
    assert panels(page) == first  # the same setting is the same picture


@pytest.mark.parametrize("name", EVERY)
def test_anybody_can_use_it_on_a_desk_and_on_a_phone(opened, name):
    page = opened(name)
    assert not grave_faults(page)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 375, "height": 1400})
    assert not grave_faults(page, *LOOKS)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375  # the page never moves sideways


@pytest.mark.parametrize("name", STEPPED)
@pytest.mark.parametrize("width", [375, 1280])
def test_text_stays_in_its_box(opened, name, width):
    page = opened(name, width=width)
    for letters in ("", "DejaVu Sans"):  # the latter are much wider
        if letters:
            page.add_style_tag(content=f'.atlas-diagram {{ --d-sans: "{letters}" !important; }}')
            page.evaluate("dispatchEvent(new Event('resize'))")
        assert not outside_of_boxes(page), letters


def outside_of_boxes(page: Any) -> list[str]:
    """Words and pictures that are drawn wider or higher than their box."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll(".node")].filter((node) => node.getClientRects().length)
        .flatMap((node) => {
          const box = node.querySelector("rect").getBBox();
          return [...node.querySelectorAll("text.name, text.shape, .tile text, .rim")].filter((text) => {
            if (!text.getClientRects().length) return false; // what another step shows
            const t = text.getBBox();
            return t.x < box.x || t.y < box.y - 1 || t.x + t.width > box.x + box.width
              || t.y + t.height > box.y + box.height + 1;
          }).map((text) => text.textContent || text.getAttribute("class"));
        })"""
    )
    return found


def held(page: Any) -> dict[str, list[tuple[str, bool]]]:
    """Of every box with pictures, those that are seen: from which step they are, and whether palely."""
    seen: list[tuple[str, str, bool]] = page.evaluate(
        """() => [...document.querySelectorAll(".tile")].filter((tile) => tile.getClientRects().length).map(
          (t) => [t.closest(".node").dataset.node, t.dataset.first, getComputedStyle(t).opacity < 1])"""
    )
    return {node: [(first, pale) for n, first, pale in seen if n == node] for node, _, _ in seen}


@pytest.mark.parametrize("width", [375, 1280])
def test_boxes_fill_as_the_steps_go(opened, width):
    page = opened("gan-alternation", width=width)
    assert held(page)["fake"] == [("1", False)]
    assert held(page)["discriminator"] == [("2", True)]  # what is still to come is there, palely
    page.locator(".number").nth(2).click()
    assert held(page)["discriminator"] == [("3", False)]
    page.locator(".number").last.click()
    assert held(page)["fake"] == [("5", False)]
    assert not any(pale for pictures in held(page).values() for _, pale in pictures)
    page.locator(".number").first.click()
    assert held(page)["fake"] == [("1", False)]
    assert page.locator(".source").inner_text().startswith("In the boxes: the network of gan/ci")


def test_a_stack_lights_one_layer_and_dims_what_it_lacks(opened):
    page = opened("ssm-scan-or-attend")
    assert page.locator(".layer:visible").count() == 8
    assert page.locator(".layer.lit").count() == 0
    page.locator(".number").nth(1).click()
    assert page.locator(".layer.lit:visible").get_attribute("data-layer") == "1"
    assert page.locator(".wedge:visible").count() == 1
    absent = page.locator(".node.absent:visible")
    assert {absent.nth(i).get_attribute("data-node") for i in range(absent.count())} == {"attend", "experts"}


def test_the_keyboard_alone_walks_through_the_steps(opened):
    page = opened(STEPPED[0])
    count = len(EVERY[STEPPED[0]].steps)
    page.keyboard.press("ArrowRight")
    assert page.locator(".caption b").inner_text() == f"Step 2 of {count}"
    page.keyboard.press("End")
    assert page.locator(".caption b").inner_text() == f"Step {count} of {count}"
    assert page.locator(".next").is_disabled()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    assert page.locator(".caption b").inner_text() == f"Step 1 of {count}"


def test_a_box_shows_its_code_when_it_is_focused_or_clicked(opened):
    diagram = EVERY[STEPPED[0]]
    page = opened(STEPPED[0])
    for node in [node for node in diagram.nodes.values() if node.code][:4]:
        page.locator(f'svg:visible [data-node="{node.id}"]').focus()
        assert node.label in page.locator(".code-name").inner_text()
        name = node.code.rpartition(":")[2].rpartition(".")[2]
        assert name in page.locator(".code pre").inner_text()


def test_play_walks_to_the_end_and_stops_when_told(opened):
    page = opened(TURNED[0])
    knob = next(knob for knob in EVERY[TURNED[0]].knobs if knob.kind != "choice")
    box = page.locator(f'[data-knob="{knob.name}"]')
    start = box.locator("input").input_value()
    box.locator(".play").click()
    assert box.locator(".play").get_attribute("aria-label").startswith("Pause")
    page.wait_for_function(
        "([name, start]) => document.querySelector(`[data-knob=${name}] input`).value !== start",
        arg=[knob.name, start],
    )
    box.locator(".play").click()
    assert box.locator(".play").get_attribute("aria-label").startswith("Play")


@pytest.mark.parametrize("name", TURNED)
def test_a_knob_answers_within_one_frame(opened, name):
    """The next frame shows the new setting, and making it leaves the browser time to paint.

    Nine settings along the slider are tried. Each counts with the least of several rounds, since other
    work stalls a shared core, and a machine that is slow all the time, by a yardstick in the same page, has
    that much longer.
    """
    told = opened(name).evaluate(
        """async ([frame, yard]) => {
          const slider = document.querySelector('input[type="range"]');
          const panels = document.querySelector(".panels"), asked = requestAnimationFrame.bind(window);
          let work = [], late = 0, yardstick = Infinity;
          window.requestAnimationFrame = (draw) => asked((now) => {
            const start = performance.now();
            draw(now);
            panels.getBoundingClientRect(); // the layout belongs to it
            work.push(performance.now() - start);
          });
          const lines = Array.from({ length: 500 }, (_, i) => `<tspan x="0" y="${i}">row ${i}</tspan>`);
          const measure = () => {
            const start = performance.now(), box = document.createElement("div");
            box.innerHTML = `<svg viewBox="0 0 500 500"><text>${lines.join("")}</text></svg>`;
            panels.append(box);
            box.getBoundingClientRect();
            yardstick = Math.min(yardstick, performance.now() - start);
            box.remove();
          };
          const last = Number(slider.max);
          const places = [...new Set(Array.from({ length: 9 }, (_, i) => Math.round((i * last) / 8)))];
          const least = places.map(() => Infinity);
          const middle = () => [...least].sort((a, b) => a - b)[Math.floor(least.length / 2)];
          const budget = () => frame * Math.max(1, yardstick / yard);
          for (let round = 0; round < 8 && !(middle() < budget()); round++) {
            for (let i = 0; i < least.length; i++) {
              work = [];
              measure();
              slider.value = places[i];
              const before = performance.now();
              slider.dispatchEvent(new Event("input", { bubbles: true }));
              const answer = performance.now() - before;
              await new Promise(asked); // the very next frame
              if (work.length === 0) late++;
              else least[i] = Math.min(least[i], answer + work[0]);
            }
          }
          return { late, middle: middle(), budget: budget(), yardstick };
        }""",
        [FRAME_MS, YARDSTICK_MS],
    )
    assert told["late"] == 0
    assert told["middle"] < told["budget"], told


def seizable(name: str) -> list[str]:
    """The knobs that panels of this explorable turn, as they are shown at first."""
    rows = frame_of(EVERY[name], EVERY[name].defaults).panels
    return [drag.knob for row in rows for panel in row for drag in panel.drag]


SEIZED = [name for name in TURNED if seizable(name)]


@pytest.mark.parametrize("name", SEIZED)
def test_a_hand_on_a_panel_turns_its_knobs(opened, name):
    page = opened(name)
    for i in range(page.locator(".seizable").count()):
        panel = page.locator(".seizable").nth(i)
        panel.evaluate(
            "(panel) => panel.scrollIntoView({ block: 'center' })"
        )  # it may be drawn anew meanwhile
        box = panel.locator(".plot > svg, canvas, .tokens, .bars").first.bounding_box()

        def at(x: float, y: float, box: dict[str, float] = box) -> tuple[float, float]:
            return box["x"] + x * box["width"], box["y"] + y * box["height"]

        upright = "along-y" in panel.get_attribute("class")
        places = ((0.2, 0.2), (0.9, 0.8)) if upright else ((0.2, 0.8), (0.9, 0.2))
        seen = []
        page.mouse.move(*at(*places[0]))
        page.mouse.down()
        for place in places:
            page.mouse.move(*at(*place))
            seen.append([knob["value"] for knob in knobs_of(page)])
        page.mouse.up()
        assert seen[0] != seen[1]
        page.mouse.move(*at(0.5, 0.5))  # the hand is off: nothing follows
        assert [knob["value"] for knob in knobs_of(page)] == seen[1]
        back, on = ("ArrowUp", "ArrowDown") if upright else ("ArrowLeft", "ArrowRight")
        page.keyboard.press(back)
        assert [knob["value"] for knob in knobs_of(page)] != seen[1]
        panels(page)
        page.keyboard.press(on)  # the panel, drawn anew, kept the focus
        assert [knob["value"] for knob in knobs_of(page)] == seen[1]


def knobs_of(page: Any) -> list[dict[str, str]]:
    """Where the sliders stand."""
    return page.locator(".knob input[type=range]").evaluate_all(
        "(inputs) => inputs.map(({ id, value }) => ({ id, value }))"
    )


def test_a_point_in_the_plane_is_two_knobs_and_the_address_says_where(opened, files):
    page = opened("autoencoder-latent-walk")
    last = page.locator(".knob input[type=range]").first.get_attribute("max")
    box = page.locator(".seizable .plot > svg").bounding_box()
    page.mouse.click(box["x"] + 0.99 * box["width"], box["y"] + 0.02 * box["height"])
    assert [knob["value"] for knob in knobs_of(page)] == [last, last]
    page.wait_for_function("() => location.hash.includes('?')")
    assert page.url.endswith("#autoencoder-latent-walk?x=2.4&y=2.4&digits=0+and+1")
    drawn = panels(page)
    for address, places in ((page.url, [last, last]), (page.url.replace("x=2.4", "x=-9"), ["0", last])):
        page.goto("about:blank")
        page.goto(address)
        page.wait_for_selector(".caption:not(:empty)")
        assert [knob["value"] for knob in knobs_of(page)] == places
        assert (panels(page) == drawn) == (places == [last, last])
    page.goto("about:blank")
    page.goto(f"{files('autoencoder-latent-walk')}#autoencoder-latent-walk?digits=none&x=%E0%A4&what")
    page.wait_for_selector(".caption:not(:empty)")
    assert [knob["value"] for knob in knobs_of(page)] == [
        str(int(last) // 2)
    ] * 2  # what says nothing changes nothing
