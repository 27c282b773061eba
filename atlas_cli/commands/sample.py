"""`atlas sample`: show what a run learned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from atlas_cli.commands import complete
from atlas_cli.errors import UsageError
from atlas_cli.screen.flags import flags

if TYPE_CHECKING:
    from atlas_cli.engine.system import System
    from atlas_cli.runs.folder import RunFolder


def sample(
    run: Annotated[
        str, typer.Argument(help="Run folder or name, latest, or a topic.", autocompletion=complete.runs)
    ] = "latest",
    count: Annotated[
        int | None, typer.Option("--count", "-c", min=1, help="How many samples (default: the system's).")
    ] = None,
    label: Annotated[int | None, typer.Option(help="The class wanted (default: all in turn).")] = None,
    prompt: Annotated[str | None, typer.Option(help="Text to continue, or to draw.")] = None,
    control: Annotated[
        Path | None, typer.Option(metavar="PNG", help="A drawing that the samples follow (controlnet).")
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set", "-s", metavar="KEY=VALUE", help="A field of the sampler: steps=20. Repeatable."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same samples.")] = 0,
    best: Annotated[
        bool, typer.Option("--best", help="The checkpoint with the lowest loss, not the last one.")
    ] = False,
    save: Annotated[Path | None, typer.Option(help="Folder for the files (default: the run's).")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    data_dir: Annotated[Path | None, typer.Option(help="Folder of downloaded data sets.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the runs.")] = Path("runs"),
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Sample from a trained run.

    Example: [bold]atlas sample ddpm --label 3[/bold]
    """
    from atlas_cli.engine.system import SampleRequest
    from atlas_cli.engine.trainer import Options, inference, load_system
    from atlas_cli.present.reporter import reporter
    from atlas_cli.runs.folder import find_run
    from atlas_cli.screen import messages, terminal

    found = find_run(run, out)
    overrides = _sampling_overrides(found, sets or [])
    options = Options(out=out, data_dir=data_dir, device=device, offline=flags.offline)
    system = load_system(found, options, reporter(json), overrides, best)
    _check_label(system.config, label)
    _check_control(system, found.topic, control)
    streams = system.writes and not json
    request = SampleRequest(
        count or (1 if system.writes and prompt is not None else system.sample_count),
        seed, label, prompt, control, terminal.write_piece if streams else None,
    )  # fmt: skip
    with inference(system):
        artifact = system.sample(request)
    files = artifact.save(save or found.samples, f"sample-{seed}")
    if json:
        terminal.emit_json({
            "run": str(found.path), "files": [str(f) for f in files], **artifact.to_json(),
        })  # fmt: skip
        return
    if not streams:
        artifact.print(terminal.out)
    if artifact.caption:
        terminal.out.print(artifact.caption, style="atlas.muted")
    for file in files:
        messages.say(str(file))
    messages.next_command(f"atlas explain {found.topic}", "how it works")


def _sampling_overrides(run: RunFolder, sets: list[str]) -> list[str]:
    """`--set steps=20` and the like, checked to steer sampling only; `sampler_` may be left out."""
    from atlas_cli.recipe import recipes

    recipe = recipes.resolve(run.path / "recipe.yaml")
    fields = recipes.system_class(recipe.system).sampling_fields()
    overrides = []
    for item in sets:
        key, _, value = item.partition("=")
        key = key.removeprefix("model.")
        name = key if key in fields else f"sampler_{key}"
        if name not in fields:
            raise UsageError(
                f"{key!r} does not steer sampling in this system",
                f"choose one of: {', '.join(sorted(fields))}" if fields else "sample it without --set",
            )
        overrides.append(f"model.{name}={value}")
    return overrides


def _check_label(config: object, label: int | None) -> None:
    n_classes = getattr(config, "n_classes", None)
    if label is None:
        return
    if n_classes is None:
        raise UsageError("this system has no classes", "sample it without --label")
    if not 0 <= label < n_classes:
        raise UsageError(f"there is no class {label}", f"choose 0 to {n_classes - 1}")


def _check_control(system: System, topic: str, control: Path | None) -> None:
    if control is not None and not system.takes_control:
        raise UsageError(
            f"{topic} follows no picture",
            "sample it without --control; atlas train controlnet makes one that does",
        )
