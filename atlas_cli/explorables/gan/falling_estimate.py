"""Which number says how training goes: the exact distance, a fresh critic's estimate, or the game's loss.

Source:  Arjovsky, Chintala, Bottou 2017, arXiv:1701.07875, whose critic is trained for several steps between
         two of the generator; here for many, on samples that stand still (penalty: arXiv:1704.00028).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Knob, Series
from atlas_cli.explorables.gan._films import N_CARRIED, STEPS, film, modes_found

RUNS = {"with R1": "modes", "without R1": "modes-without-r1"}


def falling_estimate(run: str, step: int = STEPS[-1]) -> Frame:
    """A recorded training by four numbers, and what they are in one round."""
    stills, floor = film(RUNS[run]).stills, film(RUNS[run]).facts["floor"]
    title = run[0].upper() + run[1:]
    first, early, here = stills[0], stills[1], stills[STEPS.index(step)]
    return Frame(
        (
            (
                Curves(
                    "How far the samples are from the data",
                    (
                        _over(stills, "exact distance", lambda still: still["apart"]),
                        _over(stills, "a fresh critic's gap", lambda still: still["gap"], "dashed"),
                        Series("two clouds of data", (STEPS[0], STEPS[-1]), (floor["apart"],) * 2, "points"),
                    ),
                    "round", "carried on average", log_y=True, marker=step, drag="step",
                ),
            ),
            (
                Curves(
                    "What the players' own losses say",
                    (
                        _over(stills, "discriminator", lambda still: still["losses"][0]),
                        _over(stills, "generator", lambda still: still["losses"][1], "dashed"),
                    ),
                    "round", "loss", marker=step,
                ),
            ),
        ),
        f"{title}: the exact distance between {N_CARRIED} samples and as many real points goes "
        f"from {first['apart']:.3g} at first to {early['apart']:.2g} in round {STEPS[1]} and is "
        f"{here['apart']:.2g} in round {step}, a fresh critic's gap from {first['gap']:.3g} "
        f"to {early['gap']:.2g} and {here['gap']:.2g}. Two such clouds of data are "
        f"{floor['apart']:.2g} apart, with a gap of {floor['gap']:.2g}. The "
        f"discriminator's loss is then {here['losses'][0]:.3g}, the generator's "
        f"{here['losses'][1]:.3g}. Found: {modes_found(here['average'])} of "
        f"{len(here['average'])} Gaussians.",
        {
            "exact distance": here["apart"], "fresh critic's gap": here["gap"],
            "discriminator's loss": here["losses"][0], "generator's loss": here["losses"][1],
        },
    )  # fmt: skip


def _over(
    stills: list[dict[str, Any]], label: str, told: Callable[[dict[str, Any]], float], style: Any = "line"
) -> Series:
    return Series(label, STEPS, tuple(told(still) for still in stills), style)


EXPLORABLE = Explorable(
    "falling-estimate", "gan", ("gan",), "Which number falls while samples improve?",
    "Which of the four curves tells you, without a look at the points, that one of the runs lost its modes?",
    (
        Knob("run", "training", tuple(RUNS), "with R1", "choice"),
        Knob("step", "round", STEPS, STEPS[-1], "play"),
    ),
    falling_estimate,
    place=75,
)  # fmt: skip
