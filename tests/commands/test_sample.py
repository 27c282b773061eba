"""Options of a system's own on the command line of `atlas sample`, before any system is loaded."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import pytest
import typer

from atlas_cli import app, catalog
from atlas_cli.commands import _extras
from atlas_cli.engine.system import Extra
from atlas_cli.errors import UsageError

KNOWN = {"--label": True, "-c": True, "--count": True, "--best": False, "--json": False}
TURN = (Extra("camera_angle", float, "degrees from the front"), Extra("rays", int, "rays a pixel"))


@pytest.mark.parametrize(
    ("line", "rest", "extras"),
    [
        ("ddpm --label 3 --best", "ddpm --label 3 --best", {}),
        ("--control a.png ddpm -c 4", "ddpm -c 4", {"control": "a.png"}),
        ("ddpm --control=a=b --json", "ddpm --json", {"control": "a=b"}),
        ("--camera-angle -3 ddpm", "ddpm", {"camera_angle": "-3"}),
        ("--label --control ddpm", "--label --control ddpm", {}),  # a label called --control
        ("--label=3 --x 1", "--label=3", {"x": "1"}),
        ("ddpm -- --control a", "ddpm -- --control a", {}),
        ("ddpm --control", "ddpm", {"control": None}),
        ("--control --json -c 4", "--json -c 4", {"control": None}),
        ("--control -c 4", "-c 4", {"control": None}),
    ],
)
def test_what_the_command_does_not_know_is_taken_out(line: str, rest: str, extras: _extras.Written) -> None:
    assert _extras.split(line.split(), KNOWN) == (rest.split(), extras)


@pytest.fixture
def _turning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_extras, "declared", lambda topic: TURN)


@pytest.mark.usefixtures("_turning")
def test_extras_come_in_their_types() -> None:
    assert _extras.parsed("nerf", {"camera_angle": "-30", "rays": "4"}, KNOWN) == {
        "camera_angle": -30.0, "rays": 4
    }  # fmt: skip
    with pytest.raises(UsageError, match="--rays takes int, not 'many'"):
        _extras.parsed("nerf", {"rays": "many"}, KNOWN)
    with pytest.raises(UsageError, match="--rays needs a value"):
        _extras.parsed("nerf", {"rays": None}, KNOWN)


@pytest.mark.usefixtures("_turning")
def test_an_extra_that_is_not_declared_is_answered_with_those_that_are() -> None:
    with pytest.raises(UsageError, match="nerf takes no --control") as caught:
        _extras.parsed("nerf", {"control": "a.png"}, KNOWN)
    assert caught.value.hint == "it takes --camera-angle: degrees from the front, --rays: rays a pixel"
    with pytest.raises(UsageError) as caught:
        _extras.parsed("nerf", {"camera_angel": "3"}, KNOWN)
    assert caught.value.hint == "did you mean --camera-angle?"


def test_controlnet_declares_its_drawing() -> None:
    assert [(extra.name, extra.type) for extra in _extras.declared("controlnet")] == [("control", Path)]
    assert _extras.declared("ddpm") == ()


def test_controlnet_is_named_nowhere_outside_its_own_files() -> None:
    root = Path(app.__file__).parent
    own = ("systems/diffusion", "explorables", "site", "exercises/diffusion", "worked/diffusion")
    naming = [
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if "controlnet" in path.read_text(encoding="utf-8").lower()
    ]
    assert [name for name in naming if not name.startswith(own)] == []


def test_no_extra_hides_an_option_of_the_command() -> None:
    command = typer.main.get_command(app.build("sample")).commands["sample"]  # type: ignore[attr-defined]
    own = {name for parameter in command.params for name in parameter.opts}
    for topic in catalog.topics():
        if topic.system:
            names = [_extras.option(extra.name) for extra in _extras.declared(topic.slug)]
            assert not own & set(names), topic.slug
            assert all(name.removeprefix("--").replace("-", "_").isidentifier() for name in names)


@pytest.mark.parametrize("topic", [topic for topic in catalog.topics() if topic.system], ids=lambda t: t.slug)
def test_a_system_says_what_steers_it(topic: catalog.Topic) -> None:
    """A label that is read is declared; one that is declared is read or passed on; tokens take a prompt."""
    module = importlib.import_module(catalog.system_module(topic))
    system = getattr(module, str(topic.system))
    files = {
        inspect.getfile(kind) for kind in system.__mro__ if kind.__module__.startswith("atlas_cli.systems")
    }
    source = "".join(Path(file).read_text(encoding="utf-8") for file in files)
    assert ("label" in system.steers) >= ("request.label" in source)
    assert ("label" in system.steers) <= ("request.label" in source or "student.sample(request)" in source)
    assert system.steers <= {"label", "prompt"}
    if system.unit == "tokens":
        assert "prompt" in system.steers
