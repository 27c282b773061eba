"""The guess of a page: its answer is what the recipe measured, and nothing that the page has told already."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from atlas_cli import catalog, paths
from atlas_cli.catalog import Topic
from atlas_cli.errors import DataError
from atlas_cli.pages import compose, export, guess, source
from atlas_cli.pages.directives import NOT_MEASURED
from atlas_cli.pages.guess import Guess

ASKED = guess.asked()
FINISHED = [topic for topic in catalog.topics() if source.read_page(topic).sections]
_FIGURE = re.compile(r"(?:([\w-]+)/)?([\w-]+)\.([\w.=-]+)")
_TABLE = re.compile(r"\{\{\s*table\s+(?:([\w-]+)/)?([\w-]+):")


@pytest.fixture(params=ASKED, ids=lambda topic: topic.slug)
def topic(request: pytest.FixtureRequest) -> Topic:
    return request.param


def raw(topic: Topic) -> dict[str, Any]:
    """The guess as the file says it, read without the project's own reader."""
    return yaml.safe_load(topic.path.read_text(encoding="utf-8").split("---\n")[1])["guess"]


def measured(expression: str, topic: Topic) -> tuple[float, float, float]:
    """The mean, the least and the greatest that a figure, a gap or a quotient comes to over the seeds."""
    kind, *_ = expression.split()
    found = [of_recipe(match.groups(), topic) for match in _FIGURE.finditer(expression)]
    if kind not in ("gap", "quotient"):
        return found[0]
    (one, one_low, one_high), (other, low, high) = found
    if kind == "gap":
        return one - other, one_low - high, one_high - low
    return one / other, one_low / high, one_high / low


def of_recipe(named: tuple[str | None, ...], topic: Topic) -> tuple[float, float, float]:
    slug, recipe, name = named
    file = paths.recipes_dir() / (slug or topic.slug) / f"{recipe}.yaml"
    held = yaml.safe_load(file.read_text(encoding="utf-8"))["measured"]
    place, _, rest = str(name).partition(".")
    where: tuple[str, ...] = ()
    if place in ("without", "vary"):
        where, name = (place,), rest
    if place == "vary":
        row, _, name = str(name).rpartition(".")
        where = ("vary", row)
    value, ends = held, held
    for key in (*where, name):
        value = value[key]
    for key in ("spread" + "".join(f"_{part}" for part in where[:1]), *where[1:], name):
        ends = ends.get(key) if isinstance(ends, dict) else None
    return (value, *ends) if isinstance(ends, list) else (value, value, value)


def test_each_finished_topic_asks_for_one(topic: Topic) -> None:
    assert ASKED == FINISHED
    page = topic.path.read_text(encoding="utf-8")
    assert len(re.findall(r"^\{\{ guess \}\}$", page, re.MULTILINE)) == 1
    assert "Guess first" not in page


def test_the_answer_is_what_the_recipe_measured(topic: Topic) -> None:
    written, asked = raw(topic), guess.of(topic)
    assert asked is not None
    assert NOT_MEASURED not in asked.told
    if "figure" in written:
        assert asked.figure == pytest.approx(measured(written["figure"], topic)[0], rel=1e-12)
    if "choices" in written:
        figure = measured(written["figure"], topic)[0]
        inside = [e.get("from", -math.inf) <= figure < e.get("below", math.inf) for e in written["choices"]]
        assert [choice.right for choice in asked.choices] == inside
        assert inside.count(True) == 1
    for kind, choose in (("least", min), ("most", max)):
        if kind in written:
            figures = [measured(entry["figure"], topic)[0] for entry in written[kind]]
            best = figures.index(choose(figures))
            assert asked.answer == best
            assert asked.figure == pytest.approx(figures[best], rel=1e-12)


def test_no_seed_would_have_another_answer(topic: Topic) -> None:
    written, asked = raw(topic), guess.of(topic)
    assert asked is not None
    if "within" in written:
        _, low, high = measured(written["figure"], topic)
        assert asked.is_right(low)
        assert asked.is_right(high)
    elif "choices" in written:
        _, low, high = measured(written["figure"], topic)
        right = written["choices"][asked.answer]
        assert right.get("from", -math.inf) <= low <= high < right.get("below", math.inf)
    else:
        sign = 1 if "least" in written else -1
        ends = [measured(entry["figure"], topic)[1:] for entry in written.get("least") or written["most"]]
        worst = max(sign * end for end in ends[asked.answer])
        assert all(
            worst < min(sign * end for end in pair) for i, pair in enumerate(ends) if i != asked.answer
        )


def test_bounds_leave_no_gap_and_count_nothing_twice(topic: Topic) -> None:
    bounds = [
        (entry.get("from", -math.inf), entry.get("below", math.inf))
        for entry in raw(topic).get("choices", ())
    ]
    for (_, below), (above, _) in zip(sorted(bounds), sorted(bounds)[1:], strict=False):
        assert below == above
    if bounds:
        assert (min(bounds)[0], max(bounds)[1]) == (-math.inf, math.inf)


def figures_of(written: dict[str, Any]) -> Iterator[str]:
    entries = [written, *written.get("least", ()), *written.get("most", ())]
    for entry in entries:
        for match in _FIGURE.finditer(entry.get("figure", "")):
            yield match[0]


def test_the_page_has_not_told_the_answer_before_it_asks(topic: Topic) -> None:
    body = topic.path.read_text(encoding="utf-8").split("---\n", 2)[2]
    before = body.partition("{{ guess }}")[0]
    for figure in figures_of(raw(topic)):
        assert not re.search(rf"(?<![\w/]){re.escape(figure)}(?![\w.=-])", before), figure
        recipe = figure.partition(".")[0]
        assert all(
            (slug or topic.slug, name) != (topic.slug, recipe) for slug, name in _TABLE.findall(before)
        )


def lines_of(topic: Topic, answered: bool) -> str:
    lines = compose.compose(source.read_page(topic), 80, answered)
    return " ".join(" ".join(line.plain for line in lines).split())


def test_a_terminal_hides_the_answer_and_paper_shows_it(
    topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compose, "_diagram", lambda *_: [])
    asked = guess.of(topic)
    assert asked is not None
    watched, piped = lines_of(topic, answered=False), lines_of(topic, answered=True)
    told = f"Measured: {asked.letter} " if asked.letter else "Measured "
    first = asked.told.split("$")[0].split("{")[0][:40].replace("`", "").strip()
    assert f"atlas guess {topic.slug} " in watched
    assert told + first not in watched
    assert told + first in piped
    assert f"atlas guess {topic.slug} " not in piped
    markdown = export.as_markdown(source.read_page(topic))
    assert asked.told in markdown
    assert "{{" not in markdown.split("## References")[0]


def write(topic: Topic, tmp_path: Path, written: str) -> Topic:
    path = tmp_path / f"{topic.slug}.md"
    path.write_text(f"---\ntitle: a\n{written}\n---\nText.\n", encoding="utf-8")
    return topic._replace(path=path)


@pytest.mark.parametrize(
    "written",
    [
        "guess: {ask: a, told: b}\n",
        "guess: {ask: a, told: b, figure: small.judge_frechet, within: 1, most: []}\n",
        "guess: {ask: a, told: b, figure: small.judge_frechet plus 1, within: 1}\n",
        "guess: {ask: a, told: b, figure: small.seconds, choices: [{say: x, below: 1}, {say: y, below: 2}]}",
        "guess: {ask: a, told: b, figure: small.judge_frechet, choices: [{say: x}, {say: y}]}\n",
        "guess: {told: b, figure: small.judge_frechet, within: 1}\n",
    ],
)
def test_a_guess_that_cannot_be_judged_is_refused(written: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"ddpm.md, guess"):
        guess.of(write(catalog.resolve("ddpm"), tmp_path, written))


def test_what_is_not_measured_has_no_answer(tmp_path: Path) -> None:
    written = "guess: {ask: a, told: 'b {{ figure smoke.nothing }}', figure: smoke.nothing, within: 1}\n"
    asked = guess.of(write(catalog.resolve("ddpm"), tmp_path, written))
    assert asked == Guess("ddpm", "a", f"b {NOT_MEASURED}", within=1.0)
    chosen = written.replace("within: 1", "choices: [{say: x, below: 1}, {say: y, from: 1}]")
    asked = guess.of(write(catalog.resolve("ddpm"), tmp_path, chosen))
    assert asked is not None
    assert asked.answer is None
    assert guess.of(write(catalog.resolve("ddpm"), tmp_path, "")) is None


def test_a_guess_keeps_its_name_when_its_lines_are_broken_elsewhere(tmp_path: Path) -> None:
    ddpm = catalog.resolve("ddpm")
    asked = guess.of(ddpm)
    assert asked is not None
    assert guess.id_of(ddpm) == asked.id
    assert asked._replace(ask=asked.ask.replace(" ", "\n  ")).id == asked.id
    assert asked._replace(ask=asked.ask + "?").id != asked.id
