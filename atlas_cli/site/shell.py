"""What every page of the site has around its content; and one page alone, with all it needs inside."""

from __future__ import annotations

from functools import cache
from html import escape
from importlib import resources
from typing import NamedTuple
from urllib.parse import quote

from atlas_cli.site.address import GLOSSARY, HOME, QUIZZES, relative

STYLE = "assets/site.css"
SCRIPT = "assets/site.js"
INDEX = "assets/search-index.js"
DIAGRAM_STYLE, DIAGRAM_SCRIPT = "assets/diagram.css", "assets/diagram.js"
PREVIEW = "assets/preview.png"
SCRIPTS = (
    "base",
    "theme",
    "rank",
    "search",
    "lineage",
    "quiz",
    "guess",
    "page",
)  # in the order in which they are joined


# Before the first paint, so that no page flashes in the other colours.
_THEME = (
    "try{const t=localStorage.getItem('atlas-theme');if(t)document.documentElement.dataset.theme=t}catch{}"
)
_ICON = "data:image/svg+xml," + quote(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="13" '
    'fill="#fcfbf8" stroke="#24678f" stroke-width="4"/><circle cx="16" cy="16" r="5" fill="#ad4c1b"/></svg>'
)


class Content(NamedTuple):
    """What one page shows."""

    path: str  # from the site's root
    title: str
    about: str  # one sentence, for search engines and previews
    body: str
    aside: str = ""
    before: tuple[str, str] | None = None  # path and title of the page before it in reading order
    after: tuple[str, str] | None = None
    has_diagrams: bool = False
    contents: str = ""  # the way around the page on a phone, where there is no room beside it


def page(content: Content, url: str = "") -> str:
    """A whole page of the site.

    Args:
        content: What it shows.
        url: Where the site will stand, with a slash at its end, for previews elsewhere; "" is not known.
    """
    here = content.path
    styles = [STYLE, *([DIAGRAM_STYLE] if content.has_diagrams else [])]
    scripts = [SCRIPT, *([DIAGRAM_SCRIPT] if content.has_diagrams else [])]
    head = "\n".join(
        [
            *(f'<link rel="stylesheet" href="{relative(path, here)}">' for path in styles),
            f"<script>{_THEME}</script>",
            *(f'<script src="{relative(path, here)}" defer></script>' for path in scripts),
            _preview(here, url),
        ]
    )
    beside = " beside" if content.aside else ""
    body = (
        f"{_header(here)}\n{content.contents}\n"
        f'<div class="sheet{beside}">\n{content.aside}\n<main id="content">\n'
        f"{content.body}\n{_turn(content)}</main>\n</div>\n"
        "<footer>Made by <code>atlas site</code>. "
        "Figures under “measured here” were printed by runs of this code.</footer>"
    )
    return _document(content.title, content.about, head, body)


def alone(title: str, about: str, body: str, head: str = "") -> str:
    """One page in one file, which asks for nothing else."""
    head = f"<style>\n{asset('site.css')}</style>\n{head}"
    inside = f'<div class="sheet alone"><main id="content">\n{body}\n</main></div>'
    return _document(title, about, head, f"{inside}\n<script>\n{script()}</script>")


@cache
def script() -> str:
    """All scripts of the site as one, in a block of its own: none of their names meets a diagram's."""
    parts = (asset(f"scripts/{name}.js") for name in SCRIPTS)
    return '"use strict";\n{\n' + "\n".join(parts) + "}\n"


@cache
def asset(name: str) -> str:
    """The text of one of the site's own files."""
    return resources.files("atlas_cli.site").joinpath("assets", name).read_text(encoding="utf-8")


def _document(title: str, about: str, head: str, body: str) -> str:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<meta name="description" content="{escape(about)}">
<meta property="og:title" content="{escape(title)}">
<meta property="og:description" content="{escape(about)}">
<link rel="icon" href="{_ICON}">
{head}
</head>
<body>
<a class="skip" href="#content">Skip to the text</a>
{body}
</body>
</html>
"""


def _preview(here: str, url: str) -> str:
    """What a link to the page looks like elsewhere; most readers of it want a whole address."""
    picture = url + PREVIEW if url else relative(PREVIEW, here)
    address = f'<meta property="og:url" content="{escape(url + here)}">\n' if url else ""
    return (
        f'{address}<meta property="og:type" content="website">\n'
        f'<meta property="og:image" content="{escape(picture)}">\n'
        '<meta name="twitter:card" content="summary_large_image">'
    )


def _header(here: str) -> str:
    places = ((HOME, "Map"), (QUIZZES, "Quizzes"), (GLOSSARY, "Glossary"))
    links = " ".join(_place(path, title, here) for path, title in places)
    root = "../" * here.count("/")
    return f"""<header class="top">
<a class="brand" href="{relative(HOME, here)}">atlas</a>
<nav aria-label="Site">{links}</nav>
<form class="search" role="search" data-root="{root}" data-index="{relative(INDEX, here)}" hidden>
<input type="search" placeholder="Search  /" aria-label="Search the atlas" role="combobox" autocomplete="off"
 aria-autocomplete="list" aria-expanded="false" aria-controls="results">
<ul class="results" id="results" role="listbox" aria-label="Found" hidden></ul>
</form>
<button type="button" class="theme" hidden></button>
</header>"""


def _place(path: str, title: str, here: str) -> str:
    current = ' aria-current="page"' if path == here else ""
    return f'<a href="{relative(path, here)}"{current}>{title}</a>'


def _turn(content: Content) -> str:
    """Links to the page before and the page after."""
    links = [
        f'<a class="{way}" rel="{way}" href="{relative(target[0], content.path)}"><small>{label}</small>'
        f"{escape(target[1])}</a>"
        for way, label, target in (
            ("prev", "Previous", content.before), ("next", "Next", content.after),
        )
        if target
    ]  # fmt: skip
    return f'<nav class="turn" aria-label="Previous and next page">{"".join(links)}</nav>\n' if links else ""
