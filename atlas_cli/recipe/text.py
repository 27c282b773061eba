"""A resolved recipe as text: YAML with units, the differences between two, and a JSON Schema for editors."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from pydantic import BaseModel

from atlas_cli.config import FrozenConfig, SystemConfig, field_notes
from atlas_cli.data import sources
from atlas_cli.recipe.model import Recipe, RecipeFile, TrainConfig, data_class, sources_for, system_class

_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_COMMENT_COLUMN = 34


# --- YAML ------------------------------------------------------------------------------------------------


def to_yaml(recipe: Recipe) -> str:
    """The resolved recipe as a file that resolves to the same recipe; comments tell units and meanings."""
    notes = {
        "data": field_notes(data_class(recipe.data["name"])),
        "model": field_notes(system_class(recipe.system)),
        "train": field_notes(TrainConfig),
    }
    lines: list[str] = []
    for key, value in recipe.sections().items():
        if not isinstance(value, Mapping):
            lines.append(f"{key}: {_flow(value)}")
            continue
        lines += ["", f"{key}:" if value else f"{key}: {{}}"]
        lines += [_line(name, item, notes.get(key, {}).get(name)) for name, item in value.items()]
    return "\n".join(lines) + "\n"


def _line(name: str, value: Any, note: str | None) -> str:
    text = f"  {_flow(name)}: {_flow(value)}"
    return f"{text:<{_COMMENT_COLUMN}}  # {note}" if note else text


def _flow(value: Any) -> str:
    """One line of YAML that every reader reads alike."""
    plain = json.loads(json.dumps(value))  # tuples become lists
    text: str = yaml.dump(
        plain, Dumper=_Dumper, default_flow_style=True, allow_unicode=True, width=1_000_000, sort_keys=False
    )
    return text.removesuffix("...\n").strip()


# --- differences -----------------------------------------------------------------------------------------


def difference(a: Recipe, b: Recipe) -> list[str]:
    """What changes from a to b, one line a field ("train.lr: 0.002 -> 0.001"), without what is only said."""
    before, after = dict(_flat(_compared(a))), dict(_flat(_compared(b)))
    names = [*before, *(name for name in after if name not in before)]
    return [
        f"{name}: {_told(before, name)} -> {_told(after, name)}"
        for name in names
        if _told(before, name) != _told(after, name)
    ]


def architecture_changed(a: Recipe, b: Recipe) -> bool:
    """Whether b needs other weights than a: another system, or a model field that does more than sample.

    What the data decides about the model stands among the model's fields.
    """
    return a.system != b.system or _architecture(a) != _architecture(b)


def _architecture(recipe: Recipe) -> dict[str, Any]:
    sampling = system_class(recipe.system).sampling_fields()
    return {name: value for name, value in recipe.model.items() if name not in sampling}


def _compared(recipe: Recipe) -> dict[str, Any]:
    return {k: v for k, v in recipe.sections().items() if k not in ("name", "about", "measured")}


def _flat(value: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        if isinstance(item, Mapping) and item:
            yield from _flat(item, f"{before}{key}.")
        else:
            yield f"{before}{key}", item


def _told(values: Mapping[str, Any], name: str) -> str:
    return _flow(values[name]) if name in values else "(none)"


# --- JSON Schema -----------------------------------------------------------------------------------------


def schema(system: str | None = None) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a recipe file, for editors that complete and check YAML.

    Args:
        system: A topic; its model fields and fitting data sources are then spelled out.

    Raises:
        UsageError: no such topic, or it has no system.
    """
    config = system_class(system) if system else None
    definitions: dict[str, Any] = {}
    made = _section(RecipeFile, definitions)
    properties = made["properties"]
    properties["train"] = _section(TrainConfig, definitions)
    properties["data"] = {"oneOf": [_source_schema(name, definitions) for name in _sources(config)]}
    if config:
        properties["model"] = _section(config, definitions)
    # A recipe with a base inherits what it does not state.
    required = {"required": made.pop("required", []), "properties": {"train": _required(properties["train"])}}
    if config:
        decided = {fact for name in sources_for(config) for fact in _decided(name)}
        model = _required(properties["model"])
        model["required"] = [name for name in model["required"] if name not in decided]
        required["properties"]["model"] = model
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **made,
        "if": {"not": {"required": ["base"]}},
        "then": required,
        "$defs": definitions,
    }


def _section(model: type[BaseModel], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of one section, with its fields' notes as descriptions; nested definitions are gathered."""
    made = model.model_json_schema(by_alias=True)
    definitions.update(made.pop("$defs", {}))
    notes = field_notes(model) if issubclass(model, FrozenConfig) else {}
    for name, info in model.model_fields.items():
        if name in notes:
            made["properties"][info.alias or name].setdefault("description", notes[name])
    return made


def _required(section: dict[str, Any]) -> dict[str, Any]:
    return {"required": section.pop("required", [])}


def _source_schema(name: str, definitions: dict[str, Any]) -> dict[str, Any]:
    made = _section(data_class(name), definitions)
    made["properties"] = {"name": {"const": name}, **made.get("properties", {})}
    made["required"] = ["name", *made.get("required", [])]
    return made


def _sources(config: type[SystemConfig] | None) -> list[str]:
    return sources_for(config) if config else list(sources())


def _decided(source: str) -> set[str]:
    """Model fields that a source with default options decides."""
    cls = data_class(source)
    needed = any(info.is_required() for info in cls.model_fields.values())
    return set() if needed else set(cls().facts())
