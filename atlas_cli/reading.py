"""Pages and diagrams as functions: the part of `atlas_cli.api` that shows; two commands stand on it.

It stands apart from the part that trains so that a command that shows a page starts without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atlas_cli.errors import UsageError

if TYPE_CHECKING:
    from rich.text import Text

    from atlas_cli.catalog import Family, Topic
    from atlas_cli.diagrams.frames import Explorable, Value
    from atlas_cli.diagrams.model import Diagram
    from atlas_cli.pages.source import Page


class Chapter:
    """A page of the atlas: Markdown for a notebook, plain text for `print`."""

    def __init__(self, page: Page) -> None:
        self._page = page

    @property
    def place(self) -> tuple[str, str]:
        """The slug of its subject, and the title of a section where it is one alone, else ""."""
        return self._page.subject.slug, "" if self._page.whole else self._page.sections[0].title

    @property
    def markdown(self) -> str:
        """The page as Markdown, its diagrams drawn as text."""
        from atlas_cli.pages.export import as_markdown

        return as_markdown(self._page)

    def html(self) -> str:
        """A web page of its own, which needs no network."""
        from atlas_cli.site.single import document

        return document(self._page)

    def as_dict(self) -> dict[str, Any]:
        """What `explain --json` prints."""
        from atlas_cli.pages.export import as_dict

        return as_dict(self._page)

    def lines(self, width: int, answered: bool = True) -> list[Text]:
        """The page for a terminal of so many columns.

        Args:
            answered: Whether the answer to its guess stands there, or the command that takes one.
        """
        from atlas_cli.pages.compose import compose

        return compose(self._page, width, answered)

    def __str__(self) -> str:
        from atlas_cli.pages.compose import compose

        return "\n".join(line.plain.rstrip() for line in compose(self._page, 80))

    def __repr__(self) -> str:
        return f"<the page of {self._page.subject.slug}>"

    def _repr_markdown_(self) -> str:
        return self.markdown


def explain(name: str, section: str | None = None) -> Chapter:
    """The page of a topic or a family.

    Args:
        name: Slug, title, alias, arXiv number.
        section: One section alone, such as "How it works".

    Raises:
        UsageError: there is no such page or section.
    """
    from atlas_cli.pages import source

    page = source.read_page(_subject(name))
    return Chapter(page if section is None else page.only(section))


def _subject(name: str) -> Topic | Family:
    """What has that name; where a word of the glossary is meant, the error says how to ask for it."""
    from atlas_cli import catalog

    try:
        return catalog.resolve_any(name)
    except UsageError as error:
        from atlas_cli.pages import glossary

        term = glossary.known(name)
        if term is None:
            raise
        raise UsageError(error.what, f"atlas explain --glossary {term.word}") from error


class Drawing:
    """A diagram as it was asked for; it shows itself in a notebook.

    Attributes:
        shown: The diagram.
        given: Where its knobs stand, as "gate=0.5".
        step: The step that is lit.
        command: What was typed for it, for hints.
    """

    def __init__(
        self, shown: Diagram | Explorable, given: Sequence[str], step: int | None, dark: bool, command: str
    ) -> None:
        self.shown, self.given, self.step, self.command, self._dark = shown, [*given], step, command, dark

    def svg(self) -> str:
        """A picture of lines and text."""
        return str(self.document("svg"))

    def png(self) -> bytes:
        """A picture of pixels."""
        content = self.document("png")
        assert isinstance(content, bytes)
        return content

    def html(self) -> str:
        """A page of its own with all knobs or steps, which needs no network."""
        return str(self.document("html"))

    def text(self) -> str:
        """Drawn in characters."""
        return str(self.document("text"))

    def save(self, path: Path | str) -> Path:
        """Write it as the file's ending says: .svg, .png, .html or .txt."""
        path = Path(path)
        kind = {"txt": "text"}.get(path.suffix[1:], path.suffix[1:])
        content = self.document(kind)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def document(self, format: str) -> str | bytes:
        """The diagram as "svg", "html", "json" or "text"; as "png" in bytes."""
        from atlas_cli.diagrams.deliver import document

        return document(self.shown, format, self.given, self.step, self.command, self._dark)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<the diagram {self.shown.name}>"

    def _repr_svg_(self) -> str:
        return self.svg()

    def _repr_html_(self) -> str:
        """All knobs and steps, without an extension of the notebook's."""
        from atlas_cli.diagrams.web.framed import framed

        return framed(self.html(), self.svg(), self.shown.title)


def diagram(
    topic: str, name: str | None = None, *, step: int | None = None, run: str | None = None,
    out: Path | str = "runs", dark: bool = False, **knobs: Value,
) -> Drawing:  # fmt: skip
    """A diagram, with its knobs as you turn them.

    Args:
        topic: Topic, family or alias.
        name: Which of its diagrams; None: its first.
        step: Of a stepped diagram the step that is lit.
        run: The trained run that it is drawn from, of diagrams that are drawn from runs.
        out: Folder of the runs.
        dark: For a dark background.
        knobs: Values of an explorable's knobs: gate=1, delta=0.5.

    Raises:
        UsageError: there is no such diagram, knob or value.
    """
    from atlas_cli.diagrams import gallery

    _, shown = gallery.chosen(topic, name)
    command = f"api.diagram({shown.topics[0]!r}, {shown.name!r})"
    given = [f"{knob}={value}" for knob, value in knobs.items()]
    return drawing(shown, given, step, run=run, out=out, dark=dark, command=command)


def drawing(
    shown: Diagram | Explorable, given: Sequence[str] = (), step: int | None = None, *,
    run: str | None = None, out: Path | str = "runs", dark: bool = False, command: str = "",
) -> Drawing:  # fmt: skip
    """A diagram that was found already, as it is asked for.

    Args:
        shown: The diagram.
        given: Settings of its knobs, "gate=0.5".
        step: As for `diagram`; so are `run`, `out` and `dark`.
        command: What to type for it, for hints; a call of Python has its own.

    Raises:
        UsageError: it has no such step, knob or value, or is not drawn from runs.
    """
    from atlas_cli.diagrams import gallery
    from atlas_cli.diagrams.model import Diagram

    typed = not command.startswith("api.")
    if isinstance(shown, Diagram):
        n = len(shown.steps)
        if run is not None:
            raise UsageError(f"{shown.name} has steps and is not drawn from a run", command)
        if given:
            hint = f"{command} --step 1" if typed else "choose one: step=1"
            raise UsageError(f"{shown.name} has steps and no knobs", hint)
        if (step or 1) not in range(1, n + 1):
            hint = f"{command} --step {n}" if typed else f"choose one: step={n}"
            raise UsageError(f"{shown.name} has {n} steps, not {step}", hint)
        return Drawing(shown, (), step, dark, command)
    from atlas_cli.diagrams.of_runs import of_run

    if step is not None:
        knob = shown.knobs[0]
        hint = f"{command} --set {knob.name}={knob.values[-1]}" if typed else f"turn one: {knob.name}=..."
        raise UsageError(f"{shown.name} has knobs and no steps", hint)
    shown = of_run(shown, run, Path(out))
    if typed and shown.run:
        command = f"{command} --run {shown.run}"
    setting = gallery.setting(shown, given, command)  # refused, or taken to what there is, here and now
    return Drawing(shown, [f"{knob}={value}" for knob, value in setting.items()], None, dark, command)
