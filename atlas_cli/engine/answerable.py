"""Whether a system can answer what it is asked to make: what would change nothing is refused."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from atlas_cli.engine.system import SampleRequest, System
from atlas_cli.errors import UsageError


def require_answerable(
    system: System, who: str, request: SampleRequest, changes: Collection[str] = ()
) -> None:
    """Refuse a request of which the system would leave something out.

    Args:
        system: Attached to its setting.
        who: What the user calls it.
        request: What is asked of it.
        changes: Fields of its sampler that were changed for it, with or without "sampler_".

    Raises:
        UsageError: a count below one, a class that is none, or what would change nothing.
    """
    if request.n < 1:
        raise UsageError(f"{request.n} samples are none", "ask for one or more")
    idle = [key for key in changes if not {key, f"sampler_{key}"} & system.steering_fields]
    if idle:
        raise UsageError(
            f"{', '.join(idle)} would change nothing: {who} answers {system.setting.data.name} here",
            "sample it without --set",
        )
    _require_extras(system, who, request.extras)
    if request.prompt is not None and "prompt" not in system.steers:
        raise UsageError(f"{who} follows no prompt", "sample it without --prompt")
    if request.further and not system.compares:
        raise UsageError(f"{who} follows one prompt, not {len(request.prompts)}", "give --prompt once")
    if request.label is None:
        return
    if not system.classes:
        raise UsageError(f"{who} has no classes to choose from here", "sample it without --label")
    if not 0 <= request.label < system.classes:
        raise UsageError(f"there is no class {request.label}", f"choose 0 to {system.classes - 1}")


def _require_extras(system: System, who: str, asked: Collection[str]) -> None:
    own = [extra.name for extra in system.extras]
    for name in asked:
        if name not in own:
            near = get_close_matches(name, own, n=1)
            hint = f"it takes {', '.join(own)}" if own else f"sample it without {name}"
            raise UsageError(f"{who} takes no {name}", f"did you mean {near[0]}?" if near else hint)
