"""Words and patches, in one attention."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """Queries, keys and values of some patches and of some words, in two heads."""
    patches, words = int(draw.integers(3, 8, 1)), draw.pick((2, 5, 1))
    return _rows(draw, patches), _rows(draw, words)


def _rows(draw: Draw, n: int) -> Any:
    from atlas_cli.systems.flow.joint import Rows

    return Rows(*(draw.normal(2, 2, n, 4) for _ in range(3)))


def alike(meet: Function) -> tuple[Any, Any]:
    """All keys alike: whoever reads takes a quarter of each value, of three patches (1) and of a word (5)."""
    import torch

    from atlas_cli.systems.flow.joint import Rows

    def rows(n: int, value: float) -> Rows:
        shape = (1, 1, n, 1)
        return Rows(torch.ones(shape), torch.ones(shape), torch.full(shape, value))

    seen, heard = meet(rows(3, 1.0), rows(1, 5.0))
    return torch.cat([seen, heard], dim=1).flatten(), torch.full((4,), 2.0)


EXERCISE = Exercise(
    topic="mmdit",
    name="meet",
    title="words and patches in one attention",
    task="""
        Both kinds of token have made their queries, keys and values with weights of their own: `image` and
        `text` are `Rows`, each q, k and v, shaped (B, H, tokens, Dh). Let every token read every token, of
        either kind, in one attention. Return what the patches have read and what the words have read, (B,
        tokens, H Dh) each.

        `attend(q, k, v)` is the attention, and joins the heads.
        """,
    equation=r"\mathrm{softmax}\left(\frac{[Q_x; Q_y]\,[K_x; K_y]^{\top}}{\sqrt{d}}\right) [V_x; V_y]",
    hints=(
        "One softmax over both kinds: a patch that listens to a word has that much less for other patches. "
        "So their rows must be one row before the attention, and two again after it.",
        "`torch.cat` along the axis of the tokens, which is the third; do it for q, for k and for v.",
        "The first n tokens of the result are the patches, where n is how many the image has: "
        "`read[:, :n]` and `read[:, n:]`.",
    ),
    mistakes=(
        Mistake(
            "attend(q, k, v)",
            "attend(q, text.k, text.v)",
            "you let both kinds read the words alone: that is cross-attention, and the patches no longer "
            "see one another",
        ),
        Mistake(
            "return read[:, :n], read[:, n:]",
            "return read[:, n:], read[:, :n]",
            "you exchanged the two: what the words have read would go into the picture",
        ),
        Mistake(
            "n = image.q.shape[2]",
            "n = text.q.shape[2]",
            "you cut after as many tokens as there are words: the patches come first, so cut after as many "
            "as there are patches",
        ),
    ),
    inputs=inputs,
    by_hand=(alike,),
    source="systems.flow.joint",
    place=10,
)
