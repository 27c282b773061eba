"""`atlas run`: list, show, plot, compare, export, import and remove runs. Only handing on imports torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from atlas_cli.commands import _complete
from atlas_cli.commands._export import Format
from atlas_cli.commands._places import Runs, place
from atlas_cli.errors import UsageError, quoted

if TYPE_CHECKING:
    from atlas_cli.runs.folder import RunFolder

PANEL, PLACE = "Manage", 2  # in atlas --help

app = typer.Typer(help="List, show, plot, compare, hand out and remove runs.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Reference = Annotated[str, typer.Argument(help="Run name or path, or latest.", autocompletion=_complete.runs)]
References = Annotated[
    list[str], typer.Argument(metavar="RUN...", help="Run names or paths.", autocompletion=_complete.runs)
]
Tag = Annotated[str | None, typer.Option(help="Only runs with this tag.")]
Metric = Annotated[str, typer.Option(help="Which logged metric to draw.")]
Save = Annotated[
    Path | None,
    typer.Option(
        help="Where the picture goes (default: the folder of the runs).", callback=place("picture (--save)")
    ),
]


@app.command("ls")
def ls(out: Runs = Path("runs"), tag: Tag = None, json: Json = False) -> None:
    """List the runs, oldest first, with what was changed in their recipes.

    Example: [bold]atlas run ls[/bold]
    """
    from atlas_cli.commands._runs_table import runs_table
    from atlas_cli.runs.summary import summary
    from atlas_cli.screen import messages, terminal

    listed = _tagged(out, tag)
    rows = [summary(run) for run in listed]
    if json:
        terminal.emit_json({"runs": rows})
    elif rows:
        terminal.out.print(runs_table(rows, terminal.out.width))
        messages.next_command(f"atlas run show {listed[-1].reference}")
    else:
        messages.say(f"no runs in {out} yet" if tag is None else f"no run in {out} is tagged {quoted(tag)}")
        messages.next_command("atlas train ddpm --recipe small")


@app.command("show")
def show(run: Reference = "latest", out: Runs = Path("runs"), json: Json = False) -> None:
    """Show a run: its verdicts, figures, parent, recipe and files.

    Example: [bold]atlas run show latest[/bold]
    """
    from rich.text import Text

    from atlas_cli.runs import hashes
    from atlas_cli.runs.find import find_run
    from atlas_cli.runs.summary import summary
    from atlas_cli.screen import messages, terminal

    found = find_run(run, out)
    told, console = {**summary(found), "hashes": hashes.of(found)}, terminal.out
    if json:
        terminal.emit_json({**told, "result": found.result, "recipe_text": found.recipe_text})
        return
    console.print(Text(f"{found.name}  {told['status']}", "atlas.title"))
    for line in _facts(found, told):
        console.print(Text(line), soft_wrap=True)
    if found.result and (found.result.get("verdicts") or found.result.get("figures")):
        from atlas_cli.present.outcome import figures_line
        from atlas_cli.present.verdicts import verdict_table

        verdicts = found.result.get("verdicts", [])
        console.print()
        if verdicts:
            console.print(verdict_table(verdicts))
        console.print(figures_line(found.result.get("figures", {}), [v["metric"] for v in verdicts]))
    console.print()
    for file in sorted(p for p in found.path.rglob("*") if p.suffix in {".png", ".gif", ".txt"}):
        console.print(Text(str(file), "atlas.muted"), soft_wrap=True)
    if found.status == "interrupted":
        messages.next_command(f"atlas train --resume {found.reference}")
    else:
        messages.next_command(f"atlas run plot {found.reference}")


def _facts(run: RunFolder, told: dict[str, Any]) -> list[str]:
    """Lines about a run: recipe and changes, start, what it trained on, what it builds on."""
    lines = [f"recipe   {told['recipe']}  ({told['hash']})"]
    lines += [f"changed  {change}" for change in told["changes"]]
    lines += [f"tags     {', '.join(told['tags'])}"] if told["tags"] else []
    lines.append(f"started  {told['started'][:19]}")
    if told["steps"] is not None:
        lines.append(
            f"trained  {told['steps']:,} steps of {told['parameters']:,} parameters, "
            f"seed {told['seed']}, {told['precision']} on {told['device']}"
        )
    for role, base in (run.bases or {}).items():
        lines.append(f"{role:<8} {base.run}  ({base.recipe}, weights {base.weights})")
    if run.imported:
        lines.append(f"imported {str(run.imported['at'])[:10]}, trained elsewhere as {run.imported['name']}")
    known = [(name, value) for name, value in told["hashes"].items() if value and name != "recipe"]
    return [*lines, *(f"{name:<8} hash {value}" for name, value in known)]


@app.command("plot")
def plot(
    run: Reference = "latest", metric: Metric = "loss", save: Save = None, out: Runs = Path("runs"),
    json: Json = False,
) -> None:  # fmt: skip
    """Draw a metric of a run in the terminal and as a picture.

    Example: [bold]atlas run plot latest --metric loss[/bold]
    """
    from atlas_cli.commands import _curves
    from atlas_cli.runs.find import find_run
    from atlas_cli.screen import messages, terminal

    found = find_run(run, out)
    lines = _curves.logged([found], metric)
    files = [str(path) for path in _curves.pictures(lines, metric, found.path / f"{metric}.png", save)]
    if json:
        terminal.emit_json({"run": str(found.path), "metric": metric, "curves": lines, "files": files})
        return
    _curves.draw(lines, metric, log=False)
    for file in files:
        messages.say(file)
    messages.next_command(f"atlas run compare {found.reference} OTHER")


@app.command("compare")
def compare(
    runs: References,
    metric: Metric = "loss",
    log: Annotated[bool, typer.Option("--log", help="Draw in powers of ten.")] = False,
    save: Save = None,
    out: Runs = Path("runs"),
    json: Json = False,
) -> None:
    """Put the figures, recipes and curves of runs side by side.

    Example: [bold]atlas run compare ddpm-small-1 ddpm-small-2[/bold]
    """
    from atlas_cli.commands import _curves
    from atlas_cli.commands._runs_table import changes_of, figures_table
    from atlas_cli.runs.find import find_run
    from atlas_cli.runs.summary import summary
    from atlas_cli.screen import messages, terminal

    found = [find_run(run, out) for run in runs]
    if len(found) < 2:
        raise UsageError(
            "compare needs two runs or more", f"atlas run compare {runs[0]} OTHER; atlas run ls names them"
        )
    rows = [summary(run) for run in found]
    lines = _curves.logged(found, metric)
    changes = changes_of(found)
    if json:
        names = dict.fromkeys(name for row in rows for name in row["figures"])
        figures = {name: {row["name"]: row["figures"].get(name) for row in rows} for name in names}
        terminal.emit_json({
            "runs": rows, "metric": metric, "curves": lines,
            "differences": {"recipe": changes, "figures": figures},
        })  # fmt: skip
        return
    terminal.out.print(figures_table(rows))
    for name, changed in changes.items():
        for line in changed or ["the same recipe"]:
            terminal.out.print(f"{name}: {line}", markup=False, highlight=False, soft_wrap=True)
    _curves.draw(lines, metric, log)
    for path in _curves.pictures(lines, metric, out / f"compare-{metric}.png", save):
        messages.say(str(path))
    messages.next_command(f"atlas run export {' '.join(run.reference for run in found)} --format html")


@app.command("export")
def export(
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUN]...", help="Runs (default: all).", autocompletion=_complete.runs),
    ] = None,
    format: Annotated[
        Format,
        typer.Option("--format", "-f", help="A table, a report, logs for TensorBoard, or the run itself."),
    ] = Format.csv,
    save: Annotated[
        Path | None,
        typer.Option(help="The file, or for TensorBoard the folder.", callback=place("file (--save)")),
    ] = None,
    tag: Tag = None,
    out: Runs = Path("runs"),
    json: Json = False,
) -> None:
    """Write runs for other programs: CSV, one HTML page with curves and pictures, or TensorBoard logs.

    With --format run it is one run with its weights, to hand out; atlas run import takes it in.

    Example: [bold]atlas run export --format html[/bold]
    """
    from atlas_cli.commands import _export
    from atlas_cli.runs.find import find_run
    from atlas_cli.screen import messages, terminal

    found = [find_run(run, out) for run in runs] if runs else _tagged(out, tag)
    if not found:
        if tag is not None and _tagged(out, None):
            raise UsageError(f"no run in {out} is tagged {quoted(tag)}", "see the tags: atlas run ls")
        raise UsageError(f"there are no runs in {out} to export", "train one: atlas train ddpm")
    path = _export.export(found, format, save)
    if json:
        terminal.emit_json({"format": format, "file": str(path), "runs": [run.name for run in found]})
        return
    terminal.emit_text(str(path))
    if format is not Format.run:
        messages.say(f"{len(found)} run{'' if len(found) == 1 else 's'} as {format}")
    messages.next_command(*_export.then(format, path))


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(help="What run export --format run wrote.", callback=place("file of the run"))
    ],
    name: Annotated[str | None, typer.Option(help="What the run is called here.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a run of that name.")] = False,
    out: Runs = Path("runs"),
    json: Json = False,
) -> None:
    """Take in a run that was trained elsewhere, once every byte of it is verified.

    It can be sampled, drawn and resumed as any other.

    Example: [bold]atlas run import ddpm-small-1.atlas[/bold]
    """
    from atlas_cli.commands import _handing

    _handing.take_in(file, out, name, force, json)


@app.command("film")
def film(run: Reference = "latest", out: Runs = Path("runs"), json: Json = False) -> None:
    """Make a GIF of what a run made while it trained, step by step.

    Example: [bold]atlas run film latest[/bold]
    """
    from atlas_cli.present.learning import make_film
    from atlas_cli.runs.find import find_run
    from atlas_cli.screen import messages, terminal

    found = find_run(run, out)
    made = make_film(found)
    if json:
        terminal.emit_json(
            {"run": str(found.path), "files": [str(f) for f in made.files], "steps": made.steps}
        )
        return
    if made.text:
        terminal.emit_text(made.text)
    terminal.out.print(
        f"it shows the samples of {found.name} from step {made.steps[0]} to {made.steps[-1]}, "
        f"{len(made.steps)} of them",
        style="atlas.muted",
        soft_wrap=True,
    )
    for file in made.files:
        messages.say(str(file))
    messages.next_command(f"atlas run plot {found.reference}")


@app.command("rm")
def rm(
    runs: References,
    out: Runs = Path("runs"),
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Delete runs, with all their checkpoints and samples.

    Example: [bold]atlas run rm ddpm-small-1[/bold]
    """
    from atlas_cli.runs.find import open_run
    from atlas_cli.screen import messages, terminal

    deleted = []
    for run in [open_run(name, out) for name in runs]:
        if yes or typer.confirm(f"delete {run.path} and everything in it?", err=True):
            run.remove()
            deleted.append(str(run.path))
            messages.say(f"deleted {run.path}")
    if json:
        terminal.emit_json({"deleted": deleted})


def _tagged(out: Path, tag: str | None) -> list[RunFolder]:
    from atlas_cli.runs.find import list_runs

    return [run for run in list_runs(out) if tag is None or tag in run.tags]
