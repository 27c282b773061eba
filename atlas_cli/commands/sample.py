"""`atlas sample`: show what a run learned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from atlas_cli.commands import _complete, _extras
from atlas_cli.commands._devices import Device
from atlas_cli.commands._places import DataDir, Runs, place
from atlas_cli.errors import UsageError
from atlas_cli.screen.flags import flags

if TYPE_CHECKING:
    from atlas_cli.engine.system import SampleRequest, System
    from atlas_cli.recipe.model import Recipe
    from atlas_cli.runs.folder import RunFolder

PANEL, PLACE = "Train", 2  # in atlas --help
LONG_RUNNING = True
COMMAND = _extras.TakesExtras


def sample(
    context: typer.Context,
    run: Annotated[
        str,
        typer.Argument(
            help="Run folder or name, latest, or a topic.", autocompletion=_complete.runs_and_topics
        ),
    ] = "latest",
    count: Annotated[
        int | None, typer.Option("--count", "-c", min=1, help="How many samples (default: the system's).")
    ] = None,
    label: Annotated[int | None, typer.Option(help="The class wanted (default: all in turn).")] = None,
    prompt: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT", help="Text to continue, to draw or to hold to a picture. Repeatable for the last."
        ),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            "-s",
            metavar="KEY=VALUE",
            help="A field of the sampler: steps=20. Repeatable.",
            autocompletion=_complete.sampler_fields,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=2**63 - 1, help="Same seed, same samples (default: a new one, printed)."),
    ] = None,
    best: Annotated[
        bool, typer.Option("--best", help="The checkpoint with the lowest loss, not the last one.")
    ] = False,
    save: Annotated[
        Path | None,
        typer.Option(
            help="Folder for the files (default: the run's).",
            callback=place("folder of the samples (--save)"),
        ),
    ] = None,
    device: Device = "auto",
    data_dir: DataDir = None,
    out: Runs = Path("runs"),
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Sample from a trained run.

    A system may take options of its own, such as a drawing to follow; its page names them.

    Example: [bold]atlas sample ddpm --label 3[/bold]
    """
    from atlas_cli.present.saving import require_place, saved
    from atlas_cli.runs.find import find_run

    if save is not None:
        require_place(save)
    found = find_run(run, out, with_weights=True)  # a wrong name costs no torch
    from atlas_cli import api
    from atlas_cli.commands import _kept_samples
    from atlas_cli.engine.answerable import require_answerable
    from atlas_cli.engine.build import Options
    from atlas_cli.engine.loading import load_system
    from atlas_cli.engine.system import SampleRequest
    from atlas_cli.learner import progress
    from atlas_cli.present.reporter import reporter
    from atlas_cli.screen import terminal

    recipe, changes = _steered(found, sets or [])
    known = [name for parameter in context.command.params for name in parameter.opts]
    extras = _extras.parsed(found.topic, _extras.given(context), known)
    options = Options(out=out, data_dir=data_dir, device=device, offline=flags.offline)
    system = load_system(found, options, reporter(json), recipe, best)
    seed = new_seed() if seed is None else seed
    streams = system.writes and not json
    prompts = prompt or []
    request = SampleRequest(
        count or (1 if system.writes and prompt else system.samples_shown()),
        seed, label, prompts[0] if prompts else None, terminal.write_piece if streams else None, extras,
        further=tuple(prompts[1:]),
    )  # fmt: skip
    require_answerable(system, found.topic, request, changes)
    artifact = api.draw(system, request)
    folder = save or found.samples
    name = _kept_samples.free(folder, _kept_samples.stem(seed, label, request.prompts, changes, extras, best))
    files = saved(lambda: artifact.save(folder, name), folder, wanted=save is not None)
    progress.record("looked", found.topic, found.name)
    if json:
        terminal.emit_json({
            "run": str(found.path), "recipe": found.info["recipe"], "seed": seed,
            "files": [str(f) for f in files], **artifact.to_json(),
        })  # fmt: skip
        return
    if not streams:
        artifact.print(terminal.out)
    _tell(found, system, artifact.captions(), files, seed, request)


def new_seed() -> int:
    """A seed that nobody chose: short enough to be typed again."""
    import secrets

    return secrets.randbelow(1_000_000)


def _tell(
    run: RunFolder, system: System, captions: list[str], files: list[Path], seed: int, request: SampleRequest
) -> None:
    """What lies where, how to have the same again, and what to try next."""
    from atlas_cli.screen import messages, terminal

    for line in captions:
        terminal.out.print(line, style="atlas.muted", markup=False, highlight=False)
    for file in files:
        messages.say(str(file))
    messages.say(f"seed {seed}: the same again with --seed {seed}")
    messages.next_command(*something_new(run, system, request))


def something_new(run: RunFolder, system: System, request: SampleRequest) -> tuple[str, str]:
    """A command that shows something else, and what: a class, a text, another sampler, or how it works."""
    if system.classes:
        label = (3 if request.label is None else request.label + 1) % system.classes
        return f"atlas sample {run.reference} --label {label}", "one class alone"
    if system.writes and request.prompt is None:
        return f'atlas sample {run.reference} --prompt "def "', "goes on with your words"
    if system.writes:
        return f'atlas sample {run.reference} --prompt "import "', "goes on with other words"
    fields = sorted(system.steering_fields)
    if fields:
        value = getattr(system.config, fields[0])
        if isinstance(value, int) and not isinstance(value, bool) and value > 1:
            return f"atlas sample {run.reference} --set {fields[0]}={value // 2}", f"half the {fields[0]}"
    return f"atlas explain {run.topic}", "how it works"


def _steered(run: RunFolder, sets: list[str]) -> tuple[Recipe, dict[str, str]]:
    """The run's recipe with `--set steps=20` and the like, checked to steer sampling only, and the changes.

    The `sampler_` of a field's name may be left out.
    """
    from atlas_cli.engine.loading import recipe_of
    from atlas_cli.recipe.model import system_class

    fields = system_class(run.topic).sampling_fields()
    overrides: list[str] = []
    changes: dict[str, str] = {}
    for item in sets:
        key, _, value = item.partition("=")
        key = key.removeprefix("model.")
        name = key if key in fields else f"sampler_{key}"
        if name not in fields:
            raise UsageError(
                f"{key!r} is no field of the sampler of {run.topic}",
                f"choose one of: {', '.join(sorted(fields))}" if fields else "sample it without --set",
            )
        changes[name.removeprefix("sampler_")] = value
        overrides.append(f"model.{name}={value}")
    return recipe_of(run, overrides), changes
