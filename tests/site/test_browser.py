"""The site in a real browser: search, quizzes and the map answer, nothing is fetched, axe finds no fault."""

from __future__ import annotations

import pytest

from atlas_cli import catalog
from atlas_cli.pages import glossary, quiz

OPENING, STEPPED = 'class="diagram opening"', 'class="atlas-diagram stepped"'


def test_search_finds_by_keyboard_alone(visit):
    page = visit("gan/gan.html")
    page.keyboard.press("/")
    page.keyboard.type("selective scan")
    first = page.locator(".results [role=option]").first
    first.wait_for()
    assert "Mamba" in first.inner_text()
    assert first.get_attribute("aria-selected") == "true"
    page.keyboard.press("ArrowDown")
    assert first.get_attribute("aria-selected") == "false"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url("**/ssm/mamba.html*")


def test_search_says_when_there_is_nothing_and_escape_closes_it(visit):
    page = visit("index.html")
    page.locator(".search input").fill("zzqx")
    page.get_by_text("Nothing found.").wait_for()
    page.keyboard.press("Escape")
    assert page.locator(".results").is_hidden()


def test_a_quiz_asks_one_question_at_a_time_and_counts(visit):
    page = visit("gan/quiz.html")
    questions = quiz.load(catalog.resolve_family("gan")).questions
    for i, question in enumerate(questions):
        assert page.locator(".question:visible").count() == 1
        place = question.answer if i else (question.answer + 1) % 4  # the first one wrong
        page.locator(".question:visible input").nth(place).check()
        assert page.locator(".question:visible .why").count() == (1 if i else 2)
        assert f"{i} of {i + 1} right" in page.locator(".score").inner_text()
        page.keyboard.press("Enter")
    count = len(questions)
    assert f"{count - 1} of {count} right" in page.locator(".score").inner_text()
    assert page.locator(".question:visible").count() == count


def test_a_word_is_explained_to_the_mouse_the_keyboard_and_the_screen_reader(visit):
    page = visit("gan/gan.html")
    word = page.locator("a.term", has_text="logit").first
    says = glossary.find("logit").says
    assert word.get_attribute("title") == says  # what pointing at it shows
    shown = "node => getComputedStyle(node, '::after').content"
    assert word.evaluate(shown) == "none"
    word.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")  # by keyboard, so that the focus is to be seen
    assert says in word.evaluate(shown)
    page.keyboard.press("Enter")
    page.wait_for_url("**/glossary.html#word-logit")
    assert page.locator("#word-logit").is_visible()
    page.keyboard.press("/")
    page.keyboard.type("perplexity")
    first = page.locator(".results [role=option]").first
    first.wait_for()
    assert first.locator("a").get_attribute("href").endswith("glossary.html#word-perplexity")


def test_the_map_lights_where_a_topic_comes_from_and_leads_to(visit):
    page = visit("index.html")
    page.locator('[data-topic="latent-diffusion"]').hover()
    lit = {node.get_attribute("data-topic") for node in page.locator(".topic.lit").all()}
    before = {"vae", "vq-vae", "fsq", "ddpm"}
    assert lit == {*before, "latent-diffusion", "controlnet", "zero123", "mmdit"}
    assert page.locator(".edge.lit").count() == 7


def test_a_phone_shows_the_list_and_nothing_wider_than_itself(visit):
    for path in ("index.html", "diffusion/ddpm.html", "ssm/mamba.html", "gan/quiz.html", "glossary.html"):
        page = visit(path)
        page.set_viewport_size({"width": 375, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") <= 375, path
    page = visit("index.html")
    page.set_viewport_size({"width": 375, "height": 700})
    assert page.locator(".map").is_hidden()
    assert page.locator(".families .rails svg").first.is_visible()
    assert page.locator(".families ol a").first.inner_text() == "Transformer"


@pytest.mark.parametrize(
    "path",
    [
        "diffusion/ddpm.html",
        "transformer/gpt.html",
        "ssm/mamba.html",
        "diffusion/index.html",
        "transformer/speculative.html",
    ],
)
def test_a_page_shows_its_figure_first_and_the_task_above_it(visit, path: str):
    page = visit(path)
    for width, height in ((1440, 900), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_selector(".opening .panel")
        seen = {
            name: page.locator(f".opening {name}").first.bounding_box()
            for name in (".question", ".knobs", ".panels", ".facts")
        }
        assert seen[".question"]["y"] + seen[".question"]["height"] <= seen[".panels"]["y"]
        assert seen[".knobs"]["y"] + seen[".knobs"]["height"] < height
        assert seen[".panels"]["y"] < 0.75 * height
        beside = seen[".facts"]["x"] > seen[".panels"]["x"] + seen[".panels"]["width"]
        assert beside == (width == 1440)  # figures and caption stand beside where there is room


def test_the_first_screen_of_a_phone_shows_the_figure_of_every_page(visit, whole_site):
    pages = sorted(whole_site.folder.glob("*/*.html"))
    opens = [path for path in pages if OPENING in path.read_text(encoding="utf-8")]
    assert len(opens) > 30
    page = visit("index.html")
    page.set_viewport_size({"width": 390, "height": 844})
    late = {}
    for path in opens:
        page.goto(path.as_uri())
        page.wait_for_selector(".opening .panel, .opening .blocks:visible")
        top = page.locator(".opening .panels, .opening .blocks:visible").first.bounding_box()["y"]
        if top >= 480:
            late[path.stem] = top
    assert late == {}


def test_no_block_diagram_is_wider_than_its_card(visit, whole_site):
    pages = sorted(whole_site.folder.glob("*/*.html"))
    page = visit("index.html")
    page.set_viewport_size({"width": 1440, "height": 900})
    wide, seen = [], 0
    for path in (path for path in pages if STEPPED in path.read_text(encoding="utf-8")):
        page.goto(path.as_uri())
        over = "boxes => boxes.filter((box) => box.scrollWidth > box.clientWidth + 1).length"
        cards = page.locator(".stepped .picture")
        seen += cards.count()
        wide += [path.stem] * cards.evaluate_all(over)
    assert seen > 12
    assert wide == []


def test_a_link_to_a_diagram_shows_its_title_too(visit):
    for width, height in ((1440, 900), (390, 844)):
        page = visit("index.html")
        page.set_viewport_size({"width": width, "height": height})
        page.goto(page.url.replace("index.html", "flow/cfm.html#flow-field"))
        page.wait_for_selector("#flow-field .panel")
        page.wait_for_timeout(300)
        title = page.locator(".diagram:has(#flow-field) :is(h2, h3)").bounding_box()
        bar = page.locator(".contents").bounding_box()
        assert title["y"] >= (bar["y"] + bar["height"] if bar else 0)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("transformer/gpt.html", "transformer-decoder-block"),
        ("ssm/mamba.html", "ssm-mamba-block"),
        ("diffusion/latent-diffusion.html", "diffusion-latent-pipeline"),
        ("diffusion/controlnet.html", "diffusion-controlnet"),
        ("gan/gan.html", "gan-alternation"),
    ],
)
def test_boxes_with_pictures_take_the_width_of_their_card(visit, path: str, name: str):
    page = visit(path)
    page.set_viewport_size({"width": 1440, "height": 900})
    figure = page.locator(f"#{name}")
    card, drawing = (figure.locator(part).bounding_box() for part in (".picture", ".for-screen"))
    assert drawing["width"] > 0.95 * (card["width"] - 22)  # 10 pixels and a border at each side
    figure.locator(".next").click()  # code stands beside the drawing, and what is told does not lie upon it
    page.evaluate("(y) => scrollTo(0, y)", card["y"] + 300)
    told, code = figure.evaluate(  # at once: the page may still be on its way to what the step lights
        """(figure) => [figure.querySelector(".teller").getBoundingClientRect().bottom,
          figure.querySelector(".code:not([hidden])")?.getBoundingClientRect().top ?? Infinity]"""
    )
    assert told <= code


def test_marks_of_a_scatter_keep_the_colours_of_their_groups(visit):
    page = visit("gan/gan.html")
    page.wait_for_selector("#gan-training-film .dot circle")
    looks = page.locator("#gan-training-film g.dot").evaluate_all(
        "groups => groups.slice(0, 2).map((g) => [getComputedStyle(g).fill, getComputedStyle(g).stroke])"
    )
    assert [stroke for _, stroke in looks] == ["none", "none"]
    assert looks[0][0] != looks[1][0]


def test_the_front_page_moves_until_it_is_taken_in_hand(visit):
    page = visit("index.html")
    figures = page.locator(".first .miniature")
    assert figures.count() == 3
    slider = figures.nth(1).locator("input")
    before = slider.input_value()
    page.wait_for_function(
        "(before) => document.querySelectorAll('.first input')[1].value !== before", arg=before
    )
    slider.focus()
    page.keyboard.press("Home")
    page.wait_for_timeout(1200)
    assert slider.input_value() == "0"
    still = visit("index.html", reduced_motion="reduce").locator(".first input").first
    before = still.input_value()
    still.page.wait_for_timeout(1500)
    assert still.input_value() == before


def test_light_and_dark_are_the_readers_choice_and_kept(visit):
    page = visit("ssm/mamba2.html", color_scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    shades = "document.querySelector('.opening canvas').toDataURL()"
    page.wait_for_selector(".opening canvas")
    light, drawn = page.evaluate(ground), page.evaluate(shades)
    page.get_by_role("button", name="Dark colours").click()
    page.wait_for_function(f"(drawn) => {shades} !== drawn", arg=drawn)
    assert page.evaluate(ground) != light
    card = page.locator(".opening .panel").first.evaluate("box => getComputedStyle(box).backgroundColor")
    page.goto(page.url.replace("mamba2", "mamba"))
    assert page.evaluate(ground) != light
    page.wait_for_selector(".opening .panel")
    assert page.locator(".opening .panel").first.evaluate("b => getComputedStyle(b).backgroundColor") == card
    page.get_by_role("button", name="Light colours").click()
    assert page.evaluate(ground) == light


def test_a_phone_has_a_way_around_the_page(visit):
    page = visit("ssm/mamba.html")
    page.set_viewport_size({"width": 390, "height": 844})
    contents = page.locator(".contents")
    page.evaluate("scrollTo(0, 6000)")
    contents.locator("summary").click()
    contents.get_by_role("link", name="Choosing and pitfalls").click()
    assert not contents.evaluate("box => box.open")
    page.wait_for_function("location.hash === '#choosing-and-pitfalls'")
    heading, bar = page.locator("#choosing-and-pitfalls h2").bounding_box(), contents.bounding_box()
    assert bar["y"] + bar["height"] <= heading["y"] < 844  # the bar covers no heading
    page.set_viewport_size({"width": 1280, "height": 900})
    assert contents.is_hidden()


def test_a_command_in_the_text_turns_the_figure_that_it_draws(visit):
    page = visit("ssm/mamba.html")
    page.wait_for_selector("#ssm-selective-scan .panel")
    gate = page.locator("#ssm-selective-scan [data-knob=gate]")
    assert gate.locator("output").inner_text() == "0.5"
    page.get_by_role("link", name="atlas diagram mamba selective-scan --set gate=1").click()
    page.wait_for_function("document.querySelector('#ssm-selective-scan output').textContent === '1'")
    assert gate.locator("input").input_value() == gate.locator("input").get_attribute("max")
    assert page.locator("#ssm-selective-scan").bounding_box()["y"] < 900


def test_nothing_below_moves_while_a_knob_turns(visit):
    page = visit("autoencoder/bpe.html")
    page.wait_for_selector(".opening .panel")
    slider, panels = page.locator(".opening input[type=range]"), page.locator(".opening .panels")
    slider.fill("0")
    page.wait_for_timeout(100)
    tallest = panels.bounding_box()["height"]
    for value in ("10", "30", "5"):
        slider.fill(value)
        page.wait_for_timeout(60)
        assert panels.bounding_box()["height"] >= tallest
        tallest = panels.bounding_box()["height"]


@pytest.mark.parametrize(
    ("scheme", "paths"),
    [
        (
            "light",
            [
                "index.html",
                "glossary.html",
                "gan/index.html",
                "diffusion/ddpm.html",
                "ssm/mamba.html",
                "ssm/quiz.html",
            ],
        ),
        ("dark", ["index.html", "glossary.html", "diffusion/ddpm.html"]),
    ],
)
def test_axe_finds_nothing_serious(visit, scheme: str, paths: list[str]):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    for path in paths:
        page = visit(path, color_scheme=scheme)
        # Diagrams have a test of their own; with `preload` axe fetches the styles, which file:// forbids.
        found = axe.run(page, {"exclude": [[".atlas-diagram"]]}, {"preload": False}).response["violations"]
        serious = [
            (fault["id"], fault["nodes"][0]["html"][:120])
            for fault in found
            if fault["impact"] in ("serious", "critical")
            or fault["id"] in ("heading-order", "empty-table-header")
        ]
        assert serious == [], path
