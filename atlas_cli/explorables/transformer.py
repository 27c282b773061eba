"""Transformers to turn: rotary positions, the cache of keys and values, sampling, and a router of experts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Bars, Curves, Explorable, Frame, Heatmap, Knob, Quiver, Series, Words
from atlas_cli.explorables.ranges import evenly

if TYPE_CHECKING:
    from numpy.typing import NDArray

# --- rope ---------------------------------------------------------------------------------------------

PAIRS = 4  # frequencies: pair i turns by BASE^(-i / PAIRS) radians a token
BASE = 100.0
OFFSETS = tuple(range(0, 41, 2))


def turned(angle: float, position: float, pair: int) -> tuple[float, float]:
    """A unit vector at an angle, turned as rope turns it at a position (Su et al. 2021, eq. 13)."""
    whole = angle + position * BASE ** (-pair / PAIRS)
    return math.cos(whole), math.sin(whole)


def score(pair: int, position: int, offset: int) -> float:
    """Dot product of a query at position + offset and a key at position, both alike before the turn."""
    query, key = turned(0.0, position + offset, pair), turned(0.0, position, pair)
    return query[0] * key[0] + query[1] * key[1]


def rope(offset: int, position: int, pair: int) -> Frame:
    """A query and a key, turned by their positions."""
    key, query = turned(0.0, position, pair - 1), turned(0.0, position + offset, pair - 1)
    every = tuple(range(OFFSETS[-1] + 1))
    one = tuple(score(pair - 1, position, n) for n in every)
    mean = tuple(sum(score(p, position, n) for p in range(PAIRS)) / PAIRS for n in every)
    curves = (Series(f"pair {pair}", every, one), Series("mean of all pairs", every, mean, "dashed"))
    here = score(pair - 1, position, offset)
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
            "score of the pair": here, "mean of all pairs": mean[offset],
            "turn of one token": f"{math.degrees(BASE ** (-(pair - 1) / PAIRS)):.3g} degrees",
        },
    )  # fmt: skip


# --- kv cache -----------------------------------------------------------------------------------------

N_HEAD, HEAD_DIM, N_LAYER, BYTES = 8, 128, 32, 2
KV_HEADS = {"MHA": 8, "GQA": 2, "MQA": 1}
PROMPT, MOST = 4, 24  # tokens


def cache_bytes(tokens: int, kind: str) -> int:
    """Keys and values of all layers."""
    return 2 * N_LAYER * KV_HEADS[kind] * HEAD_DIM * BYTES * tokens


def kv_cache(step: int, heads: str) -> Frame:
    """What the cache holds after the prompt and `step` more tokens, and what it saves."""
    tokens, kv = PROMPT + step, KV_HEADS[heads]
    # 0.5: already there, 1: written in this step; a query head reads the row of its group
    row = [1.0 if t == tokens - 1 or (not step and t < PROMPT) else 0.5 if t < tokens else 0.0
           for t in range(MOST)]  # fmt: skip
    rows = [row if head < kv else [0.0] * MOST for head in range(N_HEAD)]
    readers = N_HEAD // kv
    without = sum(range(PROMPT, tokens + 1))  # keys computed so far if every step starts anew
    lengths = tuple(range(PROMPT, MOST + 1))
    curves = tuple(
        Series(kind, lengths, tuple(cache_bytes(n, kind) / 2**20 for n in lengths),
               "line" if kind == heads else "dashed")
        for kind in KV_HEADS
    )  # fmt: skip
    labels = tuple(str(head + 1) for head in range(N_HEAD))
    return Frame(
        (
            (
                Heatmap("Keys and values held; the last column is new", rows, 0, 1, "token", "head",
                        ("1", str(MOST)), labels),
                Curves("Cache of all layers, MiB", curves, "tokens", "MiB", marker=tokens),
            ),
            (Bars("Keys computed so far, for each layer and head", ("with cache", "without"),
                  (tokens, without), sum(range(PROMPT, MOST + 1))),),
        ),
        f"Each token writes one column and reads all: the work of a step is small, the memory grows. Here "
        f"{readers} query head{'s' if readers > 1 else ''} read each row. How much shorter is the column of "
        "GQA and MQA, and what do its query heads have to share?",
        {
            "cache": f"{cache_bytes(tokens, heads) / 2**20:.3g} MiB", "keys with cache": tokens,
            "keys without": without, "query heads a row": readers,
        },
    )  # fmt: skip


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


# --- router -------------------------------------------------------------------------------------------

N_TOKENS, N_EXPERTS = 24, 6
ROUNDS = 60
CAPACITY = 1.25  # of an even share


def route(top_k: int, balance: float) -> tuple[NDArray, NDArray]:
    """Weight of each expert for each token, and the probabilities of all, (tokens, experts) each.

    `balance` is how far each expert's bias has moved to even out the load; the bias decides who is chosen and
    not how much he weighs (Wang et al. 2024, arXiv:2408.15664).
    """
    import numpy as np

    rng = np.random.default_rng(4)
    taste = np.array([1.6, 0.9, 0.2, 0.0, -0.3, -0.6])  # untrained routers have favourites
    logits = rng.standard_normal((N_TOKENS, N_EXPERTS)) + taste
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    bias = np.zeros(N_EXPERTS)
    for _ in range(ROUNDS):
        load = _chosen(logits + bias, top_k).sum(0)
        bias += 0.1 * np.sign(load.mean() - load)
    chosen = _chosen(logits + balance * bias, top_k)
    weights = chosen * probabilities
    return weights / weights.sum(1, keepdims=True), probabilities


def _chosen(scores: NDArray, top_k: int) -> NDArray:
    import numpy as np

    mask = np.zeros_like(scores)
    np.put_along_axis(mask, np.argsort(-scores, axis=1)[:, :top_k], 1.0, axis=1)
    return mask


def moe_router(top_k: int, balance: float) -> Frame:
    """Who computes what, and who is overrun."""
    weights, probabilities = route(top_k, balance)
    load = (weights > 0).sum(0)
    even = N_TOKENS * top_k / N_EXPERTS
    dropped = float((load - CAPACITY * even).clip(0).sum())
    loss = N_EXPERTS * float((load / load.sum() * probabilities.mean(0)).sum())
    names = tuple(f"expert {i + 1}" for i in range(N_EXPERTS))
    return Frame(
        (
            (
                Heatmap("Weight of each expert for each token", weights.T, 0, 1, "token", "expert",
                        ("1", str(N_TOKENS)), tuple(str(i + 1) for i in range(N_EXPERTS))),
                Bars("Load: choices of each expert / even share", names, load / even, N_EXPERTS / top_k),
            ),
        ),
        f"A router that is left alone has favourites. An expert takes at most {CAPACITY:g} even shares, what "
        "comes beyond is dropped. How much balance until nothing is dropped, and do tokens still get an "
        "expert that suits them?",
        {
            "dropped choices": dropped, "largest load / even share": float(load.max() / even),
            "balance loss": loss, "probability of the chosen": float(probabilities[weights > 0].mean()),
        },
    )  # fmt: skip


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
    Explorable(
        "sampling", "transformer", ("gpt", "speculative"), "Choosing the next word",
        "Which knob removes nonsense, and which one adds variety?",
        (
            Knob("temperature", "temperature", evenly(0.1, 2, 20), 1.0, "slider"),
            Knob("top_p", "top-p", (0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0), 1.0, "slider"),
        ),
        sampling,
    ),
    Explorable(
        "moe-router", "transformer", ("moe",), "Who computes what",
        "How can every expert be busy and every token be well served?",
        (
            Knob("top_k", "top-k", (1, 2, 3), 1, "slider"),
            Knob("balance", "balance", evenly(0, 1, 21), 0, "slider"),
        ),
        moe_router,
    ),
)  # fmt: skip
