"""The atlas from Python: what the commands do, as functions for notebooks and scripts.

    from atlas_cli import api

    result = api.train("mamba/induction", {"d_state": 2})
    result.met, result.figures["accuracy"]
    api.sample(result, count=8)                      # shows itself in a notebook
    api.explain("mamba", section="How it works")
    api.diagram("mamba", "selective-scan", gate=1)
    api.check("gan/r1", r1)                          # a function that you wrote

Importing this module imports neither torch nor pydantic; `train`, `load` and `sample` do when they are
called. What goes wrong for a reason that a person can do something about is an `atlas_cli.errors.AtlasError`:
`what` is wrong, a `hint`, and the exit `code` that the command line would give.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atlas_cli.errors import UsageError
from atlas_cli.reading import Chapter, Drawing, diagram, explain

if TYPE_CHECKING:
    from atlas_cli.engine.build import Options
    from atlas_cli.engine.system import SampleRequest, System
    from atlas_cli.engine.trainer import Outcome
    from atlas_cli.exercises.judged import Judged
    from atlas_cli.present.artifacts.base import Artifact
    from atlas_cli.present.reporter import Reporter
    from atlas_cli.recipe.model import Recipe
    from atlas_cli.runs.folder import RunFolder

__all__ = ["Chapter", "Drawing", "Result", "check", "diagram", "explain", "load", "recipe", "sample", "train"]

Changes = Mapping[str, object]  # field -> value, as `--set` takes them: {"train.steps": 200, "width": 32}


# --- training ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """What a training came to.

    Attributes:
        path: The run's folder: checkpoints, samples, curve and all figures.
        recipe: What was trained, with everything filled in.
        figures: Evaluated metrics by name.
        without: The same of the run without the idea; None where it was not run.
        verdicts: One dictionary a claim: metric, claim, bar, figure, ablated, passed.
        met: Whether every claim holds.
        seconds: Of the whole call.
        picture: What it learned to make.
    """

    path: Path
    recipe: Recipe
    figures: dict[str, float]
    without: dict[str, float] | None
    verdicts: list[dict[str, Any]]
    met: bool | None
    seconds: float
    picture: Artifact | None

    def __repr__(self) -> str:
        judged = {None: "not judged", True: "every claim holds", False: "not every claim holds"}[self.met]
        return f"<{self.recipe.name}, {judged}: {self.path}>"

    def _repr_html_(self) -> str:
        """Samples and verdicts, for a notebook."""
        shown = self.picture._repr_html_() if self.picture is not None else ""
        rows = "".join(
            f"<tr><td>{html.escape(v['claim'] or v['metric'])}</td><td>{html.escape(v['bar'])}</td>"
            f"<td>{_number(v['figure'])}</td><td>{_number(v['ablated'])}</td><td>{_held(v['passed'])}</td></tr>"
            for v in self.verdicts
        )
        head = "<tr><th>claim</th><th>bar</th><th>figure</th><th>without the idea</th><th></th></tr>"
        return shown + (f"<table>{head}{rows}</table>" if rows else "")


def recipe(name: str | Path, changes: Changes | None = None, data: str | None = None) -> Recipe:
    """The recipe of that name, checked and complete.

    Args:
        name: "ddpm" (its small recipe), "ddpm/small", or the path of a YAML file.
        changes: Fields in place of the recipe's.
        data: Another data source.

    Raises:
        UsageError: with all findings in its `details`.
    """
    from atlas_cli.recipe.recipes import resolve

    return resolve(name, _texts(changes), data, "train")


def train(
    name: str | Path | Recipe, changes: Changes | None = None, *, data: str | None = None,
    ablate: bool | None = None, out: Path | str = "runs", device: str = "auto",
    data_dir: Path | str | None = None, offline: bool = False, report: Reporter | None = None,
) -> Result:  # fmt: skip
    """Train a recipe, judge it against its claims, and keep the run.

    Args:
        name: As for `recipe`, or a recipe itself, which is trained as it stands.
        changes: Fields in place of the recipe's: {"train.seed": 1, "width": 32}.
        data: Another data source.
        ablate: Also run it without the idea; None: where a claim needs that.
        out: Folder of the runs.
        device: "auto", "cpu", "cuda" or "mps".
        data_dir: Folder of downloaded data sets.
        offline: Never touch the network.
        report: Told what happens; None: progress on stderr, in a notebook below the cell.

    Raises:
        UsageError: a wrong name or field, or changes to a recipe that is resolved already.
        DivergedError: the loss, a gradient or a weight is not finite.
        EnvironmentFault: no such device, no room, no network.
    """
    if isinstance(name, (str, Path)):
        chosen = recipe(name, changes, data)
    elif changes or data:
        raise UsageError(
            f"{name.name} is resolved already, and is trained as it stands",
            "change it where it is made: api.recipe(name, changes, data)",
        )
    else:
        chosen = name
    options = _options(out, device, data_dir, offline, ablate, watched=report is None)
    return _result(chosen, run_training(chosen, options, report or _reporter()))


def run_training(
    recipe: Recipe, options: Options, report: Reporter, resume: RunFolder | None = None
) -> Outcome:
    """Train as `train` and the command line do, in one process or as one of several.

    Args:
        recipe: Checked and complete.
        options: Where and how.
        report: Told what happens.
        resume: The run to go on with.
    """
    from atlas_cli.engine import distributed
    from atlas_cli.engine.trainer import execute

    try:
        return execute(recipe, options, report, resume)
    finally:
        distributed.leave()


# --- what was trained ----------------------------------------------------------------------------------


def load(
    run: str | Path | Result = "latest", *, out: Path | str = "runs", device: str = "auto",
    data_dir: Path | str | None = None, best: bool = False, report: Reporter | None = None,
) -> System:  # fmt: skip
    """The system of a run with its trained weights: a torch module, ready to compute.

    Args:
        run: Its name or folder, a topic, "latest", or what `train` returned.
        out: Folder of the runs.
        device: Where it computes.
        data_dir: Folder of downloaded data sets.
        best: The checkpoint with the best metric in place of the last.
        report: Told what was skipped on the way.

    Raises:
        UsageError: there is no such run.
        DataError: its checkpoints, or the weights that it builds on, are not whole.
    """
    from atlas_cli.engine.loading import load_system

    return load_system(_run(run, out), _options(out, device, data_dir), report or _reporter(), best=best)


def sample(
    run: str | Path | Result | System = "latest", count: int | None = None, *, seed: int = 0,
    label: int | None = None, prompt: str | Sequence[str] | None = None, out: Path | str = "runs",
    device: str = "auto", stream: Callable[[str], None] | None = None, **extras: object,
) -> Artifact:  # fmt: skip
    """Something that a run has learned to make.

    Args:
        run: As for `load`, or a system that was loaded.
        count: How many; None: as many as suits the system.
        seed: Same seed, same samples.
        label: The class wanted, of systems that have classes.
        prompt: Text to continue or to draw, or several to hold to a picture.
        out: Folder of the runs.
        device: Where it computes.
        stream: Receives text piece by piece as it is written.
        extras: Options of the system's own, such as the drawing that it is to follow.

    Raises:
        UsageError: there is no such run, or it would leave something out of what is asked of it.
        DataError: as `load`.
    """
    from atlas_cli.engine.answerable import require_answerable
    from atlas_cli.engine.system import SampleRequest, System

    system = run if isinstance(run, System) else load(run, out=out, device=device)
    n = system.samples_shown() if count is None else count
    prompts = [prompt] if isinstance(prompt, str) else list(prompt or ())
    first = prompts[0] if prompts else None
    request = SampleRequest(n, seed, label, first, stream, extras, further=tuple(prompts[1:]))
    require_answerable(system, type(system).__name__, request)
    return draw(system, request)


def draw(system: System, request: SampleRequest) -> Artifact:
    """What a loaded system answers a request with, without gradients and in its run's number format."""
    from atlas_cli.engine.build import inference

    with inference(system):
        return system.sample(request)


# --- exercises -----------------------------------------------------------------------------------------


def check(exercise: str, function: Callable[..., Any]) -> Judged:
    """Judge a function that was written for an exercise, as `atlas exercise check` judges a file.

    Args:
        exercise: Its name: "ddpm/add_noise".
        function: What was written; it is called in this process, with small random inputs.

    Raises:
        UsageError: there is no such exercise, or what was given is no function.
    """
    import inspect
    import linecache

    import torch

    from atlas_cli import deeds
    from atlas_cli.exercises import find, judge
    from atlas_cli.exercises.cut import cut
    from atlas_cli.exercises.judged import Judged

    chosen = find.find(exercise, "check")
    if not inspect.isfunction(function):
        call = f"api.check({chosen.full_name!r}, {cut(chosen).function})"
        raise UsageError(f"a function is judged, not {type(function).__name__}", f"run its cell, then {call}")
    path = function.__code__.co_filename
    with torch.random.fork_rng(devices=[]):
        found = judge.judge_function(chosen, function, "".join(linecache.getlines(path)), path)
    if found["right"]:
        deeds.record("coded", chosen.topic, chosen.name)
    return Judged(chosen.full_name, **found)


# --- behind them ---------------------------------------------------------------------------------------


def _texts(changes: Changes | None) -> list[str]:
    """Changes as `--set` takes them: values in YAML, which reads JSON."""
    return [f"{k}={v if isinstance(v, str) else json.dumps(v)}" for k, v in (changes or {}).items()]


def _options(
    out: Path | str, device: str, data_dir: Path | str | None, offline: bool = False,
    ablate: bool | None = None, watched: bool = False,
) -> Options:  # fmt: skip
    from atlas_cli.engine.build import Options

    folder = Path(data_dir) if data_dir is not None else None
    return Options(Path(out), folder, device, offline=offline, ablate=ablate, watched=watched)


def _reporter() -> Reporter:
    from atlas_cli.present.reporter import reporter

    return reporter()


def _run(run: str | Path | Result, out: Path | str) -> RunFolder:
    from atlas_cli.runs.find import find_run

    return find_run(str(run.path if isinstance(run, Result) else run), Path(out))


def _result(recipe: Recipe, outcome: Outcome) -> Result:
    assert outcome.run is not None
    return Result(
        outcome.run.path, recipe, outcome.figures, outcome.ablated, [v.to_json() for v in outcome.verdicts],
        outcome.met, outcome.seconds, outcome.artifact,
    )  # fmt: skip


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _held(passed: bool | None) -> str:
    return "not judged" if passed is None else "holds" if passed else "fails"
