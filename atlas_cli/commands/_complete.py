"""Shell completion of topics, recipes and runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path


def names(incomplete: str) -> list[str]:
    """Topics and families that start like this."""
    from atlas_cli import catalog

    return catalog.complete_name(incomplete)


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


def runs(incomplete: str) -> list[str]:
    """Runs in ./runs, the latest first."""
    return [name for name in ["latest", *_run_names()] if name.startswith(incomplete)]


def _run_names() -> Iterator[str]:
    from atlas_cli.runs.folder import list_runs

    return (run.name for run in reversed(list_runs(Path("runs"))))
