"""The whole site: links, anchors, well-formed pages, nothing from the network."""

from __future__ import annotations

import json
import posixpath
import re
import shutil
import xml.etree.ElementTree as ET
from collections import Counter
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

from atlas_cli import catalog
from atlas_cli.diagrams import gallery
from atlas_cli.errors import UsageError
from atlas_cli.pages import glossary, quiz
from atlas_cli.pages.source import read_page
from atlas_cli.site import figures, finished
from atlas_cli.site.address import path_of, quiz_path
from atlas_cli.site.article import unplaced
from atlas_cli.site.build import build
from atlas_cli.site.single import document
from tests.conftest import WholeSite

pytestmark = pytest.mark.usefixtures("at_common_home")

VOID = {"meta", "link", "br", "hr", "input", "img"}
_MATH = re.compile(r"<math.*?</math>", re.DOTALL)


class Reader(HTMLParser):
    """Collects what a page names and checks that every element is closed."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__()
        self.path, self.open, self.ids = path, [], Counter()
        self.links: list[str] = []  # of <a>
        self.resources: list[str] = []  # what a browser loads by itself
        self.turn: dict[str, str] = {}
        self.tags: Counter[str] = Counter()
        self.feed(text)
        assert not self.open, (path, self.open)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags[tag] += 1
        self.ids.update([given["id"]] if "id" in given else [])
        if tag == "a":
            self.links.append(given["href"])
            self.turn |= {given["rel"]: given["href"]} if "rel" in given else {}
        else:
            self.resources += [given[name] for name in ("href", "src", "action") if name in given]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, (self.path, tag)


FILES: dict[str, str] = {}


@pytest.fixture(scope="module", autouse=True)
def _whole(whole_site: WholeSite) -> None:
    for path in whole_site.folder.rglob("*.*"):
        if path.suffix != ".png" and not path.name.startswith("."):
            FILES[path.relative_to(whole_site.folder).as_posix()] = path.read_text(encoding="utf-8")


def files() -> dict[str, str]:
    """Every text file of the whole site by its path."""
    return FILES


@cache
def pages() -> dict[str, Reader]:
    return {path: Reader(path, text) for path, text in files().items() if path.endswith(".html")}


def resolve(link: str, here: str) -> tuple[str, str]:
    """Path and fragment that a relative link leads to."""
    path, _, fragment = link.partition("#")
    fragment = fragment.partition("?")[0]  # then come the knobs of a figure
    return (posixpath.normpath(posixpath.join(posixpath.dirname(here), path)) if path else here), fragment


def test_every_family_topic_and_quiz_has_a_page_with_one_title():
    wanted = {path_of(entry) for entry in (*catalog.families(), *catalog.topics())}
    wanted |= {quiz_path(family) for family in quiz.families()} | {"index.html", "quiz.html", "glossary.html"}
    assert set(pages()) == wanted
    for path, page in pages().items():
        assert page.tags["h1"] == page.tags["main"] == 1, path


def test_no_line_under_a_title_repeats_it():
    for path, text in files().items():
        found = re.search(r'<h1>(.*?)</h1>\n<p class="under">(.*?)</p>', text)
        assert not found or found[1].casefold() != found[2].casefold(), path


def test_every_link_leads_to_a_page_and_every_anchor_to_a_place():
    for here, page in pages().items():
        for link in page.links:
            if link.startswith("https://"):
                continue
            path, fragment = resolve(link, here)
            assert path in pages(), (here, link)
            assert not fragment or pages()[path].ids[fragment], (here, link)


def test_no_address_is_used_twice_on_a_page():
    for path, page in pages().items():
        assert max(page.ids.values(), default=1) == 1, (path, page.ids.most_common(1))


def test_no_page_asks_the_network_for_anything():
    for here, page in pages().items():
        for resource in page.resources:
            there = resolve(resource, here)[0]
            assert resource.startswith("data:") or there in files(), (here, resource)
    for path, text in files().items():
        if path.startswith("assets/") and "index" not in path:
            assert not re.search(r"https?:|@import|url\(|fetch\(|XMLHttp|WebSocket|sendBeacon", text), path


def test_every_formula_is_well_formed():
    formulas = [formula for text in files().values() for formula in _MATH.findall(text)]
    assert len(formulas) > 50
    for formula in formulas:
        assert ET.fromstring(formula).tag == "math"


def test_previous_and_next_lead_through_every_page_in_reading_order():
    here, seen = path_of(catalog.families()[0]), []
    while True:
        seen.append(here)
        after = pages()[here].turn.get("next")
        if after is None:
            break
        target = resolve(after, here)[0]
        assert resolve(pages()[target].turn["prev"], target)[0] == here
        here = target
    assert (
        len(seen) == len(set(seen)) == len(pages()) - 3
    )  # the front page, the list of quizzes and the glossary stand apart
    topics = [path_of(topic) for topic in catalog.topics()]
    assert [path for path in seen if path in topics] == topics


def test_search_leads_to_pages_sections_diagrams_and_questions():
    script = files()["assets/search-index.js"]
    entries = json.loads(script.removeprefix("window.atlasIndex = ").rstrip().removesuffix(";"))
    for _, address, _, _, _, text in entries:
        path, fragment = resolve(address, "index.html")
        assert not fragment or pages()[path].ids[fragment], address
        assert "</" not in text, address
    found = {(kind, address): names for kind, address, _, _, names, _ in entries}
    assert "selective scan" in found["page", "ssm/mamba.html"]
    assert ("section", "diffusion/ddpm.html#try-it") in found
    assert ("diagram", "diffusion/ddpm.html#diffusion-noising") in found
    assert ("question", "gan/quiz.html#q1") in found
    assert {("page", path_of(topic)) for topic in catalog.topics()} <= found.keys()


def test_a_word_leads_to_its_explanation_and_shows_it():
    page = files()["gan/gan.html"]
    assert page.count('href="../glossary.html#word-logit"') == 1
    assert f'title="{glossary.find("logit").says}"' in page
    assert pages()["glossary.html"].ids["word-logit"] == 1


def test_a_page_that_stands_alone_ends_with_its_words():
    text = document(read_page(catalog.resolve("gan")))
    reader = Reader("gan", text)
    assert "#word-logit" in reader.links
    assert all(reader.ids[link[1:]] == 1 for link in reader.links if link.startswith("#"))
    assert "glossary.html" not in text


def test_every_diagram_stands_on_the_page_of_its_first_topic():
    for family in catalog.families():
        for shown in gallery.diagrams_of(family):
            on = [path for path, page in pages().items() if page.ids[f"{family.slug}-{shown.name}"]]
            assert f"{family.slug}/{shown.topics[0]}.html" in on
            on = [path for path in on if path != f"{family.slug}/index.html"]  # which may show it as well
            assert len(on) == 1 or hasattr(shown, "steps"), (shown.name, on)


def test_a_written_page_opens_with_a_diagram_and_proves_sentences_with_the_others():
    """None are left in a heap at the end."""
    for topic in catalog.topics():
        page, text = read_page(topic), files()[path_of(topic)]
        lead = figures.lead(topic)
        assert not (page.sections and unplaced(page)), topic.slug
        assert not lead or text.index(f"-{lead}") < text.index(
            'class="lead"' if page.opening else "</article>"
        )
        assert ('class="diagram opening"' in text) == bool(lead)
    for family in catalog.families():
        page, text = read_page(family), files()[path_of(family)]
        assert ('class="diagram opening"' in text) == bool(page.sections), family.slug
        assert not page.sections or text.index('class="diagram opening"') < text.index('class="lead"')
        assert text.count('class="pointer"') == bool(page.sections)
    assert figures.lead(catalog.resolve("gan")) == "training-film"
    assert figures.lead(catalog.resolve("controlnet")) == "controlnet"


def test_a_command_that_draws_a_diagram_leads_to_it():
    s4, family = files()["ssm/s4.html"], files()["ssm/index.html"]
    assert '<a href="s4.html#ssm-hippo"><code>atlas diagram s4 hippo</code></a>' in s4
    assert '<a href="mamba.html#ssm-cost"><code>atlas diagram cost</code></a>' in family
    assert 'href="mamba.html#ssm-selective-scan?gate=1"><code>atlas diagram mamba selective-scan' in family
    assert "<a href" not in re.findall(r"<pre.*?</pre>", s4, re.DOTALL)[-1]  # a block is for copying
    run = "<code>atlas diagram gpt attention-heads --run latest</code>"
    assert run in files()["transformer/index.html"]
    assert f">{run}</a>" not in files()["transformer/index.html"]


def test_what_is_not_written_leads_to_the_nearest_that_is():
    for topic in catalog.topics():
        near = finished.nearest(topic)
        assert near is not None
        assert finished.is_finished(near)
    assert finished.nearest(catalog.resolve("llava")).slug == "clip"
    assert finished.nearest(catalog.resolve_family("flow")).family in ("flow", "diffusion")
    text = files()["vlm/llava.html"]
    assert "not written yet. The nearest that is finished: <a href=" in text
    assert "atlas explain llava" not in text
    family = files()["vlm/index.html"]
    assert family.index("not written yet") < family.index('<ol class="topics">')  # before what is to come


def test_a_diagram_of_a_run_is_drawn_from_its_pin_and_named_for_a_run_of_ones_own():
    page = files()["diffusion/ddpm.html"]
    assert "atlas diagram ddpm noise-path --run latest" in page
    assert 'id="diffusion-noise-path"' in page
    assert figures.lead(catalog.resolve("ddpm")) == "noise-path"
    assert 'id="diffusion-noising"' in page  # in the text, where it proves a sentence


def test_a_network_is_a_script_that_one_page_names_and_no_page_loads():
    shown = [e for family in catalog.families() for e in gallery.explorables_of(family) if e.network]
    for explorable in shown:
        script = f"assets/{explorable.network}.js"
        assert files()[script].startswith('atlasNetwork({"source":')
        naming = [path for path, text in files().items() if f"/{script}" in text]
        assert naming == [path_of(catalog.resolve(explorable.topics[0]))]
        assert not any(script in " ".join(page.resources) for page in pages().values())


def test_no_page_is_larger_than_400_kb():
    sizes = {path: len(text.encode()) for path, text in files().items() if path.endswith(".html")}
    assert {path: size for path, size in sizes.items() if size > 400_000} == {}


def test_a_quiz_page_works_without_a_script():
    family = quiz.families()[0]
    text = files()[quiz_path(family)]
    questions = quiz.load(family).questions
    assert text.count("<details>") == text.count('class="question"') == len(questions)
    assert text.count('data-right="1"') == len(questions)
    asked = re.findall(r"</legend>\n(.*?)<details>", text, re.DOTALL)
    shown = [re.findall(r'<label class="choice"( data-right)?', choices) for choices in asked]
    assert [right.index(" data-right") for right in shown] == [question.answer for question in questions]


def test_a_second_build_replaces_the_first_and_leaves_other_files_alone(
    tmp_path: Path, whole_site: WholeSite
):
    out = tmp_path / "site"
    shutil.copytree(whole_site.folder, out)
    stale, own = out / "gan" / "gone.html", out / "CNAME"
    stale.write_text("old")
    own.write_text("atlas.example")
    mark = out / ".atlas-site"
    mark.write_text(mark.read_text() + "gan/gone.html\n../outside.txt\n")
    outside = tmp_path / "outside.txt"
    outside.write_text("not ours")
    assert build(out) == (out, whole_site.said["pages"], whole_site.said["bytes"])
    assert not stale.exists()
    assert own.read_text() == "atlas.example"
    assert outside.read_text() == "not ours"


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(UsageError, match="not a site of the atlas"):
        build(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("name", ["ddpm", "mamba", "gan", "rlhf", "vlm"])
def test_one_page_alone_needs_nothing_else(name: str):
    text = document(read_page(catalog.resolve_any(name)))
    page = Reader(name, text)
    assert {resource[:5] for resource in page.resources} == {"data:"}
    for link in page.links:
        assert link.startswith("https://") or page.ids[link.removeprefix("#")], link
    assert len(text.encode()) < 400_000
