from pathlib import Path

import pytest

from atlas_cli import paths


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    monkeypatch.delenv("ATLAS_HOME", raising=False)
    monkeypatch.delenv("ATLAS_DATA", raising=False)


def test_atlas_home_overrides_the_cache(monkeypatch, tmp_path):
    assert paths.cache_dir().name.startswith("atlas-cli") or "atlas-cli" in paths.cache_dir().parts
    monkeypatch.setenv("ATLAS_HOME", str(tmp_path))
    assert paths.cache_dir() == tmp_path


def test_data_folder_is_the_option_then_the_variable_then_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("ATLAS_HOME", str(tmp_path))
    assert paths.data_dir() == tmp_path / "data"
    monkeypatch.setenv("ATLAS_DATA", str(tmp_path / "sets"))
    assert paths.data_dir() == tmp_path / "sets"
    assert paths.data_dir("elsewhere") == Path("elsewhere")
