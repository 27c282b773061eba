"""Every page and stepped diagram against the bare import of the libraries they stand on, in processor time.

"First" is a page that was never shown in that width, on a machine where the atlas was started before: the
facts of the catalogue and the frames of explorables are on the shelf. "Again" is the same command once more.
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


def processor_seconds(command: list[str], cwd: Path, width: int) -> float:
    """User and system time of one process; the machine's other work leaves them nearly alone."""
    process = subprocess.Popen(
        command, cwd=cwd, env=environment(cwd / "home", COLUMNS=str(width)), stdin=subprocess.DEVNULL,
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


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose atlas has been started before."""
    folder = tmp_path_factory.mktemp("started")
    processor_seconds([*COMMAND, "ls", "--tree"], folder, 79)
    return folder


@pytest.mark.bench
@pytest.mark.skipif(os.name == "nt", reason="Windows does not tell the processor time of a child")
@pytest.mark.parametrize("arguments", commands(), ids=lambda arguments: " ".join(arguments) or "map")
def test_starts_stay_fast(started: Path, table: list[Row], arguments: list[str]) -> None:
    command = [*COMMAND, *arguments]
    processor_seconds(command, started, 79)  # the frames of its explorables are computed once
    first, again = [], []
    for width in range(80, 80 + ROUNDS):  # in turn, so that a slow moment of the machine meets all three
        bare = processor_seconds(BARE, started, width)
        first.append(processor_seconds(command, started, width) / bare)
        again.append(processor_seconds(command, started, width) / bare)
    row = Row(" ".join(["atlas", *arguments]), statistics.median(first), statistics.median(again))
    table.append(row)
    assert row.first <= LARGEST_FIRST
    assert row.again <= LARGEST_AGAIN
