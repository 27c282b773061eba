"""A browser for the site's pages; in the end no error was logged, and nothing but files asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chromium import browser as browser
from tests.conftest import WholeSite


@pytest.fixture
def visit(open_in: Callable[[Path], Callable[..., Any]], whole_site: WholeSite) -> Callable[..., Any]:
    """Opens a page of the whole site."""
    return open_in(whole_site.folder)


@pytest.fixture
def open_in(browser: Any) -> Iterator[Callable[[Path], Callable[..., Any]]]:
    """From a folder to what opens its pages, with keyword arguments of `emulate_media`."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    faults: list[str] = []

    def of_folder(folder: Path) -> Callable[..., Any]:
        def visit(path: str, **media: str) -> Any:
            page = context.new_page()
            page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
            page.on("pageerror", lambda error: faults.append(str(error)))
            own = ("file:", "data:", "blob:")  # a blob is the page's own, as a worker's source
            page.on("request", lambda r: None if r.url.startswith(own) else faults.append(r.url))
            if media:
                page.emulate_media(**media)
            page.goto((folder / path.partition("#")[0]).as_uri() + "".join(path.partition("#")[1:]))
            return page

        return visit

    yield of_folder
    context.close()
    assert faults == []
