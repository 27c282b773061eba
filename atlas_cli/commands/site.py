"""`atlas site`: the whole atlas as web pages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from atlas_cli.commands._places import place
from atlas_cli.errors import UsageError, quoted

PANEL, PLACE = "Learn", 6  # in atlas --help
_ADDRESS = re.compile(r"https?://[\x21-\x7e]{1,2000}")


def site(
    out: Annotated[
        Path,
        typer.Argument(
            help="Folder to write; a new one, an empty one, or an earlier site.",
            callback=place("folder of the site"),
        ),
    ],
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    url: Annotated[
        str, typer.Option("--url", help="Where it will be hosted, so that links to it show a picture.")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Write the whole atlas as a web site, to open or to host.

    Example: [bold]atlas site site/[/bold]
    """
    import time

    if url and not _ADDRESS.fullmatch(url):
        raise UsageError(
            f"--url {quoted(url)} is no address", "atlas site site/ --url https://you.example/atlas/"
        )
    from atlas_cli.diagrams import threads
    from atlas_cli.screen import messages, terminal
    from atlas_cli.site.address import HOME
    from atlas_cli.site.build import build

    threads.take_one()
    start = time.monotonic()
    built = build(out, url)
    seconds = time.monotonic() - start
    front = out / HOME
    if json:
        terminal.emit_json(
            {"front": str(front), "pages": built.pages, "bytes": built.bytes, "seconds": round(seconds, 2)}
        )
    else:
        terminal.emit_text(str(front))
        messages.say(f"{built.pages} pages, {built.bytes / 1e6:.1f} MB, {seconds:.1f} s")
        messages.next_command(f"python -m http.server --directory {out}", "or open the file above")
    if open_:
        from atlas_cli.screen import browser

        browser.show(front)
