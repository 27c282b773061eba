"""Which words a trained run's patches read, and which patches its words read, while a scene is drawn."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from atlas_cli.diagrams.frames import Curves, Explorable, Frame, Heatmap, Knob, Series, Tokens

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.systems.flow.mmdit import MMDiT

SENTENCES = (
    "a red circle left of a blue square",
    "a yellow square above a green circle",
    "a blue triangle left of a red triangle",
)
STEPS = 16
DONE = (0, 2, 4, 6, 8, 10, 12, 14)
COLOURS = ("ground", "red", "green", "blue", "yellow")


class Drawing(NamedTuple):
    """A scene on its way, and what every token read in the heads' mean."""

    words: list[str]
    guesses: Tensor  # (STEPS, H, W) index into COLOURS: the picture that each velocity leads to
    weights: Tensor  # (STEPS, blocks, S, S): how much a token (row) takes of another; patches come first
    patches: int  # N


def joint_attention(system: MMDiT, word: int, layer: int, done: int, sentence: str) -> Frame:
    """Who reads a word and whom it reads, in one block, and the picture that is taking shape."""
    drawn = _drawn(system, sentence)
    layer, word = min(layer, drawn.weights.shape[1]), min(word, len(drawn.words))
    n, name = drawn.patches, drawn.words[word - 1]
    weights = drawn.weights[done, layer - 1]  # (S, S)
    told = Tokens(
        f"Block {layer}: what the patches take of each word, mean of all, %",
        _told(drawn.words, weights[:n, n:].mean(0)),
    )
    heard, most = float(weights[:n, n:].sum(-1).mean()), float(weights[:n, n + word - 1].max())
    return Frame(
        ((told,), _maps(drawn, weights, word, done), (_by_time(drawn, layer, done),)),
        f"After {done} of {STEPS} steps the patches of block {layer} give {heard:.0%} of their attention to "
        f"words. Of word {word}, {name}, the patch that reads it most takes {most:.0%}. A patch is a square "
        "of the picture, and the words stand in one row with the patches.",
        {"to all words": heard, f"most to {name}": most, "even share": 1 / weights.shape[-1]},
    )


def _maps(drawn: Drawing, weights: Tensor, word: int, done: int) -> tuple[Heatmap, ...]:
    """The picture so far; which patches read a word; which the word reads."""
    n, side, name = drawn.patches, round(drawn.patches**0.5), drawn.words[word - 1]
    to_word, by_word = (w.view(side, side) for w in (weights[:n, n + word - 1], weights[n + word - 1, :n]))
    kinds = tuple((colour, float(k)) for k, colour in enumerate(COLOURS))
    return (
        Heatmap("The picture that the velocity leads to", drawn.guesses[done], 0, 4, names=kinds),
        Heatmap(f"Patches that read word {word}, {name}", to_word, 0, float(to_word.max()) or 1.0),
        Heatmap(f"Patches that {name} reads", by_word, 0, float(by_word.max()) or 1.0),
    )


def _by_time(drawn: Drawing, layer: int, done: int) -> Curves:
    """What the patches of every block give to words, from noise to the picture."""
    n, times = drawn.patches, [k / STEPS for k in range(STEPS)]
    shares = drawn.weights[..., :n, n:].sum(-1).mean(-1)  # (STEPS, blocks)
    series = tuple(
        Series(f"block {k + 1}", times, shares[:, k], "line" if k + 1 == layer else "dashed")
        for k in range(shares.shape[1])
    )
    title = "Share of the patches' attention that goes to words"
    return Curves(title, series, "t (0 noise, 1 picture)", "share", marker=done / STEPS)


def _told(words: list[str], shares: Tensor) -> tuple[tuple[str, float, str], ...]:
    largest = float(shares.max())
    return tuple(
        (word, share / largest, f"{100 * share:.1f}")
        for word, share in zip(words, shares.tolist(), strict=True)
    )


@cache
def _drawn(system: MMDiT, sentence: str) -> Drawing:
    """The scene of a sentence from one noise, under the run's own guidance.

    Raises:
        UsageError: the sentence is no caption, or the run has no words to read.
    """
    import torch

    from atlas_cli.data.captions import WORDS
    from atlas_cli.errors import UsageError
    from atlas_cli.systems.flow.mmdit import asked_tokens

    if not system.net.words:
        raise UsageError("this run was trained without words in its attention", "choose another run")
    row = asked_tokens(sentence)[: system.config.caption_length]
    tokens = torch.tensor([row], device=system.setting.device)
    x = system.noise(1, torch.Generator(system.setting.device).manual_seed(0))
    guesses, weights = [], []
    with torch.no_grad():
        for k in range(STEPS):
            t = torch.full((1,), k / STEPS, device=system.setting.device)
            weights.append(_weights(system, x, t, tokens))
            v = system.field(x, k / STEPS, tokens)
            guesses.append(_colours(x + (1 - k / STEPS) * v)[0])
            x = x + v / STEPS
    words = [WORDS[token - 1] if token else "·" for token in row]
    return Drawing(words, torch.stack(guesses), torch.stack(weights), system.net.place.shape[0])


def _weights(system: MMDiT, x: Tensor, t: Tensor, tokens: Tensor) -> Tensor:
    """Of every block, mean over its heads: (blocks, S, S); the last block's words ask nothing: zeros."""
    import torch

    from atlas_cli.systems.flow.joint import JointBlock, attention_weights

    image, text, c = system.net.start(x, t, tokens)
    found = []
    for block in system.net.blocks:
        assert isinstance(block, JointBlock)
        assert text is not None  # the last block alone ends without
        patches, words = block.image.project(image, c)[0], block.text.project(text, c)[0]
        q, k = (torch.cat([a, b], dim=2) for a, b in ((patches.q, words.q), (patches.k, words.k)))
        table = attention_weights(q, k)[0].mean(0).float().cpu()  # (queries, S)
        found.append(torch.cat([table, table.new_zeros(k.shape[2] - len(table), k.shape[2])]))
        image, text = block(image, text, c)
    return torch.stack(found)


def _colours(images: Tensor) -> Tensor:
    """For each pixel the nearest of the ground and the palette, (B, H, W)."""
    import torch

    from atlas_cli.data.shapes import DARKEST, LIGHTEST, PALETTE

    ground = torch.full((1, 3), (DARKEST + LIGHTEST) / 2)
    palette = torch.cat([ground, torch.from_numpy(PALETTE)])  # (K, 3)
    pixels = ((images.float().cpu() + 1) / 2).clamp(0, 1).permute(0, 2, 3, 1)  # (B, H, W, 3)
    return torch.cdist(pixels.flatten(0, 2), palette).argmin(1).view(pixels.shape[:3]).float()


EXPLORABLE = Explorable(
    "joint-attention", "flow", ("mmdit",), "Which words your patches read",
    "Who reads the first colour, and who the second? Does it change before or after the things can be seen?",
    (
        Knob("word", "word", tuple(range(1, 9)), 2, "slider"),
        Knob("layer", "block", (1, 2, 3, 4), 2, "slider"),
        Knob("done", "steps done", DONE, 4, "play"),
        Knob("sentence", "sentence", SENTENCES, SENTENCES[0], "choice", open=True),
    ),
    None, from_run=joint_attention, systems=("mmdit",),
    place=70,
)  # fmt: skip
