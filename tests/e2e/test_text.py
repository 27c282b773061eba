"""A model of text as a user meets it: train it, let it go on with a prompt, steer how it writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from atlas_cli.screen.symbols import visible
from tests.e2e.helpers import atlas

PROMPT = "def "


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one trained run."""
    folder = tmp_path_factory.mktemp("text")
    done = atlas("train", "gpt", "--recipe", "smoke", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def sample(house: Path, *arguments: str) -> str:
    done = atlas("sample", "gpt", "--prompt", PROMPT, *arguments, cwd=house)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_text_on_stdout_is_that_of_json(house: Path) -> None:
    fields = ("--set", "length=60", "--seed", "7")
    (text,) = json.loads(sample(house, *fields, "--json"))["text"]
    printable = visible(text)
    assert sample(house, *fields) == printable + "\n"
    assert text.startswith(PROMPT)
    assert sample(house, "--set", "length=60", "--seed", "8") != printable + "\n"


def test_no_control_character_that_a_model_writes_reaches_the_terminal(house: Path) -> None:
    """At a temperature of 20 every byte is about as likely, escape among them."""
    text = sample(house, "--set", "length=400", "--set", "temperature=20.0")
    assert len(text) > 300
    assert text == visible(text)
    assert "\x1b" not in text


def test_temperature_zero_and_top_k_of_one_are_the_same_choice(house: Path) -> None:
    cold = sample(house, "--set", "temperature=0.0", "--set", "length=40")
    assert cold == sample(house, "--set", "top_k=1", "--set", "length=40", "--seed", "5")


def test_several_texts_are_told_apart(house: Path) -> None:
    texts = json.loads(sample(house, "--count", "3", "--set", "length=20", "--seed", "4", "--json"))["text"]
    assert len(texts) == 3
    assert len(set(texts)) == 3
    assert texts[0] == json.loads(sample(house, "--set", "length=20", "--seed", "4", "--json"))["text"][0]
