"""A trained transformer on a sentence of the reader's: what surprises it, whom it listens to, how it goes on.

A page computes these frames itself, from the pinned network: the same in JavaScript stands in
diagrams/web/assets/networks/own-sentence.js, and a test holds the two against each other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, lru_cache
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from atlas_cli.diagrams.frames import Bars, Drag, Explorable, Frame, Knob, Tokens
from atlas_cli.explorables._of_text import BLANKS

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.systems.transformer.gpt import GPT

TEXTS = ("for name in sorted(names): print(na", 'raise ValueError("', "import os, sys")
WRITTEN = tuple(range(0, 41))  # bytes that it writes on
ASKS = tuple(range(0, 101))  # per cent of the text
TEMPERATURE = 0.5  # of what it writes on
LONGEST = 120  # bytes of the reader's own
LIKELIEST = 8
SEED = 20_260  # of its draws
MOST_BITS = 8  # of surprise that a full meter shows: what a byte costs that one knows nothing of
NETWORK = "gpt-small"


class Reading(NamedTuple):
    """All that the network has to say of a text of L bytes."""

    tokens: list[int]
    logits: Tensor  # (L, V): after each byte
    weights: Tensor  # (layers, H, L, L): how much of its attention a byte (row) gives to another


def own_sentence(system: GPT, text: str, written: int, asks: int, head: int) -> Frame:
    """The text byte by byte, what one byte listens to and expects, and what the network writes after it."""
    given = len(_bytes(text))
    seen = _read(system, _written_on(system, text)[: given + written])
    glyphs = [_glyph(byte) for byte in seen.tokens]
    n_layer, n_head, length, _ = seen.weights.shape
    at = round(asks / 100 * (length - 1))
    layer, within = divmod((head - 1) % (n_layer * n_head), n_head)
    row = seen.weights[layer, within, at].tolist()
    bits = _surprises(seen)
    places = Drag("asks", "x", ASKS, tuple(round(ask / 100 * (length - 1)) for ask in ASKS))
    p = seen.logits[at].double().softmax(-1)
    likely = p.sort(descending=True, stable=True)
    best = [(_glyph(int(byte)), float(chance)) for chance, byte in zip(*likely, strict=True)][:LIKELIEST]
    mean = sum(bits[1:given]) / max(1, given - 1)
    most = max(range(at + 1), key=lambda k: row[k])
    return Frame(
        (
            (Tokens(_title(given, length), _surprised(glyphs, bits), drag=places),),
            (
                Tokens(
                    f"Layer {layer + 1}, head {within + 1}: whom {glyphs[at]}, byte {at + 1}, listens to, %",
                    _listened(glyphs, row), drag=places,
                ),
            ),
            (Bars(f"What it expects after {glyphs[at]}, byte {at + 1}",
                  tuple(glyph for glyph, _ in best), [chance for _, chance in best], 1.0),),
        ),
        f"After byte {at + 1} it expects {best[0][0]} with {best[0][1]:.0%}, and this head looks back at "
        f"{glyphs[most]}, byte {most + 1}, with {row[most]:.0%} of its attention. It has read Python and "
        "nothing else.",
        {
            "bits a byte of the text": mean, "bytes written on": length - given,
            "hardest byte": _hardest(glyphs, bits),
        },
    )  # fmt: skip


def _title(given: int, length: int) -> str:
    on = f", and {length - given} that it wrote" if length > given else ""
    return f"Your {given} bytes{on}: bits of surprise at each"


def _surprised(glyphs: list[str], bits: list[float]) -> tuple[tuple[str, float, str], ...]:
    notes = ["-", *(f"{b:.1f}" for b in bits[1:])]
    return tuple(
        (glyph, min(1.0, b / MOST_BITS), note) for glyph, b, note in zip(glyphs, bits, notes, strict=True)
    )


def _listened(glyphs: list[str], row: list[float]) -> tuple[tuple[str, float, str], ...]:
    largest = max(row)
    return tuple(
        (glyph, share / largest, f"{100 * share:.0f}") for glyph, share in zip(glyphs, row, strict=True)
    )


def _hardest(glyphs: list[str], bits: list[float]) -> str:
    if len(bits) < 2:
        return "none yet"
    at = max(range(1, len(bits)), key=lambda t: bits[t])
    return f"{glyphs[at]}, byte {at + 1}, {bits[at]:.1f} bits"


def _surprises(seen: Reading) -> list[float]:
    """-log2 of what the network gave to each byte; of the first, before which it had read nothing, 0."""
    log_p = seen.logits.double().log_softmax(-1)
    given = [float(log_p[t, byte]) for t, byte in enumerate(seen.tokens[1:])]
    return [0.0, *(-nats / math.log(2) for nats in given)]


def _glyph(byte: int) -> str:
    """A byte as one sign: those that are no character of their own, as a cross."""
    return BLANKS.get(chr(byte), chr(byte) if 32 < byte < 127 else "×")


@lru_cache(maxsize=64)
def _read(system: GPT, tokens: tuple[int, ...]) -> Reading:
    import torch

    x, weights = system.embed_at(torch.tensor([tokens]), 0), []
    for block in system.blocks:
        weights.append(block.mixing.weights(block.mixing_norm(x))[0].float())  # type: ignore[operator,union-attr]
        x = block(x)
    return Reading(list(tokens), system.head(system.final_norm(x))[0].float(), torch.stack(weights))


@lru_cache(maxsize=64)
def _written_on(system: GPT, text: str) -> tuple[int, ...]:
    """The bytes of the text, and all that the network writes after it."""
    import torch

    from atlas_cli.errors import UsageError
    from atlas_cli.nets.attention import Attention

    if system.config.vocab_size != 256 or not isinstance(system.blocks[0].mixing, Attention):
        raise UsageError("this run reads no bytes, or has no attention", "choose another run")
    tokens = _bytes(text)
    if not tokens:
        raise UsageError("there is no text to read", 'type one: --set "text=for i in"')
    logits, state = system.extend(torch.tensor([tokens]), system.first_state(1))
    for draw in islice(_draws(), WRITTEN[-1]):
        reached = (logits[0, -1].double() / TEMPERATURE).softmax(-1).cumsum(-1)
        tokens.append(min(int((reached <= draw).sum()), len(reached) - 1))
        logits, state = system.extend(torch.tensor([tokens[-1:]]), state)
    return tuple(tokens)


def _bytes(text: str) -> list[int]:
    from atlas_cli.data.text import encode

    return encode(text, "cpu").tolist()[:LONGEST]


def _draws() -> Iterator[float]:
    """The same numbers in every language, by Park and Miller's generator: a page draws the same text."""
    state = SEED
    while True:
        state = state * 48_271 % 2_147_483_647
        yield state / 2_147_483_647


@cache
def pinned() -> tuple[GPT, str]:
    """The network that the atlas ships, and where it is from."""
    from atlas_cli.diagrams import networks
    from atlas_cli.systems.transformer.gpt import GPT, Config

    network = networks.read(networks.path("transformer", NETWORK))
    system = GPT(Config.model_validate(network.config))
    system.load_state_dict(networks.weights(network))
    return system.eval().requires_grad_(False), network.origin.told


def own_sentence_pinned(text: str, written: int, asks: int, head: int) -> Frame:
    """The same by the network that the atlas ships."""
    system, told = pinned()
    frame = own_sentence(system, text, written, asks, head)
    return replace(frame, caption=f"{frame.caption} The network: {told}, in eight bits.")


EXPLORABLE = Explorable(
    "own-sentence", "transformer", ("gpt",), "A network that reads what you type",
    "Type a name twice. What does the network expect after its first letters the second time, and which head "
    "has looked it up?",
    (
        Knob("text", "text", TEXTS, TEXTS[0], "choice", open=True),
        Knob("written", "written on", WRITTEN, 0, "play", "bytes"),
        Knob("asks", "asks", ASKS, 100, "slider", "%"),
        Knob("head", "head", tuple(range(1, 17)), 1, "slider"),
    ),
    own_sentence_pinned, from_run=own_sentence, systems=("gpt", "rope"),
    heavy=True, place=70, network=NETWORK,
)  # fmt: skip
