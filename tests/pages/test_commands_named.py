"""Every link of a page and every command that a text of the atlas names leads somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import typer
from rich.text import Text

from atlas_cli import app, catalog
from atlas_cli.catalog import Family, Topic
from atlas_cli.errors import UsageError
from atlas_cli.pages import compose, source
from tests.pages import leads

ROOT = Path(__file__).resolve().parents[2]
TEXTS = ("content/**/*.md", "content/**/*.yaml", "recipes/**/*.yaml", "README.md", "CONTRIBUTING.md")
WIDE = 3000  # columns: no command is broken in two
_REFERENCE = re.compile(r"^\[[a-z]+\] (.*)")
_QUOTED = re.compile(r"`+(atlas(?: [^`]*)?)`+")
_INDENTED = re.compile(r"^ {4}(atlas .*)", re.MULTILINE)
_FENCED = re.compile(r"^ *```[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_LINE = re.compile(r"^\s*(?:\$ )?(atlas\b.*)")
_BOLD = re.compile(r"\[bold\](atlas[^\[]*)\[/bold\]")


def subjects() -> list[Topic | Family]:
    return [*catalog.families(), *catalog.topics()]


def in_code(lines: Iterable[Text]) -> Iterator[str]:
    """What is set as code and begins with `atlas`, a command a line."""
    for line in lines:
        for span in line.spans:
            if "atlas.code" in str(span.style) and (text := line.plain[span.start : span.end]).startswith(
                "atlas"
            ):
                yield text.strip()


def referred(lines: Iterable[Text]) -> Iterator[str]:
    """Where the links of a page lead, as its end lists them."""
    for line in lines:
        if match := _REFERENCE.match(line.plain.strip()):
            yield match[1]


def faults(commands: Iterable[str]) -> list[str]:
    """Those that lead nowhere, with the reason."""
    found = []
    for command in commands:
        try:
            leads.require(command)
        except UsageError as error:
            found.append(f"{command}: {error.what} {'; '.join(error.details)}")
    return found


@pytest.mark.parametrize("subject", subjects(), ids=lambda subject: subject.slug)
def test_a_page_leads_nowhere_in_vain(subject: Topic | Family, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose, "_diagram", lambda *_: [])
    page = source.read_page(subject)
    lines = compose.compose(page, WIDE, answered=False)
    named = set(in_code(lines))
    assert named  # each page ends with what to do next
    assert faults(sorted(named)) == []
    for target in referred(lines):
        assert target.startswith(("https://", "atlas ")), target
        if target.startswith("atlas "):
            assert faults([target]) == []


def quoted(text: str) -> set[str]:
    """The commands in a text that is Markdown or YAML with Markdown in it."""
    inline = {re.sub(r"\s+", " ", command) for command in _QUOTED.findall(text)}
    fenced = [line for block in _FENCED.findall(text) for line in block.splitlines()]
    lines = {re.split(r" {2,}#", found[1])[0] for line in fenced if (found := _LINE.match(line))}
    return inline | lines | {re.split(r" {2,}#", command)[0] for command in _INDENTED.findall(text)}


@pytest.mark.parametrize(
    "path",
    [path for text in TEXTS for path in sorted(ROOT.glob(text))],
    ids=lambda path: str(path.relative_to(ROOT)),
)  # fmt: skip
def test_a_file_names_no_command_that_leads_nowhere(path: Path) -> None:
    named = quoted(path.read_text(encoding="utf-8"))
    assert faults(sorted(command for command in named if "..." not in command)) == []


def test_the_examples_of_every_help_lead_somewhere() -> None:
    named = set()
    waiting = [typer.main.get_command(app.build())]
    while waiting:
        command = waiting.pop()
        named |= set(_BOLD.findall(command.help or ""))
        waiting += getattr(command, "commands", {}).values()
    assert len(named) > 20
    assert faults(sorted(named)) == []


WRONG = """
atlas explian gpt
atlas guess kto
atlas explain index
atlas explain gpt --section Nowhere
atlas explain gpt --sction x
atlas explain --glossary zyxt
atlas diagram gpt nosuch
atlas diagram noising --set t=900
atlas diagram noising --set u=1
atlas diagram moe --run latest
atlas code gpt zyxt
atlas code zyxt
atlas train gpt --recipe zyxt
atlas train gpt/zyxt
atlas train gpt --set zyxt=1
atlas train gpt --set d_model=zyxt
atlas train gpt --data zyxt
atlas train gpt --sweep zyxt=1,2
atlas train mamba --zyxt
atlas sample controlnet --zyxt 3
atlas sample ddpm --prompt a
atlas sample gpt --label 3
atlas sample ddpm --set zyxt=3
atlas sample zyxt
atlas verify zyxt
atlas recipe show gpt/zyxt
atlas recipe cp zyxt/small mine.yaml
atlas recipe zyxt
atlas quiz zyxt
atlas ls zyxt
atlas prepare zyxt
atlas run zyxt
atlas run plot RUN --zyxt
atlas site a b
atlas exercise start ddpm/zyxt
"""

RIGHT = """
atlas
atlas train
atlas --version
atlas train --resume
atlas run
atlas sample RUN --count 3
atlas run compare A B C
atlas sample gpt --prompt "def "
atlas train mine.yaml
atlas explain "selective scan"
atlas train gpt --set KEY=VALUE
"""


@pytest.mark.parametrize("wrong", WRONG.strip().splitlines())
def test_a_planted_fault_is_found(wrong: str) -> None:
    assert len(faults([wrong])) == 1


@pytest.mark.parametrize("right", RIGHT.strip().splitlines())
def test_what_is_right_is_let_pass(right: str) -> None:
    assert faults([right]) == []
