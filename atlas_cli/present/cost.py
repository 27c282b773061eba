"""What a training will cost, in lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from atlas_cli.present.progress import clock


def cost_lines(cost: Mapping[str, Any]) -> list[str]:
    """The estimate of a recipe (engine.estimate.Estimate, as a dictionary) as people read it."""
    steps, milliseconds = cost["steps"], 1000 * cost["seconds_a_step"]
    training = f"about {clock(cost['train_seconds'])}"
    if cost["ablation_seconds"]:
        training += f", and {clock(cost['ablation_seconds'])} without the idea"
    lines = [
        f"parameters  {cost['parameters']:,}",
        f"steps       {steps:,} at {milliseconds:.0f} ms with {cost['precision']} on {cost['device']}",
        f"training    {training}",
    ]
    for name, seconds in cost["parents"].items():
        said = f"about {clock(seconds)}, once" if seconds else "there already"
        lines.append(f"builds on   {name}: {said}")
    free = f"{cost['disk_free_bytes'] / 1e9:,.0f} GB free"
    return [*lines, f"disk        {cost['disk_bytes'] / 1e6:,.0f} MB of {free}"]
