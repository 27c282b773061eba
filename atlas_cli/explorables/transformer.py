"""Transformers to turn: rotary positions, the cache of keys and values, and sampling.

The router of experts, low-rank adaptation and speculative sampling stand in files of their own.
"""

from __future__ import annotations

import math

from atlas_cli.diagrams.frames import Bars, Curves, Explorable, Frame, Heatmap, Knob, Quiver, Series, Words
from atlas_cli.explorables.lora_rank import LORA_RANK
from atlas_cli.explorables.moe_router import MOE_ROUTER
from atlas_cli.explorables.ranges import evenly
from atlas_cli.explorables.speculative import SPECULATIVE

# --- rope ---------------------------------------------------------------------------------------------

PAIRS = 4  # frequencies: pair i turns by BASE^(-i / PAIRS) radians a token
BASE = 100.0
OFFSETS = tuple(range(0, 41, 2))


def turned(positions: list[int]) -> list[list[tuple[float, float]]]:
    """What becomes of a vector that is (1, 0) in every pair, at each position: [position][pair]."""
    import torch

    from atlas_cli.nets.rope import angles, frequencies, rotate

    vector = torch.cat([torch.ones(PAIRS), torch.zeros(PAIRS)]).expand(1, 1, len(positions), 2 * PAIRS)
    first, second = rotate(vector, *angles(torch.tensor(positions), frequencies(2 * PAIRS, BASE))).chunk(
        2, -1
    )
    pairs: list[list[tuple[float, float]]] = torch.stack([first, second], -1)[0, 0].tolist()
    return pairs


def scores(position: int, offsets: range) -> list[list[float]]:
    """Dot products of a key at position and queries further on, alike before the turn: [pair][offset]."""
    (key,), queries = turned([position]), turned([position + n for n in offsets])
    return [[q[p][0] * key[p][0] + q[p][1] * key[p][1] for q in queries] for p in range(PAIRS)]


def rope(offset: int, position: int, pair: int) -> Frame:
    """A query and a key, turned by their positions."""
    (key,), (query,) = ([v[pair - 1] for v in turned([m])] for m in (position, position + offset))
    every = range(OFFSETS[-1] + 1)
    table = scores(position, every)
    one, mean = table[pair - 1], [sum(column) / PAIRS for column in zip(*table, strict=True)]
    curves = (Series(f"pair {pair}", every, one), Series("mean of all pairs", every, mean, "dashed"))
    return Frame(
        (
            (
                Quiver("Key (short arrow) and query", ((0, 0), (0, 0)), ((0.7 * key[0], 0.7 * key[1]), query),
                       (-1.2, 1.2, -1.2, 1.2)),
                Curves("Score by the offset", curves, "tokens between them", "q · k", marker=offset),
            ),
        ),
        "Turn the position: both arrows turn, and the score stays. Turn the offset: only the angle between "
        "them changes. Which pair tells neighbours apart, and which still tells 10 tokens from 40?",
        {
            "score of the pair": one[offset], "mean of all pairs": mean[offset],
            "turn of one token": f"{math.degrees(BASE ** (-(pair - 1) / PAIRS)):.3g} degrees",
        },
    )  # fmt: skip


# --- kv cache -----------------------------------------------------------------------------------------

N_HEAD, HEAD_DIM, N_LAYER, BYTES = 8, 128, 32, 2
KV_HEADS = {"MHA": 8, "GQA": 2, "MQA": 1}
PROMPT, MOST = 8, 28  # tokens


def cache_bytes(tokens: int, kind: str) -> int:
    """Keys and values of all layers."""
    return 2 * N_LAYER * KV_HEADS[kind] * HEAD_DIM * BYTES * tokens


def held(tokens: int, kv_heads: int, n_new: int) -> list[list[float]]:
    """What each query head reads, (N_HEAD, MOST): 1 new, 0.6 held, 0.2 read from another head's row."""
    own = [1.0 if t >= tokens - n_new else 0.6 for t in range(tokens)]
    empty = [0.0] * (MOST - tokens)
    group = N_HEAD // kv_heads
    return [([0.2] * tokens if head % group else own) + empty for head in range(N_HEAD)]


def kv_cache(step: int, heads: str) -> Frame:
    """What the cache holds after the prompt and `step` more tokens, and what it saves."""
    tokens, kv = PROMPT + step, KV_HEADS[heads]
    group = N_HEAD // kv
    labels = tuple(f"={h - h % group + 1}" if h % group else str(h + 1) for h in range(N_HEAD))
    lengths = tuple(range(PROMPT, MOST + 1))
    curves = tuple(
        Series(kind, lengths, tuple(cache_bytes(n, kind) / 2**20 for n in lengths),
               "dashed" if kind == "GQA" else "line")
        for kind in KV_HEADS
    )  # fmt: skip
    computed = (tokens, sum(range(PROMPT, tokens + 1)))
    sizes = tuple(cache_bytes(tokens, kind) / 2**20 for kind in KV_HEADS)
    rows = held(tokens, kv, 1 if step else PROMPT)
    return Frame(
        (
            (
                Heatmap("Dark: kept, darkest: new, light: shared", rows, 0, 1, "token", "query head",
                        ("1", str(MOST)), labels),
                Curves("Cache of all layers, MiB", curves, "tokens", "MiB", marker=tokens),
            ),
            (
                Bars("Keys computed so far", ("with cache", "without"), computed, sum(lengths)),
                Bars(f"MiB for {tokens} tokens", tuple(KV_HEADS), sizes, cache_bytes(MOST, "MHA") / 2**20),
            ),
        ),
        "Each token writes one dark column and reads everything: the work of a step is small, the memory "
        f"grows. With {heads} {_readers(group)}. Without a cache the last step would compute all {tokens} "
        "keys again: which of the two, the work or the memory, does sharing rows make less?",
        {
            "cache": f"{cache_bytes(tokens, heads) / 2**20:.3g} MiB",
            "a token": f"{cache_bytes(1, heads) / 2**10:.4g} KiB", "keys with cache": computed[0],
            "keys without": computed[1], "query heads a row": group,
        },
    )  # fmt: skip


def _readers(group: int) -> str:
    if group == 1:
        return "every query head keeps keys and values of its own"
    return f"{group} query heads share one row of keys and values"


# --- sampling -----------------------------------------------------------------------------------------

PROMPT_TEXT = "The cat sat on the ..."
LOGITS = {
    "mat": 4.0, "floor": 3.3, "sofa": 2.9, "table": 2.2, "roof": 1.8, "bed": 1.5, "grass": 0.9,
    "keyboard": 0.5, "moon": -0.4, "equation": -1.2,
}  # fmt: skip


def softmax(logits: list[float]) -> list[float]:
    """Probabilities."""
    highest = max(logits)
    powers = [math.exp(value - highest) for value in logits]
    return [power / sum(powers) for power in powers]


def nucleus(probabilities: list[float], top_p: float) -> list[float]:
    """The fewest most likely ones that together reach top_p, scaled to one (Holtzman et al. 2020)."""
    order = sorted(range(len(probabilities)), key=lambda i: -probabilities[i])
    kept, mass = set(), 0.0
    for i in order:
        kept.add(i)
        mass += probabilities[i]
        if mass >= top_p - 1e-9:
            break
    return [p / mass if i in kept else 0.0 for i, p in enumerate(probabilities)]


def sampling(temperature: float, top_p: float) -> Frame:
    """The next word's probabilities before and after both knobs."""
    heated = softmax([logit / temperature for logit in LOGITS.values()])
    kept = nucleus(heated, top_p)
    bits = sum(p * math.log2(1 / p) for p in kept if p > 0)
    n = sum(p > 0 for p in kept)
    draws = ", ".join(_draws(kept, 12))
    words = tuple(LOGITS)
    return Frame(
        (
            (Bars("After temperature", words, heated, 1.0), Bars("After top-p", words, kept, 1.0)),
            (Words(PROMPT_TEXT, (f"twelve draws: {draws}",)),),
        ),
        "Temperature bends all probabilities; top-p cuts off the tail and leaves the rest in proportion. "
        "Heat it to 2: which of the two knobs keeps the equation out, and does it keep the sofa in?",
        {"words left": n, "bits of surprise": bits, "most likely": max(kept)},
    )


def _draws(probabilities: list[float], n: int) -> list[str]:
    """n words at evenly spread places of the cumulative distribution: draws without luck."""
    words, drawn = tuple(LOGITS), []
    for k in range(n):
        place, i = (k + 0.5) / n, 0
        while i < len(words) - 1 and place > probabilities[i] + 1e-12:
            place -= probabilities[i]
            i += 1
        drawn.append(words[i])
    return drawn


EXPLORABLES = (
    Explorable(
        "rope", "transformer", ("rope", "gpt"), "Positions as rotations",
        "Why does the score know how far apart two tokens are, and not where they stand?",
        (
            Knob("offset", "offset", OFFSETS, 4, "slider", "tokens"),
            Knob("position", "position", (0, 1, 3, 10, 30), 0, "slider"),
            Knob("pair", "pair", (1, 2, 3, 4), 2, "slider"),
        ),
        rope,
    ),
    Explorable(
        "kv-cache", "transformer", ("kv-cache", "gpt"), "What is kept to write the next token",
        "What does the cache save, and what does it cost?",
        (
            Knob("step", "step", tuple(range(MOST - PROMPT + 1)), 8, "play"),
            Knob("heads", "heads", tuple(KV_HEADS), "MHA", "choice"),
        ),
        kv_cache,
    ),
    SPECULATIVE,
    Explorable(
        "sampling", "transformer", ("gpt", "speculative"), "Choosing the next word",
        "Which knob removes nonsense, and which one adds variety?",
        (
            Knob("temperature", "temperature", evenly(0.1, 2, 20), 1.0, "slider"),
            Knob("top_p", "top-p", (0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0), 1.0, "slider"),
        ),
        sampling,
    ),
    MOE_ROUTER,
    LORA_RANK,
)  # fmt: skip
