"""The film of a training: one frame a saved sample, its step on it; texts as text; made without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atlas_cli.errors import UsageError
from atlas_cli.present.artifacts.images import Images
from atlas_cli.present.artifacts.text import Text
from atlas_cli.present.learning import BAND, make_film
from atlas_cli.runs.folder import RunFolder

FILM = """
import json, sys
from atlas_cli.app import main
try:
    main()
finally:
    print(json.dumps("torch" in sys.modules), file=sys.stderr)
"""


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path, "ddpm/small")


def save(run: RunFolder, step: int, artifact: Images | Text) -> None:
    artifact.save(run.samples / "training", f"step-{step:08d}")


def test_pictures_become_frames_in_the_order_of_their_steps(run: RunFolder) -> None:
    for step in (100, 0, 1200):
        save(run, step, Images(np.full((2, 1, 8, 8), step / 1200)))
    made = make_film(run)
    assert made.steps == [0, 100, 1200]
    with Image.open(made.files[0]) as gif:
        assert gif.n_frames == 3
        shades = []
        for i in range(3):
            gif.seek(i)
            frame = np.asarray(gif.convert("L")).astype(int)
            shades.append(frame[BAND + 20, 20])
            assert frame[:BAND].max() > 200  # the caption
    assert shades[0] < shades[1] < shades[2]


def test_texts_are_written_step_by_step_and_never_obeyed(run: RunFolder) -> None:
    save(run, 0, Text(["xq\x1b[2Jz"]))
    save(run, 50, Text(["def f():\n\treturn 1"]))
    made = make_film(run)
    assert made.text.startswith(
        "--- after step 0 ---\nxq␛[2Jz\n\n--- after step 50 ---\ndef f():\n\treturn 1"
    )
    assert [file.name for file in made.files] == ["learning.txt", "learning.gif"]
    with Image.open(made.files[1]) as gif:
        assert gif.n_frames == 2


def test_a_run_that_saved_nothing_is_refused(run: RunFolder) -> None:
    with pytest.raises(UsageError, match="saved no samples"):
        make_film(run)


def test_the_command_films_an_unfinished_run_without_torch(run: RunFolder) -> None:
    save(run, 0, Images(np.zeros((2, 1, 8, 8))))
    command = [sys.executable, "-c", FILM, "run", "film", run.name, "--out", str(run.path.parent), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["steps"] == [0]
    assert done.stderr.splitlines()[-1] == "false"
