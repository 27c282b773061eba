"""The small atlas, in place of the real one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

import atlas_cli.data
import atlas_cli.systems
from atlas_cli import catalog, config, paths
from atlas_cli.errors import UsageError
from tests.recipe.house import DATA, HEIR, PAIR, SMALL, SMOKE, SYSTEM, House


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """The small atlas, in place of the real one; the working folder is the user's."""
    recipes, own = tmp_path / "recipes", tmp_path / "own"
    files = {
        "systems/toys/__init__.py": "", "systems/toys/blob.py": SYSTEM,
        "systems/toys/heir.py": HEIR, "systems/toys/pair.py": PAIR, "data/toydata.py": DATA,
        "recipes/blob/small.yaml": SMALL, "recipes/blob/smoke.yaml": SMOKE,
    }  # fmt: skip
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    own.mkdir()
    monkeypatch.chdir(own)
    monkeypatch.setattr(atlas_cli.systems, "__path__", [str(tmp_path / "systems")])
    monkeypatch.setattr(atlas_cli.data, "__path__", [*atlas_cli.data.__path__, str(tmp_path / "data")])
    monkeypatch.setattr(paths, "recipes_dir", lambda: recipes)
    monkeypatch.setattr(catalog, "resolve", _resolve)
    monkeypatch.setattr(catalog, "resolve_any", _resolve)
    monkeypatch.setattr(catalog, "topics", _topics)
    _forget()
    yield House(recipes, own)
    _forget()
    sys.modules.pop("atlas_cli.systems.toys", None)
    vars(atlas_cli.systems).pop("toys", None)


def _resolve(name: str, command: str = "explain") -> SimpleNamespace:
    for topic in _topics():
        if name.lower() in (topic.slug, f"the {topic.slug}"):
            return topic
    raise UsageError(f"no topic is called {name!r}", f"did you mean: atlas {command} blob")


def _topics() -> tuple[SimpleNamespace, ...]:
    trained = [SimpleNamespace(slug=slug, family="toys", system="Blob") for slug in ("blob", "heir", "pair")]
    return (*trained, SimpleNamespace(slug="cloud", family="toys", system=None))


def _forget() -> None:
    """What was read from the files of another atlas."""
    config._source.cache_clear()
    atlas_cli.data.sources.cache_clear()
