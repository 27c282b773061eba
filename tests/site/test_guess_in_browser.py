"""The guess of a page in a browser: taken by pointer, keys and button, kept, and complete without scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from atlas_cli import catalog
from atlas_cli.pages import guess
from atlas_cli.pages.guess import LETTERS, Guess
from atlas_cli.site import guesses, shell
from atlas_cli.site.shell import Content

CHOSEN, NUMBER = "cfg", "s4"


def asked(slug: str) -> Guess:
    found = guess.of(catalog.resolve(slug))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("guesses")
    (out / "assets").mkdir()
    (out / shell.STYLE).write_text(shell.asset("site.css"), encoding="utf-8")
    (out / shell.SCRIPT).write_text(shell.script(), encoding="utf-8")
    for slug in (CHOSEN, NUMBER):
        body = f'<article class="prose"><h1>{slug}</h1>{guesses.form(catalog.resolve(slug))}</article>'
        page = shell.page(Content(f"{slug}.html", slug, "", body))
        (out / f"{slug}.html").write_text(page, encoding="utf-8")
    return out


def test_a_pointer_guesses_with_its_click_and_then_sees_what_was_measured(open_in, folder: Path):
    page = open_in(folder)(f"{CHOSEN}.html")
    told = page.locator(".guess details")
    assert told.is_hidden()
    wrong = next(i for i, choice in enumerate(asked(CHOSEN).choices) if not choice.right)
    page.locator(".guess .choice").nth(wrong).click()
    assert told.locator("p").is_visible()
    assert page.locator(".choice.wrong").count() == page.locator(".choice.right").count() == 1
    assert page.locator(".choice.right b").inner_text() == asked(CHOSEN).letter
    assert page.locator(".score").inner_text() == "Not quite. 0 of 1 guess right."
    assert told.locator("b").first.inner_text() == asked(CHOSEN).letter


def test_keys_walk_through_the_choices_and_only_enter_guesses(open_in, folder: Path):
    page = open_in(folder)(f"{CHOSEN}.html")
    button = page.get_by_role("button", name="Guess", exact=True)
    assert button.is_disabled()
    inputs = page.locator(".guess input")
    inputs.nth(0).focus()
    page.keyboard.press("Enter")  # nothing is chosen yet
    assert page.locator(".guess details").is_hidden()
    page.keyboard.press("Space")
    for _ in range(asked(CHOSEN).answer or 0):
        page.keyboard.press("ArrowDown")
    assert inputs.nth(asked(CHOSEN).answer).is_checked()
    assert page.locator(".guess details").is_hidden()
    page.keyboard.press("Enter")
    assert page.locator(".score").inner_text() == "Right. 1 of 1 guess right."
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    assert inputs.nth(0).is_disabled()


@pytest.mark.parametrize(("off", "right"), [(0.99, True), (-0.99, True), (1.01, False), (-1.01, False)])
def test_a_number_is_judged_as_in_the_terminal(open_in, folder: Path, off: float, right: bool):
    figure, within = asked(NUMBER).figure, asked(NUMBER).within
    assert figure is not None
    assert within is not None
    typed = figure + off * within
    assert asked(NUMBER).is_right(typed) is right
    page = open_in(folder)(f"{NUMBER}.html")
    page.locator(".guess input").fill(f"{100 * typed:.6f}%".replace(".", ","))
    page.locator(".guess input").press("Enter")
    assert page.locator(".score").inner_text().startswith("Right." if right else "Not quite.")
    assert page.locator(".guess details p").is_visible()


def test_what_is_no_number_cannot_be_sent(open_in, folder: Path):
    page = open_in(folder)(f"{NUMBER}.html")
    field, button = page.locator(".guess input"), page.get_by_role("button", name="Guess", exact=True)
    for word in ("", "many", "%", "1e999"):
        field.fill(word)
        field.press("Enter")
        assert button.is_disabled(), word
        assert page.locator(".guess details").is_hidden()
    field.fill("0.5")
    button.click()  # what a screen reader or a switch would press
    assert page.locator(".guess details p").is_visible()


def test_the_first_guess_is_kept_over_pages_until_all_are_forgotten(open_in, folder: Path):
    visit = open_in(folder)
    page = visit(f"{CHOSEN}.html")
    page.locator(".guess .choice").nth(asked(CHOSEN).answer).click()
    page = visit(f"{NUMBER}.html")
    page.locator(".guess input").fill("9")
    page.locator(".guess input").press("Enter")
    assert page.locator(".score").inner_text() == "Not quite. 1 of 2 guesses right."
    page.reload()
    assert page.locator(".guess input").input_value() == "9"
    assert page.locator(".guess input").is_disabled()
    assert page.locator(".guess details p").is_visible()
    kept = json.loads(page.evaluate("localStorage.getItem('atlas-guesses')"))
    assert kept[asked(NUMBER).id] == {"said": "9", "right": False}
    page.get_by_role("button", name="Forget all guesses").click()
    assert page.evaluate("localStorage.getItem('atlas-guesses')") is None
    assert page.locator(".guess details").is_hidden()
    page = visit(f"{CHOSEN}.html")
    assert page.locator(".guess details").is_hidden()


@pytest.mark.parametrize("held", ["nonsense", "[]", "3", '{"other": {"said": "a", "right": true}}'])
def test_what_others_left_there_does_no_harm(open_in, folder: Path, held: str):
    page = open_in(folder)(f"{CHOSEN}.html")
    page.evaluate("held => localStorage.setItem('atlas-guesses', held)", held)
    page.reload()
    page.locator(".guess .choice").nth(asked(CHOSEN).answer).click()
    assert page.locator(".score").inner_text().startswith("Right.")


@pytest.mark.parametrize("slug", [CHOSEN, NUMBER])
def test_on_paper_the_answer_stands_there(open_in, folder: Path, slug: str):
    page = open_in(folder)(f"{slug}.html", media="print")
    assert page.locator(".guess details p").is_visible()
    assert page.get_by_role("button", name="Guess", exact=True).is_hidden()


@pytest.mark.parametrize("slug", [CHOSEN, NUMBER])
def test_without_scripts_the_answer_stands_in_a_box_to_open(browser, folder: Path, slug: str):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((folder / f"{slug}.html").as_uri())
    told = page.locator(".guess details")
    assert asked(slug).letter not in told.inner_text().split()  # the summary gives nothing away
    page.locator(".guess summary").click()
    assert page.locator(".guess details p").is_visible()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("slug", [CHOSEN, NUMBER])
def test_axe_finds_no_fault_before_and_after(open_in, folder: Path, slug: str, scheme: str):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = open_in(folder)(f"{slug}.html", color_scheme=scheme)
    page.set_viewport_size({"width": 390, "height": 800})
    assert axe.run(page, None, {"preload": False}).response["violations"] == []
    if slug == CHOSEN:
        page.locator(".guess .choice").first.click()
    else:
        page.locator(".guess input").fill("0.5")
        page.locator(".guess input").press("Enter")
    assert axe.run(page, None, {"preload": False}).response["violations"] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_every_guess_makes_a_form_that_holds_its_answer_once():
    for topic in guess.asked():
        form, found = guesses.form(topic), guess.of(topic)
        assert found is not None
        assert form.count('data-right="1"') == (1 if found.choices else 0)
        assert ("data-figure" in form) == (not found.choices)
        assert all(f'value="{letter}"' in form for letter in LETTERS[: len(found.choices)])
