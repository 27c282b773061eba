"""Asks the judge: starts its process, gives it a time limit, and takes what it found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO, Any

import atlas_cli
from atlas_cli.errors import EnvironmentFault, UsageError
from atlas_cli.exercises.model import Exercise
from atlas_cli.exercises.work import file_of

LIMIT = 10.0  # seconds for the student's code
_START = 120.0  # seconds for Python and torch to be there, on the slowest machine
_MOST_PRINTED = 4000  # bytes of what the student's code prints


def ask(exercise: Exercise, seconds: float = LIMIT) -> dict[str, Any]:
    """What the judge says of the file in the working folder.

    Raises:
        UsageError: there is none.
    """
    path = file_of(exercise)
    if not path.is_file():
        raise UsageError(f"there is no {path} here", f"atlas exercise start {exercise.full_name}")
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "found.json"
        code, printed = _run([exercise.full_name, str(path), str(result), str(seconds)], seconds + _START)
        whole = result.is_file()
        found = json.loads(result.read_text(encoding="utf-8")) if whole else _lost(code, printed)
    return {"exercise": exercise.full_name, "file": str(path), **found, "printed": printed}


def _lost(code: int | None, printed: str) -> dict[str, Any]:
    """The process ended without a word: the student's code ended it, or the machine could not run it."""
    if "EnvironmentFault" in printed or "MemoryError" in printed:
        raise EnvironmentFault("the check could not be run: too little memory", "close other programs")
    says = "the check did not end" if code is None else f"it ends the process (exit code {code})"
    return {
        "right": False, "empty": False, "checks": [], "mistake": None,
        "fault": {"line": None, "text": "", "says": says},
    }  # fmt: skip


def _run(arguments: list[str], seconds: float) -> tuple[int | None, str]:
    """Exit code (None: it had to be ended) and the first of what was printed."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-u", "-m", "atlas_cli.exercises.judge", *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=_environment(),
    )  # fmt: skip
    assert process.stdout is not None
    kept = bytearray()
    reader = threading.Thread(target=_read, args=(process.stdout, kept), daemon=True)
    reader.start()
    try:
        code: int | None = process.wait(seconds)
    except subprocess.TimeoutExpired:
        code = None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        reader.join(1.0)
        if not reader.is_alive():  # else a process of the student's still holds the pipe
            process.stdout.close()
    return code, kept.decode("utf-8", "replace").strip()


def _environment() -> dict[str, str]:
    """This process's, with the atlas to be found and one thread: small tensors are slower on several."""
    root = str(Path(atlas_cli.__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}


def _read(stream: IO[bytes], kept: bytearray) -> None:
    """Everything is read, so that nobody waits for us, and the beginning is kept."""
    while piece := stream.read1(65536):  # type: ignore[attr-defined]
        kept += piece[: max(0, _MOST_PRINTED - len(kept))]
