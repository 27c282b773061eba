"""The `atlas` command: one function per file of commands/, grouped by task."""

from __future__ import annotations

import gc

gc.disable()  # a start is all allocation and no garbage, and looking for some takes its time

import importlib
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from atlas_cli import commands, limits, ranks
from atlas_cli.errors import (
    AtlasError,
    EnvironmentFault,
    InterruptedRun,
    RankLost,
    UsageError,
    is_out_of_memory,
)
from atlas_cli.screen import flags as house
from atlas_cli.screen import interrupted, kept, streams

PANELS = ("Learn", "Train", "Manage")  # of --help, in this order; others follow


class _Root(TyperGroup):
    """Of Ctrl-C typer makes an exit without a word; here it is an ending that says so."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            interrupted.end_line()
            raise InterruptedRun("interrupted", "run the command again", 130) from error


def names() -> list[str]:
    """The commands: the files of commands/ whose names have no leading underscore."""
    files = [file for folder in commands.__path__ for file in os.listdir(folder)]
    return sorted(file[:-3] for file in files if file.endswith(".py") and not file.startswith("_"))


def build(only: str | None = None) -> typer.Typer:
    """The app; with one command alone it starts in half the time, since none of the others is imported.

    A command's file declares `PANEL, PLACE`, its place in --help, and either a function of its own name or,
    for a group, a sub-app called `app`. One that works for long says `LONG_RUNNING = True`; one that reads
    its command line in a way of its own names that class as `COMMAND`.
    """
    app = typer.Typer(
        name="atlas", epilog=house.HELP, rich_markup_mode="rich", pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]}, cls=_Root,
    )  # fmt: skip
    app.callback(invoke_without_command=True)(root)
    modules = {
        name: importlib.import_module(f"{commands.__name__}.{name}") for name in ([only] if only else names())
    }
    for name in sorted(modules, key=lambda name: _place(modules[name])):
        module = modules[name]
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name, rich_help_panel=module.PANEL)
        else:
            kind = getattr(module, "COMMAND", None)
            app.command(cls=kind, rich_help_panel=module.PANEL)(getattr(module, name))
    if only and getattr(modules[only], "LONG_RUNNING", False):
        gc.enable()
    return app


def _place(module: Any) -> tuple[int, str, int]:
    """Where a command stands in --help: the known panels first, then by the number in its panel."""
    known = PANELS.index(module.PANEL) if module.PANEL in PANELS else len(PANELS)
    return known, module.PANEL, module.PLACE


_OPTIONS = ("--version", "--help", "--install-completion", "--show-completion")  # which some type as commands

_ClickUsageError: type[Exception] = typer.BadParameter.__mro__[1]  # of the click that typer carries


def _version(wanted: bool) -> None:
    if wanted:
        from atlas_cli import __version__

        print(f"atlas {__version__}")
        raise typer.Exit


def root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Learn, draw, train and sample modern AI architectures on a laptop.

    Start with: [bold]atlas learn[/bold], or at once with [bold]atlas train ddpm --recipe small[/bold]
    """
    if context.invoked_subcommand is None:
        from atlas_cli.commands.ls import print_map

        print_map()


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code; two lines say what went wrong and what to do about it."""
    # Waiting threads that spin take the cores from those that work: a busy laptop crawls on small tensors.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    streams.prepare()
    limits.heed()
    given = house.take(_resume_latest(sys.argv[1:] if arguments is None else arguments))
    kept.use()
    try:
        code = _run(given)
        if ranks.announced():
            ranks.end(code)
        sys.exit(code)
    except BrokenPipeError:  # `atlas ls | head`: the reader has seen enough
        streams.drop(sys.stdout)
        sys.exit(0)
    finally:
        if not gc.isenabled():
            gc.freeze()  # the interpreter then ends without looking for garbage either


def _run(given: list[str]) -> int:
    try:
        completing = "_ATLAS_COMPLETE" in os.environ
        wanted = given[0] if given else "ls"  # alone it prints the map
        only = wanted if wanted in names() and not completing else None
        command = typer.main.get_command(build(only))
        result = command.main(args=given, prog_name="atlas", standalone_mode=False)
        streams.finish()
        return result if isinstance(result, int) else 0
    except AtlasError as error:
        return _report(error)
    except _ClickUsageError as error:
        return _report(_explain_usage(error)) if str(error) else 2  # `atlas run` alone: its help was shown
    except (KeyboardInterrupt, typer.Abort):  # before a command began, or at a question that it asked
        return _report(InterruptedRun("interrupted", "run the command again", 130))
    except BrokenPipeError:
        raise
    except OSError as error:
        ours = streams.is_ours(error)
        return _report(streams.unwritable(sys.stdout, error) if ours else _unexpected(error))
    except Exception as error:
        return _report(_unexpected(error))


def _resume_latest(arguments: list[str]) -> list[str]:
    """`--resume` with no run after it means the latest one."""
    filled: list[str] = []
    for i, argument in enumerate(arguments):
        filled.append(argument)
        if argument == "--resume" and (i + 1 == len(arguments) or arguments[i + 1].startswith("-")):
            filled.append("latest")
    return filled


def _explain_usage(error: Any) -> UsageError:
    """A usage error of the command-line library, in two lines, with the nearest command there is."""
    what = error.format_message().rstrip(".")
    path = error.ctx.command_path if error.ctx else "atlas"
    if what.startswith("No such command"):
        name = what.split("'")[1]
        group = error.ctx.command
        if (option := f"--{name}") in _OPTIONS:
            return UsageError(f"there is no command {name!r}", f"did you mean: {path} {option}")
        import difflib  # here: a command that is typed right starts without it

        near = difflib.get_close_matches(name, group.list_commands(error.ctx), n=2)
        if near:
            return UsageError(f"there is no command {name!r}", f"did you mean: {path} {near[0]}")
        return UsageError(f"there is no command {name!r}", _topic_hint(name) or f"see {path} --help")
    quotes = "; a name of several words goes in quotes" if "extra argument" in what else ""
    return UsageError(what[0].lower() + what[1:], f"see {path} --help{quotes}")


def _topic_hint(name: str) -> str | None:
    from atlas_cli import catalog

    try:
        return f"{catalog.resolve(name).slug} is a topic: atlas explain {catalog.resolve(name).slug}"
    except AtlasError:
        return None


def _unexpected(error: Exception) -> AtlasError:
    if house.flags.debug:
        raise error
    if is_out_of_memory(error):
        return EnvironmentFault("out of memory", "close other programs, or ask for less")
    if isinstance(error, OSError) and error.strerror:  # no fault of the atlas: a disk, a stream, a permission
        where = f"{error.filename}: " if error.filename else ""
        return EnvironmentFault(f"{where}{error.strerror}", "look at what is there, and try again")
    return AtlasError(
        f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}",
        "this is a fault of atlas: run it again with --debug and report the traceback",
    )


def _report(error: AtlasError, code: int | None = None) -> int:
    """Print the fault (to stderr; as the one JSON document on stdout with --json) and return its code."""
    if house.flags.debug:
        import traceback

        traceback.print_exc()
    code = error.code if code is None else code
    if isinstance(error, RankLost):
        if ranks.launcher() is not None:
            return code  # the launcher knows which rank it was
        code = 1
    if not ranks.speaks() and ranks.launcher() is None:
        return code
    if house.flags.json and not streams.lost(sys.stdout):
        from atlas_cli.screen.terminal import emit_json

        emit_json({
            "error": error.what, "hint": error.hint, "details": error.details, "findings": error.findings,
            "exit_code": code,
        })  # fmt: skip
        return code
    from atlas_cli.screen.messages import print_error

    print_error(error)
    return code
