"""`atlas doctor`: what this machine offers, and what is missing."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from atlas_cli.commands import _complete
from atlas_cli.commands._places import DataDir, Runs
from atlas_cli.errors import UsageError

if TYPE_CHECKING:
    from atlas_cli.commands._training import Place

PANEL, PLACE = "Manage", 3  # in atlas --help


def doctor(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="With --class: families, topics or topic/recipe.", autocompletion=_complete.names
        ),
    ] = None,
    class_: Annotated[
        bool, typer.Option("--class", help="Also what a class needs to work without waiting or a network.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="With --class: exit 1 when something is missing.")
    ] = False,
    data_dir: DataDir = None,
    out: Runs = Path("runs"),
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Check Python, libraries, devices, terminal, caches and disk.

    Example: [bold]atlas doctor --class diffusion[/bold]
    """
    if class_:
        from atlas_cli.commands._training import Place

        _doctor_class(names or [], Place(out, data_dir), check, json)
        return
    if names or check:
        raise UsageError(
            "names and --check go with --class", f"atlas doctor --class {' '.join(names or [])}".rstrip()
        )
    findings = [ask() for ask in (_python, _torch, _devices, _precision, _terminal, _cache, _disk)]
    findings.insert(-1, _runs(out))
    if not _told(findings, json, "atlas train ddpm --recipe small"):
        raise typer.Exit(4)


def _doctor_class(names: list[str], place: Place, check: bool, json: bool) -> None:
    from atlas_cli.commands import _classroom

    findings = [_python(), _torch()]
    if findings[-1]["ok"]:  # without torch nothing of the rest can be looked for
        findings += [_devices(), _precision(), _cache(), _runs(place.out)]
        findings += _classroom.findings(names, place)
    missing = next((f["hint"] for f in findings if not f["ok"]), None)
    if not _told(findings, json, missing or "atlas train ddpm --recipe small") and check:
        raise typer.Exit(1)


def _told(findings: list[dict[str, Any]], json: bool, following: str) -> bool:
    """Print the findings; whether all is well."""
    from rich.table import Table
    from rich.text import Text

    from atlas_cli.screen import messages, terminal

    ok = all(f["ok"] for f in findings)
    if json:
        terminal.emit_json({"ok": ok, "findings": findings})
    else:
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        for f in findings:
            mark = Text("ok", "atlas.good") if f["ok"] else Text("hint", "atlas.bad")
            table.add_row(mark, f["what"], f["found"] if f["ok"] else f"{f['found']}: {f['hint']}")
        terminal.out.print(table)
        messages.next_command(following)
    return ok


def _finding(what: str, found: str, ok: bool = True, hint: str = "") -> dict[str, Any]:
    return {"what": what, "found": found, "ok": ok, "hint": hint}


def _python() -> dict[str, Any]:
    ok = sys.version_info >= (3, 11)
    return _finding("python", platform.python_version(), ok, "install Python 3.11 or newer")


def _torch() -> dict[str, Any]:
    from importlib import metadata

    try:
        import torch
        import torchvision
    except (ImportError, RuntimeError) as error:
        return _finding("torch", str(error).splitlines()[0], False, "pip install --upgrade torch torchvision")
    return _finding(
        "torch",
        f"{torch.__version__}, torchvision {torchvision.__version__}, typer {metadata.version('typer')}",
    )


def _devices() -> dict[str, Any]:
    from atlas_cli.engine.device import available_devices, cores

    return _finding("devices", f"{', '.join(available_devices())}; {cores()} compute threads")


def _precision() -> dict[str, Any]:
    from atlas_cli.engine.device import choose_device, resolve_precision

    device = choose_device("auto")
    return _finding("precision", f"auto means {resolve_precision('auto', device)} on {device.type}")


def _terminal() -> dict[str, Any]:
    from atlas_cli.screen.terminal import ascii_only, out

    colour = out.color_system or "no colour"
    return _finding("terminal", f"{out.width} columns, {colour}, {'ASCII' if ascii_only() else 'Unicode'}")


def _cache() -> dict[str, Any]:
    from atlas_cli import paths

    hint = "set ATLAS_HOME to a folder that you may write to"
    try:
        return _writable("cache", paths.cache_dir(), hint)
    except paths.NoHome as fault:
        return _finding("cache", fault.what, False, hint)


def _runs(out: Path) -> dict[str, Any]:
    return _writable("runs", out, "use --out FOLDER")


def _writable(what: str, folder: Path, hint: str) -> dict[str, Any]:
    folder = folder.absolute()
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    return _finding(what, str(folder), os.access(existing, os.W_OK), hint)


def _disk() -> dict[str, Any]:
    free = shutil.disk_usage(Path()).free
    return _finding("disk", f"{free / 1e9:.0f} GB free", free > 1e9, "free a gigabyte: atlas run rm")
