"""What a run says of sixteen scenes it was not trained on: a yes or a no for every scene and every caption.

Source:  Zhai et al. 2023, arXiv:2303.15343, figure 1.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from atlas_cli.diagrams.frames import Bars, Explorable, Frame, Heatmap, Knob, Words
from atlas_cli.diagrams.hands import Drag

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.systems.contrastive.siglip import SigLIP

SCENES, SUREST = 16, 5  # scenes with their captions; captions that are read
MOVED = (-4, -3, -2, -1, 0, 1, 2, 3, 4)  # what is added to the learned bias
ASKED = tuple(range(1, 9))  # scenes whose captions are read


class Answers(NamedTuple):
    """What is said of every scene (row) and every caption, and what is right."""

    logits: Tensor  # (SCENES, SCENES)
    true: Tensor  # (SCENES, SCENES), whether the caption is true of the scene
    captions: list[str]
    each: bool  # each by itself; else a softmax over the row


def yes_or_no(system: SigLIP, scene: int, moved: int) -> Frame:
    """All answers of sixteen scenes, and in words those for one scene."""
    seen = _answers(system)
    logits = seen.logits + moved
    shares = logits.sigmoid() if seen.each else logits.softmax(1)  # (SCENES, SCENES)
    said, row, own = shares > 0.5, shares[scene - 1], scene - 1
    right, wrong = int((said & seen.true).sum()), int((said & ~seen.true).sum())
    there = int(seen.true.sum())
    surest = row.argsort(descending=True).tolist()[:SUREST]
    told = tuple(
        f"{float(row[k]):4.0%}  {seen.captions[k]}: {'true' if seen.true[own, k] else 'not true'}"
        for k in surest
    )
    panels = (
        (
            Heatmap("How sure the run is of a yes", shares, 0.0, 1.0, "caption", "scene", drag=_scenes()),
            Heatmap("Which captions are true", seen.true.double(), 0.0, 1.0, "caption", "scene",
                    names=(("no", 0.0), ("yes", 1.0)), drag=_scenes()),
        ),
        (Words(f"Scene {scene}: the captions that are surest of a yes", told),),
        (
            Bars("Of all the answers", ("right yes", "wrong yes", "missed yes"),
                 (right, wrong, there - right), float(max(there, wrong, 1))),
        ),
    )  # fmt: skip
    answered = int(said[own].sum())
    return Frame(
        panels,
        f"{moved:+d} on the bias: of {SCENES**2} answers {right + wrong} are yes, {right} of them rightly; "
        f"{there - right} that should be are no. Of scene {scene} it holds {answered} of {SCENES} "
        f"captions to be true; its own has {float(row[own]):.0%}.",
        {"right yes": right, "wrong yes": wrong, "missed yes": there - right,
         "own caption": float(row[own])},
    )  # fmt: skip


def _scenes() -> Drag:
    return Drag("scene", "y", ASKED, tuple(scene - 1 for scene in ASKED))


@cache
def _answers(system: SigLIP) -> Answers:
    """The first held-out scenes with captions of their own: none is written twice."""
    import torch

    from atlas_cli.systems.contrastive.examination import truth

    test = system.setting.data.test
    written: list[int] = []
    for i, caption in enumerate(test.captions):
        if caption not in [test.captions[k] for k in written]:
            written.append(i)
        if len(written) == SCENES:
            break
    scenes = test[torch.tensor(written, device=test.images.device)]
    with torch.no_grad():
        logits = system.score(scenes.images, scenes.tokens).double().cpu()
    return Answers(logits, truth(scenes, scenes.tokens).cpu(), scenes.captions, system.bias is not None)


EXPLORABLE = Explorable(
    "yes-or-no", "contrastive", ("siglip",), "Sixteen scenes, sixteen captions",
    "What would a bias that is lower by two cost, and what would it save?",
    (
        Knob("scene", "scene", ASKED, 1, "play"),
        Knob("moved", "added to the bias", MOVED, 0, "slider"),
    ),
    None, from_run=yes_or_no, systems=("siglip",), place=45,
)  # fmt: skip
