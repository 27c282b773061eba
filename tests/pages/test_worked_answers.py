"""The numbers by hand on the page of dino, and what it says of settings."""

from __future__ import annotations

import math

import pytest
import torch

from atlas_cli.metrics import probe
from atlas_cli.recipe import recipes
from atlas_cli.systems.contrastive import objects
from atlas_cli.systems.contrastive.dino import Config, dino_loss, entropies, sharpened
from tests.pages.test_worked_pairs import text_of


def test_two_outputs_two_temperatures_and_their_cross_entropy() -> None:
    text, out = text_of("dino"), torch.tensor([0.1, 0.0], dtype=torch.float64)
    teacher, student = ((out / temperature).softmax(0) for temperature in (0.05, 0.1))
    assert f"says {teacher[0]:.3f} and {teacher[1]:.3f}" in text
    assert f"says {student[0]:.3f} and {student[1]:.3f}" in text
    logs = [-math.log(share) for share in student.tolist()]
    loss = sum(share * log for share, log in zip(teacher.tolist(), logs, strict=True))
    assert f"{teacher[0]:.3f} · {logs[0]:.3f} + {teacher[1]:.3f} · {logs[1]:.3f} = {loss:.3f} nats" in text
    entropy = -sum(share * math.log(share) for share in teacher.tolist())
    assert f"{entropy:.3f} is the teacher's own" in text
    assert f"remaining {loss - entropy:.3f}" in text
    two = out.expand(2, 1, 2)
    answers = sharpened(two, torch.zeros(2, dtype=torch.float64), 0.05)
    assert dino_loss(answers, two, 0.1).item() == pytest.approx(loss)


def test_the_table_of_collapses_is_what_entropies_says() -> None:
    text, half = text_of("dino"), torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    for row, p in (
        ("| uniform | 0.5, 0.5 |", torch.full((1, 2, 2), 0.5)),
        ("| one output dominates | 1, 0 |", half[:, :1].expand(1, 2, 2)),
        ("| none: half of the images each way | 1, 0 or 0, 1 |", half),
    ):
        single, mean = (f"{float(x):.3f}".replace("0.000", "0").replace("-", "") for x in entropies(p))
        assert f"{row} {single} | {mean} |" in text


def test_what_dinos_page_says_of_settings_is_so() -> None:
    text, small = text_of("dino"), recipes.resolve("dino/small")
    config = Config(**small.model)
    assert f"| {config.n_out} |" in text
    assert f"from {config.momentum} to {config.last_momentum}" in text
    assert f"hold {objects.MASS:.0%} are kept" in text
    assert probe.NEIGHBOURS == 5
    assert small.ablate == {"centring": "none"}
    assert small.variants["no-sharpening"].model["teacher_temperature"] == config.student_temperature
    assert small.variants["small-crops"].model["n_small"] == 4
