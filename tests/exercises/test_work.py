"""The student's files: written once, never written over."""

from __future__ import annotations

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
