"""A run as a user meets it: train, stop, resume, change, compare, sample, remove; faults 7-12 and 21."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from atlas_cli.runs import checkpoint
from tests.e2e.helpers import atlas, start

LONG = ["train", "ddpm/smoke", "--set", "train.steps=100000", "--set", "train.checkpoint_every=10"]
SHORT = ["train", "ddpm/smoke", "--set", "train.checkpoint_every=5"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """A folder with a finished run, and what `train --json` said of it."""
    folder = tmp_path_factory.mktemp("trained")
    done = atlas(*SHORT, "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


@pytest.fixture
def finished(trained: tuple[Path, dict[str, object]], tmp_path: Path) -> Path:
    """A folder of the test's own with that run in it."""
    shutil.copytree(trained[0] / "runs", tmp_path / "runs")
    return tmp_path


def wait_for_checkpoint(cwd: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not list(cwd.glob("runs/*/checkpoints/step-*/manifest.json")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_first_signal_writes_a_checkpoint_and_prints_the_resume_command(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    process = start(*LONG, cwd=tmp_path)
    wait_for_checkpoint(tmp_path, process)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == code, stderr
    assert "atlas train --resume ddpm-smoke-1" in stderr
    folder = tmp_path / "runs/ddpm-smoke-1/checkpoints"
    state = checkpoint.load(checkpoint.newest_valid(folder)[0])
    assert f"stopped after step {state.step}" in stderr
    assert "Traceback" not in stderr


def test_second_signal_stops_at_once_and_leaves_the_last_checkpoint_whole(tmp_path: Path) -> None:
    process = start(*LONG, cwd=tmp_path)
    wait_for_checkpoint(tmp_path, process)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    checkpoint.load(checkpoint.newest_valid(tmp_path / "runs/ddpm-smoke-1/checkpoints")[0])


def test_resume_of_a_finished_run_changes_nothing(finished: Path) -> None:
    files = {p: p.read_bytes() for p in (finished / "runs").rglob("*") if p.is_file()}
    again = atlas("train", "--resume", cwd=finished)
    assert again.returncode == 0
    assert "already complete" in again.stderr
    assert {p: p.read_bytes() for p in (finished / "runs").rglob("*") if p.is_file()} == files


def test_resume_shows_a_changed_field_and_refuses_a_changed_architecture(tmp_path: Path) -> None:
    process = start(*LONG, cwd=tmp_path)
    wait_for_checkpoint(tmp_path, process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    before = sorted((tmp_path / "runs/ddpm-smoke-1/checkpoints").glob("step-*"))
    refused = atlas("train", "--resume", "latest", "--set", "width=32", cwd=tmp_path)
    assert refused.returncode == 2
    assert "width" in refused.stderr
    assert sorted((tmp_path / "runs/ddpm-smoke-1/checkpoints").glob("step-*")) == before
    step = int(before[-1].name.removeprefix("step-"))
    changed = atlas("train", "--resume", "latest", "--set", f"train.steps={step + 5}", cwd=tmp_path)
    assert changed.returncode == 0, changed.stderr
    assert "train.steps: 100000 ->" in changed.stderr


def test_a_flipped_bit_ends_with_code_3_and_names_the_file(finished: Path) -> None:
    newest, *others = sorted((finished / "runs/ddpm-smoke-1/checkpoints").glob("step-*"), reverse=True)
    for older in others:  # nothing to fall back to
        shutil.rmtree(older)
    file = newest / "weights.safetensors"
    data = bytearray(file.read_bytes())
    data[-100] ^= 1
    file.write_bytes(data)
    result = atlas("sample", "latest", cwd=finished)
    assert result.returncode == 3
    assert "weights.safetensors" in result.stderr


def test_one_json_document_on_success_and_on_failure(
    trained: tuple[Path, dict[str, object]], tmp_path: Path
) -> None:
    assert trained[1]["run"] == "runs/ddpm-smoke-1"
    failed = atlas("train", "ddpm/nothing", "--json", cwd=tmp_path)
    assert failed.returncode == 2
    assert json.loads(failed.stdout)["exit_code"] == 2


def test_a_finished_run_can_be_shown_sampled_compared_and_removed(finished: Path) -> None:
    tmp_path = finished
    assert atlas(*SHORT, "--seed", "1", cwd=tmp_path).returncode == 0
    first = atlas("sample", "ddpm-smoke-1", "--seed", "3", "--count", "4", "--json", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    picture = tmp_path / json.loads(first.stdout)["files"][0]
    drawn = picture.read_bytes()
    again = atlas("sample", "ddpm-smoke-1", "--seed", "3", "--count", "4", "--json", cwd=tmp_path)
    assert (tmp_path / json.loads(again.stdout)["files"][0]).read_bytes() == drawn  # same seed, same picture
    compared = json.loads(
        atlas("run", "compare", "ddpm-smoke-1", "ddpm-smoke-2", "--json", cwd=tmp_path).stdout
    )
    assert compared["differences"]["recipe"] == {"ddpm-smoke-2": ["train.seed: 0 -> 1"]}
    for command in (["ls"], ["show"], ["plot"], ["compare", "ddpm-smoke-1", "ddpm-smoke-2"]):
        result = atlas("run", *command, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        assert "ddpm-smoke" in result.stdout
    assert atlas("run", "rm", "--yes", "ddpm-smoke-1", cwd=tmp_path).returncode == 0
    assert not (tmp_path / "runs/ddpm-smoke-1").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (["train", "dppm"], 2, "ddpm"),
        (["train", "ddpm", "--recipe", "smal"], 2, "small"),
        (["train", "ddpm/smoke", "--set", "widht=3"], 2, "width"),
        (["train", "ddpm/smoke", "--set", "width=wide"], 2, "width"),
        (["train", "ddpm/smoke", "--data", "mnits"], 2, "mnist"),
        (["train", "ddpm/smoke", "--data", "text"], 2, "strokes"),
        (["train", "ddpm/smoke", "--data", "mnist", "--offline"], 4, "--data strokes"),
        (["train", "ddpm/smoke", "--device", "cuda"], 4, "--device cpu"),
        (["train", "ddpm/smoke", "--device", "tpu"], 2, "cuda"),
        (["train", "ddpm/smoke", "--out", "no/such/place"], 4, "--out"),
        (["train", "--resume", "ddpm-smoke-9"], 2, "no run"),
        (["sample", "ddpm"], 2, "atlas train ddpm"),
        (["run", "show", "nothing"], 2, "no run"),
        (["explain", "mambo"], 2, "mamba"),
        (["exlpain", "mamba"], 2, "explain"),
        (["mamba"], 2, "atlas explain mamba"),
        (["train", "ddpm", "--stpes", "3"], 2, "--help"),
    ],
)
def test_bad_input_gets_one_line_of_what_one_of_hint_and_its_code(
    tmp_path: Path, arguments: list[str], code: int, named: str
) -> None:
    result = atlas(*arguments, cwd=tmp_path, CUDA_VISIBLE_DEVICES="")
    assert result.returncode == code, result.stderr
    lines = result.stderr.strip().splitlines()
    assert sum(line.startswith("error  ") for line in lines) == 1
    assert lines[-1].startswith("hint   ")
    assert named in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert not list(tmp_path.glob("runs/*"))
