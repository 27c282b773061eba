"""Names as people type and paste them: what is no name is said to be none, in a line that can be read."""

import pytest

from atlas_cli import catalog, paths
from atlas_cli.errors import AtlasError, UsageError, cut, quoted
from atlas_cli.recipe.source import find
from atlas_cli.runs.find import find_run, open_run


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("d\u202edpm", "'d<U+202E>dpm', which holds U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("ddpm\0", "'ddpm<U+0000>'"),
        ("m\u0430mba", "which holds U+0430 CYRILLIC SMALL LETTER A"),
        ("\u017f4", "which holds U+017F LATIN SMALL LETTER LONG S"),
        ("ddpm\u200b", "which holds U+200B ZERO WIDTH SPACE"),
    ],
)
def test_a_name_that_only_looks_like_a_topics_is_none(name, shown):
    with pytest.raises(UsageError, match="no topic is called") as refused:
        catalog.resolve(name)
    assert shown in refused.value.what


@pytest.mark.parametrize("ref", ["ddpm//small", "/ddpm/small", "d\u202edpm/small", "ddpm\0/small"])
def test_a_recipe_is_not_found_by_a_name_that_is_not_its_own(ref):
    with pytest.raises(UsageError):
        find(ref)


@pytest.mark.parametrize("length", [300, 5_000])
@pytest.mark.parametrize(
    "use",
    [
        lambda name, _: catalog.resolve(name),
        lambda name, _: catalog.resolve_any(name),
        lambda name, _: catalog.resolve_family(name),
        lambda name, _: find(name),
        lambda name, _: find(f"{name}.yaml"),
        lambda name, _: find(f"ddpm/{name}"),
        lambda name, root: open_run(name, root),
        lambda name, root: find_run(name, root),
        lambda name, _: paths.data_dir(name),
    ],
)
def test_a_name_of_thousands_of_letters_is_refused_in_a_short_line(use, length, tmp_path):
    with pytest.raises(UsageError) as refused:
        use("a" * length, tmp_path)
    assert len(refused.value.what) < 200


@pytest.mark.parametrize("name", ["\0", "a\0b", "~nobody-is-called-this/x", "x" * 5000, "\ud800"])
def test_what_can_be_no_path_is_refused(name):
    with pytest.raises(AtlasError) as refused:
        paths.named(name)
    assert refused.value.code == 2


def test_a_list_of_problems_ends_at_twenty():
    assert cut(["a"] * 20) == ["a"] * 20
    assert cut(["a"] * 25) == [*["a"] * 20, "and 5 more"]
    assert cut(["a"] * 21, 1000)[-1] == "and 980 more"


def test_a_quoted_name_is_short_and_visible():
    assert quoted("a\x1b[31m") == "'a<U+001B>[31m'"
    assert len(quoted("a" * 1000)) == 62
