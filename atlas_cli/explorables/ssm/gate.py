"""A state-space model as a trained run has it: what its weights write, keep and read.

Source:  the scan seen as attention, each output a sum over the tokens before: Ali, Zimerman, Wolf 2024,
         arXiv:2403.01590.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from atlas_cli.diagrams.frames import Curves, Drag, Explorable, Frame, Heatmap, Knob, Link, Series, Tokens
from atlas_cli.explorables._of_text import glyphs_of, held_out, tokens_of

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.systems.ssm.mamba import Mamba

HELD_OUT = held_out(6)
LAYERS = ("first", "last")
SHARES = tuple(range(0, 101, 10))  # per cent of the sequence
LONGEST = 96  # tokens shown of a text
ROWS = 16  # of the picture: the last tokens that read
WORTH_A_NUMBER = 10  # per cent of the most
BRIGHTEST = 1.5  # of the largest share at the end: a full shade of what the state holds
TINY = 1e-9


class Gate(NamedTuple):
    """One layer on one sequence of L tokens, with D channels of N states."""

    glyphs: list[str]
    step: Tensor  # (L, D): delta of each channel, over the mean of that channel
    stays: Tensor  # (L,): exp(delta A), the mean over channels and states
    written: Tensor  # (L,): |delta B x|, summed over channels and states
    left: Tensor  # (L, L): what is left of token k's after token t, at [t, k]
    reads: Tensor  # (L, L): |C h| that token t reads of what k wrote, through its gate, summed over channels
    answers: dict[int, str]  # what is said where the task asks for something


def gate(system: Mamba, read: int, layer: str, text: str) -> Frame:
    """What each token writes, what it leaves of the state, and what the state then holds of each."""
    seen = _gate(system, text, layer)
    after = max(1, round(read / 100 * len(seen.glyphs)))  # tokens read
    held = _shares(seen.left)[after - 1, :after]
    most = int(held.argmax())
    return Frame(
        (
            (Tokens(f"What the {layer} layer writes down, % of the most", _written(seen), links="token"),),
            (_memory(seen, read),),
            (_along(seen, after),),
            (_reading(seen),),
        ),
        f"After {after} tokens the {layer} layer holds {float(held[most]):.0%} of its state for token "
        f"{most + 1}. A token with a small delta passes by: little of it enters, and what was there stays. "
        "One with a large delta is written down.",
        {
            "answers": "".join(seen.answers.values()) or "none asked", "tokens read": after,
            "most in the state": f"{seen.glyphs[most]}, token {most + 1}",
        },
    )  # fmt: skip


def _memory(seen: Gate, read: int) -> Heatmap:
    """Of what the state is made, a row for every stop of the knob, as far as was read."""
    length, shares = len(seen.glyphs), _shares(seen.left)
    rows = [
        shares[max(1, round(stop / 100 * length)) - 1].tolist() if stop <= read else [0.0] * length
        for stop in SHARES
    ]
    return Heatmap(
        "What its state holds of each token, the further down the more was read", rows,
        0, BRIGHTEST * float(shares[-1].max()), "token", "", (seen.glyphs[0], seen.glyphs[-1]),
        tuple(f"{stop}%" for stop in SHARES), links="token",
        drag=Drag("read", "y", SHARES, range(len(SHARES))),
    )  # fmt: skip


def _along(seen: Gate, after: int) -> Curves:
    """Delta and what stays, token by token."""
    step, places = seen.step.mean(1), tuple(range(1, len(seen.glyphs) + 1))
    curves = (
        Series("enters: delta, over its mean", places, step),
        Series("stays: exp(delta A)", places, seen.stays, "dashed"),
    )
    return Curves(
        "The gate along the sequence", curves, "token", "", marker=after, links=Link("token", first=-1)
    )


def _reading(seen: Gate) -> Heatmap:
    """From which tokens the last ones read, one row each."""
    rows = min(ROWS, len(seen.glyphs))
    shares = _shares(seen.reads)[-rows:]
    places = range(len(seen.glyphs))[-rows:]
    readers = tuple(seen.answers.get(t, seen.glyphs[t]) for t in places)
    return Heatmap(
        f"From where the last {rows} tokens read: the share of each token in what the state tells them",
        shares, 0, float(shares.max()), "written by", "said" if seen.answers else "read by",
        (seen.glyphs[0], seen.glyphs[-1]), readers,
        links=(Link("token"), Link("token", "y", len(seen.glyphs) - rows)),
    )  # fmt: skip


def _shares(of_each: Tensor) -> Tensor:
    """Every row over its sum."""
    return of_each / of_each.sum(1, keepdim=True).clamp(min=TINY)


@cache
def _gate(system: Mamba, text: str, layer: str) -> Gate:
    import torch
    from torch.nn.functional import silu

    from atlas_cli.data.tasks import SequenceSource
    from atlas_cli.nets.scan import selective_scan

    data = system.setting.data
    tokens = tokens_of(system, text, HELD_OUT, LONGEST)  # (1, L)
    x, place = system.embed(tokens), 0 if layer == LAYERS[0] else len(system.blocks) - 1
    for norm, block in system.layers()[:place]:
        x = x + block(norm(x))
    norm, block = system.layers()[place]
    x, out = block.enter(norm(x))
    delta, A, B, C = block._select(x)
    length = x.shape[1]
    # The scan is linear in x: row k of a batch holds token k alone, and its output is that token's share.
    alone = torch.eye(length)[..., None] * x  # (L, L, D)
    delta, B, C = (m.expand(length, -1, -1) if m.dim() == 3 else m for m in (delta, B, C))
    left = selective_scan(alone.abs(), delta, A, B.abs(), torch.ones_like(C)).sum(-1).T
    reads = (selective_scan(alone, delta, A, B, C) * silu(out)).abs().sum(-1).T
    answers = {}
    if isinstance(data, SequenceSource):
        said = system(tokens).argmax(-1)[0]
        answers = {t: data.decode(said[t, None]) for t in data.asked(tokens)[0].nonzero()[:, 0].tolist()}
    stays = torch.exp(delta[0, ..., None] * A).mean((1, 2))
    step = delta[0] / delta[0].mean(0)
    return Gate(glyphs_of(system, tokens[0]), step, stays, left.diagonal(), left, reads, answers)


def _written(seen: Gate) -> tuple[tuple[str, float, str], ...]:
    """Tokens, how what each writes stands to the largest, and that in per cent where it is much."""
    most = max(TINY, float(seen.written.max()))
    shares = [float(amount) / most for amount in seen.written]
    return tuple(
        (glyph, share, f"{100 * share:.0f}" if 100 * share >= WORTH_A_NUMBER else "")
        for glyph, share in zip(seen.glyphs, shares, strict=True)
    )


EXPLORABLE = Explorable(
    "gate", "ssm", ("mamba",), "What a net lets into its memory",
    "What does the net write down, what does it let pass, and from where does each answer read?",
    (
        Knob("read", "read", SHARES, 100, "play", "%"),
        Knob("layer", "layer", LAYERS, "last", "choice"),
        Knob("text", "text", HELD_OUT, HELD_OUT[0], "choice", open=True),
    ),
    None, from_run=gate, systems=("mamba",),
)  # fmt: skip
