import os
import subprocess
import sys
from pathlib import Path

import pytest

from atlas_cli import paths
from atlas_cli.errors import EnvironmentFault


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    monkeypatch.delenv("ATLAS_HOME", raising=False)
    monkeypatch.delenv("ATLAS_DATA", raising=False)


def test_atlas_home_overrides_the_cache(monkeypatch, tmp_path):
    assert paths.cache_dir().name.startswith("atlas-cli") or "atlas-cli" in paths.cache_dir().parts
    monkeypatch.setenv("ATLAS_HOME", str(tmp_path))
    assert paths.cache_dir() == tmp_path


def test_what_was_learned_is_no_cache_and_follows_atlas_home_too(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert paths.state_dir() != paths.cache_dir()
    assert "atlas-cli" in paths.state_dir().parts
    monkeypatch.setenv("ATLAS_HOME", str(tmp_path))
    assert paths.state_dir() == tmp_path


def test_data_folder_is_the_option_then_the_variable_then_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("ATLAS_HOME", str(tmp_path))
    assert paths.data_dir() == tmp_path / "data"
    monkeypatch.setenv("ATLAS_DATA", str(tmp_path / "sets"))
    assert paths.data_dir() == tmp_path / "sets"
    assert paths.data_dir("elsewhere") == Path("elsewhere")


# A user of whom the system knows nothing but the number, as in a container that is started as somebody.
NOBODY = """
import pwd
def nobody(uid):
    raise KeyError(f"getpwuid(): uid not found: {uid}")
pwd.getpwuid = nobody
from atlas_cli import app
app.main()
"""


@pytest.mark.skipif(os.name == "nt", reason="pwd is a matter of POSIX")
@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("", 0, "diffusion"), ("ls", 0, "diffusion"), ("explain gpt", 0, "attention"),
        ("code gpt", 0, "class GPT"), ("diagram noising", 0, "noise"),
        ("recipe show gpt/smoke", 0, "d_model"),
        ("doctor", 4, "set ATLAS_HOME"), ("train gpt/smoke", 4, "export ATLAS_HOME=FOLDER"),
        ("train ddpm/ci -n", 4, "export ATLAS_HOME=FOLDER"),
    ],
)  # fmt: skip
def test_somebody_without_a_home_can_read_and_is_told_what_training_needs(tmp_path, command, code, said):
    homeless = {k: v for k, v in os.environ.items() if k not in ("HOME", "ATLAS_HOME") and k[:4] != "XDG_"}
    environment = {**homeless, "PYTHONPATH": str(Path(paths.__file__).parents[1])}
    told = subprocess.run(
        [sys.executable, "-c", NOBODY, *command.split()], cwd=tmp_path, env=environment,
        capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    whole = " ".join((told.stdout + told.stderr).split())
    assert (told.returncode, "Traceback" in whole) == (code, False), whole
    assert said in whole
    assert list(tmp_path.rglob("*.*")) == []  # an empty folder for the runs at most


def test_a_home_that_is_none_is_named_all_the_same(monkeypatch):
    monkeypatch.setenv("ATLAS_HOME", "~nosuchuser")
    with pytest.raises(EnvironmentFault, match="ATLAS_HOME") as caught:
        paths.cache_dir()
    assert not isinstance(caught.value, paths.NoHome)
