"""Pages as they lie in content/: sections, figures, exports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len

from atlas_cli import catalog
from atlas_cli.errors import UsageError
from atlas_cli.pages import directives, export, source

CHAPTER = """Opening with {{ figure small.loss }}.

## What it is

Text.

```markdown
## not a heading
```

## How it works

It reaches {{ figure small.accuracy }} in {{ figure ddpm/small.seconds }} seconds ({{ figure full.loss }}).

{{ diagram mamba-block }}

## How it is trained

Patiently.
"""


MEASURED = """
system: x
measured:
  loss: 1.5
  seeds: [1, 2, 3]
  without: {loss: 3.0}
  spread: {loss: [1.25, 1.75]}
  spread_without: {loss: [2.9, 3.1]}
  vary: {guidance=1.5: {loss: 2.0}, two words: {loss: 2.5}}
  spread_vary: {guidance=1.5: {loss: [1.9, 2.1]}, two words: {loss: [2.4, 2.6]}}
"""


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> source.Page:
    """A chapter of mamba with recipes beside it."""
    for topic, measured in (("mamba", "{accuracy: 0.98765, nested: {a: 2}}"), ("ddpm", "{seconds: 170}")):
        (tmp_path / topic).mkdir()
        (tmp_path / topic / "small.yaml").write_text(f"system: x\nmeasured: {measured}\n", encoding="utf-8")
    monkeypatch.setattr(directives.paths, "recipes_dir", lambda: tmp_path)
    directives._recipe.cache_clear()
    path = tmp_path / "mamba.md"
    path.write_text(f"---\ntitle: Mamba\n---\n{CHAPTER}", encoding="utf-8")
    yield source.read_page(catalog.resolve("mamba")._replace(path=path))
    directives._recipe.cache_clear()


def test_sections_are_cut_at_headings_outside_code(page: source.Page):
    assert [section.title for section in page.sections] == ["What it is", "How it works", "How it is trained"]
    assert "## not a heading" in page.sections[0].markdown


def test_figures_are_what_the_recipe_measured(page: source.Page):
    assert "It reaches 0.988 in 170 seconds (not yet measured)." in page.sections[1].markdown
    assert page.opening == "Opening with not yet measured."
    assert directives.measured("mamba", "small", "nested.a") == "2"
    assert directives.measured("mamba", "small", "accuracy.deeper") == directives.NOT_MEASURED


@pytest.mark.parametrize("typed", ["How it works", "how-it-works", "HOW IT W"])
def test_a_section_is_found_by_name_and_beginning(page: source.Page, typed: str):
    only = page.only(typed)
    assert [section.title for section in only.sections] == ["How it works"]
    assert only.opening == ""


@pytest.mark.parametrize(
    ("typed", "found"),
    [("A part", "A part"), ("another", "Another part"), ("how it", "How it works"), ("a pa", "A part")],
)
def test_a_part_of_a_section_is_found_too_and_sections_come_first(typed: str, found: str):
    works = "Text.\n\n### A part\n\nOf it.\n\n```sh\n### no heading\n```\n\n### Another part\n\nMore."
    sections = (source.Section("How it works", works), source.Section("Use", "### How it is not\n\nNo."))
    (only,) = source.Page(catalog.resolve("mamba"), "", sections).only(typed).sections
    assert only.title == found
    if found == "A part":
        assert only.markdown == "Of it.\n\n```sh\n### no heading\n```"


@pytest.mark.parametrize(
    ("typed", "meant"), [("How it workd", "How it works"), ("how", "How it works"), ("zzz", "What it is")]
)
def test_a_wrong_section_gets_the_nearest_one(page: source.Page, typed: str, meant: str):
    with pytest.raises(UsageError, match="What it is, How it works") as caught:
        page.only(typed)
    said = "for example" if typed == "zzz" else "did you mean"
    assert caught.value.hint == f'{said}: atlas explain mamba --section "{meant}"'


def test_a_page_without_a_chapter_says_so():
    page = source.Page(catalog.resolve("zamba"), "Text.", ())
    with pytest.raises(UsageError, match="the chapter on zamba is not written yet"):
        page.only("How it works")


def test_a_family_without_an_index_has_its_line_once_and_its_topics():
    from atlas_cli.pages.compose import compose

    family = catalog.resolve_family("ssm")
    page = source.Page(family, "", ())
    assert source.read_page(catalog.Family("nowhere", "Nowhere", "A line.", 1)).opening == ""
    text = " ".join(" ".join(line.plain for line in compose(page, 78)).split())
    assert text.count(family.line) == 1
    assert all(topic.slug in text for topic in family.topics)
    assert export.as_markdown(page).startswith(f"# {family.title}\n\n{family.line}")


def test_facts_leave_out_what_is_not_known():
    topic = catalog.resolve("mamba")._replace(cost=None, replaces="s4")
    facts = source.facts_of(topic)
    assert "Cost" not in facts
    assert facts["Replaces"] == "s4"
    assert facts["Read it"] == "https://arxiv.org/abs/2312.00752"


def test_markdown_has_the_facts_and_a_drawing_in_place(page: source.Page):
    text = export.as_markdown(page)
    assert text.startswith("# Mamba\n\n## Quick facts\n\n- **Idea:** ")
    assert "```text\n" in text
    assert "selective scan" in text
    assert "{{" not in text


@pytest.fixture
def turned() -> source.Page:
    """A page that places an explorable of another topic of its family, and one that a pinned run draws."""
    page = source.read_page(catalog.resolve("ddpm"))
    return page._replace(opening="A.\n\n{{ diagram sampler }}\n\n{{ diagram noise-path }}\n\nB.")


def test_explorables_stand_in_the_text_of_every_format(turned: source.Page):
    from atlas_cli.pages.compose import compose
    from atlas_cli.site.single import document

    for width in (78, 92):
        lines = [line.plain for line in compose(turned, width)]
        assert max(map(cell_len, lines)) <= width + 2
        text = " ".join(" ".join(lines).split())
        assert "The denoiser is perfect here" in text
        assert "The network: ddpm/" in text
    markdown = export.as_markdown(turned)
    assert "The denoiser is perfect here" in markdown
    assert "The network: ddpm/" in " ".join(export.as_dict(turned)["summary"].split())
    html = document(turned)
    assert 'id="diffusion-sampler"' in html
    assert 'id="diffusion-noise-path"' in html


def test_an_explorable_needs_no_torch_where_a_page_shows_it(turned: source.Page):
    """Not even at the first reading: what it shows first is shipped."""
    script = (
        "import sys; from atlas_cli import catalog; from atlas_cli.pages import source, compose;"
        "page = source.read_page(catalog.resolve('ddpm'))._replace(opening={!r});"
        "compose.compose(page, 78); print('torch' in sys.modules)"
    )
    ran = [
        subprocess.run(
            [sys.executable, "-c", script.format(opening)], check=True, capture_output=True, text=True
        ).stdout.strip()
        for opening in ("No diagram.", turned.opening, turned.opening)
    ]
    assert ran == ["False", "False", "False"]


def test_a_document_for_scripts(page: source.Page):
    document = export.as_dict(page)
    assert (document["topic"], document["family"], document["chapter"]) == ("mamba", "ssm", True)
    assert document["facts"]["year"] == 2023
    assert [section["title"] for section in document["sections"]][1] == "How it works"
    assert document["diagrams"][:2] == ["mamba-block", "two-views"]  # stepped ones first
    family = export.as_dict(source.read_page(catalog.resolve_family("ssm")))
    assert (family["topic"], family["family"]) == (None, "ssm")
    assert "mamba" in family["topics"]


@pytest.mark.parametrize("topic", catalog.topics(), ids=lambda topic: topic.slug)
def test_every_page_of_the_atlas_renders_at_every_width(topic: catalog.Topic):
    from atlas_cli.pages.compose import compose

    for width in (40, 78, 92):
        lines = [line.plain for line in compose(source.read_page(topic), width)]
        assert any("{{" in line for line in lines) is False
        assert max(map(cell_len, lines)) <= width + 2  # an accent over a letter takes no column


@pytest.fixture
def filled(page: source.Page, tmp_path: Path):
    """Fills the figures of a text on the page of mamba, whose recipe `many` has seeds and rows."""
    (tmp_path / "mamba" / "many.yaml").write_text(MEASURED, encoding="utf-8")
    (tmp_path / "mamba" / "once.yaml").write_text(
        "measured: {loss: 1.5, spread: {loss: [1.5, 1.5]}, seconds: 7, seeds: 1}\n", encoding="utf-8"
    )
    return lambda text: directives.fill_figures(text, catalog.resolve("mamba"))


@pytest.mark.parametrize(
    ("directive", "text"),
    [("figure many.loss", "1.5"), ("figure many.without.loss", "3"),
     ("figure many.vary.guidance=1.5.loss", "2"), ("spread many.loss", "1.25 to 1.75"),
     ("spread many.without.loss", "2.9 to 3.1"),
     ("spread many.vary.guidance=1.5.loss", "1.9 to 2.1"), ("spread many.other", directives.NOT_MEASURED),
     ("gap many.without.loss many.loss", "1.5"), ("quotient many.without.loss many.loss", "2"),
     ("gap mamba/many.loss many.other", directives.NOT_MEASURED), ("figure once.loss", "1.5 (one seed)"),
     ("figure once.seconds", "7"), ("gap many.loss once.loss", "0 (one seed)"),
     ("quotient once.seconds many.loss", "4.67"), ("spread once.loss", "1.5 (one seed)")],
)  # fmt: skip
def test_spreads_gaps_and_rows_are_named_like_figures(filled, directive: str, text: str):
    assert filled(f"a {{{{ {directive} }}}} b") == f"a {text} b"


def test_a_table_holds_the_run_its_ablation_and_every_row(filled):
    assert filled("{{ table many: loss as bits a byte, other }}").splitlines() == [
        "|  | bits a byte | other |",
        "|---|---|---|",
        "| as the recipe says | 1.5 (1.25 to 1.75) | - |",
        "| without the idea | 3 (2.9 to 3.1) | - |",
        "| guidance = 1.5 | 2 (1.9 to 2.1) | - |",
        "| two words | 2.5 (2.4 to 2.6) | - |",
    ]


def test_a_table_of_one_seed_says_so_and_has_no_spreads(filled, tmp_path: Path):
    text = "measured: {loss: 1.5, spread: {loss: [1.5, 1.5]}, seeds: [1]}\n"
    (tmp_path / "mamba" / "once.yaml").write_text(text, encoding="utf-8")
    lines = filled("{{ table once: loss }}").splitlines()
    assert lines == ["| one seed | loss |", "|---|---|", "| as the recipe says | 1.5 |"]


def test_a_cell_says_once_what_every_seed_gave(filled, tmp_path: Path):
    text = "measured: {loss: 1.5, spread: {loss: [1.5, 1.5001]}, seeds: [1, 2, 3]}\n"
    (tmp_path / "mamba" / "same.yaml").write_text(text, encoding="utf-8")
    assert filled("{{ table same: loss }}").splitlines()[2:] == ["| as the recipe says | 1.5 |"]


def test_rows_of_one_seed_beside_a_run_of_three_say_so(filled, tmp_path: Path):
    few = MEASURED.replace("seeds: [1, 2, 3]", "seeds: [1, 2, 3]\n  vary_seeds: [1]")
    (tmp_path / "mamba" / "many.yaml").write_text(few, encoding="utf-8")
    assert filled("{{ figure many.vary.guidance=1.5.loss }}") == "2 (one seed)"
    assert filled("{{ figure many.loss }}, {{ figure many.without.loss }}") == "1.5, 3"
    assert filled("{{ table many: loss }}").splitlines()[2:] == [
        "| as the recipe says | 1.5 (1.25 to 1.75) |",
        "| without the idea | 3 (2.9 to 3.1) |",
        "| guidance = 1.5, one seed | 2 |",
        "| two words, one seed | 2.5 |",
    ]
