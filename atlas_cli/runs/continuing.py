"""What is left to train of a run that is resumed, perhaps with other settings."""

from __future__ import annotations

from collections.abc import Sequence

from atlas_cli.errors import UsageError
from atlas_cli.runs.folder import RunFolder


def goes_on(run: RunFolder, steps: int, changes: Sequence[str]) -> bool:
    """Whether a resume has something to train; a complete run goes on where more steps are asked for.

    Args:
        run: What is resumed.
        steps: That it shall have in all.
        changes: What is asked for that is not as the run's recipe says.

    Raises:
        UsageError: more steps are done already, or the changes could change nothing any more.
    """
    done = run.steps_done
    more = f"ask for more: --set train.steps={2 * max(1, done)}, or start a new run without --resume"
    if changes and steps < done:
        raise UsageError(f"{run.name} has done {done} steps already, and {steps} are asked for", more)
    if run.status != "complete":
        return True
    if changes and steps <= done:
        what = f"{run.name} is complete: its {done} steps were done as its recipe says"
        raise UsageError(what, more, list(changes))
    return bool(changes)
