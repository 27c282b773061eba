"""What a state of N numbers still knows of everything that was read: HiPPO, and where S4 starts.

The state is linear in the past, so each start has a matrix of what every state holds of every earlier input.
What of the past can be told from the state, with noise of a hundredth, is its projection on the directions
that this matrix tells apart: the same rule for all starts.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Literal, cast

from atlas_cli.diagrams.frames import Bars, Curves, Drag, Explorable, Frame, Knob, Series

if TYPE_CHECKING:
    from torch import Tensor

LENGTH = 96
PULSE = (42, 48)  # steps
READ = tuple(range(8, LENGTH + 1, 8))
STATES = (2, 4, 8, 16, 32, 64)
STARTS: dict[str, str] = {
    "hippo": "hippo: the whole past",
    "legs": "legs: S4 from HiPPO",
    "random": "random: turns at random",
    "real": "real: only fades",
}
DELTA = 4 / LENGTH  # the slowest real state has faded to e^-4 at the end, HiPPO's in S4 to e^-2


def signal() -> list[float]:
    """Slow and fast swings, and a pulse that only a detailed memory places."""
    begin, end = PULSE
    return [
        0.8 * math.sin(2 * math.pi * t / 60)
        + 0.3 * math.sin(2 * math.pi * t / 17)
        + (1.5 if begin <= t < end else 0)
        for t in range(LENGTH)
    ]


@cache
def hippo_states(states: int) -> list[Tensor]:
    """What c holds of each input after 1 .. LENGTH steps of t c' = A c + B u: matrices (N, steps).

    By the trapezoid: the state before and after a step each stand for half of it.
    """
    import torch

    from atlas_cli.systems.ssm.s4 import hippo_legs

    A, B = hippo_legs(states)
    eye = torch.eye(states, dtype=A.dtype)
    held, after = torch.zeros(states, LENGTH, dtype=A.dtype), []
    for k in range(1, LENGTH + 1):
        held = held + A @ held / (2 * k)
        held[:, k - 1] += B / k
        held = torch.linalg.solve(eye - A / (2 * k), held)
        after.append(held[:, :k])
    return after


def held(start: str, states: int, read: int) -> Tensor:
    """What each of the states holds of each of the inputs read so far, (N, read), the oldest first."""
    import torch

    from atlas_cli.nets.state_space import responses
    from atlas_cli.systems.ssm import s4

    if start == "hippo":
        return hippo_states(states)[read - 1]
    torch.manual_seed(0)
    A = s4.start_of(cast(Literal["legs", "random", "real"], start), 1, states)
    A_bar, _ = s4.discretise(A, torch.tensor(DELTA), "zoh")
    return responses(A_bar, read)[0].flip(-1)


@cache
def told(start: str, states: int, read: int) -> tuple[tuple[float, ...], int, float]:
    """The past as the state tells it, the directions told apart, and the share of the past that is lost."""
    import torch

    from atlas_cli.nets.state_space import readable_directions

    directions = readable_directions(held(start, states, read))
    past = torch.tensor(signal()[:read], dtype=directions.dtype)
    known = directions.T @ (directions @ past)
    return tuple(known.tolist()), len(directions), float((past - known).norm() / past.norm())


def hippo(states: int, read: int, start: str) -> Frame:
    """The signal so far, and what can be told of it from the state."""
    known, count, lost = told(start, states, read)
    curves = (
        Series("input", tuple(range(LENGTH)), tuple(signal()), "dashed"),
        Series(f"told by {states} states", tuple(range(read)), known),
    )
    by_states = tuple(
        Series(
            label,
            STATES,
            tuple(told(name, n, read)[2] for n in STATES),
            "dashed" if name == "hippo" else "line",
        )
        for name, label in STARTS.items()
    )
    counts = tuple(told(name, states, read)[1] for name in STARTS)
    return Frame(
        (
            (
                Curves(
                    "The past, and what the state tells of it",
                    curves,
                    "step",
                    "u",
                    marker=read - 1,
                    drag=Drag("read", values=READ, at=[n - 1 for n in READ]),
                ),
            ),
            (
                Curves(
                    "Share of the past that is lost",
                    by_states,
                    "states",
                    "",
                    True,
                    False,
                    states,
                    drag="states",
                ),
                Bars("Directions of the past told apart", tuple(STARTS.values()), counts, states),
            ),
        ),
        f"From {states} states {count} directions of the {read} steps can be told apart, and {lost:.0%} of "
        "the past is lost; the line is what can still be told. With HiPPO each state adds a finer detail; "
        "with S4's, which does not stretch with time, the oldest blurs first. Real states only fade: their "
        "kernels look alike, and more of them add nothing.",
        {"directions told apart": f"{count} of {states}", "lost of the past": f"{lost:.0%}"},
    )


EXPLORABLE = Explorable(
    "hippo", "ssm", ("s4",), "A memory of N numbers",
    f"From how many states on do you see the pulse at step {PULSE[0]}, and with which start never?",
    (
        Knob("states", "states", STATES, 16, "slider"),
        Knob("read", "read so far", READ, 72, "play", "steps"),
        Knob("start", "start", tuple(STARTS), "hippo", "choice"),
    ),
    hippo,
    heavy=True,
    place=60,
    opens=True,
)  # fmt: skip
