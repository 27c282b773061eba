"""What a class needs on each machine: pictures, judges, parents and frames, found there or made once.

torch is imported only where pictures or parents are looked for: both are found by what the data hold.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from atlas_cli import catalog
from atlas_cli.commands._training import Place

if TYPE_CHECKING:
    from atlas_cli.data.images import ImageSource
    from atlas_cli.diagrams.frames import Explorable, Value
    from atlas_cli.engine.build import Options
    from atlas_cli.present.reporter import Reporter
    from atlas_cli.recipe.model import Recipe

ALL = "all"
DRAWING_S, JUDGE_S = 5.0, 30.0  # seconds on two cores: 22,000 strokes drawn, a judge of them trained
_BUILT_FOR = "small"  # the recipe of a topic whose parents are trained
_PICTURES = "images"  # the kind of data that is kept on disk; the others are made on the spot
_JUDGE = Path("metrics/judge.py")

Kind = Literal["data", "judge", "parent", "frames"]


class Thing(NamedTuple):
    """One thing that a class would wait for, or would need the network for."""

    kind: Kind
    name: str
    used_by: tuple[str, ...]  # recipes, or topics of a diagram
    expected_seconds: float | None  # None: nobody knows
    is_there: Callable[[], bool]  # asked in the order of the things: a judge is found by its data
    make: Callable[[], object]


class LeftOut(NamedTuple):
    """A recipe that is not prepared unless it is named in full."""

    recipe: str
    why: str


class Download(Exception):
    """The data are neither on disk nor made here."""


class _NotMade(Exception):
    """The data can be made here, and were not yet."""


@dataclass
class Wanted:
    """What the names on the command line stand for."""

    recipes: list[Recipe] = field(default_factory=list)  # whose data and judges are needed
    builders: list[Recipe] = field(default_factory=list)  # whose parents are needed
    named: set[str] = field(default_factory=set)  # recipes that were named in full
    explorables: list[Explorable] = field(default_factory=list)


def wanted(names: Sequence[str], command: str = "prepare") -> Wanted:
    """Recipes and diagrams of families, topics, recipes ("ddpm/small") or files; "all" is every family.

    Raises:
        UsageError: there is nothing of a name.
    """
    from atlas_cli.diagrams import gallery
    from atlas_cli.recipe import recipes

    found = Wanted()
    for name in names:
        if "/" in name or name.endswith((".yaml", ".yml")):
            recipe = recipes.resolve(name, command=command)
            found.recipes.append(recipe)
            found.builders.append(recipe)
            found.named.add(recipe.name)
            continue
        subjects = catalog.families() if name == ALL else (catalog.resolve_any(name, command),)
        for subject in subjects:
            found.explorables += gallery.explorables_of(subject)
            for topic in subject.topics if isinstance(subject, catalog.Family) else (subject,):
                every = [recipes.resolve(f"{topic.slug}/{name}") for name in catalog.recipes_of(topic)]
                found.recipes += every
                found.builders += [r for r in every if r.name == f"{topic.slug}/{_BUILT_FOR}"]
    return found


class Lab:
    """What of all that is wanted is on this machine, and how the rest is made.

    Args:
        place: Where runs and data are.
        precision: The number format of the machines that it is prepared for; None: of this one.
        json: Stdout holds a document, so that progress goes to stderr as lines.
    """

    def __init__(self, place: Place, precision: str | None = None, json: bool = False) -> None:
        self.place, self.precision, self.json = place, precision, json
        self.left_out: list[LeftOut] = []
        self._opened: dict[str, Any] = {}

    @cached_property
    def options(self) -> Options:
        """For the engine."""
        return self.place.options(self.json)

    @cached_property
    def reporter(self) -> Reporter:
        """Who is told of trainings."""
        from atlas_cli.present.events import train_reporter

        return train_reporter(self.json, False)

    def things(self, needed: Wanted, knobs: bool = False) -> list[Thing]:
        """In the order in which they are made, each once; `left_out` then tells what is not prepared.

        Args:
            needed: See `wanted`.
            knobs: Every position of every knob of a diagram, not only the one that is shown first.
        """
        pictured = [recipe for recipe in needed.recipes if _has_pictures(recipe)]
        here = [
            recipe for recipe in pictured if recipe.name in needed.named or self._needs_no_network(recipe)
        ]
        unique = {e.name: e for e in needed.explorables}.values()
        return [
            *self._data(here),
            *self._judges(recipe for recipe in here if _is_judged(recipe)),
            *self._parents(needed.builders),
            *(_frames(explorable, knobs) for explorable in unique),
        ]

    # --- data and judges ---------------------------------------------------------------------------------

    def _needs_no_network(self, recipe: Recipe) -> bool:
        try:
            self.source(recipe)
        except Download:
            name = recipe.data["name"]
            self.left_out.append(LeftOut(recipe.name, f"{name} is downloaded: atlas prepare {recipe.name}"))
            return False
        return True

    def source(self, recipe: Recipe) -> Any | None:
        """A recipe's data where opening them makes nothing; None where they are still to be drawn.

        Raises:
            Download: they are to be downloaded.
        """
        from atlas_cli.errors import EnvironmentFault

        key = _data_key(recipe)
        if key not in self._opened:
            try:
                self._opened[key] = self._open(recipe, _Probe(), replace(self.options, offline=True))
            except _NotMade:
                return None
            except EnvironmentFault as fault:
                raise Download from fault
        return self._opened[key]

    def _make_source(self, recipe: Recipe) -> Any:
        key = _data_key(recipe)
        if key not in self._opened:
            self._opened[key] = self._open(recipe, self.reporter, self.options)
        return self._opened[key]

    def _open(self, recipe: Recipe, told: Any, options: Options) -> Any:
        from atlas_cli.engine.build import open_data

        return open_data(recipe, options, told)

    def _has_source(self, recipe: Recipe) -> bool:
        try:
            return self.source(recipe) is not None
        except Download:
            return False

    def _data(self, recipes: Sequence[Recipe]) -> Iterator[Thing]:
        for first, users in _grouped(recipes):
            yield Thing(
                "data", first.data["name"], users, DRAWING_S,
                partial(self._has_source, first), partial(self._make_source, first),
            )  # fmt: skip

    def _judges(self, recipes: Iterable[Recipe]) -> Iterator[Thing]:
        for first, users in _grouped(recipes):
            yield Thing(
                "judge", first.data["name"], users, JUDGE_S,
                partial(self._has_judge, first), partial(self._make_judge, first),
            )  # fmt: skip

    def _has_judge(self, recipe: Recipe) -> bool:
        return self._has_source(recipe) and judge_file(self._opened[_data_key(recipe)]).is_file()

    def _make_judge(self, recipe: Recipe) -> None:
        from atlas_cli.metrics.judge import Judge

        Judge.load_or_train(self._make_source(recipe), self.reporter.say)

    # --- parents -----------------------------------------------------------------------------------------

    def _parents(self, builders: Sequence[Recipe]) -> Iterator[Thing]:
        from atlas_cli.recipe.times import seconds_of

        found: dict[str, tuple[Recipe, Recipe]] = {}
        users: dict[str, list[str]] = {}
        for builder in map(self._settled, (b for b in builders if b.parents)):
            for parent in builder.ancestors:
                found.setdefault(parent.hash, (builder, parent))
                users.setdefault(parent.hash, []).append(builder.name)
        for key, (builder, parent) in found.items():
            yield Thing(
                "parent", parent.name, tuple(dict.fromkeys(users[key])), seconds_of(parent.measured),
                partial(self._has_run, parent), partial(self._train, builder, parent),
            )  # fmt: skip

    def _settled(self, recipe: Recipe) -> Recipe:
        from atlas_cli.engine.build import settled

        if self.precision is not None:
            chosen = self.precision
            recipe = recipe.settled(lambda said: chosen if said == "auto" else said)
        return settled(recipe, self.options)

    def _has_run(self, parent: Recipe) -> bool:
        from atlas_cli.engine.build import fingerprint
        from atlas_cli.runs.find import find_by_hash

        if not self._has_source(parent):
            return False
        run = find_by_hash(self.place.out, parent.hash, fingerprint(self.source(parent)))
        return run is not None and run.status == "complete"

    def _train(self, builder: Recipe, parent: Recipe) -> None:
        from atlas_cli.engine.trainer import trained_parent

        trained_parent(builder, parent, self.options, self.reporter)


def judge_file(source: ImageSource) -> Path:
    """Where the judge of a source lies; see metrics.judge.Judge.load_or_train."""
    from atlas_cli import paths
    from atlas_cli.metrics.judge import VERSION

    name = f"{source.name}-{source.checksum[:16]}-v{VERSION}-0.safetensors"
    return paths.cache_dir() / "judges" / name


class _Probe:
    """Hears that data are about to be made, and forbids it."""

    def say(self, line: str) -> None:
        if not line.startswith("taking the files"):  # that says where they are
            raise _NotMade(line)


def _has_pictures(recipe: Recipe) -> bool:
    from atlas_cli.recipe.model import data_class

    return data_class(recipe.data["name"]).kind == _PICTURES


def _is_judged(recipe: Recipe) -> bool:
    """Whether its figures come from a judge, as its system's imports say."""
    from atlas_cli.engine.staleness import code_files

    return bool(recipe.expect) and any(path.match(str(_JUDGE)) for path in code_files(recipe))


def _data_key(recipe: Recipe) -> str:
    return json.dumps([recipe.data, recipe.train.seed], sort_keys=True)


def _grouped(recipes: Iterable[Recipe]) -> list[tuple[Recipe, tuple[str, ...]]]:
    """One recipe for each data section, and the names of all that have it."""
    groups: dict[str, list[Recipe]] = {}
    for recipe in recipes:
        groups.setdefault(json.dumps(recipe.data, sort_keys=True), []).append(recipe)
    return [(group[0], tuple(dict.fromkeys(r.name for r in group))) for group in groups.values()]


# --- frames ------------------------------------------------------------------------------------------


def _frames(explorable: Explorable, knobs: bool) -> Thing:
    settings = list(_settings(explorable)) if knobs else [explorable.defaults]
    return Thing(
        "frames", explorable.name, explorable.topics, None,
        partial(_are_kept, explorable, settings), partial(_compute, explorable, settings),
    )  # fmt: skip


def _settings(explorable: Explorable) -> Iterator[dict[str, Value]]:
    """Each knob at each of its positions, the others as they stand at first."""
    for knob in explorable.knobs:
        for value in knob.values:
            yield {**explorable.defaults, knob.name: value}


def _are_kept(explorable: Explorable, settings: Sequence[dict[str, Value]]) -> bool:
    from atlas_cli.diagrams.frame_cache import is_kept

    return all(is_kept(explorable, setting) for setting in settings)


def _compute(explorable: Explorable, settings: Sequence[dict[str, Value]]) -> None:
    from atlas_cli.diagrams.frame_cache import frame_of

    for setting in settings:
        frame_of(explorable, setting)
