"""Commands in processes of their own that need not start torch anew: each is a fork of one that has.

The fork imports the atlas itself, so that what a module forgets to import is still found. That a really new
process works as well is shown by the tests that use `helpers.start`, and by those of a start and a wheel.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any


def serve() -> None:
    """Read a request a line from stdin, and answer each by the exit code of its command."""
    import matplotlib
    import numpy
    import PIL.Image
    import rich.console
    import safetensors.torch
    import torch
    import torch._dynamo
    import typer

    del matplotlib, numpy, PIL, rich, safetensors, torch, typer
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os.setsid()  # what a test signals is this command alone
            _become(json.loads(line))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(code, flush=True)


def _become(request: dict[str, Any]) -> None:
    """Run the command in this process, and end with it."""
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["cwd"])
    signal.alarm(request["timeout"])
    for number, (name, flags) in enumerate(request["files"]):
        os.dup2(os.open(name, flags, 0o600), number)
    sys.argv = ["atlas", *request["arguments"]]
    sys.path[1:1] = request["environment"]["PYTHONPATH"].split(
        os.pathsep
    )  # after "", which is the folder now
    try:
        runpy.run_module("atlas_cli", run_name="__main__", alter_sys=False)
        code = 0
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else int(done.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


class Server:
    """A process that has torch, and forks for every command."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._scratch = tempfile.TemporaryDirectory()
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from tests.e2e.forks import serve; serve()"],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(
        self, arguments: list[str], cwd: Path, environment: dict[str, str], timeout: int
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, its output through files."""
        out, err = Path(self._scratch.name, "stdout"), Path(self._scratch.name, "stderr")
        write = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        request = {
            "arguments": arguments, "cwd": str(cwd), "environment": environment, "timeout": timeout,
            "files": [(os.devnull, os.O_RDONLY), (str(out), write), (str(err), write)],
        }  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        return subprocess.CompletedProcess(
            arguments, code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8")
        )
