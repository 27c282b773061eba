"""The student's files: written once, never written over."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from atlas_cli.errors import DataError, UsageError
from atlas_cli.exercises import cut as cutting
from atlas_cli.exercises import find, work
from atlas_cli.exercises.model import Exercise


@pytest.fixture
def noise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Exercise:
    monkeypatch.chdir(tmp_path)
    return find.find("ddpm/add_noise")


def test_work_is_never_written_over(noise: Exercise) -> None:
    assert work.start(noise)
    path = work.file_of(noise)
    assert path == Path("exercises/ddpm/add_noise.py")
    path.write_text("mine\n", encoding="utf-8")
    assert not work.start(noise)
    assert path.read_text(encoding="utf-8") == "mine\n"


def test_to_begin_anew_moves_work_aside_each_time(noise: Exercise) -> None:
    work.start(noise)
    assert work.reset(noise) is None  # nothing was written yet
    path = work.file_of(noise)
    for n in (1, 2):
        path.write_text(f"mine {n}\n", encoding="utf-8")
        aside = work.reset(noise)
        assert aside == path.with_name(f"add_noise.before-{n}.py")
        assert aside.read_text(encoding="utf-8") == f"mine {n}\n"
        assert work.is_fresh(noise)


@pytest.mark.parametrize("name", ["ddpm/add_noise", "add_noise", "ddpm", "DDPM/add-noise", "addnoise"])
def test_names_are_forgiving(name: str) -> None:
    assert find.find(name).full_name == "ddpm/add_noise"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("ddpm/add_nose", "did you mean: atlas exercise start ddpm/add_noise"),
        ("step", "name one: mamba2/step, ddim/step"),
        ("zyxt", "atlas exercise list shows them all"),
    ],
)
def test_a_name_that_is_none_gets_a_hint(name: str, hint: str) -> None:
    with pytest.raises(UsageError) as refused:
        find.find(name)
    assert refused.value.hint == hint


def test_the_cut_is_whole(noise: Exercise) -> None:
    part = cutting.cut(noise)
    rows = part.path.read_text(encoding="utf-8").splitlines()
    first = rows[part.first_line - 1]
    assert first.strip() == part.lines.splitlines()[0].strip() == "signal, sigma = self.levels(t)"
    assert (part.owner, part.function) == ("DDPM", "add_noise")


SOURCE = """
from torch import Tensor
LIMIT = 3
def helper(x: Tensor) -> int:
    return LIMIT
def outer(x):
    # exercise: a
    y = helper(x)
    # end
    return y
"""


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (SOURCE.replace("# exercise: a", "#"), "marks 0 exercises a"),
        (SOURCE.replace("# end", "#"), "does not say where the exercise a ends"),
        (SOURCE.replace("def outer(x):", "if True:").replace("    return y", ""), "stands in no function"),
    ],
)
def test_a_broken_mark_is_said(broken: str, says: str, tmp_path: Path, noise: Exercise) -> None:
    with pytest.raises(DataError, match=says):
        cutting.cut_from(broken, tmp_path / "x.py", "a", "atlas_cli.x")


def test_small_helpers_come_along(tmp_path: Path) -> None:
    part = cutting.cut_from(SOURCE, tmp_path / "x.py", "a", "atlas_cli.x")
    lines = [line for line in part.needs.splitlines() if line]
    assert lines == [
        "from __future__ import annotations", "import torch", "from torch import Tensor", "LIMIT = 3",
        "def helper(x: Tensor) -> int:", "    return LIMIT",
    ]  # fmt: skip
    assert part.before == "def outer(x):\n"
    assert part.lines == "    y = helper(x)\n"
    assert part.after == "    return y\n"


def test_where_the_task_cannot_be_made_no_file_is_left(
    noise: Exercise, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(exercise: Exercise) -> str:
        raise DataError("the lines are not marked", "mark them")

    monkeypatch.setattr(work, "text_of", broken)
    with pytest.raises(DataError):
        work.start(noise)
    assert not work.file_of(noise).exists()


def test_a_disk_that_is_full_leaves_no_part_of_a_file(
    noise: Exercise, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "text_of", lambda exercise: "x" * 2_000_000)
    resource = pytest.importorskip("resource")
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
    try:
        with pytest.raises(OSError, match="large"):
            work.start(noise)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert not work.file_of(noise).exists()


def test_a_save_is_seen_though_the_file_is_put_in_the_place_of_another(
    noise: Exercise, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.start(noise)
    path, aside = work.file_of(noise), work.file_of(noise).with_suffix(".new")
    done = iter((path.unlink, lambda: (aside.write_text("mine\n"), aside.rename(path))))
    monkeypatch.setattr(work.time, "sleep", lambda _: next(done)())
    seen = work.saves([noise])
    assert next(seen) == noise  # as it is
    assert next(seen) == noise  # after a look at which there was none
    with pytest.raises(RuntimeError):  # nothing is left to be done: it would look on for ever
        next(seen)
