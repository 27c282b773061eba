"""Shell completion of topics, recipes, their fields, sections of pages, and runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import typer


def _typed(ctx: typer.Context, *names: str) -> list[str]:
    """The words of the arguments of these names.

    Where an option waits for the value that is completed, the arguments are not told apart yet: they are
    what the parser has left over.
    """
    words: list[str] = []
    for name in names:
        value = ctx.params.get(name)
        words += [value] if isinstance(value, str) else value or ()
    return words or list(ctx.args)


def names(incomplete: str) -> list[str]:
    """Topics and families that start like this."""
    from atlas_cli import catalog

    return catalog.complete_name(incomplete)


def goals(incomplete: str) -> list[str]:
    """Goals, families and topics that start like this."""
    from atlas_cli.learner import goals as known

    slugs = [goal.slug for goal in (known.everything(), *known.written())]
    return sorted({*(slug for slug in slugs if slug.startswith(incomplete.lower())), *names(incomplete)})


def families(incomplete: str) -> list[str]:
    """Families that start like this."""
    from atlas_cli import catalog

    return catalog.complete_family(incomplete)


def topics(incomplete: str) -> list[str]:
    """Topics that start like this."""
    from atlas_cli import catalog

    return [t.slug for t in catalog.topics() if t.slug.startswith(incomplete)]


def recipes(incomplete: str) -> list[str]:
    """Topics that have recipes, and topic/recipe once a topic is named."""
    from atlas_cli import paths

    root = paths.recipes_dir()
    found = [f"{path.parent.name}/{path.stem}" for path in sorted(root.glob("*/*.yaml"))]
    names = found if "/" in incomplete else sorted({name.split("/")[0] for name in found})
    return [name for name in names if name.startswith(incomplete)]


def recipes_of_topic(ctx: typer.Context, incomplete: str) -> list[str]:
    """Recipes of the topic that stands on the line: `atlas train ddpm --recipe <tab>`."""
    from atlas_cli import catalog
    from atlas_cli.errors import AtlasError
    from atlas_cli.recipe.source import recipe_names

    try:
        slug = catalog.resolve(" ".join(_typed(ctx, "topic")).partition("/")[0]).slug
    except AtlasError:
        return []
    return [name for name in recipe_names(slug) if name.startswith(incomplete)]


def fields(ctx: typer.Context, incomplete: str) -> list[str]:
    """Fields of the recipe that stands on the line, each with its equals sign."""
    from atlas_cli.errors import AtlasError
    from atlas_cli.recipe import recipes as known

    topic, recipe = " ".join(_typed(ctx, "topic", "ref")), ctx.params.get("recipe")
    try:
        found = known.resolve(f"{topic}/{recipe}" if recipe else topic)
    except AtlasError:
        return []
    own = list(known.system_class(found.system).model_fields)
    train = [f"train.{name}" for name in known.TrainConfig.model_fields]
    data = [f"data.{name}" for name in found.data if name != "name"]
    return [f"{name}=" for name in (*own, *train, *data) if name.startswith(incomplete)]


def sampler_fields(ctx: typer.Context, incomplete: str) -> list[str]:
    """Fields that steer the sampling of the run that stands on the line."""
    from atlas_cli.errors import AtlasError
    from atlas_cli.recipe.model import system_class
    from atlas_cli.runs.find import find_run

    try:
        run = find_run(next(iter(_typed(ctx, "run")), "latest"), Path("runs"))
        named = system_class(run.topic).sampling_fields()
    except AtlasError:
        return []
    return [f"{name}=" for name in sorted(named) if name.startswith(incomplete)]


def knobs(ctx: typer.Context, incomplete: str) -> list[str]:
    """Knobs of the diagram that stands on the line."""
    from atlas_cli.diagrams import gallery
    from atlas_cli.errors import AtlasError

    words = _typed(ctx, "topic", "name")
    try:
        _, shown = gallery.typed(words) if words else (None, None)
    except AtlasError:
        return []
    return [f"{knob.name}=" for knob in getattr(shown, "knobs", ()) if knob.name.startswith(incomplete)]


def sections(ctx: typer.Context, incomplete: str) -> list[str]:
    """Sections of the page that stands on the line."""
    from atlas_cli import catalog
    from atlas_cli.errors import AtlasError
    from atlas_cli.pages.source import read_page

    try:
        page = read_page(catalog.resolve_any(" ".join(_typed(ctx, "topic"))))
    except AtlasError:
        return []
    titles = [section.title for section in page.sections]
    return [title for title in titles if title.lower().startswith(incomplete.lower())]


def runs(incomplete: str) -> list[str]:
    """Runs in ./runs, the latest first."""
    return [name for name in ["latest", *_run_names()] if name.startswith(incomplete)]


def runs_and_topics(incomplete: str) -> list[str]:
    """What `atlas sample` takes: runs, and topics that were trained."""
    from atlas_cli.runs.find import list_runs

    trained = sorted({run.topic for run in list_runs(Path("runs"))})
    return [*runs(incomplete), *(slug for slug in trained if slug.startswith(incomplete))]


def _run_names() -> Iterator[str]:
    from atlas_cli.runs.find import list_runs

    return (run.name for run in reversed(list_runs(Path("runs"))))
