"""A browser for pages of one diagram; in the end no error was logged, and nothing but files asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from atlas_cli.diagrams.web import page as web_page
from tests.chromium import browser as browser


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens the page of a diagram, with keyword arguments of `new_context`."""
    complaints: list[str] = []
    contexts = []

    def open_page(shown: Any, **options: Any) -> Any:
        file = tmp_path / f"{shown.name}.html"
        file.write_text(web_page.page(shown), encoding="utf-8")
        contexts.append(browser.new_context(viewport={"width": 1280, "height": 1400}, **options))
        page = contexts[-1].new_page()
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request", lambda r: None if r.url.startswith(("file:", "data:")) else complaints.append(r.url)
        )
        page.goto(file.as_uri())
        if options.get("java_script_enabled", True):
            page.wait_for_selector(".caption:not(:empty)")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="module")
def bench(browser: Any) -> Iterator[Any]:
    """An empty page in which the names of the diagrams' script can be called: `atlas.between(...)`."""
    names = ("between", "EASE_MS", "TOOLS", "linksOf", "cellSays")
    page = browser.new_page()
    page.evaluate("() => { document.body.innerHTML = '<figure></figure>'; }")
    page.add_script_tag(
        content=f"{web_page.script().rstrip().removesuffix('}')}window.atlas = {{ {', '.join(names)} }};\n}}"
    )
    yield page
    page.close()
