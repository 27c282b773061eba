"""Only regular files are opened, whoever is asked to read one, and no more of them than may be there."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from atlas_cli import files, shelf
from atlas_cli.data import formats, text
from atlas_cli.data.drawing import read_drawing
from atlas_cli.errors import AtlasError
from atlas_cli.metrics import judge
from atlas_cli.recipe import recipes
from atlas_cli.runs.durable import read_json
from atlas_cli.runs.folder import RunFolder
from tests.engine.faults import posix

pytestmark = posix


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe.yaml"
    os.mkfifo(path)
    return path


@pytest.fixture(autouse=True)
def _at_once() -> Iterator[None]:
    """A reader that waits for a pipe would wait for ever: it is woken, and the test fails."""
    late = threading.Timer(5, lambda: pytest.fail("it waited"))
    late.start()
    yield
    late.cancel()


def test_a_regular_file_is_read_and_measured(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a\r\nb")
    assert files.read(path) == b"a\r\nb"
    assert files.size(path) == 4
    assert files.read_text(path) == "a\nb"
    (tmp_path / "link").symlink_to(path)
    assert files.read(tmp_path / "link") == b"a\r\nb"


@pytest.mark.parametrize("what", ["pipe.yaml", "/dev/zero", "/dev/null", "."])
@pytest.mark.parametrize("read", [files.read, files.size, files.opened])
def test_nothing_else_is(pipe: Path, what: str, read: Callable[[Path], object]) -> None:
    with pytest.raises(OSError, match=r"no regular file|Is a directory"):
        read(pipe.parent / what)


def test_a_file_that_is_exchanged_for_a_pipe_is_not_waited_for(
    pipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = pipe.with_name("file")
    file.write_text("")
    facts = os.stat(file)
    monkeypatch.setattr(os, "stat", lambda _: facts)
    with pytest.raises(OSError, match="no regular file"):
        files.read(pipe)


def test_a_terabyte_of_nothing_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "sparse.json"
    path.touch()
    os.truncate(path, 1 << 40)
    with pytest.raises(OSError, match="more than 10 bytes") as error:
        files.read(path, 10)
    assert error.value.errno == errno.EFBIG
    with pytest.raises(AtlasError, match="holds more than"):
        read_json(path)


def run_with(pipe: Path, name: str) -> RunFolder:
    run = RunFolder.create(pipe.parent / "runs", "gpt/smoke")
    (run.path / name).unlink(missing_ok=True)
    (run.path / name).symlink_to(pipe)
    return RunFolder(run.path)


READERS: dict[str, Callable[[Path], object]] = {
    "json": read_json,
    "recipe": recipes.resolve,
    "picture": lambda pipe: read_drawing(pipe, 28),
    "run.json": lambda pipe: run_with(pipe, "run.json").info,
    "recipe.yaml": lambda pipe: run_with(pipe, "recipe.yaml").recipe_text,
    "metrics": lambda pipe: run_with(pipe, "metrics.jsonl").read_metrics(),
    "text": lambda pipe: text._read(pipe),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_every_reader_refuses_a_pipe_at_once(pipe: Path, read: Callable[[Path], object]) -> None:
    with pytest.raises(AtlasError) as error:
        read(pipe)
    assert error.value.code in (2, 3)


@pytest.mark.parametrize("read", [formats.read_idx, formats.read_cifar_binary])
def test_so_do_the_readers_of_data(pipe: Path, read: Callable[[Path], object]) -> None:
    with pytest.raises(OSError, match="no regular file"):
        read(pipe)


def test_a_pipe_in_a_cache_counts_as_nothing(pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    assert judge._read(pipe, said.append) is None
    assert "is damaged and will be replaced" in said[0]
    monkeypatch.setattr(shelf, "_path", lambda _: pipe)
    assert shelf.get("slot", "mark") is None
    from atlas_cli.diagrams import frame_cache

    monkeypatch.setattr(frame_cache, "_path", lambda *_: pipe)
    monkeypatch.setattr(frame_cache.durable, "write_atomically", lambda *_: None)
    assert frame_cache.kept(SimpleNamespace(), 1, lambda: [3]) == [3]  # type: ignore[arg-type]
