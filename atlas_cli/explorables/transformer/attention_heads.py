"""A transformer as a trained run has it: whom its heads listen to, on text of any kind."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from atlas_cli.diagrams.frames import Bars, Curves, Explorable, Frame, Heatmap, Knob, Series, Tokens
from atlas_cli.explorables._of_text import glyphs_of, held_out, tokens_of

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.systems.transformer.gpt import GPT

TEXTS = held_out(3)
SHARES = tuple(range(0, 101, 10))  # per cent of the text
LONGEST = 56  # tokens shown


class Heads(NamedTuple):
    """Every head on one text of L tokens."""

    glyphs: list[str]
    weights: Tensor  # (layers, H, L, L): how much of its attention a token (row) gives to another
    same: Tensor  # (L, L): whether two tokens are the same
    next: list[tuple[str, float]]  # the likeliest next token after each, and its probability


def attention_heads(system: GPT, asks: int, layer: int, head: int, text: str) -> Frame:
    """Whom one token listens to in one head, and the habits of that head over the whole text."""
    seen = _heads(system, text)
    layer = min(layer, len(seen.weights))
    of_layer = seen.weights[layer - 1]  # (H, L, L)
    head = (head - 1) % len(of_layer) + 1
    weights = of_layer[head - 1]
    at = round(asks / 100 * (len(seen.glyphs) - 1))
    row = weights[at]
    most = int(row.argmax())
    next_glyph, chance = seen.next[at]
    ends = (seen.glyphs[0], seen.glyphs[-1])
    return Frame(
        (
            (Tokens(f"Layer {layer}, head {head}: whom {seen.glyphs[at]}, token {at + 1}, listens to, %",
                    _weighed(seen.glyphs, row), links="token"),),
            (
                Heatmap("All of them, each row over its largest", weights / weights.amax(1, keepdim=True),
                        0, 1, "listened to", "listens", ends, ends, links=("token", "token")),
                _by_distance(of_layer, head),
            ),
            (_habits(weights, seen.same),),
        ),
        f"Token {at + 1} gives {float(row[most]):.0%} of its attention in this head to token {most + 1}. "
        "Nobody told the heads what to look for: some go by the distance alone, some seek something out.",
        {
            "listens most to": f"{seen.glyphs[most]}, token {most + 1}, {float(row[most]):.0%}",
            "expects next": f"{next_glyph}, {chance:.0%}",
            "mean distance": float(_distances(weights).mean()),
        },
    )  # fmt: skip


def _weighed(glyphs: list[str], row: Tensor) -> tuple[tuple[str, float, str], ...]:
    """Every token, how its share stands to the largest, and the share in per cent."""
    largest = float(row.max())
    return tuple(
        (glyph, share / largest, f"{100 * share:.0f}")
        for glyph, share in zip(glyphs, row.tolist(), strict=True)
    )


def _by_distance(of_layer: Tensor, head: int) -> Curves:
    """What a head gives to the token n back, as a mean over all that have one so far back."""
    length = of_layer.shape[-1]
    back = range(length - 1)  # the last has a single token to speak for it
    given = [of_layer.diagonal(-n, -2, -1).mean(-1) for n in back]  # (H,) each
    one, mean = [float(g[head - 1]) for g in given], [float(g.mean()) for g in given]
    curves = (Series(f"head {head}", back, one), Series("mean of the layer", back, mean, "dashed"))
    return Curves("Attention by distance", curves, "tokens back", "share")


def _distances(weights: Tensor) -> Tensor:
    """How far back each token looks, on average."""
    import torch

    place = torch.arange(len(weights), dtype=weights.dtype)
    return place - weights @ place


def _habits(weights: Tensor, same: Tensor) -> Bars:
    """What a head gives to kinds of tokens, as a mean over the text."""
    earlier = same.tril(-1)
    after = earlier.roll(1, 1)  # column j: token j - 1 is the one that asks, once more
    after[:, 0] = 0
    shares = {
        "itself": weights.diagonal(),
        "previous": weights.diagonal(-1),
        "first of all": weights[:, 0],
        "same, earlier": (weights * earlier).sum(1),
        "after the same": (weights * after.tril()).sum(1),
    }
    values = [float(share.sum() / len(weights)) for share in shares.values()]
    return Bars("Share of this head's attention that goes to", tuple(shares), values, 1)


@cache
def _heads(system: GPT, text: str) -> Heads:
    import torch

    from atlas_cli.errors import UsageError
    from atlas_cli.nets.attention import Attention

    tokens = tokens_of(system, text, TEXTS, LONGEST)
    x, weights = system.embed_at(tokens, 0), []
    for block in system.blocks:
        if not isinstance(block.mixing, Attention):
            raise UsageError("this run was trained without attention", "choose another run")
        weights.append(block.mixing.weights(block.mixing_norm(x))[0].float())  # type: ignore[operator]
        x = block(x)
    chance, best = system.head(system.final_norm(x))[0].float().softmax(-1).max(-1)
    same = (tokens[0][:, None] == tokens[0]).float()
    glyphs = glyphs_of(system, tokens[0])
    expected = list(zip(glyphs_of(system, best), chance.tolist(), strict=True))
    return Heads(glyphs, torch.stack(weights), same, expected)


EXPLORABLE = Explorable(
    "attention-heads", "transformer", ("gpt", "rope"), "Whom the heads of a net listen to",
    "Which head goes back to where the same token stood, and looks at what followed it?",
    (
        Knob("asks", "asks", SHARES, 100, "play", "%"),
        Knob("layer", "layer", (1, 2, 3, 4), 1, "slider"),
        Knob("head", "head", (1, 2, 3, 4), 1, "slider"),
        Knob("text", "text", TEXTS, TEXTS[0], "choice", open=True),
    ),
    None, from_run=attention_heads, systems=("gpt", "rope"),
)  # fmt: skip
