"""`--devices N`: this very command in N processes of this machine, which end together.

The first rank has the terminal. What the others say is kept, and told only where one of them failed and the
first could not know why.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from types import FrameType, TracebackType
from typing import IO, Any

from atlas_cli import ranks
from atlas_cli.engine.signals import HEEDED, nohup
from atlas_cli.errors import AtlasError, RankLost
from atlas_cli.screen.flags import flags

#: What a rank runs. -P: nothing is imported from the working folder, which anybody may have filled.
PROGRAM = ("-P", "-m", "atlas_cli")
_POLL_S = 0.05
_GRACE_S = 10.0  # for the other ranks to end by themselves after one has failed
_WATCH_S = 2.0  # between two looks of a rank at whether its launcher lives
_LAST_STEP_S = 20.0  # for a rank without a launcher to write a checkpoint


def launch(devices: int, arguments: Sequence[str]) -> int:
    """Run `atlas ARGUMENTS` in `devices` processes on this machine; returns the exit code.

    Raises:
        AtlasError: a rank was killed.
    """
    port = _free_port()
    with _Ranks() as group:
        for rank in range(devices):
            group.start(rank, _announced(rank, devices, port), arguments)
        first_failed = group.wait()
    return group.verdict(first_failed)


class _Rank:
    """One process of the group, and what it says where it is not the first."""

    def __init__(self, number: int, environment: dict[str, str], arguments: Sequence[str]) -> None:
        self.number = number
        heard = number == 0 or flags.debug
        self.said: dict[str, IO[bytes]] = {}
        self.words: dict[str, str] = {}
        if not heard:
            self.said = {stream: tempfile.TemporaryFile() for stream in ("stdout", "stderr")}  # noqa: SIM115
        # A session of its own: Ctrl-C reaches the launcher alone, which hands it on once.
        streams: dict[str, Any] = self.said
        self.process = subprocess.Popen(
            [sys.executable, *PROGRAM, *arguments],
            env=environment, stdin=subprocess.DEVNULL, start_new_session=os.name != "nt", **streams,
        )  # fmt: skip

    @property
    def code(self) -> int | None:
        """Its exit code, negative where a signal killed it; None while it lives."""
        return self.process.poll()

    def send(self, number: int) -> None:
        if self.code is None:
            self.process.send_signal(number)

    def end(self) -> None:
        """Kill it if it lives, and take in what it said."""
        if self.code is None:
            self.process.kill()
        self.process.wait()
        for name, kept in self.said.items():
            with kept:
                kept.seek(0)
                self.words[name] = kept.read().decode("utf-8", "replace")

    def repeat(self) -> None:
        """Say what it said."""
        for name, text in self.words.items():
            print(text, end="", file=getattr(sys, name), flush=True)


class _Ranks:
    """The processes, with the signals that this one gets handed on to them."""

    def __init__(self) -> None:
        self.ranks: list[_Rank] = []
        self.signal: int | None = None  # the first that came
        self._before: dict[int, Any] = {}

    def __enter__(self) -> _Ranks:
        for number in HEEDED:
            if not nohup(number):
                self._before[number] = signal.signal(number, self._hand_on)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for rank in self.ranks:
            rank.end()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def start(self, number: int, environment: dict[str, str], arguments: Sequence[str]) -> None:
        self.ranks.append(_Rank(number, environment, arguments))

    def wait(self) -> _Rank | None:
        """The rank that failed first, once all have ended or had the time to; None where none did."""
        failed: _Rank | None = None
        deadline = float("inf")
        while any(rank.code is None for rank in self.ranks) and time.monotonic() < deadline:
            if failed is None and (failed := self._failed()) is not None and self.signal is None:
                deadline = time.monotonic() + _GRACE_S
            time.sleep(_POLL_S)
        return self._failed()

    def verdict(self, failed: _Rank | None) -> int:
        """The exit code of them all.

        Raises:
            AtlasError: a rank was killed by someone else.
        """
        if failed is None:
            return 0
        first = self.ranks[0].code
        if first is not None and first > 0 and first != RankLost.code:
            return first  # it has said why
        if self.signal is not None:  # before a rank could heed it, or the second one
            return 128 + self.signal
        code = failed.code or 1
        if code < 0:
            name = signal.Signals(-code).name
            raise AtlasError(f"rank {failed.number} died ({name})", "go on with: atlas train --resume")
        failed.repeat()
        return code

    def _failed(self) -> _Rank | None:
        """The rank that failed; one that only lost another does not count where that one is known."""
        failed = [rank for rank in self.ranks if rank.code]
        return min(failed, key=lambda rank: rank.code == RankLost.code, default=None)

    def _hand_on(self, number: int, frame: FrameType | None) -> None:
        self.signal = self.signal or number
        for rank in self.ranks:
            rank.send(number)


def _announced(rank: int, devices: int, port: int) -> dict[str, str]:
    """The environment of a rank, as torchrun makes it."""
    group = {
        "RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": devices, "LOCAL_WORLD_SIZE": devices,
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, ranks.LAUNCHER: os.getpid(),
    }  # fmt: skip
    threads = {"OMP_NUM_THREADS": str(max(1, ranks.cores() // devices))}
    return {**threads, **os.environ, **{name: str(value) for name, value in group.items()}}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def end_with_launcher() -> None:
    """Let this rank end within half a minute of the process that launched it, if one did."""
    parent = ranks.launcher()
    if parent is not None:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_WATCH_S)
    os.kill(os.getpid(), signal.SIGTERM)  # as if someone had asked: the step ends and is saved
    time.sleep(_LAST_STEP_S)
    os._exit(128 + signal.SIGTERM)
