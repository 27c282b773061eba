"""`atlas learn`: the way through the map, one step at a time, by what was done so far."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from atlas_cli.commands import _complete

if TYPE_CHECKING:
    from atlas_cli.learner.path import Path as Way
    from atlas_cli.learner.progress import Progress

PANEL, PLACE = "Learn", 1  # in atlas --help


def learn(
    goal: Annotated[
        list[str] | None,
        typer.Argument(
            help="What to learn: language-models, images, seeing, robots, everything, a family or a topic.",
            autocompletion=_complete.goals,
        ),
    ] = None,
    skip: Annotated[bool, typer.Option("--skip", help="Leave out the next step.")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Forget all that was done.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="With --reset: do not ask.")] = False,
    export: Annotated[
        Path | None, typer.Option("--export", metavar="FILE", help="Write what was done to this file.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Show the next step of your path, and how far you are.

    What you read, answer, train and sample is kept in one file on this machine, and nowhere else.

    Example: [bold]atlas learn images[/bold]
    """
    from atlas_cli.errors import UsageError

    asked = {"a goal": bool(goal), "--skip": skip, "--reset": reset, "--export": export is not None}
    named = [name for name, wanted in asked.items() if wanted]
    if len(named) > 1:
        raise UsageError(f"{' and '.join(named)} do not go together", f"leave out {named[-1]}")
    if yes and not reset:
        raise UsageError("--yes goes with --reset", "atlas learn --reset --yes")
    if reset:
        _reset(yes, json)
    elif export is not None:
        _export(export, json)
    else:
        _lead(" ".join(goal or ()), skip, json)


def _lead(goal: str, skip: bool, json: bool) -> None:
    """Show where the path goes on; before that choose a goal or leave out a step, where that is asked."""
    from atlas_cli.commands import _learning
    from atlas_cli.learner import goals, progress
    from atlas_cli.learner.path import path_to

    if goal:
        chosen = goals.called(goal)
        progress.settle(goal=None if chosen == goals.everything() else goal)
        known = progress.load()
    else:
        known = progress.load()
        chosen = goals.of(known)
    way = path_to(chosen)
    if skip:
        known = _without_next(way, known)
    if json:
        from atlas_cli.screen.terminal import emit_json

        emit_json(_learning.as_dict(way, known))
    else:
        _learning.show_path(way, known)


def _without_next(way: Way, known: Progress) -> Progress:
    from atlas_cli.errors import UsageError
    from atlas_cli.learner import path, progress

    found = path.next_step(way, known)
    if found is None:
        raise UsageError(
            "there is no step to leave out: all are done", "choose another goal: atlas learn GOAL"
        )
    topic, step = found
    progress.record(path.SKIPPED, topic.slug, step.name)
    return progress.load()


def _reset(yes: bool, json: bool) -> None:
    from atlas_cli.learner import progress
    from atlas_cli.screen import messages, terminal

    known = progress.load()
    n = len(known.deeds)
    gone = False
    if yes or typer.confirm(f"forget all that you have done ({n} in {progress.file()})?", err=True):
        gone = progress.reset()
        messages.say(f"forgotten: {progress.file()}" if gone else "there was nothing to forget")
    if json:
        terminal.emit_json({"reset": gone, "file": str(progress.file())})


def _export(file: Path, json: bool) -> None:
    from atlas_cli import paths
    from atlas_cli.learner import progress
    from atlas_cli.screen import messages, terminal

    file = paths.named(file, "file (--export)")
    progress.export(file)
    messages.say(str(file))
    if json:
        terminal.emit_json({"exported": str(file)})
