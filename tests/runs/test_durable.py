import os
import stat

import pytest

from atlas_cli.errors import EnvironmentFault
from atlas_cli.runs import durable


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "kept.txt"
    target.write_text("old")

    def fail(file):
        file.write_text("half")
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        durable.write_atomically(target, fail)
    assert [p.name for p in tmp_path.iterdir()] == ["kept.txt"]
    assert target.read_text() == "old"


def test_a_write_replaces_the_file_and_makes_its_folder(tmp_path):
    target = tmp_path / "new" / "file.txt"
    for text in ("one", "two"):
        durable.write_atomically(target, lambda file, text=text: file.write_text(text))
        assert target.read_text() == text
    assert [p.name for p in target.parent.iterdir()] == ["file.txt"]


@pytest.mark.skipif(os.name == "nt", reason="modes are a matter of POSIX")
def test_the_mode_follows_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        durable.write_atomically(tmp_path / "file", lambda file: file.write_text("x"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_a_folder_that_cannot_be_made_is_an_environment_fault(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EnvironmentFault, match="cannot write") as caught:
        durable.write_atomically(tmp_path / "file" / "below.txt", lambda file: None)
    assert "ATLAS_HOME" in caught.value.hint
