"""A browser for the site's pages; in the end no error was logged, and nothing but files asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from atlas_cli.site.build import build
from tests.chromium import browser as browser


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, common_home: Path) -> Path:
    """The whole site, built once."""
    with pytest.MonkeyPatch.context() as patch:  # not the user's cache: this runs before the tests' own
        patch.setenv("ATLAS_HOME", str(common_home))
        return build(tmp_path_factory.mktemp("site") / "out").folder


@pytest.fixture
def visit(open_in: Callable[[Path], Callable[..., Any]], site: Path) -> Callable[..., Any]:
    """Opens a page of it."""
    return open_in(site)


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
