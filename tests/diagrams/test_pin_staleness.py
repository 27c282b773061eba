"""A pin is old once its recipe, the code behind it or its drawing changes: it is named, and still shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from atlas_cli import paths
from atlas_cli.commands import _stale
from atlas_cli.diagrams import deliver, gallery, networks, pinned, staleness
from atlas_cli.engine.staleness import code_hash
from atlas_cli.recipe import recipes

NAME = "gate"


@pytest.fixture
def pin(monkeypatch: pytest.MonkeyPatch) -> pinned.Pin:
    """A pin that is of today, whatever is shipped."""
    shown = gallery.anywhere(NAME)
    held = pinned.read(pinned.path(shown))
    recipe = recipes.resolve(held.origin.recipe, [f"train.seed={held.origin.seed}"])
    origin = held.origin._replace(hash=recipe.hash, code=code_hash(recipe))
    return held._replace(origin=origin, drawn_by=pinned.drawing(shown.unpinned))


def why(pin: pinned.Pin) -> list[str]:
    return [*staleness.of_origin(pin.origin), *staleness.of_drawing(gallery.anywhere(NAME), pin)]


def altered(monkeypatch: pytest.MonkeyPatch, ending: str, line: str = "added = 1") -> None:
    """A file of the atlas reads as if a line had been added to it."""
    text = Path.read_text
    monkeypatch.setattr(
        Path,
        "read_text",
        lambda p, *a, **k: text(p, *a, **k) + (f"\n{line}\n" if p.as_posix().endswith(ending) else ""),
    )


def test_one_of_today_is_not_old(pin: pinned.Pin):
    assert why(pin) == []


@pytest.mark.parametrize("changed", ["systems/ssm/mamba.py", "nets/scan.py", "data/tasks.py"])
def test_a_change_of_its_code_makes_it_old(pin: pinned.Pin, changed: str, monkeypatch: pytest.MonkeyPatch):
    altered(monkeypatch, changed)
    assert why(pin) == [
        f"the code of mamba or what it imports has changed since the run of {pin.origin.date}"
    ]


@pytest.mark.parametrize("changed", ["explorables/ssm/gate.py", "explorables/_of_text.py"])
def test_a_change_of_its_drawing_makes_it_old(pin: pinned.Pin, changed: str, monkeypatch: pytest.MonkeyPatch):
    altered(monkeypatch, changed)
    assert why(pin) == [f"what draws it has changed since the run of {pin.origin.date}"]


@pytest.mark.parametrize("changed", ["systems/gan/gan.py", "explorables/ssm/cost.py", "screen/lines.py"])
def test_a_change_elsewhere_does_not(pin: pinned.Pin, changed: str, monkeypatch: pytest.MonkeyPatch):
    altered(monkeypatch, changed)
    assert why(pin) == []


@pytest.mark.parametrize("changed", ["systems/ssm/mamba.py", "explorables/ssm/gate.py"])
def test_a_comment_does_not_either(pin: pinned.Pin, changed: str, monkeypatch: pytest.MonkeyPatch):
    altered(monkeypatch, changed, "# said in other words")
    assert why(pin) == []


def test_a_change_of_its_recipe_makes_it_old_whatever_stands_beside_it(
    pin: pinned.Pin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import shutil

    shutil.copytree(paths.recipes_dir(), tmp_path / "recipes")
    monkeypatch.setattr(paths, "recipes_dir", lambda: tmp_path / "recipes")
    base = tmp_path / "recipes" / "mamba" / "small.yaml"  # what mamba/parts is laid over
    text = base.read_text()
    base.write_text(text.replace("\nabout: ", "\nabout: In short, ", 1))
    assert why(pin) == []
    changed = text.replace("steps: 1200", "steps: 1201", 1)
    assert changed != text
    base.write_text(changed)
    assert why(pin) == [f"its recipe mamba/parts has changed since the run of {pin.origin.date}"]
    (tmp_path / "recipes" / "mamba" / "parts.yaml").unlink()
    (reason,) = why(pin)
    assert reason.startswith("its recipe mamba/parts cannot be read: ")


def test_the_list_names_it_and_it_is_still_drawn(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_stale, "stale", lambda recipe: [])
    monkeypatch.setattr(_stale, "stale_bench", lambda path: [])
    monkeypatch.setattr(staleness, "of_origin", lambda origin: ["changed"])
    told = _stale.found()
    assert "ssm/pinned/gate.json" in told
    assert f"transformer/pinned/gpt-small{networks.ENDING}" in told
    assert "The network: mamba/parts" in " ".join(
        deliver.document(gallery.anywhere(NAME), "text", (), None, "").split()
    )
