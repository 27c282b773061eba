"""One process trains a run folder at a time. The operating system frees the lock of a killed process."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType

from atlas_cli.errors import UsageError
from atlas_cli.files import try_lock
from atlas_cli.runs.durable import write_fault

_TRIES = 5  # a reader that asks who holds the lock holds it itself for microseconds


@dataclass(frozen=True)
class Holder:
    """The process that trains a run.

    Attributes:
        started: When it took the lock, ISO 8601 with the zone.
    """

    pid: int
    host: str
    started: str

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.started}"


class RunLock:
    """The lock of a run folder; a context manager.

    Raises:
        UsageError: on entry, if another process (or another lock of this one) holds it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def __enter__(self) -> RunLock:
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise write_fault(error, self.path, 256) from error
        try:
            if not _acquire(descriptor, self.path):
                raise being_trained(self.path.parent.name, _recorded(self.path))
            _record(descriptor)
        except BaseException as error:
            os.close(descriptor)
            if isinstance(error, OSError):
                raise write_fault(error, self.path, 256) from error
            raise
        self._descriptor = descriptor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is None:
            return
        # The file stays: to unlink it would let two processes lock two files of the same name.
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)
        self._descriptor = None


def holder(path: Path) -> Holder | None:
    """The live process that holds the lock file, or None."""
    recorded = _recorded(path)
    if recorded is None:
        return None
    descriptor = os.open(path, os.O_RDONLY)
    try:
        free = try_lock(descriptor, shared=True)
    finally:
        os.close(descriptor)
    if free is None:
        free = not _may_live(recorded)
    return None if free else recorded


def _acquire(descriptor: int, path: Path) -> bool:
    for _ in range(_TRIES):
        free = try_lock(descriptor, shared=False)
        if free is None:  # a file system without locks: the record in the file decides
            recorded = _recorded(path)
            return recorded is None or not _may_live(recorded)
        if free:
            return True
        time.sleep(0.02)
    return False


def being_trained(name: str, who: Holder | None) -> UsageError:
    """The refusal of a run that another process is at."""
    return UsageError(
        f"the run {name} is being trained by {who or 'another process'}",
        "wait for it to end, stop it, or start a new run without --resume",
    )


def _record(descriptor: int) -> None:
    """Write who holds the lock, for those who will find it taken."""
    me = Holder(os.getpid(), socket.gethostname(), datetime.now().astimezone().isoformat("T", "seconds"))
    os.ftruncate(descriptor, 0)
    os.write(descriptor, json.dumps(asdict(me)).encode())


def _recorded(path: Path) -> Holder | None:
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        return Holder(int(fields["pid"]), str(fields["host"]), str(fields["started"]))
    except (OSError, ValueError, KeyError, TypeError):  # absent, released, or just being written
        return None


def _may_live(who: Holder) -> bool:
    """False only if the process is certainly dead."""
    if who.host != socket.gethostname() or os.name == "nt":  # on Windows kill(pid, 0) would be Ctrl-C
        return True
    try:
        os.kill(who.pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # it lives and belongs to someone else
        return True
    return True
