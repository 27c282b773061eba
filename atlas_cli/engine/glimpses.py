"""What a training shows while it lasts: a small sample and a held-out figure at each fifth of the run.

The training does not notice: every draw has a generator of its own or is undone, the modules' modes, the
weights and the global generators are as they were, and the cost of all but the first and the last stays
below SHARE of the training's time. The last one is never left out: a film ends with what was learned.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from atlas_cli.draws import stable_seed
from atlas_cli.engine.build import inference
from atlas_cli.engine.ema import Ema
from atlas_cli.engine.system import System
from atlas_cli.present.artifacts.base import Artifact
from atlas_cli.present.glimpse import FOLDER, Glimpse
from atlas_cli.present.progress import Progress
from atlas_cli.runs.folder import RunFolder
from atlas_cli.runs.rng import capture_rng, restore_rng
from atlas_cli.screen import messages

SHARE = 0.03  # of the training's seconds, at most; the first glimpse and the last are free
TIMES = 5  # a run, and once before its first step


class Glimpses:
    """Takes the glimpses of one training, where their time has come and their cost allows it.

    Args:
        system: What is trained.
        run: Where samples and figures go.
        progress: Who is shown them.
    """

    def __init__(self, system: System, run: RunFolder, progress: Progress) -> None:
        self.system, self.run, self.progress = system, run, progress
        self._spent, self._latest = 0.0, 0.0  # seconds of all glimpses that are not free; of the latest one

    def look(self, step: int, seconds: float, ema: Ema | None) -> None:
        """Take a glimpse after `step`, if one is due, and free or affordable.

        Args:
            step: Steps done.
            seconds: Spent training so far.
            ema: Averaged weights, which are looked at where there are any.
        """
        steps = self.system.setting.train.steps
        if step not in due_steps(steps):
            return
        free = not self._latest or step == steps
        if not free and self._spent + self._latest > SHARE * seconds:
            return
        began = time.perf_counter()
        glimpse = self._take(step, ema)
        if glimpse.held_out is not None:
            self.run.append_metrics({"step": step, "held_out_loss": glimpse.held_out})
        self.progress.glimpse(glimpse)
        self._latest = time.perf_counter() - began
        self._spent += 0.0 if free else self._latest

    def _take(self, step: int, ema: Ema | None) -> Glimpse:
        with unnoticed(self.system), inference(self.system, ema), messages.hushed():
            held_out = held_out_loss(self.system, step)
            # The same seed at every step: what changes from picture to picture is what was learned.
            artifact = self.system.glimpse(stable_seed(self.system.setting.train.seed, "glimpse"))
        return Glimpse(step, artifact, held_out, self._save(step, artifact))

    def _save(self, step: int, artifact: Artifact) -> list[Path]:
        return artifact.save(self.run.samples / FOLDER, f"step-{step:08d}")


def due_steps(steps: int) -> set[int]:
    """Before the first step, and at each fifth of the run."""
    return {round(steps * k / TIMES) for k in range(TIMES + 1)}


def held_out_loss(system: System, step: int) -> float | None:
    """The loss on held-out data made like the batch of a step; None where the system has none."""
    batch = system.held_out(step)
    return None if batch is None else float(system.loss(batch)[0])


@contextmanager
def unnoticed(system: System) -> Iterator[None]:
    """Inside, the system is in evaluation mode; after it, modes and global generators are as before."""
    modes, generators = {module: module.training for module in system.modules()}, capture_rng()
    system.eval()
    try:
        yield
    finally:
        restore_rng(generators)
        for module, training in modes.items():
            module.training = training
