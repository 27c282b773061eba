"""No measurement is typed on a finished page: what looks like one comes from a recipe, or stands in a list.

typed-numbers.yaml lists the others with the words around them and one reason each. A reason that begins with
[3] is "a figure of the page's third reference", and the sentence has to cite it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from atlas_cli import catalog, documents, paths
from atlas_cli.catalog import Family, Topic
from atlas_cli.engine.staleness import benches
from atlas_cli.pages import directives
from atlas_cli.recipe import recipes

LISTED: dict[str, dict[str, str]] = documents.parse(
    Path(__file__).with_name("typed-numbers.yaml").read_text(encoding="utf-8")
)
WORKED = {"A first contact", "Derivation"}  # arithmetic on the page, which tests/pages/test_worked_* redo
_OURS = re.compile(r"\b(?:measured|seeds?|recipes?|trained here|a run)\b")
_WORD = r"(?:two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|forty|fifty)"
_N = r"-?\d[\d,]*(?:\.\d+)?"
_MANY = rf"(?:{_N}|{_WORD})"
_UNIT = r"(?:times|seconds?|minutes?|hours?|milliseconds?|microseconds?|ms|MiB|KiB|bits?|nats?)"
_MEASUREMENT = re.compile(
    rf"(?<![\w.:/])(?:-?\d*\.\d+|{_N}\s?(?:%|percent|per cent)|{_MANY}(?:\s+to\s+{_MANY})?\s+{_UNIT}\b"
    rf"|(?:twice|half) as|\d+\s*:\s*\d+)(?!\w)"
)
_CELL = re.compile(rf"(?<=\|)\s*{_N}\s*(?=\|)")
_SILENT = re.compile(
    r"\A---\n.*?^---\n|^```.*?^```|\$\$.*?\$\$|(?<!\w)\$[^$]+\$(?!\d)|`[^`]*`|\{\{.*?\}\}|(?<=\])\([^)]*\)",
    re.MULTILINE | re.DOTALL,
)
_SENTENCE = re.compile(r"(?<=[.!?:])\s|\n\n|\n(?=\|)")
_DIRECTIVE = re.compile(r"\{\{\s*(?:figure|spread|gap|quotient)((?:\s+(?:[\w-]+/)?[\w-]+\.[\w.=-]+)+)\s*\}\}")


def finished() -> Iterator[tuple[str, Topic | Family, Path]]:
    """Every page that has a chapter, by family and file."""
    for family in catalog.families():
        for subject, path in [(family, family.path / "index.md"), *((t, t.path) for t in family.topics)]:
            if path.is_file() and "\n## " in path.read_text(encoding="utf-8"):
                yield f"{family.slug}/{path.stem}", subject, path


PAGES = list(finished())
DIAGRAMS = [
    (f"{path.parents[1].name}/diagrams/{path.stem}", path)
    for path in sorted(paths.content_dir().glob("*/diagrams/*.yaml"))
]


def sections(markdown: str) -> Iterator[tuple[str, str]]:
    """Title and running text of each section before the references; what is no text is cut out."""
    text = _SILENT.sub(lambda match: " " if "\n" not in match[0] else "\n", markdown)
    for part in re.split(r"^## ", text, flags=re.MULTILINE):
        title, _, body = part.partition("\n")
        if title.strip() != "References":
            yield title.strip(), body


def sentences(body: str) -> Iterator[str]:
    """Sentences and rows of tables without their heads, in one line each."""
    headless = re.sub(r"^\|.*\|\n(?=\|[-:| ]+\|$)", "\n", body, flags=re.MULTILINE)
    for sentence in _SENTENCE.split(headless):
        yield " ".join(sentence.split())


def typed(markdown: str) -> Iterator[tuple[str, str]]:
    """Whatever looks like a measurement, and its sentence."""
    for title, body in sections(markdown):
        for sentence in sentences(body):
            if title in WORKED and not _OURS.search(sentence):
                continue
            pattern = _CELL if sentence.startswith("|") else _MEASUREMENT
            for found in {*pattern.findall(sentence), *_MEASUREMENT.findall(sentence)}:
                yield found.strip(), sentence


def not_listed(markdown: str, listed: dict[str, str]) -> list[str]:
    """Those that no entry of the list covers."""
    return [
        f"{number} in: {sentence}"
        for number, sentence in typed(markdown)
        if not any(number in words and words in sentence for words in listed)
    ]


@pytest.mark.parametrize(("name", "path"), [(name, path) for name, _, path in PAGES], ids=lambda v: str(v))
def test_a_page_types_no_measurement(name: str, path: Path) -> None:
    assert not_listed(path.read_text(encoding="utf-8"), LISTED.get(name, {})) == []


@pytest.mark.parametrize(("name", "path"), DIAGRAMS, ids=lambda v: str(v))
def test_a_caption_types_none(name: str, path: Path) -> None:
    diagram = documents.parse(path.read_text(encoding="utf-8"))
    said = [step["say"] for step in diagram["steps"]] + [diagram.get("question") or ""]
    assert not_listed("\n\n".join(said), LISTED.get(name, {})) == []


@pytest.mark.parametrize(("name", "path"), [(n, p) for n, _, p in PAGES] + DIAGRAMS, ids=lambda v: str(v))
def test_the_list_is_needed_and_papers_are_cited(name: str, path: Path) -> None:
    found = list(typed(path.read_text(encoding="utf-8")))
    for words, reason in LISTED.get(name, {}).items():
        around = [sentence for number, sentence in found if number in words and words in sentence]
        assert around, f"{words!r} does not stand on the page any more"
        assert len(reason.split()) >= 2, f"{words!r} has no reason"
        if cited := re.match(r"\[(\d+)\]", reason):
            page = path.read_text(encoding="utf-8")
            assert any(cites(page, sentence, cited[1]) for sentence in around), f"{words!r} cites no {reason}"


def cites(markdown: str, sentence: str, number: str) -> bool:
    """Whether a sentence, or the one after it in its paragraph, names that reference."""
    flat = [" ".join(part.split()) for _, body in sections(markdown) for part in body.split("\n\n")]
    around = next(part for part in flat if sentence in part)
    after = around[around.index(sentence) :][: len(sentence) + 200]
    return any(number in found.split(", ") for found in re.findall(r"\[(\d+(?:, \d+)*)\]", after))


def test_the_list_names_pages_that_exist() -> None:
    assert set(LISTED) <= {name for name, *_ in PAGES} | {name for name, _ in DIAGRAMS}


@pytest.mark.parametrize(
    "planted",
    [
        "It reaches 0.93 here.", "It takes 40% less.", "It is three times as fast.", "After 12 seconds.",
        "A ratio of 3:1.", "| a | b |\n|---|---|\n| x | 17 |", "It is twice as fast.", "It keeps 44 MiB.",
    ],
)  # fmt: skip
def test_a_planted_measurement_is_found(planted: str) -> None:
    page = f"---\ntitle: a\n---\nText.\n\n## How it works\n\n{planted}\n\n## References\n\n1. A 0.5.\n"
    assert len(not_listed(page, {})) == 1
    assert (
        not_listed(page.replace(planted, "{{ figure small.loss }} `0.5` $0.5$ {{ table small: a }}"), {})
        == []
    )
    worked = page.replace("How it works", "A first contact")
    assert not_listed(worked, {}) == []
    assert len(not_listed(worked.replace(planted, "Measured here, by one run: 0.93 seeds."), {})) == 1


@pytest.mark.parametrize(
    ("name", "subject", "path"), PAGES, ids=lambda v: str(v) if isinstance(v, str) else ""
)
def test_every_figure_is_measured_or_a_row_that_verify_fills(
    name: str, subject: Topic | Family, path: Path
) -> None:
    for match in _DIRECTIVE.finditer(path.read_text(encoding="utf-8")):
        for figure in match[1].split():
            reference, _, key = figure.partition(".")
            topic, _, recipe = reference.rpartition("/")
            if directives.measured(topic or subject.slug, recipe, key) != directives.NOT_MEASURED:
                continue
            found = recipes.resolve(f"{topic or subject.slug}/{recipe}")
            kind, _, rest = key.partition(".")
            declared = kind == "vary" and any(rest.startswith(f"{row}.") for row in found.vary)
            assert declared or not found.measured, figure


def test_what_benchmarks_wrote_says_what_it_is_of() -> None:
    for path in benches():
        assert documents.parse(path.read_text(encoding="utf-8"))["of"]
