"""The shelf: what is kept comes back as it was, or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from atlas_cli import documents, paths, shelf

FILES = ("atlas_cli/a.py", "content/ssm/mamba.md", "content/ssm/diagrams/x.yaml", "recipes/m/small.yaml")
ANSWER = {"out": "é─▶\n", "pages": False, "n": [1, 2.5, None]}


def entries() -> list[Path]:
    return sorted(shelf.folder().iterdir())


def test_an_answer_comes_back_under_its_mark_and_under_no_other():
    shelf.put("slot", "mark", ANSWER)
    assert shelf.get("slot", "mark") == ANSWER
    assert shelf.get("slot", "another mark") is None
    assert shelf.get("another slot", "mark") is None


def test_a_slot_holds_its_latest_answer_alone():
    for i in range(5):
        shelf.put("slot", f"mark {i}", i)
    assert len(entries()) == 1
    assert [shelf.get("slot", f"mark {i}") for i in range(5)] == [None, None, None, None, 4]


def test_no_damage_goes_unnoticed():
    shelf.put("slot", "mark", ANSWER)
    (entry,) = entries()
    whole = entry.read_bytes()
    for i in range(len(whole)):
        entry.write_bytes(whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1 :])
        assert shelf.get("slot", "mark") is None, i
        entry.write_bytes(whole[:i])
        assert shelf.get("slot", "mark") is None, i
    shelf.put("slot", "mark", ANSWER)
    assert shelf.get("slot", "mark") == ANSWER


def test_where_nothing_can_be_written_nothing_is_kept_and_nothing_fails(tmp_path: Path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ATLAS_HOME", str(tmp_path / "file"))
    shelf.put("slot", "mark", ANSWER)
    assert shelf.get("slot", "mark") is None


def test_an_unreadable_entry_is_none(monkeypatch):
    shelf.put("slot", "mark", ANSWER)
    (entry,) = entries()
    entry.unlink()
    entry.mkdir()
    assert shelf.get("slot", "mark") is None
    shelf.put("slot", "mark", ANSWER)  # it cannot take the folder's place, and that is no fault


def test_the_oldest_make_room(monkeypatch):
    monkeypatch.setattr(shelf, "MOST_ENTRIES", 8)
    for i in range(30):
        shelf.put(f"slot {i}", "mark", i)
        path = shelf.folder() / shelf.digest(str(shelf._PACKAGE), f"slot {i}")
        os.utime(path, (1000 + i, 1000 + i))  # a second apart, whatever the file system's clock
    assert len(entries()) <= 8
    assert [shelf.get(f"slot {i}", "mark") for i in (0, 10, 27, 28, 29)] == [None, None, 27, 28, 29]


def test_what_killed_processes_left_is_swept_up_and_what_lives_is_not(monkeypatch):
    shelf.put("slot", "mark", ANSWER)
    old, young = (shelf.folder() / f"{shelf._TEMPORARY}{n}-x" for n in (1, 2))
    for path in (old, young):
        path.write_text("half")
    os.utime(old, (1, 1))
    shelf.put("other", "mark", ANSWER)
    assert not old.exists()
    assert young.exists()


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An atlas of four files."""
    for name in (
        "atlas_cli/a.py",
        "content/ssm/mamba.md",
        "content/ssm/diagrams/x.yaml",
        "recipes/m/small.yaml",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("text")
    monkeypatch.setattr(shelf, "_PACKAGE", tmp_path / "atlas_cli")
    monkeypatch.setattr(paths, "content_dir", lambda: tmp_path / "content")
    monkeypatch.setattr(paths, "recipes_dir", lambda: tmp_path / "recipes")
    return tmp_path


@pytest.mark.parametrize("name", FILES)
def test_the_mark_changes_with_every_file_even_where_size_and_time_stay(house: Path, name: str):
    before, file = shelf.atlas_mark(), house / name
    assert shelf.atlas_mark() == before
    stat = file.stat()
    file.write_text("next")  # as long as before
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    changed = shelf.atlas_mark()
    assert changed != before
    file.unlink()
    assert shelf.atlas_mark() not in (before, changed)


def test_the_mark_changes_with_the_version_and_with_the_packages(house: Path, monkeypatch):
    import rich

    before = shelf.atlas_mark()
    monkeypatch.setattr(shelf, "__version__", "99")
    assert shelf.atlas_mark() != before
    monkeypatch.undo()
    site = house / "site-packages"
    (site / "rich").mkdir(parents=True)
    monkeypatch.setattr(rich, "__path__", [str(site / "rich")])
    before = shelf.atlas_mark()
    (site / "markdown_it_py-99.dist-info").mkdir()
    assert shelf.atlas_mark() != before


def test_compiled_python_and_hidden_files_leave_the_mark_alone(house: Path):
    (house / "content" / "ssm" / "__pycache__").mkdir()
    before = shelf.atlas_mark()
    (house / "content" / "ssm" / "__pycache__" / "a.pyc").write_text("")
    (house / "content" / ".mamba.md.swp").write_text("")
    (house / "content" / ".#mamba.md").symlink_to("nowhere")
    assert shelf.atlas_mark() == before
    shutil.rmtree(house / "recipes")
    assert shelf.atlas_mark() != before


# --- documents ---------------------------------------------------------------------------------------------


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch):
    """Forgets what this process parsed, as a new one would."""

    def forget() -> None:
        monkeypatch.setattr(documents._Memory, "known", None)
        monkeypatch.setattr(documents._Memory, "grew", False)

    forget()
    return forget


def test_a_document_is_parsed_once_in_all_processes(fresh, monkeypatch: pytest.MonkeyPatch):
    text = "a: [1, 2.5, yes, null, x]\nb: {c: 'é'}\n"
    first = documents.parse(text)
    assert first == {"a": [1, 2.5, True, None, "x"], "b": {"c": "é"}}
    documents.keep()
    fresh()
    monkeypatch.setattr(documents, "_parsed", None)
    assert documents.parse(text) == first


def test_another_text_is_another_document(fresh):
    assert documents.parse("a: 1") == {"a": 1}
    documents.keep()
    fresh()
    assert documents.parse("a: 2") == {"a": 2}


@pytest.mark.parametrize("text", ["a: 2026-01-01", "1: one", ".nan"])
def test_what_json_would_change_is_parsed_each_time(fresh, text: str):
    first = documents.parse(text)
    documents.keep()
    fresh()
    assert repr(documents.parse(text)) == repr(first)
    assert not documents._Memory.known


def test_what_is_no_yaml_is_a_value_error(fresh):
    with pytest.raises(ValueError, match="expected"):
        documents.parse("a: [1")
