"""The map: twelve lanes, one a family, along the years; lines run from a system to what builds on it.

Inside its lane a topic keeps to the row of what it builds on where there is room, so that a line of descent
reads like a line of an underground map. Lines between families are drawn thin and behind.
"""

from __future__ import annotations

from collections import defaultdict
from html import escape
from typing import NamedTuple

from atlas_cli import catalog
from atlas_cli.catalog import Family, Topic
from atlas_cli.site.address import path_of
from atlas_cli.site.finished import is_finished

_YEAR = 82.0  # units from one year to the next
_LEFT = 208.0  # where the first year stands
_ROW = 27.0
_LANE_PAD = 10.0
_TOP = 34.0
_LETTER = 6.7  # units; a generous mean for labels of 12.5
_SAME_YEAR = 0.36  # years between a topic and one of the same year that builds on it
_LABEL_GAP = 8.0
_LABEL_START = 3.0  # left of its dot
_DOT = 4.2
_BRANCH = 30.0  # along the years, from one row to another
_CLEAR = 4.0  # so near its ends a branch is level
_NAME = (19.0, 4.0)  # from where to where a name stands above its dot


#: Where a line of descent begins that no topic tells of: the family's own page does.
ORIGIN = Topic(
    slug="transformer-2017", family="transformer", title="Transformer", name="Attention is all you need",
    year=2017, authors="Vaswani and others", paper="Attention Is All You Need", arxiv="1706.03762",
    idea="Attention alone, in place of recurrence: every token looks at all others at once.",
    path=catalog.content_root() / "transformer" / "index.md",
)  # fmt: skip
_CAME_OF_IT = ("gpt",)


class Station(NamedTuple):
    """A topic and its place."""

    topic: Topic
    x: float
    row: int
    y: float


class _Row:
    """What already stands in one row of a lane."""

    def __init__(self) -> None:
        self.labels: list[tuple[float, float]] = []
        self.dots: list[float] = []
        self.lines: list[tuple[float, float, str]] = []  # from, to, and which topic it comes from

    def takes(self, label: tuple[float, float], line: tuple[float, float, str] | None) -> bool:
        """Whether a label, and the line that leads to it, touch nothing here."""
        if any(a < label[1] and label[0] < b for a, b in self.labels):
            return False
        if any(a < label[0] < b for a, b, _ in self.lines):
            return False
        if line is None:
            return True
        start, end, source = line
        return not any(start + 1 < x < end - 1 for x in self.dots) and not any(
            a < end and start < b for a, b, other in self.lines if other != source
        )


def stations(years: range) -> list[Station]:
    """Every topic and its place, family by family."""
    placed: list[Station] = []
    top = _TOP
    for family in catalog.families():
        rows = _rows(family, years)
        height = max(rows.values()) + 1
        for topic in sorted(shown_of(family), key=lambda t: _x(t, years)):
            y = top + _LANE_PAD + (rows[topic.slug] + 0.72) * _ROW
            placed.append(Station(topic, _x(topic, years), rows[topic.slug], y))
        top += height * _ROW + 2 * _LANE_PAD
    return placed


def shown_of(family: Family) -> tuple[Topic, ...]:
    """The topics of a lane."""
    return (ORIGIN, *family.topics) if family.slug == ORIGIN.family else family.topics


def parents_of(topic: Topic) -> tuple[str, ...]:
    """What a topic builds on, the origin among it."""
    return (ORIGIN.slug, *topic.builds_on) if topic.slug in _CAME_OF_IT else topic.builds_on


def outline() -> tuple[float, float, str]:
    """The map without a word: its width and height, and its lines and dots."""
    years = _years()
    placed = stations(years)
    edges = _edges(placed, {station.topic.slug: station for station in placed})
    dots = (f'<g class="{kinds_of(s.topic)}">{_dot(s)}</g>' for s in placed)
    return max(s.x for s in placed) + 30, max(s.y for s in placed) + 30, "".join([*edges, *dots])


def draw() -> str:
    """The map as an SVG element whose links count from the site's root."""
    years = _years()
    placed = stations(years)
    by_slug = {station.topic.slug: station for station in placed}
    width = max(s.x + _label_width(s.topic) for s in placed) + 12
    lanes, bottom = _lanes(placed, width)
    parts = [*lanes, *_axis(years, bottom), *_edges(placed, by_slug), *map(_station, placed)]
    body = "\n".join(parts)
    return (
        f'<svg viewBox="0 0 {width:.0f} {bottom + 26:.0f}" role="group" '
        f'aria-label="Map of {len(placed)} topics by family and year">\n{body}\n</svg>'
    )


def _years() -> range:
    all_years = [topic.year for topic in catalog.topics()]
    return range(min(all_years), max(all_years) + 1)


def _rows(family: Family, years: range) -> dict[str, int]:
    """The row of each topic of a family, counted from the top of its lane."""
    rows: dict[int, _Row] = defaultdict(_Row)
    chosen: dict[str, int] = {}
    slugs = {topic.slug: topic for topic in shown_of(family)}
    for topic in sorted(shown_of(family), key=lambda t: _x(t, years)):
        x = _x(topic, years)
        parent = next((slugs[slug] for slug in parents_of(topic) if slug in chosen), None)
        line = (_x(parent, years), x, parent.slug) if parent else None
        label = (x - _LABEL_GAP, x + _label_width(topic))
        wished = chosen[parent.slug] if parent else 0
        row = min(
            (r for r in range(len(slugs)) if rows[r].takes(label, line)),
            key=lambda r: (abs(r - wished), r),
        )
        rows[row].labels.append(label)
        rows[row].dots.append(x)
        if line:
            rows[row].lines.append(line)
        chosen[topic.slug] = row
    return chosen


def _x(topic: Topic, years: range) -> float:
    """A topic stands at its year, a little later than what it builds on from the same year."""
    return _LEFT + _YEAR * (topic.year - years.start + _SAME_YEAR * _depth_in_year(topic))


def _depth_in_year(topic: Topic) -> int:
    same = [
        entry
        for entry in shown_of(_family_of(topic))
        if entry.slug in topic.builds_on and entry.year == topic.year
    ]
    return max((1 + _depth_in_year(entry) for entry in same), default=0)


def _label_width(topic: Topic) -> float:
    return len(topic.title) * _LETTER + 6


def _lanes(placed: list[Station], width: float) -> tuple[list[str], float]:
    parts = []
    top = _TOP
    for family in catalog.families():
        rows = 1 + max(s.row for s in placed if s.topic.family == family.slug)
        height = rows * _ROW + 2 * _LANE_PAD
        if family.number % 2:
            parts.append(
                f'<rect class="lane" x="0" y="{top:.0f}" width="{width:.0f}" height="{height:.0f}" rx="6"/>'
            )
        middle = top + height / 2
        parts.append(
            f'<a class="family" href="{path_of(family)}">'
            f'<text class="number" x="10" y="{middle + 4:.0f}">{family.number:02}</text>'
            f"{_family_name(family, middle)}</a>"
        )
        top += height
    return parts, top


def _family_name(family: Family, middle: float) -> str:
    """In two lines where it is long."""
    words, lines = family.title.split(), [""]
    for word in words:
        if len(lines[-1]) + len(word) > 19:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    first = middle + 4 - 8 * (len(lines) - 1)
    spans = (f'<tspan x="32" y="{first + 16 * i:.0f}">{escape(line)}</tspan>' for i, line in enumerate(lines))
    return f"<text>{''.join(spans)}</text>"


def _axis(years: range, bottom: float) -> list[str]:
    parts = []
    for year in years:
        x = _LEFT + _YEAR * (year - years.start)
        parts.append(
            f'<line class="grid" x1="{x:.0f}" x2="{x:.0f}" y1="{_TOP - 6:.0f}" y2="{bottom + 6:.0f}"/>'
        )
        for y in (_TOP - 13, bottom + 20):
            parts.append(f'<text class="year" x="{x:.0f}" y="{y:.0f}">{year}</text>')
    return parts


def _edges(placed: list[Station], by_slug: dict[str, Station]) -> list[str]:
    """Lines between families first, so that those within one lie over them."""
    pairs = [(by_slug[slug], station) for station in placed for slug in parents_of(station.topic)]
    pairs.sort(key=lambda pair: pair[0].topic.family == pair[1].topic.family)
    return [_edge(source, target, placed) for source, target in pairs]


def _edge(source: Station, target: Station, placed: list[Station]) -> str:
    within = source.topic.family == target.topic.family
    x1, y1, x2, y2 = source.x, source.y, target.x, target.y
    if within:  # branch where there is room, then run level to the target
        leave = _leave(source, target, placed)
        turn = min(x2, leave + _BRANCH)
        middle = (leave + turn) / 2
        level = f"H{leave:.1f}" if leave > x1 else ""
        curve = f"{level}C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {turn:.1f} {y2:.1f}H{x2:.1f}"
    else:
        bend = max(26.0, (x2 - x1) * 0.45)
        curve = f"C{x1 + bend:.1f} {y1:.1f} {x2 - bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    kind = "edge" if within else "edge across"
    ends = f'data-from="{source.topic.slug}" data-to="{target.topic.slug}"'
    return f'<path class="{kind}" {ends} d="M{x1:.1f} {y1:.1f}{curve}"/>'


def _leave(source: Station, target: Station, placed: list[Station]) -> float:
    """Where a line leaves the row of its source: as soon as no name is in its way to the other row."""
    family = [s for s in placed if s.topic.family == source.topic.family]
    ahead = [s.x for s in family if s.row == source.row and s.x > source.x]
    top, bottom = sorted((source.y, target.y))
    names = [
        (s.x - _LABEL_START, s.x + _label_width(s.topic))
        for s in family
        if s is not target and top < s.y - _NAME[1] and s.y - _NAME[0] < bottom
    ]
    x, end = source.x, min([target.x, *ahead])
    while x + _BRANCH <= end:
        if not any(left < x + _BRANCH - _CLEAR and x + _CLEAR < right for left, right in names):
            return x
        x += _CLEAR
    return source.x


def _family_of(topic: Topic) -> Family:
    return next(family for family in catalog.families() if family.slug == topic.family)


def _is_whole(topic: Topic) -> bool:
    """Whether a chapter tells of it."""
    return topic is ORIGIN or is_finished(topic)


def kinds_of(topic: Topic) -> str:
    """Filled where there is a chapter, hollow where there is none yet."""
    return "finished" if _is_whole(topic) else "planned"


def link_of(topic: Topic) -> str:
    """The page that tells of it."""
    return path_of(_family_of(topic) if topic is ORIGIN else topic)


def _dot(station: Station) -> str:
    return f'<circle class="station" cx="{station.x:.1f}" cy="{station.y:.1f}" r="{_DOT}"/>'


def _station(station: Station) -> str:
    topic = station.topic
    odd = " odd" if _family_of(topic).number % 2 else ""
    return (
        f'<a class="topic {kinds_of(topic)}{odd}" data-topic="{topic.slug}" href="{link_of(topic)}">'
        f"<title>{escape(topic.idea)}{'' if _is_whole(topic) else ' (to come)'}</title>{_dot(station)}"
        f'<text x="{station.x - _LABEL_START:.1f}" y="{station.y - 8:.1f}">{escape(topic.title)}</text></a>'
    )
