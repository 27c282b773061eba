"""The folder of one training run. Imports no torch, so that `atlas run ls` starts fast.

run.json           recipe, hash of the resolved recipe, what the data hold, start, the weights it builds on
recipe.yaml        the resolved recipe
environment.json   what it ran on
metrics.jsonl      one row a log step
result.json        written when the run ends; without it the run is running or interrupted
checkpoints/  samples/  lock
"""

from __future__ import annotations

import json
import math
import shlex
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

from atlas_cli import files, paths
from atlas_cli.errors import DataError, EnvironmentFault, UsageError
from atlas_cli.runs.durable import read_json, strict, write_atomic, write_fault, write_json
from atlas_cli.runs.lock import Holder, RunLock, holder
from atlas_cli.runs.naming import named, number_of, numbered, require_writable

_MOST_METRICS = 1 << 30  # bytes; a row of every one of a million steps takes a fifth of it

ABLATION = "ablation"  # folder of the run without the idea, inside the run's own

Status = Literal["complete", "interrupted", "running", "failed"]


class Base(NamedTuple):
    """Weights that a run is built on: those of another run, told apart by what they are."""

    run: str  # the name of the run that they come from
    recipe: str  # what that run trained
    weights: str  # see checkpoint.weights_hash


class Labels(NamedTuple):
    """What a user calls a run, and how its recipe was changed for it."""

    name: str | None = None  # of its folder, in place of <topic>-<recipe>-<n>
    tags: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()  # against the recipe as its file has it: "model.d_state: 16 -> 2"


class RunFolder:
    """One run folder; see the module's head for what lies in it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"RunFolder({str(self.path)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunFolder) and self.path.resolve() == other.path.resolve()

    def __hash__(self) -> int:
        return hash(self.path.resolve())

    # --- making and finding --------------------------------------------------------------------------

    @classmethod
    def create(
        cls, root: Path, topic_recipe: str, recipe_hash: str = "", data: str = "",
        bases: Mapping[str, Base] | None = None, data_dir: Path | None = None, labels: Labels = Labels(),
    ) -> RunFolder:  # fmt: skip
        """Make `root`/<topic>-<recipe>-<n> with the next free number, or the folder that `labels` names.

        Args:
            root: The folder of the runs.
            topic_recipe: "ddpm/small", or the path of a user's own recipe.
            recipe_hash: Hash of the resolved recipe, by which other runs find this one.
            data: Fingerprint of what the data hold.
            bases: The weights that this run is built on, by role.
            data_dir: The folder of downloaded data sets, where one was named.
            labels: What the user calls it.

        Raises:
            EnvironmentFault: `root` cannot be written, is no folder or its parent is missing.
            UsageError: there is a run of the name that is asked for.
        """
        require_writable(root)
        path = numbered(root, topic_recipe) if labels.name is None else named(root, labels.name)
        run = cls(path)
        try:
            run.samples.mkdir()
            run.checkpoints.mkdir()
        except OSError as error:
            raise write_fault(error, path, 0) from error
        started = datetime.now(UTC).isoformat(timespec="microseconds")
        document = {
            "recipe": topic_recipe, "hash": recipe_hash, "data": data, "started": started,
            "data_dir": None if data_dir is None else str(data_dir.expanduser().absolute()),
            "bases": {role: base._asdict() for role, base in (bases or {}).items()},
            "tags": list(labels.tags), "changes": list(labels.changes),
        }  # fmt: skip
        write_json(path / "run.json", document)
        return run

    # --- what is where -------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The folder's name, by which users call the run."""
        return self.path.resolve().name

    @property
    def topic(self) -> str:
        """Slug of the topic that it trains."""
        return str(self.info["recipe"]).split("/")[0]

    @property
    def resume_name(self) -> str:
        """What a user resumes: this run, or the run that this one lies in (an ablation)."""
        return self.name if (self.path / "run.json").is_file() else self.path.resolve().parent.name

    @property
    def reference(self) -> str:
        """What names it on the command line: its name in the usual folder of the runs, elsewhere its path."""
        whole = self.path if (self.path / "run.json").is_file() else self.path.parent
        usual = whole.resolve().parent == paths.runs_dir().resolve()
        return whole.name if usual else shlex.quote(str(whole))

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def has_weights(self) -> bool:
        """Whether a checkpoint was written, whole or not."""
        return any(self.checkpoints.glob("step-*/manifest.json"))

    @property
    def steps_done(self) -> int:
        """The step of the newest checkpoint; 0 where there is none."""
        return max((number_of(path.name, "step") for path in self.checkpoints.glob("step-*")), default=0)

    @property
    def samples(self) -> Path:
        """Folder of the samples."""
        return self.path / "samples"

    @cached_property
    def info(self) -> dict[str, Any]:
        """run.json: "recipe", "hash", "started" (ISO 8601, UTC), "data" and "bases" (see those)."""
        return {"recipe": "", "hash": "", "started": ""} | read_json(self.path / "run.json")

    @property
    def data(self) -> str | None:
        """Fingerprint of the data that it learned from; None of a run from before that was written down."""
        data = self.info.get("data")
        return data if isinstance(data, str) else None

    @property
    def data_dir(self) -> Path | None:
        """The folder of downloaded data sets that was named when it was trained."""
        folder = self.info.get("data_dir")
        return Path(folder) if isinstance(folder, str) else None

    @property
    def tags(self) -> list[str]:
        """What the user tagged it with."""
        return [str(tag) for tag in self.info.get("tags") or ()]

    @property
    def changes(self) -> list[str]:
        """How its recipe differs from the file that it is called after: "model.d_state: 16 -> 2"."""
        return [str(change) for change in self.info.get("changes") or ()]

    @property
    def imported(self) -> dict[str, Any] | None:
        """Of a run that was trained elsewhere: what it was called there ("name"), and when it came ("at")."""
        said = self.info.get("imported")
        return said if isinstance(said, dict) else None

    @property
    def bases(self) -> dict[str, Base] | None:
        """The weights that it is built on, by role; None of a run from before they were written down.

        Raises:
            DataError: run.json does not say it as this atlas writes it.
        """
        said = self.info.get("bases")
        if said is None:
            return None
        try:
            return {role: Base(*(str(base[field]) for field in Base._fields)) for role, base in said.items()}
        except (AttributeError, KeyError, TypeError) as error:
            what = f"{self.path / 'run.json'} does not name the weights that the run builds on"
            raise DataError(what, f"train it again: atlas train {self.info['recipe']}") from error

    @property
    def result(self) -> dict[str, Any] | None:
        """result.json, or None while there is none that can be read."""
        try:
            return read_json(self.path / "result.json")
        except DataError:  # a damaged result is made again by --resume, from the last checkpoint
            return None

    @property
    def recipe_text(self) -> str:
        """The resolved recipe.

        Raises:
            DataError: it cannot be read.
        """
        try:
            return files.read_text(self.path / "recipe.yaml")
        except (OSError, UnicodeDecodeError) as error:
            hint = "start a new run: atlas train"
            raise DataError(f"{self.path / 'recipe.yaml'} cannot be read: {error}", hint) from error

    # --- state ---------------------------------------------------------------------------------------

    def lock(self) -> RunLock:
        """A context manager held while the run trains; entering raises UsageError if it is held."""
        return RunLock(self.path / "lock")

    def holder(self) -> Holder | None:
        """The live process that trains the run, if any."""
        return holder(self.path / "lock")

    @property
    def status(self) -> Status:
        """Running while locked; then what result.json says; without a result, interrupted."""
        if self.holder() is not None:
            return "running"
        result = self.result
        if result is None:
            return "interrupted"
        return "failed" if result.get("status") == "failed" else "complete"

    def remove(self) -> None:
        """Delete the run folder.

        Raises:
            UsageError: a live process trains it.
        """
        who = self.holder()
        if who is not None:
            raise UsageError(f"the run {self.name} is being trained by {who}", "stop it first")
        try:
            shutil.rmtree(self.path)
        except OSError as error:
            raise write_fault(error, self.path, 0) from error

    def require_folders(self) -> None:
        """See that samples and checkpoints have a place, before there are any.

        Raises:
            EnvironmentFault: something else has it.
        """
        for folder in (self.samples, self.checkpoints):
            try:
                folder.mkdir(exist_ok=True)
            except FileExistsError as error:
                what = f"{folder} is a file, and a folder belongs there"
                raise EnvironmentFault(
                    what, f"move it away, for example: mv {folder} {folder}.old"
                ) from error
            except OSError as error:
                raise write_fault(error, folder, 0) from error

    # --- writing -------------------------------------------------------------------------------------

    def write_recipe(self, text: str) -> None:
        """Write the resolved recipe."""
        write_atomic(self.path / "recipe.yaml", text)

    def change_recipe(self, text: str, recipe_hash: str) -> None:
        """Write the recipe that a resume goes on with: under the one before this run is not found."""
        self.write_recipe(text)
        document = self.info | {"hash": recipe_hash}
        write_json(self.path / "run.json", document)
        self.__dict__["info"] = document

    def write_result(self, result: Mapping[str, Any]) -> None:
        """Write how the run ended; "status": "failed" marks one that must not be built on."""
        write_json(self.path / "result.json", dict(result))

    def clear_result(self) -> None:
        """Forget how the run ended, before a resume goes on with it."""
        (self.path / "result.json").unlink(missing_ok=True)

    def write_environment(self) -> None:
        """Write what the run runs on. Imports torch."""
        from atlas_cli.runs.environment import environment

        write_json(self.path / "environment.json", environment())

    def append_metrics(self, row: Mapping[str, Any]) -> None:
        """Append one row, with "step" the number of steps done; NaN and infinity are written as null."""
        path = self.path / "metrics.jsonl"
        line = json.dumps(strict(dict(row)), allow_nan=False) + "\n"
        try:
            with path.open("ab", buffering=0) as file:
                file.write(line.encode())
        except OSError as error:
            raise write_fault(error, path, len(line)) from error

    def read_metrics(self) -> list[dict[str, Any]]:
        """All whole rows; null comes back as NaN. The torn last line of a killed run is left out.

        Raises:
            DataError: a line before the last is damaged.
        """
        return [row for _, row in self._metric_lines()]

    def cut_metrics_after(self, step: int) -> None:
        """Drop the rows past a checkpoint, and a torn last line; called before a resume appends."""
        path = self.path / "metrics.jsonl"
        if path.exists():
            kept = [line for line, row in self._metric_lines() if row.get("step", 0) <= step]
            write_atomic(path, "".join(line + "\n" for line in kept))

    def _metric_lines(self) -> list[tuple[str, dict[str, Any]]]:
        path = self.path / "metrics.jsonl"
        if not path.exists():
            return []
        *lines, _torn = _whole(path).split(b"\n")  # a whole file ends with \n: the last piece is empty
        rows = []
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
            except ValueError as error:
                raise _damaged(path, number) from error
            if not isinstance(row, dict):
                raise _damaged(path, number)
            row = {key: math.nan if item is None else item for key, item in row.items()}
            rows.append((line.decode("utf-8"), row))
        return rows


def _whole(path: Path) -> bytes:
    try:
        return files.read(path, _MOST_METRICS)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}", f"delete {path}") from error


def _damaged(path: Path, number: int) -> DataError:
    return DataError(f"{path}:{number} is not a row of metrics", f"delete line {number} of {path}")
