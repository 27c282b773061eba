"""Every page and stepped diagram against the bare import of the libraries they stand on, in processor time.

"First" is the first command of all, in a home that holds nothing. "Again" is the same command once more.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from atlas_cli import catalog
from atlas_cli.diagrams import blocks
from tests.e2e.helpers import COMMAND, environment

LARGEST_FIRST = 2.6
LARGEST_AGAIN = 2.0
ROUNDS = 5
BARE = [sys.executable, "-c", "import typer, rich"]


class Row(NamedTuple):
    """Medians of one command's ratios."""

    command: str
    first: float
    again: float


def commands() -> list[list[str]]:
    """The map, the list, each page, and each stepped diagram."""
    pages = []
    for family in catalog.families():  # by its number, where a topic has taken its slug
        taken = family.slug in (topic.slug for topic in family.topics)
        pages.append(["explain", str(family.number) if taken else family.slug])
        pages += [["explain", topic.slug] for topic in family.topics]
    drawn = [d for family in catalog.families() for d in blocks.diagrams_of(family)]
    return [[], ["ls"], *pages, *(["diagram", d.topics[0], d.name] for d in drawn)]


def processor_seconds(command: list[str], cwd: Path) -> float:
    """User and system time of one process; the machine's other work leaves them nearly alone."""
    process = subprocess.Popen(
        command, cwd=cwd, env=environment(cwd / "home", COLUMNS="80"), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return usage.ru_utime + usage.ru_stime


@pytest.fixture(scope="module")
def table() -> Iterator[list[Row]]:
    """Rows, printed when all are there, the slowest first."""
    rows: list[Row] = []
    yield rows
    print(f"\n{'first':>6} {'again':>6}  times `python -c 'import typer, rich'`")
    for row in sorted(rows, key=lambda row: -row.first):
        print(f"{row.first:6.2f} {row.again:6.2f}  {row.command}")


@pytest.mark.bench
@pytest.mark.skipif(os.name == "nt", reason="Windows does not tell the processor time of a child")
@pytest.mark.parametrize("arguments", commands(), ids=lambda arguments: " ".join(arguments) or "map")
def test_starts_stay_fast(tmp_path: Path, table: list[Row], arguments: list[str]) -> None:
    command = [*COMMAND, *arguments]
    first, again = [], []
    for turn in range(ROUNDS):  # in turn, so that a slow moment of the machine meets all three
        home = tmp_path / str(turn)
        home.mkdir()
        bare = processor_seconds(BARE, home)
        first.append(processor_seconds(command, home) / bare)
        again.append(processor_seconds(command, home) / bare)
    row = Row(" ".join(["atlas", *arguments]), statistics.median(first), statistics.median(again))
    table.append(row)
    assert row.first <= LARGEST_FIRST
    assert row.again <= LARGEST_AGAIN
