"""The map of a family for a narrow screen: its topics one below the other, joined by lines of descent."""

from __future__ import annotations

from html import escape

from atlas_cli import catalog
from atlas_cli.catalog import Family, Topic
from atlas_cli.site.map import kinds_of, link_of, parents_of, shown_of

ROW = 46  # pixels; assets/site.css makes a row of the list as high
_RAIL = 16  # from one column of dots to the next
_EDGE = 9
_DOT = 4.5


def draw(family: Family) -> str:
    """The lines, and beside them the list; links count from the site's root."""
    columns = columns_of(shown_of(family))
    places = {
        topic.slug: (_EDGE + _RAIL * columns[topic.slug], ROW * (i + 0.5))
        for i, topic in enumerate(shown_of(family))
    }
    lines = (_line(places[source], places[target]) for source, target in joined(shown_of(family)))
    dots = (
        f'<g class="{kinds_of(topic)}"><circle class="station" '
        f'cx="{places[topic.slug][0]}" cy="{places[topic.slug][1]}" r="{_DOT}"/></g>'
        for topic in shown_of(family)
    )
    width, height = 2 * _EDGE + _RAIL * max(columns.values()), ROW * len(shown_of(family))
    return (
        f'<div class="rails"><svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'aria-hidden="true">{"".join(lines)}{"".join(dots)}</svg>'
        f"<ol>{''.join(map(_row, shown_of(family)))}</ol></div>"
    )


def columns_of(topics: tuple[Topic, ...]) -> dict[str, int]:
    """A topic stands below what it builds on, unless another one has taken that place already."""
    columns: dict[str, int] = {}
    tips: list[str] = []  # the lowest topic of each column
    for topic in topics:
        free = [slug for slug in parents_of(topic) if slug in tips]
        if free:
            columns[topic.slug] = tips.index(free[-1])
            tips[columns[topic.slug]] = topic.slug
        else:
            columns[topic.slug] = len(tips)
            tips.append(topic.slug)
    return columns


def joined(topics: tuple[Topic, ...]) -> list[tuple[str, str]]:
    """What is drawn: each topic to what it builds on, but where the line would run through a third one."""
    columns, rows = columns_of(topics), {topic.slug: row for row, topic in enumerate(topics)}

    def is_clear(source: str, target: str) -> bool:
        column = max(columns[source], columns[target])
        return not any(
            columns[slug] == column and rows[source] < row < rows[target] for slug, row in rows.items()
        )

    pairs = [(slug, topic.slug) for topic in topics for slug in parents_of(topic) if slug in rows]
    return [pair for pair in pairs if is_clear(*pair)]


def _line(source: tuple[float, float], target: tuple[float, float]) -> str:
    (x1, y1), (x2, y2) = source, target
    if x1 == x2:
        return f'<path class="edge" d="M{x1} {y1}V{y2}"/>'
    turn = y2 if x2 < x1 else y1 + ROW / 2  # to the right at once, to the left at the end: past no other dot
    start = turn - ROW / 2
    return f'<path class="edge" d="M{x1} {y1}V{start}C{x1} {turn} {x2} {start} {x2} {turn}V{y2}"/>'


def _row(topic: Topic) -> str:
    others = [catalog.resolve(slug) for slug in topic.builds_on]
    named = ", ".join(escape(other.title) for other in others if other.family != topic.family)
    came = f'<span class="from">on {named}</span>' if named else ""
    kind = "" if kinds_of(topic) != "planned" else ' class="planned"'
    link = f'<a href="{link_of(topic)}">{escape(topic.title)}</a>'
    return f"<li{kind}>{link} <small>{topic.year}</small>{came}</li>"
