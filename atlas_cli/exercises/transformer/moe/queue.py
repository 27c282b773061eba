"""Experts with room for so many."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake
from atlas_cli.exercises.transformer.moe._router import router


def inputs(draw: Draw) -> tuple[Any, ...]:
    """A router with little room, and the choices of ten tokens."""
    first = draw.integers(0, 3, 10)
    second = (first + 1 + draw.integers(0, 3, 10)) % 4
    chosen = first[:, None] if draw.number % 2 else first.new_zeros(10, 2)
    if chosen.shape[1] == 2:
        chosen[:, 0], chosen[:, 1] = first, second
    return router(draw, chosen.shape[1], draw.pick((1.0, 0.7, 1.25))), chosen


def three_in_line(queue: Function) -> tuple[Any, Any]:
    """Four tokens, three of them for expert 0, room for one each: tokens 0 and 3 are served."""
    import torch

    made = router(Draw(0), 1, 1.0)
    return queue(made, torch.tensor([[0], [0], [0], [1]]))[1], torch.tensor([0, 3])


EXERCISE = Exercise(
    topic="moe",
    name="queue",
    title="who finds room in an expert",
    task="""
        `expert` holds the choices of all tokens, numbered first choices first; `order` sorts them by
        expert, each queue in the order of coming; `counts` is the length of each queue. Leave in `served`
        those numbers, in that order, that find room, and in `room` how many an expert takes: its even share
        times `self.capacity`, rounded up.
        """,
    equation=r"\mathrm{room} = \left\lceil \mathrm{capacity} \cdot \frac{k N}{E} \right\rceil",
    hints=(
        "In `order` the queues lie one after another. A choice is served if its place within its own queue "
        "is smaller than the room.",
        "Where does each queue begin? Behind all earlier ones: the running sum of the counts, without its "
        "own.",
        "`place = torch.arange(len(order)) - first[expert[order]]` with `first = counts.cumsum(0) - "
        "counts`, then `order[place < room]`.",
    ),
    mistakes=(
        Mistake(
            "place < room",
            "place <= room",
            "you let one too many in: places count from 0, so the last one with room is room - 1",
        ),
        Mistake(
            "counts.cumsum(0) - counts",
            "counts.cumsum(0)",
            "you took the end of each queue for its beginning: the running sum includes the queue itself",
        ),
        Mistake(
            "len(expert) / self.n_experts",
            "n_tokens / self.n_experts",
            "you shared out N tokens: with k choices each there are k N to be served",
        ),
    ),
    inputs=inputs,
    by_hand=(three_in_line,),
    source="nets.moe",
    place=30,
)
