"""Frames of the site's diagrams, packed by as many processes as there are cores before its pages ask.

What a process packs lies on the shelf, where the page then finds it. What is missing there, because the shelf
cannot be written for instance, the page packs itself.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from atlas_cli import catalog
from atlas_cli.diagrams import gallery, threads
from atlas_cli.diagrams.frames import Explorable
from atlas_cli.diagrams.web import twins
from atlas_cli.diagrams.web.frames import is_packed, pack
from atlas_cli.ranks import cores

WORTH_IT = 8  # diagrams that are still to be packed: a process needs seconds until it has loaded torch


def pack_all() -> None:
    """Pack what the pages will ask for and nobody has packed before."""
    missing = [(shown.family, shown.name) for shown in wanted() if not is_packed(shown)]
    workers = min(cores(), len(missing) // WORTH_IT)
    if workers < 2:
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=threads.take_one) as pool:
        for _ in pool.map(_pack, missing):
            pass


def wanted() -> list[Explorable]:
    """Those whose frames a page carries; a heavy one may measure by a clock, and wants the machine alone."""
    return [
        shown
        for family in catalog.families()
        for shown in gallery.explorables_of(family)
        if shown.compute and not (shown.packed or shown.network or shown.heavy) and not twins.scripts(shown)
    ]


def _pack(place: tuple[str, str]) -> None:
    family, name = place
    (shown,) = (e for e in gallery.explorables_of(catalog.resolve_family(family)) if e.name == name)
    pack(shown)
