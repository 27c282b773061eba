"""A change of a system's file, of what it imports or of its data makes figures stale; nothing else does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from atlas_cli import paths
from atlas_cli.commands import _stale
from atlas_cli.engine import staleness
from atlas_cli.engine.staleness import code_files, code_hash, hash_of, stale, stale_bench
from atlas_cli.recipe import recipes
from atlas_cli.recipe.recipes import Recipe


def measured(**fields: object) -> Recipe:
    recipe = recipes.resolve("ddim/small")
    figures = dict.fromkeys(recipe.expect, 1.0) | {"date": "2026-11-30", "code": code_hash(recipe), **fields}
    figures = {name: value for name, value in figures.items() if value is not None}
    return recipe.model_copy(update={"variants": {}, "measured": figures})


def test_the_files_are_those_of_the_system_its_nets_its_metrics_and_its_data() -> None:
    names = {path.relative_to(staleness._PACKAGE).as_posix() for path in code_files(measured())}
    assert names >= {
        "systems/diffusion/ddim.py", "systems/diffusion/ddpm.py", "systems/diffusion/sampler.py",
        "nets/unet.py", "metrics/judge.py", "metrics/frechet.py",
        "data/images.py", "data/strokes.py", "data/stroke_skeletons.py",
    }  # fmt: skip
    assert not any(name.startswith(("engine/", "systems/gan", "commands/")) for name in names)


@pytest.mark.parametrize("changed", ["systems/diffusion/ddim.py", "nets/unet.py", "data/strokes.py"])
def test_a_change_of_one_of_them_makes_the_figures_stale(
    changed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = measured()
    assert stale(recipe) == []
    read = Path.read_text

    def altered(path: Path, *args: object, **kwargs: object) -> str:
        text = read(path, *args, **kwargs)  # type: ignore[arg-type]
        return text + "\nx = 1\n" if path.as_posix().endswith(changed) else text

    monkeypatch.setattr(Path, "read_text", altered)
    assert stale(recipe) == ["the code of ddim or what it imports has changed since 2026-11-30"]


def test_a_change_elsewhere_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, read = measured(), Path.read_text
    monkeypatch.setattr(
        Path,
        "read_text",
        lambda p, *a, **k: read(p, *a, **k) + ("\nx = 1\n" if "systems/gan" in p.as_posix() else ""),
    )
    assert stale(recipe) == []


def test_a_claim_that_was_never_measured_is_named() -> None:
    name = next(n for n in measured().expect if not n.endswith(("_ratio", "_gain")))
    assert stale(measured(**{name: None})) == [f"never measured: {name}"]


def test_a_row_that_was_never_measured_is_named() -> None:
    recipe = measured()
    varied = recipe.model_copy(update={"variants": {"eta=1": recipe}})
    assert stale(varied) == ["never measured: eta=1"]
    assert stale(varied.model_copy(update={"measured": {**recipe.measured, "vary": {"eta=1": {}}}})) == []


def test_figures_of_a_benchmark_are_stale_when_what_it_measured_changes(tmp_path: Path) -> None:
    path, of = tmp_path / "speed.yaml", ["atlas_cli.nets.scan"]
    text = "of: [atlas_cli.nets.scan]\nmeasured: {code: CODE, date: '2026-11-30'}\n"
    path.write_text(text.replace("CODE", hash_of(of)))
    assert stale_bench(path) == []
    path.write_text(text.replace("CODE", "sha256:0"))
    assert stale_bench(path) == ["the code of atlas_cli.nets.scan has changed since 2026-11-30"]
    assert hash_of(of) != hash_of([*of, "atlas_cli.nets.ssd"])


def test_the_list_names_what_is_old_and_only_that(monkeypatch: pytest.MonkeyPatch) -> None:
    old = {"gpt/small", "ssm/measured/scan-speed.yaml"}
    monkeypatch.setattr(_stale, "stale", lambda recipe: ["changed"] if recipe.name in old else [])
    monkeypatch.setattr(_stale, "stale_bench", lambda path: ["changed too"])
    monkeypatch.setattr(_stale.staleness, "stale", list)  # of what is pinned,
    monkeypatch.setattr(_stale.films, "found", list)  # filmed
    monkeypatch.setattr(_stale.worked, "files_of", lambda content: [])  # or worked, nothing is looked at
    monkeypatch.setattr(_stale, "benches", lambda: [paths.content_dir() / "ssm/measured/scan-speed.yaml"])
    assert _stale.found() == {"gpt/small": ["changed"], "ssm/measured/scan-speed.yaml": ["changed too"]}


def test_an_old_section_is_read_and_said_to_be_old() -> None:
    assert stale(measured(code=None)) == [
        "measured on 2026-11-30, before the code was noted beside the figures"
    ]
    assert stale(recipes.resolve("ddim/smoke")) == []  # nothing is claimed
    assert stale(measured().model_copy(update={"measured": {}})) == ["never measured"]


def test_asking_needs_no_torch() -> None:
    code = (
        "import sys; from atlas_cli.engine.staleness import stale; from atlas_cli.recipe import recipes; "
        "print(stale(recipes.resolve('gpt/small'))); assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_words_may_change_and_what_is_computed_may_not() -> None:
    source = (
        '"""A file."""\n\nx = 1  # one\n\n\ndef f(y: int):\n    """Add."""\n    return "a # b" + str(y)\n'
    )
    reworded = '"""Another\nword."""\nx = 1\n# a line\ndef f(y: int):\n    return "a # b" + str(y)\n'
    assert staleness.computed(source) == staleness.computed(reworded)
    for old, new in (("x = 1", "x = 2"), ("a # b", "a # c"), ("return", "yield")):
        assert staleness.computed(source) != staleness.computed(source.replace(old, new))
