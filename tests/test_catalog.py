"""The catalogue: names resolve, families read in order, and nothing heavy is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from atlas_cli import catalog
from atlas_cli.catalog import Family, Topic
from atlas_cli.errors import DataError, UsageError


@pytest.fixture
def own_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A content folder with one family, to write pages into."""
    (tmp_path / "content" / "fam").mkdir(parents=True)
    (tmp_path / "content" / "atlas.yaml").write_text(
        "families:\n- {slug: fam, title: A family, line: What it is.}\n", encoding="utf-8"
    )
    monkeypatch.setattr(catalog, "content_root", lambda: tmp_path / "content")
    _forget()
    yield tmp_path / "content" / "fam"
    _forget()


def _forget() -> None:
    for function in (catalog._atlas, catalog._topics_of, catalog._read_topic):
        function.cache_clear()


def _page(folder: Path, slug: str, **facts: object) -> None:
    basis = {
        "title": slug.upper(),
        "name": slug,
        "year": 2020,
        "authors": "A",
        "paper": "P",
        "idea": "An idea.",
    }
    folder.joinpath(f"{slug}.md").write_text(
        f"---\n{yaml.safe_dump(basis | facts)}---\nText.\n", encoding="utf-8"
    )


def test_there_are_twelve_families_numbered_from_one():
    assert [family.number for family in catalog.families()] == list(range(1, 13))


@pytest.mark.parametrize("topic", catalog.topics(), ids=lambda topic: topic.slug)
def test_every_name_of_a_topic_leads_to_it(topic: Topic):
    slugs = {catalog.normalise(t.slug) for t in catalog.topics()}
    for name in topic.names():
        if catalog.normalise(name) in slugs - {catalog.normalise(topic.slug)}:
            continue  # another topic's slug wins over this one's title
        assert catalog.resolve_any(name) == topic, name


def test_every_name_of_a_family_leads_to_it_unless_a_topic_has_taken_it():
    for family in catalog.families():
        for name in family.names():
            found = catalog.resolve_any(name)
            assert found == family or isinstance(found, Topic), (name, found)


@pytest.mark.parametrize(
    ("typed", "slug"),
    [
        ("selective scan", "mamba"),
        ("Selective_Scan", "mamba"),
        ("SELECTIVE-SCAN", "mamba"),
        ("3dgs", "gaussian-splatting"),
        ("rlhf", "rlhf"),
        ("mamba 2", "mamba2"),
        ("VQ VAE", "vq-vae"),
        ("2312.00752", "mamba"),
        ("  ddpm ", "ddpm"),
    ],
)
def test_capitals_blanks_hyphens_and_underscores_do_not_matter(typed: str, slug: str):
    assert catalog.resolve(typed).slug == slug


def test_where_a_family_and_a_topic_share_a_name_the_topic_wins_and_the_number_is_the_family():
    assert isinstance(catalog.resolve_any("gan"), Topic)
    assert isinstance(catalog.resolve_any("gans"), Family)
    assert catalog.resolve_any("6") == catalog.resolve_any("06") == catalog.resolve_family("gan")


@pytest.mark.parametrize(("typo", "meant"), [("mambo", "mamba"), ("selectiv", "mamba"), ("ddmp", "ddpm")])
def test_a_typo_gets_the_command_that_was_meant(typo: str, meant: str):
    with pytest.raises(UsageError) as caught:
        catalog.resolve(typo, "train")
    assert caught.value.hint.startswith(f"did you mean: atlas train {meant}")
    assert caught.value.code == 2


def test_at_most_three_suggestions_are_made():
    with pytest.raises(UsageError) as caught:
        catalog.resolve("mamb")
    assert caught.value.hint.count("atlas explain") <= 3


@pytest.mark.parametrize("name", ["xyzzy", "", "  ", "../ssm/mamba", "index", "ssm/mamba", "é", "\0"])
def test_a_name_like_nothing_known_gets_the_list(name: str):
    with pytest.raises(UsageError) as caught:
        catalog.resolve_any(name)
    assert "atlas" in caught.value.hint


def test_a_family_where_a_topic_is_wanted_names_its_topics():
    with pytest.raises(UsageError, match=r"diffusion is a family.*ddpm") as caught:
        catalog.resolve("diffusion", "train")
    assert caught.value.hint == "atlas train ddpm"


def test_a_topic_stands_after_what_it_builds_on(own_content: Path):
    _page(own_content, "early", year=2001, builds_on=["late"])
    _page(own_content, "late", year=2020)
    _page(own_content, "middle", year=2010)
    assert [topic.slug for topic in catalog.topics()] == ["middle", "late", "early"]


def test_place_overrides_the_year(own_content: Path):
    _page(own_content, "early", year=2001)
    _page(own_content, "late", year=2020, place=1)
    assert [topic.slug for topic in catalog.topics()] == ["late", "early"]


def test_a_circle_of_builds_on_still_lists_every_topic(own_content: Path):
    _page(own_content, "a", builds_on=["b"])
    _page(own_content, "b", builds_on=["a"])
    assert {topic.slug for topic in catalog.topics()} == {"a", "b"}


def test_a_page_without_a_needed_fact_is_named(own_content: Path):
    own_content.joinpath("bad.md").write_text("---\ntitle: Bad\n---\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"bad\.md lacks the fact 'name'"):
        catalog.resolve("bad")


@pytest.mark.parametrize("text", ["no block", "---\n- a list\n---\n", "---\na: [\n---\n"])
def test_a_page_without_facts_is_refused(text: str):
    with pytest.raises(DataError, match=r"page\.md"):
        catalog.split_front_matter(text, Path("page.md"))


def test_builds_on_names_topics_that_exist():
    slugs = {topic.slug for topic in catalog.topics()}
    for topic in catalog.topics():
        assert slugs.issuperset(topic.builds_on), topic.slug


def test_the_topics_to_try_first_exist():
    assert [catalog.resolve(suggestion.topic).slug for suggestion in catalog.first()] == [
        suggestion.topic for suggestion in catalog.first()
    ]


def test_runs_belong_to_the_topic_with_the_longest_fitting_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    for run in ("mamba-small-1", "mamba2-small-1", "reward-model-small-1"):
        (tmp_path / "runs" / run).mkdir(parents=True)
        (tmp_path / "runs" / run / "run.json").touch()
    (tmp_path / "runs" / "mamba-small-2").mkdir()  # no run.json: not a run
    assert catalog.runs_of(catalog.resolve("mamba")) == ("mamba-small-1",)
    assert catalog.runs_of(catalog.resolve("mamba2")) == ("mamba2-small-1",)


def test_a_system_module_follows_from_the_slug():
    assert catalog.system_module(catalog.resolve("vq-vae")) == "atlas_cli.systems.autoencoder.vq_vae"


def test_completion_offers_topics_and_families():
    assert catalog.complete_name("mam") == ["mamba", "mamba2"]
    assert "diffusion" in catalog.complete_name("d")
    assert catalog.complete_family("d") == ["diffusion"]


@pytest.mark.parametrize(
    "command",
    [
        "explain mamba",
        "explain ssm --json",
        "diagram mamba",
        "ls --tree",
        "ls --json",
        "code ddpm",
        "explain mamba -s tr",
    ],
)
def test_reading_imports_nothing_heavy(command: str):
    program = (
        "import sys; from atlas_cli.app import main\n"
        f"try: main({command.split()!r})\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "heavy = {'torch', 'pydantic', 'textual', 'matplotlib', 'numpy', 'pygments'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
