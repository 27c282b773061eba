"""`atlas recipe stale`: the measured figures, and the pinned networks, that the code may no longer give."""

from __future__ import annotations

from atlas_cli import catalog, paths
from atlas_cli.diagrams import films, staleness, worked
from atlas_cli.engine.staleness import benches, stale, stale_bench
from atlas_cli.recipe import recipes


def found() -> dict[str, list[str]]:
    """Why something may be old, by what holds it: a recipe, a benchmark, what is pinned, filmed or worked."""
    names = [f"{topic.slug}/{name}" for topic in catalog.topics() for name in catalog.recipes_of(topic)]
    reasons = {name: stale(recipes.resolve(name)) for name in names}
    content = paths.content_dir()
    reasons |= {path.relative_to(content).as_posix(): worked.stale(path) for path in worked.files_of(content)}
    reasons |= {path.relative_to(content).as_posix(): stale_bench(path) for path in benches()}
    reasons |= {file.relative_to(content).as_posix(): why for file, why in staleness.stale()}
    reasons |= {file.relative_to(content).as_posix(): films.why(file) for file in films.found()}
    return {name: why for name, why in reasons.items() if why}


def print_stale(json: bool) -> None:
    """Print them, one a line, with the command that measures the recipes again."""
    from atlas_cli.screen import messages, terminal

    old = found()
    if json:
        terminal.emit_json({"stale": [{"name": name, "why": why} for name, why in old.items()]})
        return
    for name, why in old.items():
        terminal.emit_text(f"{name}: {'; '.join(why)}")
    if not old:
        terminal.emit_text("Every figure and every pinned network is of the code as it is.")
    elif named := next((name for name in old if not name.endswith((".yaml", ".json"))), None):
        messages.next_command(f"atlas verify {named} --seeds 3 --write", "its figures, measured anew")
    elif any(name.endswith(worked.ENDING) for name in old):
        messages.next_command("make worked", "the numbers in the boxes, from runs of their recipes")
    elif any(f"/{films.FOLDER}/" in name for name in old):
        messages.next_command("make films", "the trainings that diagrams play, recorded anew")
    elif any(name.endswith(".json") for name in old):
        messages.next_command("make pins", "the pinned networks, trained anew")
