"""`atlas prepare`: make once what a class would wait for, so that it needs no network either."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from atlas_cli.commands import _complete
from atlas_cli.commands._devices import Device
from atlas_cli.commands._places import DataDir, Runs
from atlas_cli.errors import InterruptedRun, UsageError

if TYPE_CHECKING:
    from atlas_cli.commands._lab import Lab, Thing

PANEL, PLACE = "Manage", 2  # in atlas --help
LONG_RUNNING = True


def prepare(
    names: Annotated[
        list[str],
        typer.Argument(help="Families, topics, topic/recipe, or all.", autocompletion=_complete.names),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="List what is there and what is not; make nothing.")
    ] = False,
    knobs: Annotated[
        bool, typer.Option("--knobs", help="Frames of every position of every knob, not the first alone.")
    ] = False,
    precision: Annotated[
        str | None, typer.Option(help="Number format of the machines it is for: fp32 or bf16.")
    ] = None,
    data_dir: DataDir = None,
    device: Device = "auto",
    out: Runs = Path("runs"),
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Draw data, train judges and parents, and compute diagrams once, for use without waiting or a network.

    What is there already is left as it is; what was interrupted goes on.

    Example: [bold]atlas prepare diffusion[/bold]
    """
    from atlas_cli.commands._lab import Lab, wanted
    from atlas_cli.commands._training import Place
    from atlas_cli.screen import messages, terminal

    if precision not in (None, "fp32", "bf16"):
        raise UsageError(f"there is no number format {precision!r}", "choose one of: fp32, bf16")
    needed = wanted(names)
    lab = Lab(Place(out, data_dir, device), precision, json)
    command = " ".join(["atlas prepare", *names])
    try:
        told = list(_prepared(lab, lab.things(needed, knobs), dry_run, json))
    except InterruptedRun as error:
        raise InterruptedRun(error.what, f"go on with: {command}", error.code) from error
    if json:
        terminal.emit_json(_document(told, lab, dry_run))
        return
    _print_rest(told, lab)
    missing = any(entry["status"] == "missing" for entry in told)
    messages.next_command(command if missing else f"atlas doctor --class {' '.join(names)}")


def _prepared(lab: Lab, things: Sequence[Thing], dry_run: bool, json: bool) -> Iterator[dict[str, Any]]:
    """Each thing as the document has it, once it is made or found; printed as it comes."""
    from atlas_cli.present.progress import clock
    from atlas_cli.screen import messages

    for thing in things:
        status, seconds = "there", None
        if not thing.is_there():
            status = "missing"
            if not dry_run:
                about = f", about {clock(thing.expected_seconds)}" if thing.expected_seconds else ""
                messages.say(f"{thing.kind} {thing.name}{about}")
                began = time.perf_counter()
                thing.make()
                status, seconds = "made", round(time.perf_counter() - began, 1)
        told = {
            "kind": thing.kind, "name": thing.name, "used_by": list(thing.used_by), "status": status,
            "expected_seconds": thing.expected_seconds, "seconds": seconds,
        }  # fmt: skip
        if not json:
            _print(told)
        yield told


def _print(told: dict[str, Any]) -> None:
    """One line: what became of it, how long it takes or took, and what uses it."""
    from rich.text import Text

    from atlas_cli.present.progress import clock
    from atlas_cli.screen.terminal import out

    took = ""
    if told["status"] == "missing" and told["expected_seconds"]:
        took = f"about {clock(told['expected_seconds'])}"
    elif told["seconds"] is not None:
        took = clock(told["seconds"])
    colour = "atlas.bad" if told["status"] == "missing" else "atlas.good"
    line = Text.assemble(
        (f"{told['status']:<9}", colour), f"{told['kind']:<8}{told['name']:<22}{took:<13}",
        ("for " + _cut(told["used_by"]), "atlas.muted"),
    )  # fmt: skip
    out.print(line, soft_wrap=True)


def _cut(names: list[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _print_rest(told: Sequence[dict[str, Any]], lab: Lab) -> None:
    """What is not prepared, and what all that is missing would take."""
    from rich.text import Text

    from atlas_cli.present.progress import clock
    from atlas_cli.screen.terminal import out

    for recipe, why in lab.left_out:
        out.print(Text(f"left out {recipe}: {why}", "atlas.muted"), soft_wrap=True)
    missing = [entry for entry in told if entry["status"] == "missing"]
    if not told:
        out.print("there is nothing to prepare: nothing of it is trained, judged or computed")
    elif missing:
        seconds = sum(entry["expected_seconds"] or 0.0 for entry in missing)
        frames = " and the diagrams" if any(entry["kind"] == "frames" for entry in missing) else ""
        out.print(f"{len(missing)} of {len(told)} are missing: about {clock(seconds)}{frames}")
    else:
        out.print(f"all {len(told)} are there")


def _document(told: Sequence[dict[str, Any]], lab: Lab, dry_run: bool) -> dict[str, Any]:
    return {
        "ready": all(entry["status"] != "missing" for entry in told),
        "dry_run": dry_run,
        "things": list(told),
        "left_out": [entry._asdict() for entry in lab.left_out],
    }
