"""Pin runs, so that pages show what a real network does: `make pins`.

    python -m atlas_cli.pages.pinning                         what is stale, from runs trained for it
    python -m atlas_cli.pages.pinning noise-path --run RUN    a diagram, from a run that is there
    python -m atlas_cli.pages.pinning gpt-small --run RUN     a network, for a page to compute with

A pin names its recipe and seed, so that one that is stale can be made anew without a run: it is trained, in
the folder of the runs. What a run shows must be what its recipe says today, or it is not pinned.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from atlas_cli import catalog, paths, shelf
from atlas_cli.diagrams import gallery, networks, pinned, staleness
from atlas_cli.diagrams.frames import Explorable
from atlas_cli.diagrams.of_runs import of_run
from atlas_cli.diagrams.origins import Origin
from atlas_cli.diagrams.pinned import Pin
from atlas_cli.errors import UsageError
from atlas_cli.recipe import recipes
from atlas_cli.recipe.model import Recipe
from atlas_cli.runs import checkpoint
from atlas_cli.runs.find import find_run, list_runs
from atlas_cli.runs.folder import RunFolder
from atlas_cli.screen import messages

MOST_BYTES = 130_000  # of a diagram's frames, as a page has them


def main(given: Sequence[str] | None = None) -> None:
    """Make the pins that the command line names, or those that are stale."""
    parser = argparse.ArgumentParser(prog="python -m atlas_cli.pages.pinning")
    parser.add_argument("names", nargs="*", help="diagrams or networks; none: those that are stale")
    parser.add_argument(
        "--run", help="name or path of a trained run; none: trained with the pin's own recipe"
    )
    parser.add_argument("--recipe", help="to train where nothing is pinned yet: gpt/small")
    parser.add_argument("--out", type=Path, default=None, help="folder of the runs")
    asked = parser.parse_args(given)
    out = asked.out or paths.runs_dir()
    for file in map(_file_of, asked.names) if asked.names else (file for file, _ in staleness.stale()):
        run = find_run(asked.run, out) if asked.run else _trained(_recipe(file, asked.recipe), out)
        text = pin(file, run, out)
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        messages.say(f"wrote {file}, {len(text.encode()) / 1000:.0f} kB, from {run.name}")


def pin(file: Path, run: RunFolder, out: Path) -> str:
    """The text of a pin's file, from a run.

    Raises:
        UsageError: the run is not what its recipe says today.
    """
    origin = origin_of(run)
    if file.name.endswith(networks.ENDING):
        return network_of(file.name.removesuffix(networks.ENDING), origin, run, out).as_text()
    shown = gallery.anywhere(file.stem)
    assert isinstance(shown, Explorable)  # `_file_of` found it
    return frames_of(shown, origin, run, out).as_text()


def origin_of(run: RunFolder) -> Origin:
    """Which network a run is.

    Raises:
        UsageError: it is not finished, or its recipe has changed since, or was changed for it.
    """
    from atlas_cli.engine.staleness import code_hash

    name, result = str(run.info["recipe"]), run.result
    if result is None:
        raise UsageError(f"{run.name} is not finished", f"atlas train --resume {run.name}")
    trained = recipes.of_run(run.path)
    today = recipes.resolve(name, [f"train.seed={trained.train.seed}"])
    as_then = today.settled(lambda wanted: trained.train.precision if wanted == "auto" else wanted)
    if as_then.hash != run.info["hash"]:
        raise UsageError(
            f"{run.name} was trained with another recipe than {name} is today", f"atlas train {name}"
        )
    path, _ = checkpoint.newest_valid(run.checkpoints)
    return Origin(
        name, trained.train.seed, str(run.info["started"])[:10], today.hash, code_hash(today),
        checkpoint.weights_hash(path),
    )  # fmt: skip


def frames_of(shown: Explorable, origin: Origin, run: RunFolder, out: Path) -> Pin:
    """All that a diagram shows of a run; fewer of the texts that stand for any other, if that is too much."""
    from atlas_cli.diagrams.web.frames import packed

    whole = shown.unpinned or shown
    drawn = pinned.labelled(of_run(whole, str(run.path), out), origin)
    kept = pinned.anew({knob.name: knob for knob in whole.knobs}, drawn.frame)
    while True:
        knobs = tuple(replace(knob, values=tuple(kept[knob.name])) for knob in whole.knobs)
        values, text = packed(replace(drawn, knobs=knobs), MOST_BYTES)
        texts = next((knob for knob in knobs if knob.open and len(knob.values) > 1), None)
        whole_range = all(len(left) == len(knob.values) for left, knob in zip(values, knobs, strict=True))
        if texts is None or (whole_range and len(text) <= MOST_BYTES):
            break
        kept[texts.name].remove(next(v for v in reversed(texts.values) if v != texts.default))
    named = {knob.name: left for knob, left in zip(knobs, values, strict=True)}
    return Pin(origin, named, pinned.drawing(whole), text, shelf.digest(text))


def network_of(name: str, origin: Origin, run: RunFolder, out: Path) -> networks.Network:
    """A language model's weights, and what eight bits cost it."""
    from atlas_cli.engine.build import Options
    from atlas_cli.engine.loading import load_system
    from atlas_cli.language.figures import bits_per_byte
    from atlas_cli.present.reporter import reporter

    system: Any = load_system(run, Options(out=out, device="cpu"), reporter())
    made = networks.packed(name, origin, recipes.of_run(run.path).model, system.state_dict())
    judged = partial(bits_per_byte, system, system.setting.data)
    figures = {"bits_per_byte": judged()}
    system.load_state_dict(networks.weights(made))
    figures["bits_per_byte_8"] = judged()
    return made._replace(figures={key: float(f"{value:.5g}") for key, value in figures.items()})


def _file_of(name: str) -> Path:
    """Where the pin of a diagram, or of the network that some diagram names, is or will be."""
    shown = gallery.anywhere(name)
    if isinstance(shown, Explorable) and shown.from_run:
        return pinned.path(shown)
    for family in catalog.families():
        if any(e.network == name for e in gallery.explorables_of(family)):
            return networks.path(family.slug, name)
    raise UsageError(
        f"there is no diagram of a run, and no network of one, called {name}", "atlas diagram --list"
    )


def _recipe(file: Path, named: str | None) -> Recipe:
    """What to train for a pin: the recipe that is named, or the one that it is from, with its seed."""
    if named is not None:
        return recipes.resolve(named)
    origin = staleness.origin(file)
    return recipes.resolve(origin.recipe, [f"train.seed={origin.seed}"])


def _trained(recipe: Recipe, out: Path) -> RunFolder:
    """A run of the recipe: one that is there already, or trained now."""
    from atlas_cli.engine.build import Options, settled
    from atlas_cli.engine.trainer import execute
    from atlas_cli.present.reporter import reporter

    options = Options(out=out, device="cpu", weights_only=True)
    recipe = settled(recipe, options)
    there = [run for run in list_runs(out) if run.info["hash"] == recipe.hash and run.status == "complete"]
    run = there[-1] if there else execute(recipe, options, reporter()).run
    assert run is not None  # this process is the only one
    return run


if __name__ == "__main__":
    main()
