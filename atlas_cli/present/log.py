"""Progress where nothing can be redrawn: whole lines by tqdm in a log file, its widget in a notebook."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from rich.console import Console

from atlas_cli.present.glimpse import Glimpse
from atlas_cli.present.in_place import Picture, in_notebook
from atlas_cli.present.progress import Meter, Training

LINES = 10  # a run, about


class Lines:
    """A file for tqdm in which each state of its bar is a whole line: no carriage returns, no blanks."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def write(self, text: str) -> None:
        line = text.replace("\r", "").rstrip()
        if line:
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def flush(self) -> None:
        self._console.file.flush()


class PlainProgress:
    """tqdm's progress: ten lines or so in a log or a pipe; in a notebook a bar and a picture that move."""

    def __init__(self, console: Console, training: Training) -> None:
        self.console, self.meter = console, Meter(training)
        self._bar, self._moves = _bar(console, training, self.meter.step)
        self._picture = Picture() if in_notebook() else None

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def update(self, step: int, metrics: dict[str, float], seconds: float) -> None:
        m = self.meter
        m.update(step, metrics, seconds)
        parts = [f"loss {m.loss:.4f}"]
        if m.claimed is not None:
            parts.append(f"{m.claimed} {m.figure(m.claimed):.3f} (wanted {m.training.claims[m.claimed]})")
        figures = "  ".join(part for part in (*parts, m.speed(), m.left()) if part)
        if self._moves:
            self._bar.set_postfix_str(figures, refresh=False)
        else:
            line = f"{m.training.title}  step {step}/{m.steps}  {figures}"
            self._bar.set_description_str(line, refresh=False)
        self._bar.update(step - self._bar.n)

    def glimpse(self, glimpse: Glimpse) -> None:
        held_out = "" if glimpse.held_out is None else f"held-out loss {glimpse.held_out:.4f}"
        parts = [f"{self.meter.training.title}  step {glimpse.step}/{self.meter.steps}", held_out]
        if self._picture is not None:
            self._picture.show(glimpse, "  ".join(filter(None, parts)))
            return
        parts.append(glimpse.artifact.in_words() or str(glimpse.files[0]))
        line = "  ".join(part for part in parts if part)
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)


def _bar(console: Console, training: Training, done: int) -> tuple[Any, bool]:
    """tqdm's bar of a training of which some steps are done, and whether it is a widget that moves."""
    from tqdm.auto import tqdm
    from tqdm.notebook import tqdm_notebook

    if issubclass(tqdm, tqdm_notebook):
        return tqdm(total=training.steps, initial=done, desc=training.title, unit=" steps"), True
    every = max(1, training.steps // LINES)
    bar = tqdm(
        total=training.steps, initial=done, file=Lines(console), bar_format="{desc}", miniters=every,
        mininterval=0, maxinterval=float("inf"), delay=1e-9, leave=False,
    )  # fmt: skip
    return bar, False
