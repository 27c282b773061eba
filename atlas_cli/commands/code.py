"""`atlas code`: the source of a system, or of what one node of its diagram stands for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from atlas_cli import catalog
from atlas_cli.catalog import Topic
from atlas_cli.errors import UsageError

if TYPE_CHECKING:
    from atlas_cli.diagrams.code import Source

PANEL, PLACE = "Learn", 4  # in atlas --help


def code(
    topic: Annotated[str, typer.Argument(help="Topic or alias.", autocompletion=catalog.complete_name)],
    node: Annotated[
        str | None, typer.Argument(help="Node of its diagram, or a name such as DDPM.add_noise.")
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help="The source alone, no path and line numbers.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
    pager: Annotated[bool, typer.Option(help="Page long texts on a terminal.")] = True,
) -> None:
    """Show the source of a topic's system, or of one box of its diagram.

    Example: [bold]atlas code ddpm add_noise[/bold]
    """
    from atlas_cli.diagrams.code import system_source
    from atlas_cli.screen import terminal

    chosen, node = _chosen(topic, node)
    source = _of_node(chosen, node) if node else system_source(chosen)
    if json:
        terminal.emit_json(
            {"topic": chosen.slug, "name": source.name, "path": str(source.path),
             "first_line": source.first_line, "last_line": source.last_line, "text": source.text}
        )  # fmt: skip
    elif raw:
        terminal.emit_text(source.text)
    else:
        _show(source, pager)
        _say_next(chosen, node)


def _chosen(topic: str, node: str | None) -> tuple[Topic, str | None]:
    """The topic and the node; a name of two words stands in the place of both."""
    try:
        return catalog.resolve(topic, "code"), node
    except UsageError:
        if node is None:
            raise
        try:
            return catalog.resolve(f"{topic} {node}", "code"), None
        except UsageError:
            pass
        raise


def _of_node(topic: Topic, name: str) -> Source:
    """A node by id or label, else a definition by its name, with or without its class.

    Raises:
        UsageError: neither is there.
    """
    from atlas_cli.diagrams import blocks
    from atlas_cli.diagrams.code import locate

    key = catalog.normalise(name)
    nodes = [node for diagram in blocks.diagrams_of(topic) for node in diagram.nodes.values() if node.code]
    for node in nodes:
        if key in (catalog.normalise(node.id), catalog.normalise(node.label)):
            return locate(topic, node.code)
    for candidate in (name, f"{topic.system}.{name}", f"{topic.system}.{name.replace('-', '_')}"):
        try:
            return locate(topic, candidate)
        except UsageError:
            continue
    known = {catalog.normalise(node.id): node.id for node in nodes}
    near = catalog.closest(key, known, n=1)
    offered = f"; nodes: {', '.join(known.values())}" if known else ""
    raise UsageError(
        f"{topic.slug} has no node and no function {name!r}{offered}",
        f"did you mean: atlas code {topic.slug} {near[0]}" if near else f"atlas code {topic.slug}",
    )


def _show(source: Source, pager: bool) -> None:
    from rich.text import Text

    from atlas_cli.screen.highlight import highlight
    from atlas_cli.screen.lines import hang, wrap
    from atlas_cli.screen.terminal import out, show

    here = Path.cwd()
    path = source.path.relative_to(here) if source.path.is_relative_to(here) else source.path
    margin = len(str(source.last_line)) + 2
    lines = [Text(f"{path}:{source.first_line}", "atlas.muted")]
    code = highlight(source.text.rstrip("\n"), "python").split("\n", allow_blank=True)
    for number, line in enumerate(code, start=source.first_line):
        mark = Text(f"{number:>{margin - 2}}", "atlas.muted")
        lines += hang(mark, wrap(line, max(out.width - margin, 20)), margin)
    show(lines, pager=pager)


def _say_next(topic: Topic, node: str | None) -> None:
    from atlas_cli.diagrams import blocks
    from atlas_cli.screen import messages

    if node is None and blocks.diagrams_of(topic):
        messages.next_command(f"atlas diagram {topic.slug}", "the same as a drawing")
    elif node:
        messages.next_command(f"atlas code {topic.slug}", "the whole file")
    else:
        messages.next_command(f"atlas explain {topic.slug}")
