"""`run export --format run` and `run import`: a trained run goes from hand to hand as one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from atlas_cli.errors import DataError, UsageError
from atlas_cli.runs.folder import RunFolder


def hand_out(runs: Sequence[RunFolder], target: Path | None) -> Path:
    """Write one run to one file, and say what whoever gets it needs beside it.

    Raises:
        UsageError: there are several runs.
        DataError: it has no checkpoint that is whole.
        EnvironmentFault: the file cannot be written.
    """
    from atlas_cli.runs import handing
    from atlas_cli.screen import messages

    if len(runs) > 1:
        hint = f"name it: atlas run export {runs[-1].reference} --format run"
        raise UsageError(f"a file holds one run, and there are {len(runs)}", hint)
    run = runs[0]
    packed = handing.pack(run, target or Path(f"{run.name}{handing.ENDING}"))
    steps = " and ".join(map(str, packed.steps))
    several = "s" if len(packed.steps) > 1 else ""
    messages.say(
        f"{packed.size / 1e6:.1f} MB, with the weights of step{several} {steps}; samples are left out"
    )
    for base in (run.bases or {}).values():
        messages.say(f"it is built on {base.run}: hand that out as well, or it cannot be sampled")
    return packed.file


def take_in(file: Path, out: Path, name: str | None, force: bool, json: bool) -> None:
    """Make a run of a file, say where it comes from, and what it is built on that is not here.

    Raises:
        UsageError: there is a run of its name already.
        DataError: the file is not as it was written, or never was a run.
    """
    from atlas_cli.runs import hashes, taking
    from atlas_cli.screen import messages, terminal

    run = taking.unpack(file, out, _require_usable, name, force)
    missing = _missing(run)
    if json:
        terminal.emit_json({
            "run": str(run.path), "recipe": run.info["recipe"], "file": str(file), "imported": run.imported,
            "hashes": hashes.of(run), "missing": missing,
        })  # fmt: skip
        return
    terminal.emit_text(str(run.path))
    messages.say(f"{run.name} was trained elsewhere, and is marked as imported")
    for base in missing:
        messages.say(
            f"it is built on {base['run']} ({base['recipe']}, weights {base['weights']}), not in {out}"
        )
    if missing:
        messages.say("until that run is imported too, it can be shown and plotted, not sampled or resumed")
    messages.next_command(f"atlas run show {run.reference}" if missing else f"atlas sample {run.reference}")


def _require_usable(run: RunFolder) -> None:
    """Refuse a run of a system or with settings that this atlas does not have.

    Raises:
        DataError: it is one.
    """
    from atlas_cli.engine.loading import recipe_of

    try:
        recipe_of(run)
    except UsageError as error:
        written = run.info["recipe"]
        what = f"this atlas cannot train the recipe of the run, {written}: {error.what}"
        raise DataError(what, "use the version of atlas that trained it", error.details) from error


def _missing(run: RunFolder) -> list[dict[str, Any]]:
    """The weights that it is built on and that no run beside it holds."""
    from atlas_cli.engine.loading import bound

    found = []
    for role, base in (run.bases or {}).items():
        try:
            bound(run, base, [run.path.absolute().parent])
        except DataError:
            found.append({"role": role, **base._asdict()})
    return found
