"""A diagram's page in a frame of another document, as a notebook shows it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from atlas_cli import reading
from tests.chromium import browser as browser

_FRAME = re.compile(r"<iframe.*?</iframe>", re.DOTALL)
_WIDTH = 900


@pytest.fixture
def shown(browser: Any, tmp_path: Path) -> Iterator[Callable[[str], Any]]:
    """Opens a document with some HTML in it; in the end nothing was complained of."""
    complaints: list[str] = []
    page = browser.new_page(viewport={"width": _WIDTH, "height": 900})
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))

    def show(body: str) -> Any:
        file = tmp_path / "notebook.html"
        file.write_text(f"<!doctype html><meta charset=utf-8><body>{body}</body>", encoding="utf-8")
        page.goto(file.as_uri())
        return page

    yield show
    page.close()
    assert complaints == []


@pytest.mark.parametrize("name", ["min-max", "alternation"])  # one with knobs, one with steps
def test_it_is_alive_and_as_high_as_it_needs(shown: Callable[[str], Any], name: str) -> None:
    page = shown(reading.diagram("gan", name)._repr_html_())
    inside = page.frame_locator("iframe")
    inside.locator(".caption:not(:empty)").wait_for()
    before = inside.locator(".caption").inner_text()
    inside.locator("input[type=range], .next").first.press("ArrowRight")
    told = "document.querySelector('iframe').contentDocument.querySelector('.caption').innerText"
    page.wait_for_function(f"before => {told} !== before", arg=before)
    page.wait_for_timeout(600)  # until the address would be written
    body, frame = page.evaluate(
        "[document.querySelector('iframe').contentDocument.body.offsetHeight,"
        " document.querySelector('iframe').offsetHeight]"
    )
    assert abs(frame - body) <= 1
    assert not page.locator("body > img").is_visible()


def test_where_frames_are_taken_out_the_picture_is_left(shown: Callable[[str], Any]) -> None:
    page = shown(_FRAME.sub("", reading.diagram("gan", "min-max")._repr_html_()))
    assert page.locator("body > img").is_visible()
    assert page.evaluate("document.querySelector('img').naturalWidth") > 100
