"""The map of the front page."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import combinations, pairwise

from atlas_cli import catalog
from atlas_cli.site import finished, rails
from atlas_cli.site import map as lineage

YEARS = lineage._years()
STATIONS = {station.topic.slug: station for station in lineage.stations(YEARS)}


def test_every_topic_stands_at_its_year_in_its_lane():
    assert set(STATIONS) == {topic.slug for topic in catalog.topics()} | {lineage.ORIGIN.slug}
    for station in STATIONS.values():
        assert 0 <= (station.x - STATIONS["vae"].x) / lineage._YEAR - (station.topic.year - 2013) < 1
    lanes = [[s.y for s in STATIONS.values() if s.topic.family == f.slug] for f in catalog.families()]
    assert all(max(above) < min(below) for above, below in pairwise(lanes))


def test_no_two_labels_overlap():
    for one, other in combinations(STATIONS.values(), 2):
        if one.y == other.y:
            left, right = sorted((one, other), key=lambda station: station.x)
            assert left.x + lineage._label_width(left.topic) <= right.x, (left.topic.slug, right.topic.slug)
        else:
            assert abs(one.y - other.y) >= lineage._ROW - 0.01


def test_what_builds_on_a_topic_stands_to_its_right_and_is_joined_to_it():
    svg = ET.fromstring(lineage.draw())
    drawn = {(edge.get("data-from"), edge.get("data-to")): edge for edge in svg.iter("path")}
    wanted = {(slug, topic.slug) for topic in catalog.topics() for slug in lineage.parents_of(topic)}
    assert set(drawn) == wanted
    for (source, target), edge in drawn.items():
        assert (
            STATIONS[source].x < STATIONS[target].x
            or STATIONS[source].topic.family != STATIONS[target].topic.family
        )
        x, y = map(float, re.findall(r"^M([\d.]+) ([\d.]+)[CH]", edge.get("d", ""))[0])
        assert (round(x), round(y)) == (round(STATIONS[source].x), round(STATIONS[source].y))


def test_no_level_line_runs_through_another_topic():
    for topic in catalog.topics():
        for slug in topic.builds_on:
            source, target = STATIONS[slug], STATIONS[topic.slug]
            if source.topic.family != topic.family:
                continue
            between = [
                s.topic.slug
                for s in STATIONS.values()
                if abs(s.y - target.y) < 1 and source.x + 30 < s.x < target.x - 1
            ]
            assert not between, (slug, topic.slug, between)


def test_a_branch_runs_through_no_name_where_there_is_room():
    svg = ET.fromstring(lineage.draw())
    crossed = []
    for edge in svg.iter("path"):
        source, target = STATIONS[str(edge.get("data-from"))], STATIONS[str(edge.get("data-to"))]
        room = target.x - source.x - lineage._label_width(source.topic)
        if source.topic.family != target.topic.family or source.y == target.y or room < 30:
            continue
        handle, _, _, _, end, _ = map(float, re.findall(r"[\d.]+", edge.get("d", "").split("C")[1])[:6])
        start = 2 * handle - end  # the handles stand in the middle of the branch
        for s in STATIONS.values():
            beside = s.x + lineage._label_width(s.topic) <= start + 4 or end - 4 <= s.x - 3
            over = s.y - 4 <= min(source.y, target.y) or s.y - 19 >= max(source.y, target.y)
            if s is not target and not beside and not over:
                crossed.append((source.topic.slug, target.topic.slug, s.topic.slug))
    assert crossed == []


def test_what_is_finished_is_marked_by_more_than_colour():
    svg = ET.fromstring(lineage.draw())
    marked = {a.get("data-topic") for a in svg.iter("a") if "finished" in a.get("class", "").split()}
    done = {topic.slug for topic in catalog.topics() if finished.is_finished(topic)}
    assert marked == done | {lineage.ORIGIN.slug}
    assert all(catalog.recipes_of(catalog.resolve(slug)) for slug in done)  # as the front page says


def test_the_map_of_a_phone_joins_every_topic_to_what_it_builds_on():
    for family in catalog.families():
        drawn, shown = ET.fromstring(rails.draw(family)), lineage.shown_of(family)
        slugs, pairs = {topic.slug for topic in shown}, rails.joined(shown)
        assert len(list(drawn.iter("path"))) == len(pairs)
        assert len(list(drawn.iter("li"))) == len(shown)
        assert len({(dot.get("cx"), dot.get("cy")) for dot in drawn.iter("circle")}) == len(shown)
        assert {target for _, target in pairs} == {t.slug for t in shown if slugs & {*lineage.parents_of(t)}}
    ssm = rails.joined(catalog.resolve_family("ssm").topics)
    assert ("mamba", "jamba") in ssm
    assert ("jamba", "zamba") in ssm
    assert ("mamba", "zamba") not in ssm  # it would run through jamba
