"""The front page, and the page that lists the quizzes."""

from __future__ import annotations

from html import escape

from atlas_cli import catalog
from atlas_cli.catalog import Family, Topic
from atlas_cli.pages import quiz
from atlas_cli.site import map as lineage
from atlas_cli.site.address import HOME, QUIZZES, path_of, quiz_path
from atlas_cli.site.shell import Content

_ABOUT = (
    "Twelve families of modern AI and how they descend from one another: each system explained in plain "
    "words, and built small enough to train on a laptop."
)
_DOT = (
    '<svg width="12" height="12" viewBox="-6 -6 12 12" aria-hidden="true">'
    '<circle class="station" r="4.2"/></svg>'
)
_LINE = (
    '<svg width="26" height="8" viewBox="0 0 26 8" aria-hidden="true"><path class="{}" d="M0 4H26"/></svg>'
)


def home() -> Content:
    """The map of the twelve families."""
    edge, across = _LINE.format("edge"), _LINE.format("edge across")
    body = f"""<div class="hero">
<h1>An atlas of modern AI</h1>
<p class="under">{_ABOUT}</p>
</div>
<ul class="first" aria-label="Three places to start">
{"".join(map(_first, catalog.first()))}
</ul>
<section class="map" aria-labelledby="map-title">
<h2 id="map-title">What came from what</h2>
<p class="legend"><span class="trains">{_DOT}trains on a laptop</span> <span>{_DOT}page only</span>
<span>{edge}builds on it</span> <span>{across}builds on it, from another family</span></p>
{lineage.draw()}
</section>
<section aria-labelledby="families-title">
<h2 id="families-title">Twelve families</h2>
<p class="legend trains">{_DOT}trains on a laptop</p>
<ol class="families">
{"".join(map(_family, catalog.families()))}
</ol>
</section>"""
    return Content(HOME, "An atlas of modern AI", _ABOUT, body)


def quizzes() -> Content:
    """The list of quizzes."""
    rows = "".join(
        f"<li>{_named(family, quiz_path(family))}<p>{len(quiz.load(family).questions)} questions</p></li>"
        for family in quiz.families()
    )
    body = f"""<header><h1>Quizzes</h1>
<p class="under">Predict, diagnose, choose: every answer comes with its why.</p></header>
<ol class="families">
{rows}
</ol>"""
    return Content(
        QUIZZES, "Quizzes · atlas", "Questions that test understanding, with a why for each answer.", body
    )


def _first(suggestion: catalog.Suggestion) -> str:
    topic = catalog.resolve(suggestion.topic)
    return f'<li><a href="{path_of(topic)}"><b>{escape(topic.title)}</b>{escape(suggestion.why)}</a></li>\n'


def _family(family: Family) -> str:
    topics = "".join(map(_topic, family.topics))
    return f"<li>{_named(family, path_of(family))}<p>{escape(family.line)}</p><ol>{topics}</ol></li>\n"


def _named(family: Family, path: str) -> str:
    return f'<a href="{path}"><span class="number">{family.number:02}</span>{escape(family.title)}</a>'


def _topic(topic: Topic) -> str:
    trains = f'<span class="trains">{_DOT}</span>' if catalog.recipes_of(topic) else ""
    return (
        f'<li>{trains}<a href="{path_of(topic)}">{escape(topic.title)}</a> <small>{topic.year}</small></li>'
    )
