"""`atlas run`: list, show, plot, compare and remove training runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from atlas_cli.commands import _complete

if TYPE_CHECKING:
    from atlas_cli.runs.folder import RunFolder

PANEL, PLACE = "Manage", 2  # in atlas --help

app = typer.Typer(help="List, show, plot, compare and remove runs.", no_args_is_help=True)

Root = Annotated[Path, typer.Option("--out", help="Folder of the runs.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Reference = Annotated[str, typer.Argument(help="Run name or path, or latest.", autocompletion=_complete.runs)]


@app.command("ls")
def ls(out: Root = Path("runs"), json: Json = False) -> None:
    """List the runs, oldest first.

    Example: [bold]atlas run ls[/bold]
    """
    from rich.table import Table

    from atlas_cli.runs.folder import list_runs
    from atlas_cli.screen import messages, terminal

    runs = list_runs(out)
    if json:
        terminal.emit_json([_summary(run) for run in runs])
        return
    if not runs:
        messages.say(f"no runs in {out} yet")
        messages.next_command("atlas train ddpm --recipe small")
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="atlas.muted")
    for name in ("run", "recipe", "status", "claims", "training", "started"):
        table.add_column(name)
    for run in runs:
        s = _summary(run)
        seconds = s["train_seconds"]
        table.add_row(
            s["name"], s["recipe"], s["status"], s["claims"], f"{seconds:.0f} s" if seconds else "-",
            s["started"][:16].replace("T", " "),
        )  # fmt: skip
    terminal.out.print(table)


def _summary(run: RunFolder) -> dict[str, Any]:
    result = run.result or {}
    verdicts = result.get("verdicts", [])
    held = sum(bool(v["passed"]) for v in verdicts)
    return {
        "name": run.name, "path": str(run.path), "recipe": run.info["recipe"], "hash": run.info["hash"],
        "bases": {role: base.run for role, base in (run.bases or {}).items()},
        "started": run.info["started"], "status": run.status,
        "claims": f"{held} of {len(verdicts)} hold" if verdicts else "-",
        "train_seconds": result.get("train_seconds"), "figures": result.get("figures", {}),
    }  # fmt: skip


@app.command("show")
def show(run: Reference = "latest", out: Root = Path("runs"), json: Json = False) -> None:
    """Show a run: its verdicts, figures, parent, recipe and files.

    Example: [bold]atlas run show latest[/bold]
    """
    from rich.text import Text

    from atlas_cli.runs.folder import find_run
    from atlas_cli.screen import messages, terminal

    found = find_run(run, out)
    if json:
        terminal.emit_json({**_summary(found), "result": found.result, "recipe_text": found.recipe_text})
        return
    summary, console = _summary(found), terminal.out
    console.print(Text(f"{found.name}  {summary['status']}", "atlas.title"))
    lines = [f"recipe   {summary['recipe']}  ({summary['hash']})", f"started  {summary['started'][:19]}"]
    for role, base in (found.bases or {}).items():
        lines.append(f"{role:<8} {base.run}  ({base.recipe}, weights {base.weights})")
    for line in lines:
        console.print(Text(line), soft_wrap=True)
    if found.result:
        from atlas_cli.present.outcome import figures_line
        from atlas_cli.present.verdicts import verdict_table

        verdicts = found.result.get("verdicts", [])
        console.print()
        console.print(verdict_table(verdicts, found.result.get("measured")))
        console.print(figures_line(found.result.get("figures", {}), [v["metric"] for v in verdicts]))
    console.print()
    for file in sorted(p for p in found.path.rglob("*") if p.suffix in {".png", ".gif", ".txt"}):
        console.print(Text(str(file), "atlas.muted"), soft_wrap=True)
    if found.status == "interrupted":
        messages.next_command(f"atlas train --resume {found.name}")
    else:
        messages.next_command(f"atlas run plot {found.name}")


@app.command("plot")
def plot(
    run: Reference = "latest",
    metric: Annotated[str, typer.Option(help="Which logged metric.")] = "loss",
    out: Root = Path("runs"),
) -> None:
    """Draw a metric of a run in the terminal and as a picture.

    Example: [bold]atlas run plot latest --metric loss[/bold]
    """
    from atlas_cli.present.progress import loss_curve
    from atlas_cli.runs.folder import find_run
    from atlas_cli.screen import messages, terminal

    found = find_run(run, out)
    curve = [(r["step"], r[metric]) for r in _rows(found, metric)]
    width = max(20, min(terminal.out.width, 100) - 14)
    terminal.out.print(f"{found.name}  {metric}", style="atlas.title")
    drawn = loss_curve(curve, width, 14, not terminal.ascii_only())
    terminal.out.print(drawn, markup=False, highlight=False, no_wrap=True)
    _save_curves({found.name: found}, metric, found.path / f"{metric}.png")
    messages.next_command(f"atlas run compare {found.name} OTHER")


@app.command("compare")
def compare(
    first: Reference,
    second: Reference,
    metric: Annotated[str, typer.Option(help="Which logged metric to draw.")] = "loss",
    out: Root = Path("runs"),
    json: Json = False,
) -> None:
    """Put the figures, recipes and curves of two runs side by side.

    Example: [bold]atlas run compare ddpm-small-1 ddpm-small-2[/bold]
    """
    from rich.table import Table

    from atlas_cli.present.verdicts import number
    from atlas_cli.recipe import recipes
    from atlas_cli.runs.folder import find_run
    from atlas_cli.screen import terminal

    a, b = find_run(first, out), find_run(second, out)
    figures = [(run.result or {}).get("figures", {}) for run in (a, b)]
    changes = recipes.difference(*(recipes.of_run(run.path) for run in (a, b)))
    names = sorted(figures[0].keys() | figures[1].keys())
    if json:
        terminal.emit_json({"runs": [_summary(a), _summary(b)], "recipe_changes": changes})
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="atlas.muted")
    for column in ("figure", a.name, b.name, "difference"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for name in names:
        x, y = (f.get(name) for f in figures)
        table.add_row(name, number(x), number(y), number(y - x if x is not None and y is not None else None))
    terminal.out.print(table)
    for line in changes or ["the recipes are the same"]:
        terminal.out.print(line, markup=False, highlight=False, soft_wrap=True)
    _draw_both(a, b, metric)
    _save_curves({a.name: a, b.name: b}, metric, b.path / f"compare-{a.name}.png")


def _save_curves(runs: dict[str, RunFolder], metric: str, path: Path) -> None:
    """Draw the curves as a picture, where a run's folder takes one."""
    from atlas_cli.present import curves
    from atlas_cli.present.saving import saved
    from atlas_cli.screen import messages

    for file in saved(lambda: [curves.save_curves(runs, metric, path)], path.parent):
        messages.say(str(file))


def _draw_both(a: RunFolder, b: RunFolder, metric: str) -> None:
    from atlas_cli.present.progress import loss_curve
    from atlas_cli.screen import terminal

    width = max(20, min(terminal.out.width, 100) - 14)
    for run in (a, b):
        curve = [(r["step"], r[metric]) for r in _rows(run, metric)]
        terminal.out.print(f"{run.name}  {metric}", style="atlas.title")
        drawn = loss_curve(curve, width, 8, not terminal.ascii_only())
        terminal.out.print(drawn, markup=False, highlight=False, no_wrap=True)


def _rows(run: RunFolder, metric: str) -> list[dict[str, Any]]:
    from atlas_cli.errors import UsageError

    rows = run.read_metrics()
    found = [r for r in rows if metric in r]
    if not found:
        known = sorted({name for r in rows for name in r} - {"step"})
        raise UsageError(
            f"{run.name} logged no {metric!r}",
            f"choose one of: {', '.join(known)}" if known else "train it first",
        )
    return found


@app.command("film")
def film(run: Reference = "latest", out: Root = Path("runs"), json: Json = False) -> None:
    """Make a GIF of what a run made while it trained, step by step.

    Example: [bold]atlas run film latest[/bold]
    """
    from atlas_cli.present.learning import make_film
    from atlas_cli.runs.folder import find_run
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
    messages.next_command(f"atlas run plot {found.name}")


@app.command("rm")
def rm(
    runs: Annotated[list[str], typer.Argument(help="Runs to delete.", autocompletion=_complete.runs)],
    out: Root = Path("runs"),
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete runs, with all their checkpoints and samples.

    Example: [bold]atlas run rm ddpm-small-1[/bold]
    """
    from atlas_cli.runs.folder import RunFolder
    from atlas_cli.screen import messages

    found = [RunFolder.open(name, out) for name in runs]
    for run in found:
        if yes or typer.confirm(f"delete {run.path} and everything in it?", err=True):
            run.remove()
            messages.say(f"deleted {run.path}")
