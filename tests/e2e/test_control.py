"""A drawing of the user's own, from a file to a sample; and what a wrong file or a wrong system is told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from tests.e2e.helpers import atlas


def test_a_drawing_steers_a_controlnet_and_nothing_else(tmp_path: Path) -> None:
    image = Image.new("RGB", (320, 240), "white")
    ImageDraw.Draw(image).ellipse((90, 60, 210, 190), None, "navy", 24)
    image.save(tmp_path / "ring.png")
    (tmp_path / "notes.png").write_text("no picture")
    assert atlas("train", "controlnet", "--recipe", "smoke", cwd=tmp_path).returncode == 0

    steered = ["sample", "controlnet", "--count", "4", "--set", "control_scale=0"]
    drawn = atlas(*steered, "--control", "ring.png", "--json", cwd=tmp_path)
    assert drawn.returncode == 0, drawn.stderr
    picture, film = json.loads(drawn.stdout)["files"]
    assert picture.endswith(".png")
    assert film.endswith(".gif")
    sheet = np.asarray(Image.open(tmp_path / picture).convert("L"))
    cell = sheet.shape[1] // 5  # the edges, then four results
    assert set(np.unique(sheet[:, : cell - cell // 8])) == {0, 255}

    for arguments, code, what, hint in (
        (["sample", "controlnet", "--control", "notes.png"], 3, "notes.png", "PNG"),
        (["sample", "controlnet", "--control", "none.png"], 3, "No such file", "PNG"),
        (["sample", "controlnet", "--control"], 2, "--control needs a value", "a PNG drawing"),
        (["sample", "controlnet", "--lines", "ring.png"], 2, "takes no --lines", "--control: a PNG drawing"),
        (["sample", "controlnet", "--controll", "ring.png"], 2, "takes no --controll", "mean --control?"),
        (["sample", "controlnet", "--lable", "3"], 2, "takes no --lable", "did you mean --label?"),
        (["sample", "controlnet", "--prompt", "a ring"], 2, "controlnet follows no prompt", "--prompt"),
        (["sample", "ddpm", "--control", "ring.png"], 2, "ddpm takes no --control", "without --control"),
    ):
        failed = atlas(*arguments, cwd=tmp_path)
        assert failed.returncode == code
        assert what in failed.stderr
        assert hint in failed.stderr
        assert "Traceback" not in failed.stderr
