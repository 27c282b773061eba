"""`atlas exercise`: write the lines that hold an idea, and have them judged. Only `train` imports torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from atlas_cli.commands._devices import Device
from atlas_cli.commands._places import place
from atlas_cli.errors import UsageError

if TYPE_CHECKING:
    from atlas_cli.exercises.model import Exercise

PANEL, PLACE = "Learn", 6  # in atlas --help

app = typer.Typer(rich_markup_mode="rich")

_RUNS = Path("exercises/runs")


def _complete(incomplete: str) -> list[str]:
    from atlas_cli.exercises import find

    return [name for name in find.names() if name.startswith(incomplete)]


_Name = Annotated[str, typer.Argument(help="Topic/exercise: ddpm/add_noise.", autocompletion=_complete)]
_Latest = Annotated[
    str | None,
    typer.Argument(help="Topic/exercise (default: what you worked at last).", autocompletion=_complete),
]
_Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


@app.callback(invoke_without_command=True)
def _alone(context: typer.Context) -> None:
    """Write the lines that hold an idea, and have them judged; alone it lists them."""
    if context.invoked_subcommand is None:
        list_exercises()


@app.command("list")
def list_exercises(
    subject: Annotated[str | None, typer.Argument(help="Topic or family (default: all).")] = None,
    json: _Json = False,
) -> None:
    """List the exercises, and how far you are.

    Example: [bold]atlas exercise list diffusion[/bold]
    """
    from atlas_cli import catalog
    from atlas_cli.commands import _exercises as screen
    from atlas_cli.exercises import find
    from atlas_cli.screen import messages
    from atlas_cli.screen.terminal import emit_json

    found = find.every() if subject is None else find.of(catalog.resolve_any(subject, "exercise list"))
    if json:
        emit_json({"exercises": [{**screen.as_dict(e), "state": screen.state(e)} for e in found]})
        return
    if not found:
        raise UsageError(f"{subject} has no exercises yet", "atlas exercise list shows them all")
    screen.show_list(found)
    following = next((e for e in found if screen.state(e) != screen.SOLVED), found[0])
    messages.next_command(f"atlas exercise start {following.full_name}")


@app.command()
def start(name: _Name, json: _Json = False) -> None:
    """Write an exercise into the working folder; a file that is there stays as it is.

    Example: [bold]atlas exercise start ddpm/add_noise[/bold]
    """
    from atlas_cli.commands import _exercises as screen
    from atlas_cli.exercises import find, work
    from atlas_cli.screen import messages
    from atlas_cli.screen.terminal import emit_json

    exercise = find.find(name)
    written = work.start(exercise)
    if json:
        emit_json({**screen.as_dict(exercise), "written": written})
        return
    screen.show_task(exercise)
    path = work.file_of(exercise)
    messages.say(f"{path}" if written else f"{path} is there already, and stays as it is")
    messages.next_command(f"atlas exercise watch {exercise.full_name}", "while you write")


@app.command()
def check(name: _Latest = None, json: _Json = False) -> None:
    """Judge what you wrote, in a few seconds; exit 1 where it is not right.

    Example: [bold]atlas exercise check ddpm/add_noise[/bold]
    """
    from atlas_cli.screen.terminal import emit_json

    exercise = _chosen(name, "check")
    found = _judged(exercise)
    if json:
        emit_json(found)
    else:
        _show(exercise, found)
    if not found["right"]:
        raise typer.Exit(1)


@app.command()
def hint(
    name: _Latest = None,
    number: Annotated[int, typer.Argument(min=1, max=3, help="Which of the three.")] = 1,
    json: _Json = False,
) -> None:
    """Give a hint: the first nudges, the third is almost the line.

    Without a name, or by its number alone, it is of what you worked at last.

    Example: [bold]atlas exercise hint ddpm/add_noise 2[/bold]
    """
    from rich.text import Text

    from atlas_cli.commands import _exercises as screen
    from atlas_cli.screen import messages
    from atlas_cli.screen.lines import hang, indent
    from atlas_cli.screen.terminal import emit_json, show, text_width

    if name is not None and name in ("1", "2", "3"):  # of a family by its number no hint is asked
        number = int(name)
        name = None
    exercise = _chosen(name, "hint")
    text = exercise.hints[number - 1]
    if json:
        emit_json({"exercise": exercise.full_name, "number": number, "of": 3, "hint": text})
        return
    mark = Text(f"{number} of 3", "atlas.muted")
    lines = hang(mark, screen.rendered(text, text_width() - screen.MARGIN - 8), 8)
    show(indent([Text(), *lines, Text()], screen.MARGIN))
    if number < 3:
        messages.next_command(f"atlas exercise hint {exercise.full_name} {number + 1}")
    else:
        messages.next_command(f"atlas exercise solution {exercise.full_name}", "the project's own lines")


@app.command()
def solution(name: _Name, json: _Json = False) -> None:
    """Show the project's own lines, and where they stand.

    Example: [bold]atlas exercise solution ddpm/add_noise[/bold]
    """
    import textwrap

    from atlas_cli.commands import _exercises as screen
    from atlas_cli.exercises import find
    from atlas_cli.exercises.cut import cut
    from atlas_cli.screen import messages
    from atlas_cli.screen.terminal import emit_json

    exercise = find.find(name, "solution")
    part = cut(exercise)
    lines = textwrap.dedent(part.lines)
    where = f"{part.owner}.{part.function}" if part.owner else part.function
    if json:
        emit_json({
            "exercise": exercise.full_name, "lines": lines, "path": str(part.path),
            "first_line": part.first_line, "function": where,
        })  # fmt: skip
        return
    here = Path.cwd()
    path = part.path.relative_to(here) if part.path.is_relative_to(here) else part.path
    screen.show_code(f"{path}:{part.first_line}  {where}", lines, part.first_line)
    messages.next_command(f"atlas explain {exercise.topic}", "where they come from")


@app.command()
def reset(name: _Name, json: _Json = False) -> None:
    """Begin an exercise anew; what you wrote is moved aside, not thrown away.

    Example: [bold]atlas exercise reset ddpm/add_noise[/bold]
    """
    from atlas_cli.exercises import find, work
    from atlas_cli.screen import messages
    from atlas_cli.screen.terminal import emit_json

    exercise = find.find(name, "reset")
    aside = work.reset(exercise)
    path = work.file_of(exercise)
    if json:
        kept = None if aside is None else str(aside)
        emit_json({"exercise": exercise.full_name, "file": str(path), "aside": kept})
        return
    messages.say(f"{path} begins anew" + (f"; your work lies in {aside}" if aside else ""))
    messages.next_command(f"atlas exercise watch {exercise.full_name}")


@app.command()
def watch(name: _Latest = None, json: _Json = False) -> None:
    """Judge at each save, until Ctrl-C; of no name, all that you have started.

    Example: [bold]atlas exercise watch ddpm/add_noise[/bold]
    """
    from atlas_cli.exercises import find, work
    from atlas_cli.screen import interrupted, messages
    from atlas_cli.screen.terminal import emit_json

    watched = [_chosen(name, "watch")] if name else work.started(find.every())
    if not watched:
        _chosen(None, "watch")  # which says that there is none
    if name and not work.file_of(watched[0]).is_file():
        work.start(watched[0])
    count, last = 0, None
    try:
        for exercise in work.saves(watched):
            last = _judged(exercise)
            count += 1
            if not json:
                _show(exercise, last, watching=True)
                messages.say("waiting for a save; Ctrl-C ends it")
    except KeyboardInterrupt:
        interrupted.end_line()
    if json:
        emit_json({"checked": count, "last": last})


@app.command()
def train(
    name: _Name,
    out: Annotated[
        Path, typer.Option("--out", help="Folder of the run.", callback=place("folder of the run (--out)"))
    ] = _RUNS,
    device: Device = "auto",
    json: _Json = False,
) -> None:
    """Train the project's recipe with your function in it, and judge the run by its bars.

    Example: [bold]atlas exercise train ddpm/add_noise[/bold]
    """
    import gc

    from atlas_cli.commands import _training
    from atlas_cli.exercises import find, work
    from atlas_cli.recipe import recipes
    from atlas_cli.runs.folder import Labels
    from atlas_cli.screen import messages
    from atlas_cli.screen.terminal import emit_json

    gc.enable()
    exercise = find.find(name, "train")
    if not exercise.trains:
        trained = [e.full_name for e in find.every() if e.trains]
        raise UsageError(
            f"no short recipe trains with {exercise.full_name}", f"these are: {', '.join(trained)}"
        )
    found = _judged(exercise)
    if found["empty"] or found["fault"]:
        _refuse(exercise, found, json)
    if not found["right"]:
        messages.say("it is not right yet, and is trained all the same: this is what the mistake costs")
    recipe = recipes.resolve(exercise.trains, command="exercise train")
    wish = _training.Wish(json=json)
    labels = Labels(tags=(f"exercise:{exercise.name}",))
    from atlas_cli.exercises import swap

    path = work.file_of(exercise)
    with swap.in_place(exercise, path.read_text(encoding="utf-8"), str(path)):
        outcome = _training.run_one(recipe, _training.Place(out, device=device, labels=labels), wish)
    if json:
        training = _training.document(recipe, outcome)
        emit_json({"exercise": exercise.full_name, "right": found["right"], "training": training})
    else:
        _training.finish(recipe, outcome, wish)


def _refuse(exercise: Exercise, found: dict[str, Any], json: bool) -> None:
    from atlas_cli.screen.terminal import emit_json

    if json:
        emit_json({"exercise": exercise.full_name, "right": False, "training": None})
    else:
        _show(exercise, found)
    raise typer.Exit(1)


def _chosen(name: str | None, command: str) -> Exercise:
    """The exercise of that name; of none the one that was changed last.

    Raises:
        UsageError: there is none.
    """
    from atlas_cli.exercises import find, work

    if name is not None:
        return find.find(name, command)
    begun = work.started(find.every())
    if not begun:
        raise UsageError(
            f"no exercise is started here: {work.FOLDER} holds none",
            f"atlas exercise start {find.every()[0].full_name}",
        )
    return begun[0]


def _judged(exercise: Exercise) -> dict[str, Any]:
    """What the judge says; the attempt, a mistake that it knows, and a solution are remembered."""
    from atlas_cli.exercises.ask import ask
    from atlas_cli.learner import progress

    found = ask(exercise)
    if not found["empty"]:
        progress.record("tried", exercise.topic, exercise.name, right=found["right"])
    if found["mistake"]:
        number = [mistake.says for mistake in exercise.mistakes].index(found["mistake"]) + 1
        progress.record("mistaken", exercise.topic, f"{exercise.name}/{number}", says=found["mistake"])
    if found["right"]:
        progress.record("coded", exercise.topic, exercise.name)
    return found


def _show(exercise: Exercise, found: dict[str, Any], watching: bool = False) -> None:
    from atlas_cli.commands import _exercises as screen
    from atlas_cli.screen import messages
    from atlas_cli.screen.terminal import can_move, out

    if watching and can_move(out):
        out.clear()
    screen.show_found(found)
    if not found["right"]:
        messages.next_command(f"atlas exercise hint {exercise.full_name}")
    elif exercise.trains:
        messages.next_command(
            f"atlas exercise train {exercise.full_name}", f"{exercise.trains} with your lines"
        )
    else:
        messages.next_command(f"atlas exercise start {_following(exercise).full_name}")


def _following(exercise: Exercise) -> Exercise:
    """The next one that is not solved."""
    from atlas_cli.commands import _exercises as screen
    from atlas_cli.exercises import find

    every = find.every()
    at = next(i for i, other in enumerate(every) if other.full_name == exercise.full_name)
    later = [*every[at + 1 :], *every[:at]]
    return next((other for other in later if screen.state(other) != screen.SOLVED), later[0])
