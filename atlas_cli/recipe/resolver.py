"""Checks a recipe document section by section and gathers all findings before it says no."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from atlas_cli import catalog
from atlas_cli.config import PARENT, DataConfig, SystemConfig
from atlas_cli.data import sources
from atlas_cli.errors import MOST_SHOWN, UsageError, cut
from atlas_cli.recipe import source as recipe_source
from atlas_cli.recipe.checks import checked, origin_of
from atlas_cli.recipe.model import (
    AGAINST_ABLATION,
    Bar,
    Recipe,
    RecipeFile,
    TrainConfig,
    data_class,
    rows_of,
    sources_for,
    system_class,
)
from atlas_cli.recipe.positions import Document, Keys, Problem, label_of, number_in
from atlas_cli.recipe.source import Parent, find, nearest

Sections = tuple[dict[str, Any], dict[str, Any], TrainConfig]  # data, model, train


class Resolver:
    """Checks one document and gathers its findings.

    Args:
        document: The recipe's file, laid over its base.
        name: What findings and runs call it.
        path: The file, where there is one.
        follow: Whether the recipes that `from:` names are resolved too; a run's own file needs them no more,
            since the run holds the very weights that it was built on.
    """

    def __init__(self, document: Document, name: str, path: Path | None = None, follow: bool = True) -> None:
        self.document, self.name, self.path, self.follow = document, name, path, follow

    def recipe(self, overrides: Sequence[str] = (), data: str | None = None) -> Recipe:
        """The recipe, changed by --set and --data.

        Raises:
            UsageError: with all findings.
        """
        made = self._resolved(overrides, data) if self.document.complete else None
        # Of one value the first finding counts: what YAML refused is not blamed again for its type.
        first = {(p.position, p.field): p for p in reversed(self.document.problems)}
        problems = sorted(first.values())
        if made is not None and not problems:
            return made
        number = len(problems) + self.document.unsaid
        count = "1 error" if number == 1 else f"{number} errors"
        raise UsageError(
            f"recipe {self.name} has {count}",
            "correct it and run the command again; atlas recipe schema lists every field",
            cut([str(problem) for problem in problems[: MOST_SHOWN + 1]], number),
            [problem.as_dict() for problem in problems[:MOST_SHOWN]],
        )

    def _resolved(self, overrides: Sequence[str], data: str | None) -> Recipe | None:
        document = self.document
        config = self._system()
        forget_restated_facts(document)
        if data is not None:
            recipe_source.set_data(document, data)
        for override in overrides if config else ():
            recipe_source.override(document, override, *field_names(config))
        checked(RecipeFile, document.data, (), document)
        self._check_figures()
        made = self._sections(document, config)
        parents = self._parents(config, made[2].seed if made else None, data)
        self._check_steps()
        self._check_misfits(made, parents)
        without = self._without_idea(config)
        variants = self._variants(config)
        if made is None or document.problems:
            return None
        top = document.data
        recipe = Recipe(
            name=top.get("name") or self.name, system=catalog.resolve(top["system"]).slug,
            about=top.get("about", ""), data=made[0], model=made[1], train=made[2],
            origins={role: text for role, (text, _) in parents.items()},
            parents={role: parent for role, (_, parent) in parents.items() if parent is not None},
            ablate=top.get("ablate", {}), measured=top.get("measured", {}),
            expect={name: Bar.model_validate(bar) for name, bar in top.get("expect", {}).items()},
        )  # fmt: skip
        arms = {row: recipe.arm(f"{recipe.name} ({row})", *made) for row, (_, made) in variants.items()}
        ablation = recipe.arm(f"{recipe.name}-ablated", *without) if without else None
        vary = {row: changes for row, (changes, _) in variants.items()}
        return recipe.model_copy(update={"ablation": ablation, "vary": vary, "variants": arms})

    def _without_idea(self, config: type[SystemConfig] | None) -> Sections | None:
        """The sections with `ablate` applied; None without one, or where they do not hold."""
        if not isinstance(self.document.data.get("ablate"), dict) or config is None:
            return None
        changes = self.document.data["ablate"]
        without = recipe_source.changed_by(self.document, ("ablate",), changes, *field_names(config))
        made = self._sections(without, config)
        self.document.problems += without.problems
        return made if self.document.data["ablate"] else None

    def _variants(self, config: type[SystemConfig] | None) -> dict[str, tuple[dict[str, Any], Sections]]:
        """Of each row of `vary` its changes, and the sections with these applied."""
        vary = self.document.data.get("vary")
        if not isinstance(vary, dict) or config is None:
            return {}
        found = {}
        for row, changes in rows_of({k: v for k, v in vary.items() if isinstance(v, dict | list)}).items():
            keys = ("vary", row if row in vary else row.partition("=")[0])
            document = recipe_source.changed_by(self.document, keys, changes, *field_names(config))
            made = self._sections(document, config)
            self.document.problems += document.problems
            if made is not None:
                found[row] = (changes, made)
        return found

    def _sections(self, document: Document, config: type[SystemConfig] | None) -> Sections | None:
        """The checked data, model and train sections, or None with the findings in the document."""
        top = document.data
        train = checked(TrainConfig, top["train"], ("train",), document) if _is_dict(top, "train") else None
        data = _data_section(document, config) if _is_dict(top, "data") else None
        if config is None or not isinstance(top.get("model", {}), dict):
            return None
        model = _model_section(document, config, data)
        if train is None or data is None or model is None:
            return None
        return {"name": top["data"]["name"], **data.model_dump()}, model.model_dump(), train

    def _system(self) -> type[SystemConfig] | None:
        system = self.document.data.get("system")
        if not isinstance(system, str):
            return None
        try:
            return system_class(system)
        except UsageError as error:
            near = nearest(system, [topic.slug for topic in catalog.topics()])
            what = f"{error.what}; did you mean {near}?" if near and near != system else error.what
            _add(self.document, ("system",), what)
            return None

    def _parents(
        self, config: type[SystemConfig] | None, seed: int | None, data: str | None
    ) -> dict[str, tuple[str, Recipe | None]]:
        """Of each role the `from:` text and the recipe that it names."""
        said = self.document.data.get("from")
        if any(p.field.partition(".")[0] == "from" for p in self.document.problems):
            return {}
        named = {PARENT: said} if isinstance(said, str) else said if isinstance(said, dict) else {}
        wanted = self._wanted_roles(config)
        for role in wanted.keys() - named.keys() if config else ():
            topics = " or ".join(wanted[role])
            _add(self.document, (), f"{_from(role)} is missing: the system builds on {topics}")
        found = {}
        for role, text in named.items():
            keys = ("from",) if isinstance(said, str) else ("from", role)
            if config and role not in wanted:
                _add(self.document, keys, self._superfluous(role, wanted, config), at_key=True)
            elif (parent := self._parent(keys, text, seed, data)) is not None:
                found[role] = parent
                self._check_topic(keys, parent[1], wanted.get(role, ()))
        return found

    def _parent(
        self, keys: Keys, text: str, seed: int | None, data: str | None
    ) -> tuple[str, Recipe | None] | None:
        """The full `from:` text and its recipe, which has the child's seed and, with --data, its data."""
        named = Parent.parse(text)
        if not self.follow:
            return text, None
        try:
            if self.path and _leads_to(named.ref, self.path):
                _add(self.document, keys, "leads back to this recipe")
                return None
            parent = _resolved_parent(named)
            changed = named._replace(data=data or named.data)
            if seed is not None and parent.train.seed != seed and not _sets_seed(named):
                changed = changed._replace(overrides=(*named.overrides, f"train.seed={seed}"))
            return str(changed), parent if changed == named else _resolved_parent(changed)
        except UsageError as error:
            first = f": {error.details[0]}" if error.details else ""
            _add(self.document, keys, f"{error.what}{first}")
            return None

    def _superfluous(self, role: str, wanted: Mapping[str, Sequence[str]], config: type[SystemConfig]) -> str:
        if wanted:
            return f"the system builds on {' and '.join(wanted)}, by these names"
        if config.parents:
            source = self.document.data["data"]["name"]
            return f"leave it out: from {source} the system learns by itself"
        return "leave it out: the system builds on no other run"

    def _check_topic(self, keys: Keys, parent: Recipe | None, wanted: Sequence[str]) -> None:
        if parent is not None and wanted and parent.system not in wanted:
            what = f"names a recipe of {parent.system}; what is needed is {' or '.join(wanted)}"
            _add(self.document, keys, what)

    def _wanted_roles(self, config: type[SystemConfig] | None) -> dict[str, tuple[str, ...]]:
        """Role -> the topics of which one must have trained that parent; none where the data need none."""
        data = self.document.data.get("data")
        name = data.get("name") if isinstance(data, dict) else None
        kind = data_class(name).kind if isinstance(name, str) and name in sources() else None
        return {} if config is None else config.roles(kind)

    def _check_steps(self) -> None:
        train = self.document.data.get("train")
        if isinstance(train, dict) and train.get("steps") == 0 and not self.document.data.get("from"):
            _add(
                self.document,
                ("train", "steps"),
                "must be greater than 0 where no `from` names a trained run",
            )

    def _check_misfits(self, made: Sections | None, parents: Mapping[str, tuple[str, Recipe | None]]) -> None:
        """Model fields against those of the runs that the system builds on, where these are known."""
        models = {role: parent.model for role, (_, parent) in parents.items() if parent is not None}
        if made is None or not models or len(models) < len(parents):
            return
        config = system_class(self.document.data["system"]).model_validate_json(json.dumps(made[1]))
        for field, what in config.misfits(models):
            _add(self.document, ("model", field) if field else ("from",), what)

    def _check_figures(self) -> None:
        document = self.document
        expect, measured = document.data.get("expect"), document.data.get("measured")
        for name in expect if isinstance(expect, dict) else ():
            if name.endswith(AGAINST_ABLATION) and not document.data.get("ablate"):
                what = "compares with the ablated run, and there is no ablate section"
                _add(document, ("expect", name), what, at_key=True)
        for name, value in measured.items() if isinstance(measured, dict) else ():
            number = number_in(value) if isinstance(value, str) and "e" in value.lower() else None
            if number:
                _add(document, ("measured", name), f"{value} is text to YAML; write {number}")


def _from(role: str) -> str:
    return "from" if role == PARENT else f"from.{role}"


def _resolved_parent(named: Parent) -> Recipe:
    path = find(named.ref)
    resolver = Resolver(recipe_source.read(path), recipe_source.name_of(path), path)
    return resolver.recipe(named.overrides, named.data)


def _sets_seed(named: Parent) -> bool:
    return any(word.partition("=")[0] in ("seed", "train.seed") for word in named.overrides)


def _data_section(document: Document, config: type[SystemConfig] | None) -> DataConfig | None:
    section = document.data["data"]
    name = section.get("name")
    if not isinstance(name, str) or name not in sources():
        if "name" not in section:
            what = f"name is missing; one of {', '.join(sources())}"
            _add(document, ("data",), what, True)
            return None
        near = nearest(name, sources()) if isinstance(name, str) else None
        hint = f"did you mean {near}?" if near else f"one of {', '.join(sources())}"
        _add(document, ("data", "name"), f"no such data source; {hint}")
        return None
    source = data_class(name)
    if config and config.data_kinds and source.kind not in config.data_kinds:
        fitting = ", ".join(sources_for(config))
        kinds = " or ".join(config.data_kinds)
        what = f"{name} holds {source.kind}, the system learns from {kinds}: {fitting}"
        _add(document, ("data", "name"), what)
        return None
    return checked(source, {k: v for k, v in section.items() if k != "name"}, ("data",), document)


def _model_section(
    document: Document, config: type[SystemConfig], data: DataConfig | None
) -> SystemConfig | None:
    """The model section with what the data decides; where both speak they must agree."""
    section = dict(document.data.get("model", {}))
    facts = _plain(data.facts()) if data else {}
    for name in facts.keys() & config.model_fields.keys():
        if section.setdefault(name, facts[name]) != facts[name]:
            source = document.data["data"]["name"]
            where = origin_of(("data", "name"), document).value
            what = f"is {section[name]!r}, but {source} decides {facts[name]!r} ({where}); leave it out"
            _add(document, ("model", name), what)
            section[name] = facts[name]
    before = len(document.problems)
    model = checked(config, section, ("model",), document)
    if data is None:  # a missing field may be one that the data would have decided
        document.problems[before:] = [p for p in document.problems[before:] if p.what != "is missing"]
    return model


def forget_restated_facts(document: Document) -> None:
    """Drop model fields that repeat what the document's data decides: they follow when the data changes."""
    data, model = document.data.get("data"), document.data.get("model")
    if not isinstance(data, dict) or not isinstance(model, dict) or data.get("name") not in list(sources()):
        return
    try:
        options = {key: value for key, value in data.items() if key != "name"}
        facts = _plain(data_class(data["name"]).model_validate_json(json.dumps(options)).facts())
    except ValidationError:
        return  # said when the section is checked
    document.data["model"] = {k: v for k, v in model.items() if k not in facts or facts[k] != v}


def _leads_to(parent: str, path: Path, above: frozenset[Path] = frozenset()) -> bool:
    """Whether following `from` from the parent comes to the file `path`, or to any file twice."""
    here, seen = find(parent), above | {path.resolve()}
    if here.resolve() in seen:
        return True
    said = recipe_source.read(here).data.get("from")
    named = said.values() if isinstance(said, dict) else (said,)
    return any(_leads_to(Parent.parse(n).ref, here, seen) for n in named if isinstance(n, str))


def field_names(config: type[SystemConfig] | None) -> tuple[list[str], list[str]]:
    """The names of the model's fields and of the train section's."""
    return list(config.model_fields if config else ()), list(TrainConfig.model_fields)


def _add(document: Document, keys: Keys, what: str, at_key: bool = False) -> None:
    origin = origin_of(keys, document)
    label = origin.label if keys in document.origins else label_of(keys)
    document.problems.append(Problem(origin.key if at_key else origin.value, label, what))


def _is_dict(data: Mapping[str, Any], key: str) -> bool:
    return isinstance(data.get(key), dict)


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))
