"""A recipe trained with several seeds: what each claim came to, its spread, and the `measured:` line."""

from __future__ import annotations

import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from statistics import fmean
from typing import Any

import torch

from atlas_cli.engine.build import Options
from atlas_cli.engine.device import choose_device, cores, resolve_precision, threads
from atlas_cli.engine.laptop import timed
from atlas_cli.engine.staleness import code_hash
from atlas_cli.engine.trainer import Outcome, execute
from atlas_cli.engine.verdict import Verdict
from atlas_cli.errors import UsageError
from atlas_cli.present.reporter import Reporter
from atlas_cli.recipe import recipes, source
from atlas_cli.recipe.model import Recipe
from atlas_cli.runs.durable import write_atomic

_OWN_KEYS = frozenset(  # of `measured:`
    [
        "without",
        "spread",
        "spread_without",
        "vary",
        "vary_seeds",
        "spread_vary",
        "seconds",
        "timed",
        "device",
        "precision",
        "cores",
        "threads",
        "seeds",
        "python",
        "torch",
        "code",
        "date",
    ]
)


@dataclass
class Verification:
    """The outcomes of one recipe, one a seed."""

    recipe: Recipe
    outcomes: list[Outcome]
    device: str = "auto"
    timed: dict[str, float] = field(default_factory=dict)  # see engine/laptop.py

    @property
    def met(self) -> bool:
        return all(bool(outcome.met) for outcome in self.outcomes)

    def verdicts(self, metric: str) -> list[Verdict]:
        return [v for o in self.outcomes for v in o.verdicts if v.metric == metric]

    @property
    def seconds(self) -> float:
        """Training seconds of the run itself, mean over the seeds."""
        return fmean(o.train_seconds for o in self.outcomes)

    def measured(self) -> dict[str, Any]:
        """The `measured:` section: means over the seeds, the spread of both arms, and their origin."""
        train, device = self.recipe.train, choose_device(self.device)
        with_idea, without = [o.figures for o in self.outcomes], [o.ablated or {} for o in self.outcomes]
        if taken := _OWN_KEYS & {name for figures in with_idea for name in figures}:
            raise UsageError(
                f"a figure is called {min(taken)}, as a part of `measured:` is",
                "give the figure another name",
            )
        return {
            **_means(with_idea),
            "without": _means(without),
            "spread": _spreads(with_idea),
            "spread_without": _spreads(without),
            **self._varied(),
            "seconds": round(self.seconds),
            **({"timed": self.timed} if self.timed else {}),
            "device": device.type,
            "precision": resolve_precision(train.precision, device),
            "cores": cores(),
            "threads": threads(train.threads),
            "seeds": self._seeds,
            "python": platform.python_version(),
            "torch": torch.__version__.split("+")[0],
            "code": code_hash(self.recipe),
            "date": date.today().isoformat(),
        }

    @property
    def _seeds(self) -> list[int]:
        return [self.recipe.train.seed + 1 + i for i in range(len(self.outcomes))]

    def _varied(self) -> dict[str, Any]:
        """Means and spreads of the rows of `vary`, where there are any."""
        varied = [outcome.varied for outcome in self.outcomes if outcome.varied]
        if not varied:
            return {}
        rows = {row: [figures[row] for figures in varied] for row in varied[0]}
        return {
            **({"vary_seeds": self._seeds[: len(varied)]} if len(varied) < len(self.outcomes) else {}),
            "vary": {row: _means(found) for row, found in rows.items()},
            "spread_vary": {row: _spreads(found) for row, found in rows.items()},
        }

    def to_json(self) -> dict[str, Any]:
        runs = [{"run": str(o.run.path) if o.run else "", **o.to_json()} for o in self.outcomes]
        return {"recipe": self.recipe.name, "met": self.met, "measured": self.measured(), "runs": runs}

    def write(self) -> None:
        """Replace the `measured:` section of the recipe's file; everything else stays as it is."""
        path = source.find(self.recipe.name)
        kept = without_measured(path.read_text(encoding="utf-8"))
        write_atomic(path, kept + measured_text(self.measured()))


def verify_recipe(
    recipe: Recipe, options: Options, reporter: Reporter, seeds: int, rows: int | None = None
) -> Verification:
    """Train a recipe with so many seeds, those after its own: with its own it was chosen.

    The rows of `vary` are trained with the first `rows` of them; None: with all.
    """
    outcomes = []
    for i in range(seeds):
        seed = recipe.train.seed + 1 + i
        reporter.say(f"{recipe.name}, seed {seed} ({i + 1} of {seeds})")
        seeded = recipes.resolve(recipe.name, [f"train.seed={seed}"])
        varied = options.varied and (rows is None or i < rows)
        outcomes.append(execute(seeded, replace(options, varied=varied), reporter))
    return Verification(recipe, outcomes, options.device, timed(recipe.name, threads(recipe.train.threads)))


def write_timed(recipe: Recipe) -> dict[str, float]:
    """Time a few steps of a recipe as they are taken here and on a laptop, for its `measured:` section.

    Raises:
        UsageError: the recipe has no such section yet.
        EnvironmentFault: the steps could not be taken.
    """
    path = source.find(recipe.name)
    text = re.sub(r"(?m)^  timed: .*\n", "", path.read_text(encoding="utf-8"))
    place = re.search(r"(?m)^measured:\n(?:  .*\n)*?  seconds: .*\n", text)
    if not place:  # before it takes its time
        hint = f"measure it first: atlas verify {recipe.name} --seeds 3 --write"
        raise UsageError(f"{recipe.name} has no figures yet", hint)
    found = timed(recipe.name, threads(recipe.train.threads))
    line = measured_text({"timed": found}).partition("\n")[2]
    write_atomic(path, text[: place.end()] + line + text[place.end() :])
    return found


def without_measured(text: str) -> str:
    """A recipe's text up to its `measured:` section, which is always its last."""
    return re.split(r"(?m)^measured:", text, maxsplit=1)[0].rstrip("\n") + "\n"


def measured_text(measured: dict[str, Any]) -> str:
    """The section as YAML, one line a group."""
    import yaml

    lines = ["measured:"]
    for key, value in measured.items():
        flow = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False)
        lines.append(f"  {key}: {flow.replace('...', '').strip()}")
    return "\n".join(lines) + "\n"


def _means(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: round_to(fmean(r[name] for r in rows)) for name in rows[0]}


def _spreads(rows: Sequence[dict[str, float]]) -> dict[str, list[float]]:
    return {
        name: [round_to(min(r[name] for r in rows)), round_to(max(r[name] for r in rows))] for name in rows[0]
    }


def round_to(value: float, digits: int = 4) -> float:
    """Four significant digits."""
    return float(f"{value:.{digits}g}")
