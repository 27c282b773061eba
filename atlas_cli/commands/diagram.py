"""`atlas diagram`: draw how a topic works, step by step, or at the turn of a knob."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from atlas_cli import paths
from atlas_cli.commands import _complete
from atlas_cli.commands._formats import asked
from atlas_cli.errors import UsageError
from atlas_cli.screen import kept

if TYPE_CHECKING:
    from atlas_cli.diagrams.frames import Explorable
    from atlas_cli.diagrams.model import Diagram
    from atlas_cli.reading import Drawing

PANEL, PLACE = "Learn", 3  # in atlas --help

_WIDEST = 140  # columns; on a wider screen the eye would have to travel
_INDENT = 2


class Format(StrEnum):
    """What a diagram is printed as."""

    text = "text"
    svg = "svg"
    png = "png"
    html = "html"
    json = "json"


def diagram(
    topic: Annotated[
        str | None, typer.Argument(help="Topic, family or alias.", autocompletion=_complete.names)
    ] = None,
    name: Annotated[
        list[str] | None, typer.Argument(help="Which of its diagrams, where it has several.")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", "-l", help="List the diagrams there are.")] = False,
    step: Annotated[int | None, typer.Option("--step", "-s", min=1, help="Highlight one step.")] = None,
    all_steps: Annotated[bool, typer.Option("--all-steps", help="Draw every step, one by one.")] = False,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KNOB=VALUE", help="Set a knob. Repeatable.", autocompletion=_complete.knobs
        ),
    ] = None,
    animate: Annotated[
        bool | None, typer.Option("--animate/--no-animate", help="Play the steps; the default on a terminal.")
    ] = None,
    interactive: Annotated[
        bool, typer.Option("--interactive", "-i", help="Open it in the terminal, for keys and mouse.")
    ] = False,
    format: Annotated[
        Format | None, typer.Option("--format", "-f", help="What to print; --out's ending says it too.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write to this file.")] = None,
    open_: Annotated[
        bool, typer.Option("--open", help="Write it as HTML and open it in the browser.")
    ] = False,
    dark: Annotated[bool, typer.Option("--dark", help="Draw svg and png for a dark background.")] = False,
    run: Annotated[
        str | None,
        typer.Option(help="Draw it from a trained run: name, path or latest.", autocompletion=_complete.runs),
    ] = None,
    live: Annotated[
        bool,
        typer.Option(
            "--live", help="Serve it on this machine: your network draws each frame. Ctrl-C ends it."
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Draw how a topic works: step by step, or at the turn of a knob.

    Example: [bold]atlas diagram mamba selective-scan --set gate=1[/bold]
    """
    names = name or []
    if out is not None:
        out = paths.named(out, "file (--out)")
    wanted = _wanted(asked(format, json, Format.json), out, open_, dark)
    if list_ or topic is None:
        from atlas_cli.commands._diagrams import listing

        listing(topic, wanted is Format.json)
        return
    request = None
    if wanted is Format.text and not (out or set_ or run or interactive or live):
        request = kept.request("diagram", topic, names, step, all_steps, animate)
        if _shown_before(request):
            return
    from atlas_cli.diagrams import gallery, threads

    threads.take_one()
    subject, chosen = gallery.typed([topic, *names])
    if live:
        _serve(subject, chosen, run, set_ or [], wanted is Format.text and not (out or interactive))
        return
    from atlas_cli import reading
    from atlas_cli.diagrams.model import Diagram

    stepwise = step is None and all_steps and not isinstance(chosen, Diagram)  # refused, as --step is
    drawing = reading.drawing(
        chosen, set_ or (), 1 if stepwise else step, run=run, out=paths.runs_dir(), dark=dark,
        command=_command(subject, chosen),
    )  # fmt: skip
    if interactive:
        _turn(drawing, wanted is Format.text and out is None)
        _keep(_turned(subject, chosen))
        return
    if isinstance(chosen, Diagram) and wanted is Format.text and out is None:
        moving = step is None and not all_steps and _moves(animate)
        with kept.recording(None if moving else request):
            _draw(chosen, step, all_steps, moving)
            _say_next(subject, chosen)
            kept.note(_turned(subject, chosen))
        _keep(_turned(subject, chosen))
        return
    _hand_over(drawing, wanted, out, open_)
    _say_next(subject, drawing.shown)
    seen = open_ or (wanted is Format.text and out is None)  # a file is for others
    _keep(_turned(subject, chosen) if seen else None)


def _shown_before(request: kept.Request | None) -> bool:
    """Print what was printed before, if it was; says whether it did."""
    shown = kept.replay(request)
    if shown is not None:
        _keep(shown.note)
    return shown is not None


def _turned(subject: Any, chosen: Diagram | Explorable) -> list[str]:
    """Which diagram was looked at: its topic, of a family's the first, and its name."""
    from atlas_cli.catalog import Topic

    return [subject.slug if isinstance(subject, Topic) else chosen.topics[0], chosen.name]


def _keep(turned: list[str] | None) -> None:
    if turned:
        from atlas_cli import deeds

        deeds.record("turned", *turned)


def _hand_over(drawing: Drawing, wanted: Format, out: Path | None, open_: bool) -> None:
    """The diagram on the terminal, in a file or in the browser."""
    from atlas_cli.diagrams import deliver
    from atlas_cli.diagrams.model import Diagram

    shown = drawing.shown
    if wanted is Format.text and out is None and not isinstance(shown, Diagram):
        deliver.draw(shown, drawing.given, drawing.command)
    else:
        out = out or (Path(f"{shown.name}.{wanted}") if open_ else None)
        deliver.hand_over(drawing.document(wanted), out, f"{drawing.command} --out {shown.name}.{wanted}")
    if open_ and out is not None:
        from atlas_cli.screen import browser

        browser.show(out)


def _wanted(named: Format | None, out: Path | None, open_: bool, dark: bool) -> Format:
    """What the options ask for together."""
    if out is None or not out.suffix:
        wanted = named or (Format.html if open_ else Format.text)
    else:
        wanted = _format_of(out)
        if named not in (None, wanted):
            raise UsageError(
                f"{out} is not named like a file of {named}", "change its ending, or leave out --format"
            )
    if open_ and wanted in (Format.text, Format.json):
        raise UsageError(f"--open shows html, svg or png, not {wanted}", "leave out the format")
    if dark and wanted not in (Format.svg, Format.png):
        raise UsageError(f"--dark goes with svg and png, not with {wanted}", "name one: --format png")
    return wanted


def _serve(
    subject: Any, chosen: Diagram | Explorable, run: str | None, given: list[str], alone: bool
) -> None:
    """Let the reader's own network draw in the reader's browser until Ctrl-C."""
    from atlas_cli.diagrams import gallery, of_runs
    from atlas_cli.diagrams.model import Diagram
    from atlas_cli.diagrams.web import live
    from atlas_cli.screen import browser, messages
    from atlas_cli.screen.terminal import out

    if isinstance(chosen, Diagram) or chosen.from_run is None:
        raise UsageError(
            f"--live draws with a trained network, and {chosen.name} needs none",
            f"{_command(subject, chosen)} --open",
        )
    of_run = of_runs.of_run(chosen, run or of_runs.LATEST, paths.runs_dir())
    command = f"{_command(subject, of_run)} --live"
    if not alone:
        raise UsageError("--live goes to the browser, not to a file", command)
    setting = gallery.setting(of_run, given, command)

    def ready(address: str) -> None:
        messages.say(f"your network draws at {address}\nCtrl-C ends it")
        if out.is_interactive and out.is_terminal:
            browser.visit(address)

    live.serve(gallery.with_own(of_run, setting), setting, ready)
    messages.say("ended")


def _command(subject: Any, chosen: Diagram | Explorable) -> str:
    """What draws it, without where its knobs stand."""
    run = getattr(chosen, "run", None)
    return f"atlas diagram {subject.slug} {chosen.name}{f' --run {run}' if run else ''}"


def _turn(drawing: Drawing, to_terminal: bool) -> None:
    from atlas_cli.diagrams.app import start
    from atlas_cli.screen import messages

    if not to_terminal:
        hint = f"{drawing.command} -i"
        raise UsageError("the interactive view goes to the terminal, not to a file", hint)
    seen = start.turn(drawing.shown, drawing.given, drawing.step, drawing.command)
    messages.next_command(seen, "prints what you saw last")


def _format_of(out: Path) -> Format:
    """What the ending of the file asks for."""
    ending = out.suffix.lstrip(".").lower()
    if ending in ("txt", "md"):
        return Format.text
    if ending not in [format.value for format in Format]:
        raise UsageError(
            f"a diagram cannot be written as {ending}", "name a file in .svg, .png, .html, .json or .txt"
        )
    return Format(ending)


def _moves(animate: bool | None) -> bool:
    """Whether the steps are played before the whole is drawn."""
    from atlas_cli.screen.terminal import out

    return out.is_interactive and out.is_terminal and not out.is_dumb_terminal and animate is not False


def _draw(chosen: Diagram, step: int | None, all_steps: bool, moving: bool) -> None:
    from rich.text import Text

    from atlas_cli.diagrams.text import blocks as text_blocks
    from atlas_cli.screen.lines import indent
    from atlas_cli.screen.terminal import out, show

    width = min(out.width - 2 * _INDENT, _WIDEST)
    if moving:
        _play(chosen, width)
    lines = [Text()]
    for number in range(1, len(chosen.steps) + 1) if all_steps else [step]:
        lines += [*text_blocks.drawing(chosen, width, number, out.color_system is not None), Text()]
    show(indent(lines, _INDENT))


def _play(chosen: Diagram, width: int) -> None:
    """Play the steps once, in place; Ctrl-C skips to the end."""
    import time

    from rich.live import Live
    from rich.text import Text

    from atlas_cli.diagrams.text import blocks as text_blocks
    from atlas_cli.screen.lines import indent
    from atlas_cli.screen.terminal import out

    try:
        with Live(console=out, auto_refresh=False, transient=True) as live:
            for number, step in enumerate(chosen.steps, start=1):
                frame = text_blocks.frame(chosen, width, number, out.height - 2, out.color_system is not None)
                live.update(Text("\n").join([Text(), *indent(frame, _INDENT)]), refresh=True)
                time.sleep(0.9 + len(step.say) / 90)  # seconds: long enough to see what moved, and to skim
    except KeyboardInterrupt:
        return


def _say_next(subject: Any, chosen: Diagram | Explorable) -> None:
    from atlas_cli.diagrams import gallery
    from atlas_cli.diagrams.model import Diagram
    from atlas_cli.screen import messages

    if not isinstance(chosen, Diagram):
        knob = chosen.knobs[0]
        turned = knob.values[-1] if knob.default != knob.values[-1] else knob.values[0]
        messages.next_command(
            f"{_command(subject, chosen)} --set {knob.name}={turned}", "the same with another setting"
        )
        return
    others = [d.name for d in gallery.diagrams_of(subject) if d.name != chosen.name]
    topic = chosen.topics[0]
    if others:
        messages.next_command(f"atlas diagram {subject.slug} {others[0]}", f"one of: {', '.join(others)}")
        return
    named = next((node.id for node in chosen.nodes.values() if node.code and node.kind == "op"), None)
    if named:
        messages.next_command(f"atlas code {topic} {named}", "the function behind that box")
    else:
        messages.next_command(f"atlas explain {topic}")
