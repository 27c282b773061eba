"""`atlas recipe`: list, show, check and copy recipes, and their JSON Schema. Nothing here imports torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from atlas_cli.commands import _complete
from atlas_cli.commands._places import place, write
from atlas_cli.errors import AtlasError, UsageError

if TYPE_CHECKING:
    from atlas_cli.recipe.recipes import Recipe

PANEL, PLACE = "Manage", 1  # in atlas --help

app = typer.Typer(
    help="List, show, check and copy recipes: what is trained, on what, for how long, and what proves it.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

_Ref = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE", help="Topic, topic/recipe, or a recipe file.", autocompletion=_complete.recipes
    ),
]
_Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


@app.command("ls")
def list_recipes(
    topic: Annotated[
        str | None, typer.Argument(help="Topic or family (default: all).", autocompletion=_complete.topics)
    ] = None,
    json: _Json = False,
) -> None:
    """List the recipes that ship with the atlas.

    Example: [bold]atlas recipe ls ddpm[/bold]
    """
    from atlas_cli.recipe.source import recipe_names

    rows = [_summary(slug, name) for slug in _slugs(topic) for name in recipe_names(slug)]
    if not rows and topic is not None:
        raise UsageError(f"{topic} has no recipes yet", "atlas recipe ls shows the topics that have some")
    if json:
        from atlas_cli.screen.terminal import emit_json

        emit_json({"recipes": rows})
        return
    _print_table(rows)
    if rows:
        named = [row["name"] for row in rows]
        _next(f"atlas recipe show {next((n for n in named if n.endswith('/small')), named[0])}")


@app.command()
def show(
    ref: _Ref,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            "-s",
            metavar="KEY=VALUE",
            help="Change a field: train.steps=500, width=32.",
            autocompletion=_complete.fields,
        ),
    ] = None,
    data: Annotated[str | None, typer.Option(help="Another data source: mnist, cifar10, digits ...")] = None,
    json: _Json = False,
) -> None:
    """Print a recipe with its base, its data's facts and all defaults filled in.

    Example: [bold]atlas recipe show ddpm/small[/bold]
    """
    from atlas_cli.recipe import recipes
    from atlas_cli.screen.terminal import emit_json, emit_text, out

    recipe = recipes.resolve(ref, sets or [], data, command="recipe show")
    if json:
        emit_json({**recipe.sections(), "hash": recipe.hash})
        return
    text = recipes.to_yaml(recipe)
    if out.is_terminal and not out.no_color:
        from rich.syntax import Syntax

        # The terminal's own colours, so that a light ground works as well as a dark one.
        out.print(Syntax(text, "yaml", theme="ansi_dark", background_color="default", word_wrap=True))
    else:
        emit_text(text)
    _next(f"atlas train {ref}" if "/" not in ref or ref.endswith((".yaml", ".yml")) else _train(recipe))


@app.command()
def validate(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Recipe files; topic/recipe works too.")
    ],
    json: _Json = False,
) -> None:
    """Check recipes: all errors at once, each as file:line:column: field: what.

    Example: [bold]atlas recipe validate mine.yaml[/bold]
    """
    from atlas_cli.recipe import recipes

    faults: dict[str, AtlasError] = {}
    for file in files:
        try:
            recipes.resolve(file, command="recipe validate")
        except UsageError as error:
            faults[file] = error
        if not json and file not in faults:
            from atlas_cli.screen.terminal import emit_text

            emit_text(f"{file}: valid")
    if json:
        _emit_verdicts(files, faults)
    elif len(files) == 1 and faults:
        raise faults[files[0]]
    elif faults:
        details = [line for error in faults.values() for line in (error.details or [error.what])]
        what = f"{len(faults)} of {len(files)} recipes are not valid"
        raise UsageError(what, "atlas recipe schema lists every field", details)
    else:
        _next(f"atlas train {files[0]}")


@app.command()
def cp(
    ref: _Ref,
    file: Annotated[Path, typer.Argument(help="The new file, ending in .yaml.", callback=place("new file"))],
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace the file if there is one.")] = False,
    json: _Json = False,
) -> None:
    """Copy a recipe as the start of your own.

    Example: [bold]atlas recipe cp ddpm/small mine.yaml[/bold]
    """
    from atlas_cli.recipe.source import find

    source = find(ref, "recipe cp")
    if file.suffix not in (".yaml", ".yml"):
        raise UsageError(f"{file} does not end in .yaml", f"atlas recipe cp {ref} {file}.yaml")
    if file.exists() and (file.is_dir() or file.samefile(source)):
        what = "a folder" if file.is_dir() else "the recipe itself"
        raise UsageError(f"{file} is {what}", "name another file")
    text = _moved(source.read_bytes().decode("utf-8", "surrogateescape"), source)
    write(file, text.encode("utf-8", "surrogateescape"), force)
    if json:
        from atlas_cli.screen.terminal import emit_json

        emit_json({"recipe": ref, "source": str(source), "file": str(file)})
        return
    _next(f"edit {file}, then: atlas recipe validate {file} && atlas train {file}")


@app.command()
def stale(json: _Json = False) -> None:
    """List the measured figures that the code may no longer give, each with the reason.

    Example: [bold]atlas recipe stale[/bold]
    """
    from atlas_cli.commands._stale import print_stale

    print_stale(json)


@app.command()
def schema(
    topic: Annotated[
        str | None,
        typer.Argument(help="Spell out this topic's model fields.", autocompletion=_complete.topics),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON; it always is.")] = False,
) -> None:
    """Print the JSON Schema of a recipe, for editors that complete and check YAML.

    Example: [bold]atlas recipe schema ddpm > ddpm.schema.json[/bold]
    """
    from atlas_cli import catalog
    from atlas_cli.recipe import recipes
    from atlas_cli.screen.terminal import emit_json

    emit_json(recipes.schema(topic and catalog.resolve(topic, "recipe schema").slug))


# --- ls --------------------------------------------------------------------------------------------------


def _slugs(name: str | None) -> list[str]:
    """The topics that `recipe ls` was asked for, in reading order."""
    from atlas_cli import catalog

    if name is None:
        return [topic.slug for topic in catalog.topics()]
    found = catalog.resolve_any(name, "recipe ls")
    return [topic.slug for topic in found.topics] if isinstance(found, catalog.Family) else [found.slug]


def _summary(slug: str, name: str) -> dict[str, Any]:
    """What a list says of a recipe; the file is read, not validated, so that a long list comes at once."""
    from atlas_cli.recipe.source import find, read
    from atlas_cli.recipe.times import parents_seconds, seconds_of

    data = read(find(f"{slug}/{name}")).data
    names = ("data", "train", "measured")
    section = {key: data[key] if isinstance(data.get(key), dict) else {} for key in names}
    return {
        "name": f"{slug}/{name}",
        "about": data.get("about", ""),
        "data": section["data"].get("name"),
        "steps": section["train"].get("steps"),
        "seconds": seconds_of(section["measured"]),
        "builds_on": parents_seconds(f"{slug}/{name}"),
        "expect": list(data.get("expect") or ()),
    }


#: Title -> what stands under it, the ones that give way to what the recipe is about last first.
_COLUMNS: dict[str, Callable[[dict[str, Any]], str]] = {
    "recipe": lambda row: str(row["name"]),
    "seconds": lambda row: _cell(row["seconds"]),
    "with parents": lambda row: _with_parents(row),
    "steps": lambda row: _cell(row["steps"]),
    "data": lambda row: _cell(row["data"]),
}
_GAP, _LEAST_ABOUT = 2, 28  # columns between two columns, and of the sentence about a recipe


def _print_table(rows: list[dict[str, Any]]) -> None:
    """The recipes; a narrow terminal has fewer columns rather than a sentence of one word a line."""
    from rich.table import Table

    from atlas_cli.screen.terminal import out

    cells = {title: [told(row) for row in rows] for title, told in _COLUMNS.items()}
    if not any(cells["with parents"]):
        del cells["with parents"]
    room = out.width - _LEAST_ABOUT
    while len(cells) > 1 and sum(max(map(len, [title, *c])) + _GAP for title, c in cells.items()) > room:
        cells.popitem()
    table = Table(box=None, padding=(0, _GAP, 0, 0), header_style="atlas.muted")
    for title in cells:
        figures = title in ("seconds", "with parents", "steps")
        style = "atlas.accent" if title == "recipe" else ""
        table.add_column(title, style=style, no_wrap=True, justify="right" if figures else "left")
    table.add_column("about", overflow="fold")
    for row in zip(*cells.values(), [row["about"] for row in rows], strict=True):
        table.add_row(*row)
    out.print(table)


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def _with_parents(row: dict[str, Any]) -> str:
    """Seconds of the recipe and of all that must be trained before it; empty where nothing must."""
    times = [*row["builds_on"].values()]
    if not times:
        return ""
    return "?" if None in (*times, row["seconds"]) else str(sum(times, row["seconds"]))


# --- show, validate, cp ----------------------------------------------------------------------------------


def _train(recipe: Recipe) -> str:
    topic, _, name = recipe.name.partition("/")
    return f"atlas train {topic} --recipe {name}"


def _emit_verdicts(files: list[str], faults: dict[str, AtlasError]) -> None:
    from atlas_cli.screen.terminal import emit_json

    whole = {"line": None, "column": None, "field": ""}
    errors = {
        file: error.findings or [{"file": file, **whole, "what": error.what}]
        for file, error in faults.items()
    }
    verdicts = [{"file": f, "valid": f not in faults, "errors": errors.get(f, [])} for f in files]
    emit_json({"valid": not faults, "recipes": verdicts})
    if faults:
        raise typer.Exit(UsageError.code)


def _moved(text: str, source: Path) -> str:
    """The text with `base` and `from` named so that they are found from anywhere."""
    import yaml

    from atlas_cli.recipe.source import full_reference

    def scalars(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
        if isinstance(node, yaml.ScalarNode):
            yield node
        elif isinstance(node, yaml.MappingNode):  # parents by their roles
            for _, value in node.value:
                yield from scalars(value)

    document = yaml.compose(text, Loader=yaml.SafeLoader)
    entries = document.value if isinstance(document, yaml.MappingNode) else []
    named = [
        (key.value, node)
        for key, value in entries
        if key.value in ("base", "from")
        for node in scalars(value)
    ]
    for key, node in reversed(named):  # from the end, so that earlier positions stay true
        ref, space, changes = node.value.partition(" ")
        moved = full_reference(ref, source, key == "base") + space + changes
        text = text[: node.start_mark.index] + moved + text[node.end_mark.index :]
    return text


def _next(command: str) -> None:
    from atlas_cli.screen import messages

    messages.next_command(command)
