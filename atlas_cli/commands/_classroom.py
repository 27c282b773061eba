"""`atlas doctor --class`: what a lab needs on each machine before the network is gone."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from atlas_cli import catalog, paths
from atlas_cli.commands._lab import Lab, wanted
from atlas_cli.commands._training import Place

GB = 1e9
LEAST_DISK, LEAST_MEMORY = 2 * GB, 2 * GB  # bytes: caches and a few runs; the largest recipe and Python
_PLURAL = {"data": "data sets", "judge": "judges", "parent": "parents", "frames": "diagrams"}

Finding = dict[str, Any]


def findings(names: Sequence[str], place: Place) -> Iterator[Finding]:
    """The machine, then each family or topic; torch is imported, since judges and runs are found by data.

    Args:
        names: Families, topics or recipes; none: every family.
        place: Where runs and data are.
    """
    yield from (_atlas(), _memory(), _disk(place.out), _screen(), _browser())
    lab = Lab(place)  # opens each data set once
    yield from (_subject(name, lab) for name in names or [f.slug for f in catalog.families()])


def finding(what: str, found: str, ok: bool = True, hint: str = "") -> Finding:
    """One row, as the document has it."""
    return {"what": what, "found": found, "ok": ok, "hint": hint}


def _subject(name: str, lab: Lab) -> Finding:
    """What is there of all that a family needs; `atlas prepare` makes the rest."""
    things = lab.things(wanted([name], "doctor --class"))
    there = [thing for thing in things if thing.is_there()]
    all_of, some = Counter(thing.kind for thing in things), Counter(thing.kind for thing in there)
    counts = [f"{_PLURAL[kind]} {some[kind]} of {all_of[kind]}" for kind in all_of]
    where = "" if lab.place.out == paths.runs_dir() else f" --out {lab.place.out}"
    found = ", ".join(counts) or "needs nothing"
    return finding(name, found, len(there) == len(things), f"atlas prepare {name}{where}")


def _atlas() -> Finding:
    from atlas_cli import __version__

    return finding("atlas", __version__)  # diagrams are kept for one version of it alone


def _memory() -> Finding:
    import torch

    from atlas_cli.engine.memory import free_bytes

    free = free_bytes(torch.device("cpu"))
    if free is None:
        return finding("memory", "this system does not say how much is free")
    return finding("memory", f"{free / GB:.1f} GB free", free >= LEAST_MEMORY, "close other programs")


def _disk(out: Path) -> Finding:
    """The fuller one of the disks that hold caches and runs."""
    import shutil

    free = min(shutil.disk_usage(existing(folder)).free for folder in (paths.cache_dir(), out))
    hint = "free two gigabytes, or name another disk: ATLAS_HOME, --out"
    return finding("room", f"{free / GB:.0f} GB free for caches and runs", free >= LEAST_DISK, hint)


def existing(folder: Path) -> Path:
    """The folder, or the nearest above it that there is."""
    absolute = folder.absolute()
    return next(path for path in (absolute, *absolute.parents) if path.exists())


def _screen() -> Finding:
    """Colour and Unicode, where somebody looks at a terminal; a script of the lab has none."""
    from atlas_cli.screen import terminal
    from atlas_cli.screen.flags import flags

    if not sys.stdout.isatty():
        return finding("screen", "not asked: the output goes to no terminal")
    coloured = terminal.out.color_system is not None
    found = f"{'colour' if coloured else 'no colour'}, {'ASCII' if terminal.ascii_only() else 'Unicode'}"
    if terminal.ascii_only() and not flags.plain:
        return finding("screen", found, False, "export PYTHONUTF8=1, or a UTF-8 locale")
    unwanted = flags.plain or "NO_COLOR" in os.environ
    return finding("screen", found, coloured or unwanted, "export TERM=xterm-256color")


def _browser() -> Finding:
    """For --open; a lab can do without, so that it is told and not missed."""
    import webbrowser

    try:
        webbrowser.get()
    except webbrowser.Error:
        return finding("browser", "none, which --open needs; --out FILE writes what it would show")
    return finding("browser", "present")
