"""A section of a recipe against its pydantic model: what is wrong, in a user's words and with positions."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from atlas_cli.recipe.positions import Document, Keys, Origin, Problem, label_of, number_in, printable
from atlas_cli.recipe.source import nearest

Model = TypeVar("Model", bound=BaseModel)
_MOST = 50  # findings of one section that are put into words; the others are counted


def checked(model: type[Model], data: Any, keys: Keys, document: Document) -> Model | None:
    """The validated section, or None, with the findings added to the document's problems.

    Args:
        model: What the section must be.
        data: The section.
        keys: Where it stands in the document.
        document: For positions and problems.
    """
    try:
        # By way of JSON a list may fill a tuple, while "3" still does not fill an int.
        return model.model_validate_json(json.dumps(data))
    except ValidationError as error:
        errors = error.errors(include_url=False)
        document.problems += [_problem(e, model, keys, document) for e in errors[:_MOST]]
        document.unsaid += max(0, len(errors) - _MOST)
        return None


def origin_of(keys: Keys, document: Document) -> Origin:
    """Where the value stands, or the nearest thing that encloses it."""
    while keys not in document.origins:
        keys = keys[:-1]
    return document.origins[keys]


def _problem(error: Any, model: type[BaseModel], section: Keys, document: Document) -> Problem:
    keys = (*section, *error["loc"])
    kind, value = error["type"], error["input"]
    if kind == "missing":
        return Problem(origin_of(keys[:-1], document).key, label_of(keys), "is missing")
    origin = origin_of(keys, document)
    label = origin.label or label_of(keys)
    if kind == "extra_forbidden":
        return Problem(origin.key, label, _unknown(str(keys[-1]), _fields_of(model, error["loc"][:-1])))
    return Problem(origin.value, label, _explained(kind, value, error))


def _fields_of(model: Any, loc: Keys) -> list[str]:
    """The field names, as a file spells them, of the model or of one nested in it."""
    for key in loc:
        field = getattr(model, "model_fields", {}).get(key)
        candidates = [field.annotation, *getattr(field.annotation, "__args__", ())] if field else []
        # In `expect: {name: Bar}` the name is no field: stay, and look at what the mapping holds.
        model = next((c for c in candidates if hasattr(c, "model_fields")), model if not field else None)
        if field and model is None:
            return []
    return [info.alias or name for name, info in getattr(model, "model_fields", {}).items()]


def _unknown(name: str, names: list[str]) -> str:
    near = nearest(name, names)
    if near:
        return f"unknown field; did you mean {near}?"
    return f"unknown field; one of {', '.join(names)}" if names else "unknown field; there are none here"


_TYPES = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping of fields",
    "model_type": "a mapping of fields",
    "finite_number": "a finite number",
}
_BOUNDS: dict[str, Callable[[Any], str]] = {
    "greater_than": lambda c: f"greater than {_number(c['gt'])}",
    "greater_than_equal": lambda c: f"at least {_number(c['ge'])}",
    "less_than": lambda c: f"less than {_number(c['lt'])}",
    "less_than_equal": lambda c: f"at most {_number(c['le'])}",
    "multiple_of": lambda c: f"a multiple of {_number(c['multiple_of'])}",
    "literal_error": lambda c: f"one of {c['expected']}".replace(" or ", ", "),
}


def _number(value: float) -> str:
    """All digits of a whole number, six of another."""
    return str(value) if isinstance(value, int) else f"{value:g}"


def _explained(kind: str, value: Any, error: Any) -> str:
    context = error.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error" and isinstance(value, str):
        near = nearest(
            value, [word.strip("' ") for word in context["expected"].replace(" or ", ",").split(",")]
        )
        if near:
            return f"{_shown(value)} is not one of its values; did you mean {near}?"
    number = number_in(value) if isinstance(value, str) else None
    if kind in _TYPES and _TYPES[kind].endswith("number") and isinstance(value, str) and number:
        # `lr: 1e-3` and `lr: "0.001"` alike.
        return f"must be {_TYPES[kind]}, and {_shown(value)} is text to YAML; write {number}"
    if kind in _TYPES:
        return f"must be {_TYPES[kind]}, not {_shown(value)}"
    if kind in ("too_short", "too_long"):
        least, most = context.get("min_length"), context.get("max_length")
        return "must not be empty" if most is None and least == 1 else f"must have at most {most} items"
    if kind in _BOUNDS:
        return f"must be {_BOUNDS[kind](context)}, not {_shown(value)}"
    return f"{error['msg'][:1].lower()}{error['msg'][1:]}, not {_shown(value)}"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    text = f"'{printable(value)}'" if isinstance(value, str) else repr(value)
    return str(value).lower() if isinstance(value, bool) else text if len(text) <= 48 else f"{text[:45]}..."
