"""What a page needs to compute frames with a pinned network: scripts for a worker, and weights.

assets/networks/<system>.js is the network, <explorable>.js makes frames of what it says, worker.js answers.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from atlas_cli.diagrams import networks
from atlas_cli.diagrams.frames import Explorable

_SCRIPTS = Path(__file__).parent / "assets" / "networks"


def script(shown: Explorable) -> str:
    """A script file that hands all of it to the page that loads it."""
    return f"atlasNetwork({json.dumps(whole(shown), separators=(',', ':'))});\n"


def whole(shown: Explorable) -> dict[str, Any]:
    """The source of the worker, and the network that it is given."""
    network = networks.read(networks.path(shown.family, shown.network)).as_dict()
    return {"source": source(shown), "network": network}


def source(shown: Explorable) -> str:
    """The worker's scripts as one."""
    parts = (_SCRIPTS / f"{name}.js" for name in (shown.systems[0], shown.name, "worker"))
    return '"use strict";\n' + "\n".join(part.read_text(encoding="utf-8") for part in parts)


@cache
def megabytes(family: str, name: str) -> float:
    """About what a page loads, to a tenth."""
    return round(networks.path(family, name).stat().st_size / 1e6, 1)
