"""`atlas ls`, and the map that `atlas` alone prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from atlas_cli.commands import _complete
from atlas_cli.screen import kept

if TYPE_CHECKING:
    from rich.text import Text

    from atlas_cli.catalog import Family, Topic

PANEL, PLACE = "Learn", 1  # in atlas --help

_MARGIN = 2
_TAGLINE = "modern AI, small enough to train here"
_TRAINABLE = "trains here"
_WIDE = 120  # columns from which the map has room for what each family is about


def ls(
    family: Annotated[
        list[str] | None, typer.Argument(help="Family, by name or number.", autocompletion=_complete.families)
    ] = None,
    tree: Annotated[bool, typer.Option("--tree", help="Every topic of every family.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """List the families, or the topics of one.

    Example: [bold]atlas ls diffusion[/bold]
    """
    name = " ".join(family) if family else None
    if json:
        _print_json(name)
        return
    request = kept.request("ls", name, tree, also=_runs_mark())
    if not kept.replay(request):
        with kept.recording(request):
            _print(name, tree)


def _print_json(family: str | None) -> None:
    from atlas_cli.screen import terminal

    terminal.emit_json({"families": [_describe(entry) for entry in _chosen(family)]})


def _print(family: str | None, tree: bool) -> None:
    from rich.text import Text

    from atlas_cli.screen import messages, terminal

    chosen = _chosen(family)
    width = terminal.out.width
    if family or tree:
        lines: list[Text] = []
        for entry in chosen:
            lines += [*_heading(entry, width), *_topics(entry, width), Text()]
        totals = [Text(_counts(), "atlas.muted")] if tree else []
        terminal.show([*lines, *_legend(width), *totals])
        messages.next_command(f"atlas explain {chosen[0].topics[0].slug}")
    else:
        terminal.show(_families(chosen, width))
        messages.next_command("atlas ls --tree", "every topic")


def print_map() -> None:
    """What `atlas` alone prints."""
    import time

    from atlas_cli.learner import progress

    known = progress.load()
    request = kept.request("map", also=f"{_runs_mark()}\n{known.mark(time.time())}")
    if kept.replay(request):
        return
    from atlas_cli.screen.terminal import out, show

    with kept.recording(request):
        following = None
        if known.deeds:
            from atlas_cli.commands._learning import next_line

            following = next_line(known)
        show(render_map(out.width, following))


def _runs_mark() -> str:
    """The state of what the marks are made from (runs/best.py): a run that begins or ends changes it."""
    from atlas_cli import paths, shelf

    runs = sorted(paths.runs_dir().glob("*"))
    return shelf.mark_of(run / name for run in runs for name in ("run.json", "result.json"))


def _chosen(family: str | None) -> tuple[Family, ...]:
    from atlas_cli import catalog

    return (catalog.resolve_family(family, "ls"),) if family else catalog.families()


def render_map(width: int, following: Text | None = None) -> list[Text]:
    """The twelve families with their topics, after the next step of who has begun, or before what to try."""
    from rich.text import Text

    from atlas_cli import catalog
    from atlas_cli.screen.lines import indent, pairs, wrap

    room = width - 2 * _MARGIN
    title = wrap(Text.assemble(("atlas", "atlas.title"), f"  {_TAGLINE}: {_counts()}"), room)
    rows = _map_rows(room, wide=width >= _WIDE)
    lines = [*title, Text(), *rows, *_legend(room), Text()]  # 80x24 has room for all of it
    if following is not None:  # who has begun needs no beginning; 80x24 has room for one of the two
        return indent([*wrap(following, room), Text(), *lines], _MARGIN)
    tries = []
    for suggestion in catalog.first():
        verb = "train" if catalog.recipes_of(catalog.resolve(suggestion.topic)) else "explain"
        tries.append((Text(f"atlas {verb} {suggestion.topic}", "atlas.code"), Text(suggestion.why)))
    tries.append((Text("atlas learn", "atlas.code"), Text("Be led through the map, one step at a time.")))
    return indent([*lines, *pairs(tries, room, gap=3)], _MARGIN)


def _map_rows(width: int, wide: bool) -> list[Text]:
    from rich.text import Text

    from atlas_cli import catalog
    from atlas_cli.screen.lines import pairs

    every = catalog.families()
    longest = max(len(family.slug) for family in every)
    topics = {family: _names(family.topics) for family in every}
    column = max(len(text) for text in topics.values()) + 3
    rows = []
    for family in every:
        label = Text.assemble(
            (f"{family.number:02}  ", "atlas.muted"), (family.slug.ljust(longest), "atlas.head")
        )
        if wide:
            label = label + Text("  ") + topics[family] + Text(" " * (column - len(topics[family])))
        rows.append((label, Text(family.line, "atlas.muted") if wide else topics[family]))
    return pairs(rows, width)


def _marks() -> dict[str, str]:
    """One sign each: a topic that trains here, and what its best run came to."""
    from atlas_cli.runs.best import VERDICTS
    from atlas_cli.screen.terminal import ascii_only

    signs = "o+x*" if ascii_only() else "○✓✗●"
    return dict(zip((_TRAINABLE, *VERDICTS), signs, strict=True))


def _name(topic: Topic) -> Text:
    """The slug with a mark: trained on this machine, or trainable."""
    from rich.text import Text

    from atlas_cli import catalog
    from atlas_cli.runs.best import NOT_MET, best_of

    marks, run = _marks(), best_of(topic)
    if run is not None:
        style = "atlas.bad" if run.verdict == NOT_MET else "atlas.good"
        return Text.assemble((topic.slug, "atlas.accent"), (marks[run.verdict], style))
    if catalog.recipes_of(topic):
        return Text.assemble((topic.slug, "atlas.accent"), (marks[_TRAINABLE], "atlas.good"))
    return Text(topic.slug)


def _names(topics: tuple[Topic, ...]) -> Text:
    from rich.text import Text

    return Text(" ").join(_name(topic) for topic in topics)


def _legend(width: int) -> list[Text]:
    from rich.text import Text

    from atlas_cli.screen.lines import wrap

    signs = "  ".join(f"{mark} {meaning}" for meaning, mark in _marks().items())
    return wrap(Text(f"{signs}  no mark: page only", "atlas.muted"), width)


def _heading(family: Family, width: int) -> list[Text]:
    from rich.text import Text

    from atlas_cli.screen.lines import pairs

    about = Text.assemble((f"{family.title}\n", "atlas.head"), (family.line, "atlas.muted"))
    return pairs([(Text(f"{family.number:02}", "atlas.muted"), about)], width)


def _topics(family: Family, width: int) -> list[Text]:
    from rich.text import Text

    from atlas_cli.screen.lines import indent, pairs

    names = [_name(topic) for topic in family.topics]
    longest = max(map(len, names))
    rows = []
    for name, topic in zip(names, family.topics, strict=True):
        label = name + Text(" " * (longest - len(name) + 2)) + Text(str(topic.year), "atlas.muted")
        about = Text(topic.idea)
        for line in filter(None, (_drawn(topic), _ran(topic))):
            about.append(f"\n{line}", "atlas.muted")
        rows.append((label, about))
    return indent(pairs(rows, width - 4), 4)


def _drawn(topic: Topic) -> str:
    """The names of its diagrams."""
    from atlas_cli.diagrams import gallery

    names = ", ".join(shown.name for shown in gallery.diagrams_of(topic))
    return f"diagrams: {names}" if names else ""


def _ran(topic: Topic) -> str:
    """What its best run on this machine came to."""
    from atlas_cli.runs.best import best_of

    run = best_of(topic)
    if run is None:
        return ""
    told = f": {run.held} of {run.claims}" if run.claims else ""
    return f"trained: {run.run}, {run.verdict}{told}"


def _counts() -> str:
    from atlas_cli import catalog
    from atlas_cli.diagrams import gallery

    n_diagrams = sum(len(gallery.diagrams_of(family)) for family in catalog.families())
    return f"{len(catalog.topics())} topics, {n_diagrams} diagrams"


def _families(families: tuple[Family, ...], width: int) -> list[Text]:
    from rich.text import Text

    from atlas_cli.screen.lines import pairs

    longest = max(len(family.slug) for family in families)
    rows = []
    for family in families:
        label = Text.assemble(
            (f"{family.number:02}  ", "atlas.muted"), (family.slug.ljust(longest), "atlas.accent"),
            (f"  {len(family.topics)} topics", "atlas.muted"),
        )  # fmt: skip
        rows.append((label, Text(family.line)))
    return pairs(rows, width)


def _describe(family: Family) -> dict[str, Any]:
    from atlas_cli import catalog
    from atlas_cli.diagrams import gallery
    from atlas_cli.runs.best import best_of

    return {
        "number": family.number,
        "slug": family.slug,
        "title": family.title,
        "line": family.line,
        "topics": [
            {
                "slug": topic.slug, "title": topic.title, "year": topic.year, "idea": topic.idea,
                "recipes": list(catalog.recipes_of(topic)), "runs": list(catalog.runs_of(topic)),
                "verdict": run.verdict if (run := best_of(topic)) else None,
                "diagrams": [shown.name for shown in gallery.diagrams_of(topic)],
            }
            for topic in family.topics
        ],
    }  # fmt: skip
