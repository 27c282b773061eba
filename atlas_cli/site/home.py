"""The front page, and the page that lists the quizzes."""

from __future__ import annotations

from html import escape
from typing import NamedTuple

from atlas_cli import catalog
from atlas_cli.catalog import Family
from atlas_cli.diagrams import gallery
from atlas_cli.diagrams.frames import Explorable
from atlas_cli.diagrams.web import page as web_page
from atlas_cli.pages import quiz
from atlas_cli.site import map as lineage
from atlas_cli.site import rails
from atlas_cli.site.address import HOME, QUIZZES, path_of, quiz_path
from atlas_cli.site.finished import is_finished
from atlas_cli.site.shell import Content

_DOT = (
    '<svg width="12" height="12" viewBox="-6 -6 12 12" aria-hidden="true">'
    '<circle class="station" r="4.2"/></svg>'
)
_LINE = (
    '<svg width="26" height="8" viewBox="0 0 26 8" aria-hidden="true"><path class="{}" d="M0 4H26"/></svg>'
)


class _Miniature(NamedTuple):
    """A panel of an explorable that moves by itself on the front page, and what it is to promise."""

    family: str
    name: str
    knob: str
    every: int  # how many values of the knob make one of the miniature
    says: str


_MINIATURES = (
    _Miniature(
        "diffusion", "noising", "t", 4,
        "A digit drowns in noise. A network that learns the way back, one small step at a time, draws digits "
        "from noise alone.",
    ),
    _Miniature(
        "ssm", "selective-scan", "gate", 1,
        "A memory of fixed size learns, token by token, what to write down and what to let pass.",
    ),
    _Miniature(
        "gan", "training-film", "step", 1,
        "Two networks play a game: one places points, the other tells them from real ones, until nobody can.",
    ),
)  # fmt: skip


def _about() -> str:
    topics = catalog.topics()
    done = sum(map(is_finished, topics))
    rest = f"; {len(topics) - done} more stand on the map, and are to come" if done < len(topics) else ""
    return (
        f"Twelve families of modern AI and how they descend from one another. {done} systems are finished so "
        f"far: explained in plain words, and built small enough to train on a laptop{rest}."
    )


def home() -> Content:
    """The map of the twelve families."""
    edge, across = _LINE.format("edge"), _LINE.format("edge across")
    legend = f'<span class="finished">{_DOT}finished</span> <span class="planned">{_DOT}to come</span>'
    body = f"""<div class="hero">
<h1>An atlas of modern AI</h1>
<p class="under">{_about()}</p>
</div>
<ul class="first" aria-label="Three places to start">
{"".join(map(_first, _MINIATURES))}
</ul>
<section class="map" aria-labelledby="map-title">
<h2 id="map-title">What came from what</h2>
<p class="legend">{legend}
<span>{edge}builds on it</span> <span>{across}builds on it, from another family</span></p>
{lineage.draw()}
</section>
<section aria-labelledby="families-title">
<h2 id="families-title">Twelve families</h2>
<p class="legend narrow">{legend}</p>
<ol class="families">
{"".join(map(_family, catalog.families()))}
</ol>
</section>"""
    return Content(HOME, "An atlas of modern AI", _about(), body, has_diagrams=True)


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


def _first(small: _Miniature) -> str:
    shown = gallery.find(catalog.resolve_family(small.family), small.name)
    assert isinstance(shown, Explorable)
    topic = catalog.resolve(shown.topics[0])
    moving = web_page.miniature(shown, small.knob, small.every)
    return (
        f'<li>{moving}<div><a href="{path_of(topic)}">{escape(topic.title)}</a>'
        f"<p>{escape(small.says)}</p></div></li>\n"
    )


def _family(family: Family) -> str:
    done = sum(map(is_finished, family.topics))
    state = (
        "finished"
        if done == len(family.topics)
        else f"{done} of {len(family.topics)} finished"
        if done
        else ""
    )
    badge = f'<small class="state">{state or "to come"}</small>'
    kind = "" if done else ' class="planned"'
    named = _named(family, path_of(family))
    return f"<li{kind}>{named} {badge}<p>{escape(family.line)}</p>{rails.draw(family)}</li>\n"


def _named(family: Family, path: str) -> str:
    return f'<a href="{path}"><span class="number">{family.number:02}</span>{escape(family.title)}</a>'
