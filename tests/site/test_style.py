"""The site's style sheet beside that of the diagrams, which stand on its pages."""

from __future__ import annotations

import re
from pathlib import Path

from atlas_cli import site
from atlas_cli.diagrams.web import page as web_page
from atlas_cli.site import shell

SCRIPTS = [
    *Path(site.__file__).parent.glob("assets/scripts/*.js"),
    *Path(web_page.__file__).parent.glob("assets/scripts/*.js"),
]
SHEET = Path(site.__file__).parent / "assets" / "site.css"
_CLASS = re.compile(r"\.([a-z][\w-]*)")


def test_no_rule_of_the_site_reaches_into_a_diagram():
    """The marks of a scatter once took the look of the map's stations, for both were called `dot`."""
    ours = set(_CLASS.findall(web_page.head().partition("</style>")[0]))
    sheet = re.sub(r"/\*.*?\*/", "", shell.asset("site.css"), flags=re.DOTALL)
    selectors = [part.strip() for group in re.findall(r"([^{}]+)\{", sheet) for part in group.split(",")]
    bare = [selector for selector in selectors if re.fullmatch(r"\.([\w-]+)", selector)]
    assert not {selector for selector in bare if selector[1:] in ours} - {".atlas-diagram"}


def test_nodes_of_sketches_and_of_block_diagrams_have_rules_of_their_own():
    sheet = re.sub(r"/\*.*?\*/", "", web_page.head().partition("</style>")[0], flags=re.DOTALL)
    selectors = [part.strip() for group in re.findall(r"([^{}]+)\{", sheet) for part in group.split(",")]
    nodes = [selector for selector in selectors if re.search(r"\.(node|edge|layer)\b", selector)]
    assert any(selector.startswith(".explorable ") for selector in nodes)
    assert all(selector.startswith((".blocks", ".explorable ", ".stepped ")) for selector in nodes)


def test_a_word_that_is_explained_looks_like_the_text_around_it():
    """In lists of topics such words once had the letters of the topics' names."""
    rules = re.findall(r"^(\.topics a[^{]*)\{([^}]*)\}", SHEET.read_text(encoding="utf-8"), re.MULTILINE)
    lettered = [selector for selector, body in rules if "font" in body]
    assert lettered
    assert all(":not(.term)" in selector for selector in lettered)


def test_every_script_is_small_and_named_where_it_is_joined():
    assert all(len(path.read_text(encoding="utf-8").splitlines()) < 350 for path in SCRIPTS)
    named = {*shell.SCRIPTS, *web_page.SCRIPTS, "live", "loading"}
    assert {path.stem for path in SCRIPTS} == named


def test_every_colour_that_a_diagram_names_is_there():
    """A name that is nowhere paints black."""
    sheet = web_page.style()
    used, made = set(re.findall(r"var\((--d-[\w-]+)\)", sheet)), set(re.findall(r"(--d-[\w-]+):", sheet))
    assert used <= made
