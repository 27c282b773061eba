"""A quiz in a browser: keys and pointer both answer, and neither by accident."""

from __future__ import annotations

from pathlib import Path

import pytest

from atlas_cli import catalog
from atlas_cli.pages import quiz
from atlas_cli.site import quizzes, shell

FAMILY = catalog.resolve_family("gan")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("quiz")
    content = quizzes.content(FAMILY)
    for path, text in (
        (content.path, shell.page(content)),
        (shell.STYLE, shell.asset("site.css")),
        (shell.SCRIPT, shell.script()),
    ):  # fmt: skip
        (out / path).parent.mkdir(exist_ok=True)
        (out / path).write_text(text, encoding="utf-8")
    return out


def test_arrow_keys_choose_and_only_enter_answers(open_in, folder: Path):
    page = open_in(folder)("gan/quiz.html")
    choices = page.locator(".question:visible input")
    answer = page.get_by_role("button", name="Answer")
    assert answer.is_disabled()
    choices.nth(0).focus()
    page.keyboard.press("Space")
    for place in (1, 2, 3):  # every choice can be reached
        page.keyboard.press("ArrowDown")
        assert choices.nth(place).is_checked()
    assert page.locator(".why").count() == 0
    right = quiz.load(FAMILY).questions[0].answer
    for _ in range((right - 3) % 4):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.locator(".score").inner_text() == "1 of 1 right"
    page.keyboard.press("Enter")  # the button has the focus, and leads on
    assert page.locator(".question:visible").get_attribute("id") == "q2"
    page.locator(".question:visible input").nth(0).focus()
    page.keyboard.press("Space")
    answer.click()  # what a screen reader or a switch would press
    assert page.locator(".why").count() > 1
    page.locator("h1").click()
    page.get_by_role("button", name="Next question").click()
    page.locator(".question:visible .choice").nth(0).click()  # a pointer answers at once
    assert "of 3 right" in page.locator(".score").inner_text()


def test_on_a_phone_the_question_stays_in_sight_when_it_is_answered(open_in, folder: Path):
    page = open_in(folder)("gan/quiz.html#q5")
    page.set_viewport_size({"width": 390, "height": 500})
    assert page.locator(".question:visible").get_attribute("id") == "q5"  # a link opens its question
    choice = page.locator(".question:visible .choice").first
    choice.scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    choice.click()
    page.wait_for_timeout(100)
    assert abs(page.evaluate("scrollY") - before) < 2
