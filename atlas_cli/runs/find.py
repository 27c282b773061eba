"""Runs by what a user calls them, and by what they learned. Imports no torch."""

from __future__ import annotations

import difflib
from pathlib import Path

from atlas_cli import paths
from atlas_cli.errors import MOST_LETTERS, AtlasError, UsageError, quoted
from atlas_cli.runs.folder import RunFolder
from atlas_cli.runs.naming import number_of

RUN = "name of a run"


def open_run(ref: str, root: Path, of: str = RUN) -> RunFolder:
    """The run called `ref` in `root`, the run folder at the path `ref`, or the "latest" in `root`.

    Args:
        ref: What a user calls it.
        root: The folder of the runs.
        of: What that is, with the option that gives it, for the message.

    Raises:
        UsageError: there is no such run.
        DataError: its run.json cannot be read.
    """
    paths.named(ref, of)
    runs = list_runs(root)
    if ref == "latest" and runs:
        return runs[-1]
    for path in (root / ref, Path(ref)):
        if ref and (path / "run.json").is_file():
            run = RunFolder(path)
            run.info  # noqa: B018  read now: a damaged run is refused before anything is written to it
            return run
    raise _unknown(ref, root, [run.name for run in runs])


def list_runs(root: Path) -> list[RunFolder]:
    """The runs of a folder whose run.json can be read, oldest first."""
    if not root.is_dir():
        return []
    runs = []
    for file in root.glob("*/run.json"):
        run = RunFolder(file.parent)
        try:
            key = (str(run.info["started"]), number_of(run.name), run.name)
        except AtlasError:
            continue
        runs.append((key, run))
    return [run for _, run in sorted(runs, key=lambda pair: pair[0])]


def find_run(reference: str, root: Path, with_weights: bool = False, of: str = RUN) -> RunFolder:
    """A run by name or path, the latest, or the latest run of a topic.

    Args:
        reference: What a user calls it.
        root: The folder of the runs.
        with_weights: Of the latest ones, one that has a checkpoint where there is one.
        of: As for `open_run`.

    Raises:
        UsageError: there is none.
    """
    from atlas_cli import catalog

    try:
        if reference == "latest" and with_weights and (runs := list_runs(root)):
            return _latest(runs, with_weights)
        return open_run(reference, root, of)
    except UsageError as unknown:
        try:
            slug = catalog.resolve(reference).slug
        except AtlasError:
            raise unknown from None
        trained = [run for run in list_runs(root) if run.topic == slug]
        if not trained:
            raise UsageError(f"there is no run of {slug} in {root} yet", f"atlas train {slug}") from None
        return _latest(trained, with_weights)


def _latest(runs: list[RunFolder], with_weights: bool) -> RunFolder:
    fitting = [run for run in runs if run.has_weights] if with_weights else []
    return (fitting or runs)[-1]


def find_by_hash(root: Path, recipe_hash: str, data: str) -> RunFolder | None:
    """The newest complete run of a recipe on data with this fingerprint, else the newest that was begun.

    Failed runs are left out, and those that a live process trains.
    """
    fitting = [run for run in list_runs(root) if (run.info["hash"], run.data) == (recipe_hash, data)]
    for status in ("complete", "interrupted"):
        for run in reversed(fitting):
            if run.status == status:
                return run
    return None


def _unknown(ref: str, root: Path, names: list[str]) -> UsageError:
    if not names:
        return UsageError(
            f"there is no run {quoted(ref)}: {root} holds no runs yet", "train one: atlas train ddpm"
        )
    if Path(ref).is_dir() and ref not in (".", ".."):
        return UsageError(f"{ref} is not a run folder: it has no run.json", "list the runs: atlas run ls")
    near = difflib.get_close_matches(ref[:MOST_LETTERS], [*names, "latest"], n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "list the runs: atlas run ls"
    return UsageError(f"there is no run {quoted(ref)} in {root}", hint)
