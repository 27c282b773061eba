"""Recipe files before validation: found by name, laid over their base, changed by --set and --data."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from atlas_cli import catalog, paths
from atlas_cli.errors import UsageError, quoted
from atlas_cli.recipe.positions import (
    Document,
    Keys,
    Origin,
    Position,
    Problem,
    label_of,
    printable,
    read_file,
    read_value,
)

SECTIONS = ("data", "model", "train", "ablate", "vary", "expect", "measured")
#: What is said or measured of one recipe is not true of the recipes built on it.
_NOT_INHERITED = frozenset({"base", "name", "about", "vary", "expect", "measured"})
_DEFAULT = "small"


# --- names and files -------------------------------------------------------------------------------------


def find(ref: str, command: str = "recipe show") -> Path:
    """The file of a recipe.

    Args:
        ref: "ddpm" (its small recipe), "ddpm/small", with any alias of the topic, or the path of a YAML file.
        command: What the user typed after `atlas`, for the hint line.

    Raises:
        UsageError: no such topic, recipe or file; the nearest is named.
    """
    if ref.endswith((".yaml", ".yml")):
        return _existing(paths.named(ref, "recipe"))
    topic, _, name = ref.rpartition("/") if "/" in ref else (ref, "", _DEFAULT)
    slug = catalog.resolve(topic, command).slug
    names = recipe_names(slug)
    if name in names:
        return paths.recipes_dir() / slug / f"{name}.yaml"
    if not names:
        raise UsageError(f"{slug} has no recipes yet", "atlas recipe ls shows the topics that have some")
    near = nearest(name, names)
    hint = f"did you mean {slug}/{near}?" if near else f"it has: {', '.join(f'{slug}/{n}' for n in names)}"
    raise UsageError(f"{slug} has no recipe {quoted(name)}", hint)


def recipe_names(slug: str) -> list[str]:
    """The recipes of a topic that ship with the atlas, from quick to slow."""
    order = {"smoke": 0, "small": 1, "full": 3}
    names = (path.stem for path in (paths.recipes_dir() / slug).glob("*.yaml"))
    return sorted(names, key=lambda name: (order.get(name, 2), name))


def name_of(path: Path) -> str:
    """ "ddpm/small" for a recipe that ships with the atlas, else the path."""
    root = paths.recipes_dir().resolve()
    resolved = path.resolve()
    if resolved.parent.parent == root:
        return f"{resolved.parent.name}/{resolved.stem}"
    return shown(path)


def shown(path: Path) -> str:
    """The path as messages name it: relative where it lies below the working folder."""
    resolved, here = path.resolve(), Path.cwd()
    return resolved.relative_to(here).as_posix() if resolved.is_relative_to(here) else str(resolved)


def nearest(name: str, names: Collection[str]) -> str | None:
    """The name most like `name`, if one is."""
    close = get_close_matches(name[:64].lower().replace("-", "_"), names, n=1)
    return close[0] if close else None


def _existing(path: Path) -> Path:
    if path.is_file():
        return path
    what = "is not a file" if path.exists() else "there is no such file"
    beside = [p.name for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
    near = nearest(path.name, beside)
    hint = f"did you mean {path.with_name(near)}?" if near else "atlas recipe cp ddpm/small FILE makes one"
    raise UsageError(f"{path}: {what}", hint)


# --- a file and its base ---------------------------------------------------------------------------------


class Parent(NamedTuple):
    """What `from:` says: a recipe, and the words after it that change it, as on the command line.

    `ddpm/small data=mnist train.seed=1` is ddpm/small trained on mnist from seed 1.
    """

    ref: str  # "ddpm/small", or a file
    overrides: tuple[str, ...] = ()  # "train.seed=1"
    data: str | None = None  # another data source

    @classmethod
    def parse(cls, text: str) -> Parent:
        """The parts of a `from:` text; a file's name may hold spaces, its changes do not."""
        words = text.split(" ")
        first = next((i for i, word in enumerate(words) if "=" in word and i), len(words))
        if Path(
            text
        ).is_absolute():  # a folder's name may hold " a=b": such a name ends where the file's does
            ends = (i for i, word in enumerate(words, 1) if word.endswith((".yaml", ".yml")))
            first = next(ends, first)
        changes = [word for word in words[first:] if word]
        data = next((w.removeprefix("data=") for w in changes if w.startswith("data=")), None)
        return cls(" ".join(words[:first]), tuple(w for w in changes if not w.startswith("data=")), data)

    def __str__(self) -> str:
        return " ".join([self.ref, *([f"data={self.data}"] if self.data else []), *self.overrides])


def read(path: Path, above: tuple[Path, ...] = (), follow: bool = True) -> Document:
    """The recipe file laid over its base, and that over its own.

    Args:
        path: The file.
        above: The files that named it as their base.
        follow: Look for the recipes that `from:` names, and write their names in full.

    Raises:
        UsageError: the file cannot be read at all.
    """
    try:
        document = read_file(path, shown(path))
    except OSError as error:
        raise UsageError(
            f"cannot read {path}: {error.strerror or error}", "check its name and mode"
        ) from error
    if not document.complete:
        return document
    if not isinstance(document.data, dict):
        what = "the file is empty" if document.data is None else "a recipe is a mapping of fields"
        _report(document, (), f"{what}; atlas recipe cp ddpm/small FILE makes one to start from")
        return replace(document, data={}, complete=False)
    for section in SECTIONS:
        if section in document.data and document.data[section] is None:
            document.data[section] = {}
    if follow:
        _name_parents(document, path)
    base = _base_path(document, path)
    if base is None:
        return document
    if base.resolve() in (p.resolve() for p in (*above, path)):
        _report(document, ("base",), "leads back to this file")
        return document
    return _merged(read(base, (*above, path)), document)


def _name_parents(document: Document, path: Path) -> None:
    """Put the parents' full names in place of those that are relative to the file."""
    said = document.data.get("from")
    if isinstance(said, str):
        document.data["from"] = _full_name(document, ("from",), said, path)
    elif isinstance(said, dict):
        document.data["from"] = {
            role: _full_name(document, ("from", role), text, path) if isinstance(text, str) else text
            for role, text in said.items()
        }


def _full_name(document: Document, keys: Keys, text: str, path: Path) -> str:
    named = Parent.parse(text)
    try:
        found = find(_beside(named.ref, path))
    except UsageError as error:
        _report(document, keys, f"{error.what}; {error.hint}")
        return text
    name = name_of(found)
    ref = str(found.resolve()) if name.endswith((".yaml", ".yml")) else name
    return str(named._replace(ref=ref))


def full_reference(ref: str, source: Path, is_base: bool) -> str:
    """A recipe that the file `source` names, so named that any other file may name it."""
    if ref.endswith((".yaml", ".yml")):
        return str((source.parent / ref).resolve())
    name = name_of(source)
    bare = is_base and "/" not in ref and not name.endswith((".yaml", ".yml"))
    return f"{name.partition('/')[0]}/{ref}" if bare else ref


def _base_path(document: Document, path: Path) -> Path | None:
    base = document.data.get("base")
    if not isinstance(base, str):
        return None
    ref = _beside(base, path)
    if "/" not in ref and not ref.endswith((".yaml", ".yml")):
        name = name_of(path)
        topic = document.data.get("system") if name.endswith((".yaml", ".yml")) else name.partition("/")[0]
        if not isinstance(topic, str):
            _report(document, ("base",), f"of which topic? write topic/{base}, or state `system`")
            return None
        ref = f"{topic}/{base}"
    try:
        return find(ref)
    except UsageError as error:
        _report(document, ("base",), f"{error.what}; {error.hint}")
        return None


def _beside(ref: str, path: Path) -> str:
    """A file named in a recipe is looked for beside that recipe."""
    return str(path.parent / ref) if ref.endswith((".yaml", ".yml")) else ref


def _merged(below: Document, top: Document) -> Document:
    """`top` laid over `below`: mappings merge key by key, all else is replaced.

    An `ablate` of its own replaces the base's: what is taken away is one idea, not the sum of two.
    """
    kept = {key: value for key, value in below.data.items() if key not in _NOT_INHERITED}
    if "ablate" in top.data:
        kept.pop("ablate", None)
    own_system, own_data = top.data.get("system"), top.data.get("data")
    if own_system is not None and kept.get("system", own_system) != own_system:
        _report(top, ("base",), f"is a recipe of {kept['system']}, this one of {own_system}")
    base_source = kept["data"].get("name") if isinstance(kept.get("data"), dict) else None
    if isinstance(own_data, dict) and own_data.get("name", base_source) != base_source:
        del kept["data"]  # options of another source mean nothing here
    return Document(
        _deep_merged(kept, top.data),
        {**below.origins, **top.origins},
        below.problems + top.problems,
        below.complete and top.complete,
    )


def _deep_merged(below: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in top.items():
        under = merged.get(key)
        both = isinstance(under, dict) and isinstance(value, dict)
        merged[key] = _deep_merged(under, value) if both else value  # type: ignore[arg-type]
    return merged


# --- changes ---------------------------------------------------------------------------------------------


def set_data(document: Document, source: str) -> None:
    """Replace the data section by another source (`--data mnist`)."""
    whole = Position(f"--data {printable(source[:80])}")
    document.data["data"] = {}
    _assign(document, ("data", "name"), source, Origin(whole, whole, "data.name"))


def override(
    document: Document, text: str, model_fields: Collection[str], train_fields: Collection[str]
) -> None:
    """Apply one `--set FIELD=VALUE`; what is wrong with it joins the document's problems."""
    whole = Position(f"--set {printable(text if len(text) <= 80 else text[:77] + '...')}")
    name, equals, written = text.partition("=")
    name = name.strip()
    if not equals or not name:
        document.problems.append(Problem(whole, "", "write --set FIELD=VALUE"))
        return
    keys = target(name, model_fields, train_fields)
    if isinstance(keys, str):
        document.problems.append(Problem(whole, printable(name[:80]), keys))
        return
    value = read_value(written, whole.file)
    document.problems += [replace(p, field=label_of(keys)) for p in value.problems]
    if value.complete:
        _assign(document, keys, value.data, Origin(whole, whole, label_of(keys)))


def changed_by(
    document: Document, keys: Keys, changes: Mapping[str, Any], model_fields: Collection[str],
    train_fields: Collection[str],
) -> Document:  # fmt: skip
    """The document with the changes that stand in it under `keys` applied, and nothing expected of it."""
    data = copy.deepcopy(document.data)
    for section in ("ablate", "vary", "expect"):
        data.pop(section, None)
    made = Document(data, dict(document.origins))
    for name, value in changes.items():
        known = document.origins.get((*keys, name)) or document.origins.get(keys)
        origin = replace(known or document.origins[()], label=label_of((*keys, name)))
        keys_of_field = target(name, model_fields, train_fields)
        if isinstance(keys_of_field, str) or keys_of_field[0] not in ("model", "train", "data"):
            only = f"only model, train and data fields can stand in {keys[0]}"
            what = keys_of_field if isinstance(keys_of_field, str) else only
            made.problems.append(Problem(origin.key, origin.label, what))
        else:
            _assign(made, keys_of_field, value, origin)
    return made


def target(name: str, model_fields: Collection[str], train_fields: Collection[str]) -> Keys | str:
    """Where a field name of --set or `ablate` leads, or what is wrong with it.

    A dotted name is section.field; a bare one is a field of the model.
    """
    first, dot, rest = name.partition(".")
    if dot and first == "ablate":
        return (first, rest)  # the names in `ablate` have dots of their own
    if dot and first in SECTIONS and first != "measured":
        return (first, *rest.split("."))
    if first in model_fields:
        return ("model", *name.split("."))
    if name in train_fields:
        return f"is no field of the model; did you mean train.{name}?"
    if name in ("data", "data.name"):
        return "write --data NAME"
    near = nearest(name, model_fields)
    near_train = nearest(name.removeprefix("train."), train_fields)
    if near or near_train:
        return f"unknown field; did you mean {near or f'train.{near_train}'}?"
    known = [*model_fields, *(f"train.{field}" for field in train_fields)]
    return f"unknown field; one of {', '.join(known)}"


def _assign(document: Document, keys: Keys, value: Any, origin: Origin) -> None:
    here = document.data
    if keys == ("data", "name"):
        section = here.get("data")
        if not isinstance(section, dict) or section.get("name") != value:
            here["data"] = {}  # options of another source mean nothing here
    for position, key in enumerate(keys[:-1], 1):
        if not isinstance(here.get(key), dict):
            here[key] = {}
            document.origins[keys[:position]] = origin
        here = here[key]
    here[keys[-1]] = value
    for known in [known for known in document.origins if known[: len(keys)] == keys]:
        del document.origins[known]  # items of the value that was replaced
    document.origins[keys] = origin


def _report(document: Document, keys: Keys, what: str) -> None:
    document.problems.append(Problem(document.origins[keys].value, label_of(keys), what))
