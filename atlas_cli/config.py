"""Frozen configs of systems and data sources, and a way to read them without importing torch.

A system's file opens with `class Config(SystemConfig)` and imports torch. A recipe must be checked in
milliseconds and without torch, so `config_class` parses the file and runs only that class statement and
what it names: constants, functions and Configs of the atlas, pydantic and the standard library. The code
run is always the atlas's own, never a recipe's.
"""

from __future__ import annotations
import __future__

import ast
import importlib
import importlib.util
import sys
import tokenize
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

# What one machine of today can train lies far below these; beyond them a slip of the keyboard is likelier.
WIDEST = 16_384  # channels, states, heads or symbols
DEEPEST = 1_024  # layers
LONGEST = 1 << 20  # tokens
MOST_STEPS = 10_000  # of a noise schedule or a sampler: beyond, float32 cannot tell the first level from none
PARENT = "parent"  # the role of the one run that a system builds on, where its roles have no names


class FrozenConfig(BaseModel):
    """Immutable, finite, no unknown fields, no silent conversion of text to numbers."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, protected_namespaces=()
    )


class SystemConfig(FrozenConfig):
    """The fields of a recipe's `model:` section.

    `data_kinds` names the kinds of data that the system learns from (see DataConfig); empty: any.
    `parents` names the topics of which one must have trained the run that the system builds on, or, where it
    builds on several, such topics for each role: `{"policy": ("gpt",), "reward": ("reward-model",)}`. From
    data of `kinds_without_parent` it learns by itself.
    """

    data_kinds: ClassVar[tuple[str, ...]] = ()
    parents: ClassVar[tuple[str, ...] | dict[str, tuple[str, ...]]] = ()
    kinds_without_parent: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def roles(cls, data_kind: str | None = None) -> dict[str, tuple[str, ...]]:
        """What the system builds on when it learns from data of that kind: role -> topics to choose from.

        The only parent of a system that names no roles has the role PARENT.
        """
        if data_kind in cls.kinds_without_parent or not cls.parents:
            return {}
        return cls.parents if isinstance(cls.parents, dict) else {PARENT: cls.parents}

    def misfits(self, parents: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
        """What does not fit the runs that the system builds on: fields of `model:`, and what is wrong.

        Args:
            parents: Role -> the `model:` section of the recipe that its run is trained with.
        """
        own = self.model_dump(include={"image_size", "channels", "n_classes", "vocab_size"})
        for parent in parents.values():
            for name, value in own.items():
                if name in parent and parent[name] != value:
                    yield (
                        name,
                        f"is {value}, but the run that it builds on has {parent[name]}: name data alike",
                    )

    @classmethod
    def sampling_fields(cls) -> frozenset[str]:
        """Names of the fields that only steer sampling: they may change after training."""
        return frozenset(
            name
            for name, info in cls.model_fields.items()
            if isinstance(info.json_schema_extra, dict)
            and info.json_schema_extra.get("used_at") == "sampling"
        )


class DataConfig(FrozenConfig):
    """The fields of a recipe's `data:` section for one source.

    The class is called after the source: `FashionMnistConfig`, in any file of data/, is `fashion_mnist`.
    `kind` says what a batch holds: "images", "scenes", "points", "sequences" or "text".
    """

    kind: ClassVar[str]

    def facts(self) -> dict[str, Any]:
        """Model fields that the data decides (image_size, channels, n_classes, vocab_size ...)."""
        raise NotImplementedError


def sampling(default: Any, **constraints: Any) -> Any:
    """A config field that only steers sampling; `atlas sample --set` may change it after training."""
    return Field(default, json_schema_extra={"used_at": "sampling"}, **constraints)


def config_class(module: str, name: str = "Config") -> type[Any]:
    """The class `name` of `module`, built from its source text without importing the module.

    If the module is imported already its own class is returned. Field types, defaults and validators may
    use the module's constants and functions; what a method needs beyond pydantic and the standard library
    it imports inside itself.

    Raises:
        LookupError: no such module or class, or the class needs an import that is not torch-free.
    """
    if module in sys.modules and hasattr(sys.modules[module], name):
        return getattr(sys.modules[module], name)
    return _source(module).value(name)


def field_notes(config: type[BaseModel]) -> dict[str, str]:
    """Field -> the comment on the line that declares it: its unit or meaning, inherited fields included."""
    notes: dict[str, str] = {}
    for cls in reversed(config.__mro__):
        if issubclass(cls, FrozenConfig) and cls.__module__ != __name__:
            notes.update(_source(cls.__module__).notes(cls.__name__))
    return {name: note for name, note in notes.items() if name in config.model_fields}


_WHOLE_MODULES = {"atlas_cli.config", "atlas_cli.errors"}  # of the atlas; imported, not read
_PACKAGES = {"pydantic", "annotated_types", "typing_extensions"} | sys.stdlib_module_names


class _Source:
    """A module's top-level names, each run when it is first asked for."""

    def __init__(self, module: str) -> None:
        self.module, self.path = module, _path_of(module)
        self.text = self.path.read_text(encoding="utf-8")
        self.nodes: dict[str, ast.stmt] = {}
        self.flags = 0
        for node in ast.parse(self.text).body:
            if isinstance(node, ast.ImportFrom) and node.module == "__future__":
                self.flags |= __future__.annotations.compiler_flag
            else:
                self.nodes.update((name, node) for name in _bound_names(node))
        self.namespace: dict[str, Any] = {"__name__": module}

    def value(self, name: str) -> Any:
        """What `name` is bound to; its statement is run once."""
        if name not in self.namespace:
            if name not in self.nodes:
                raise LookupError(f"{self.module} has no {name}")
            self._run(name, self.nodes[name])
        return self.namespace[name]

    def _run(self, name: str, node: ast.stmt) -> None:
        if isinstance(node, ast.Import | ast.ImportFrom):
            alias = next(a for a in node.names if (a.asname or a.name.partition(".")[0]) == name)
            self.namespace[name] = self._imported(node, alias)
            return
        needed, perhaps = _names_used(node, annotations_are_text=bool(self.flags))
        for other in sorted(needed & self.nodes.keys() - {name}):
            self.value(other)
        code = compile(ast.Module([node], []), str(self.path), "exec", flags=self.flags, dont_inherit=True)
        exec(code, self.namespace)
        for other in sorted(perhaps & self.nodes.keys()):
            if not isinstance(self.nodes[other], ast.ClassDef):
                self._provide(other)
        made = self.namespace[name]
        if isinstance(made, type) and issubclass(made, BaseModel):
            # Types written as text are looked up here, for the module itself is not imported.
            made.model_rebuild(force=True, _types_namespace=self.namespace)

    def _provide(self, name: str) -> None:
        """Bind what a method's body names, if it is torch-free; one that is not called may name torch."""
        try:
            self.value(name)
        except LookupError:
            return

    def _imported(self, node: ast.Import | ast.ImportFrom, alias: ast.alias) -> Any:
        source = alias.name if isinstance(node, ast.Import) else str(node.module)
        if source.partition(".")[0] not in _PACKAGES and source not in _WHOLE_MODULES:
            if isinstance(node, ast.ImportFrom) and source.startswith("atlas_cli.") and node.level == 0:
                return config_class(source, alias.name)
            raise LookupError(f"{self.module}: a Config must not need {source}, it is read without torch")
        if isinstance(node, ast.Import):
            whole = importlib.import_module(source)
            return whole if alias.asname else sys.modules[source.partition(".")[0]]
        return getattr(importlib.import_module(source), alias.name)

    def notes(self, name: str) -> dict[str, str]:
        """Field -> trailing comment, for the class `name`; of a field over several lines, the first."""
        node = self.nodes.get(name)
        if not isinstance(node, ast.ClassDef):
            return {}
        comments = _comments(self.text)
        fields = [n for n in node.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)]
        found = {}
        for field in fields:
            lines = range(field.lineno, (field.end_lineno or field.lineno) + 1)
            note = next((comments[line] for line in lines if line in comments), None)
            if note:
                found[field.target.id] = note  # type: ignore[union-attr]
        return found


@cache
def _source(module: str) -> _Source:
    return _Source(module)


def _path_of(module: str) -> Path:
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError as error:
        raise LookupError(f"no module {module}") from error
    if spec is None or spec.origin is None:
        raise LookupError(f"no module {module}")
    return Path(spec.origin)


def _bound_names(node: ast.stmt) -> list[str]:
    """The names that a top-level statement binds."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [a.asname or a.name.partition(".")[0] for a in node.names]
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)]
    return []


def _names_used(node: ast.stmt, annotations_are_text: bool) -> tuple[set[str], set[str]]:
    """Names that running the statement needs, and names that only the bodies of its functions use."""
    functions = [f for f in ast.walk(node) if isinstance(f, ast.FunctionDef)]
    inside = {id(n) for f in functions for stmt in f.body for n in ast.walk(stmt)}
    if annotations_are_text:
        inside |= {id(n) for f in functions for n in _signature(f)}
    names = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
    return {n.id for n in names if id(n) not in inside}, {n.id for n in names if id(n) in inside}


def _signature(function: ast.FunctionDef) -> list[ast.AST]:
    """The nodes of a function's annotations."""
    a = function.args
    arguments = [*a.posonlyargs, *a.args, *a.kwonlyargs, *filter(None, (a.vararg, a.kwarg))]
    annotations = [function.returns, *(argument.annotation for argument in arguments)]
    return [node for annotation in annotations if annotation for node in ast.walk(annotation)]


@cache
def _comments(text: str) -> dict[int, str]:
    """Line number -> the comment that ends it."""
    lines = iter(text.splitlines(keepends=True))
    tokens = tokenize.generate_tokens(lambda: next(lines, ""))
    return {
        t.start[0]: t.string.lstrip("# ")
        for t in tokens
        if t.type == tokenize.COMMENT and not t.string.startswith(("# type:", "# noqa", "# fmt"))
    }
