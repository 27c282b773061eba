"""What is kept to write the next token: the cache of keys and values."""

from __future__ import annotations

from atlas_cli.diagrams.frames import Bars, Curves, Drag, Explorable, Frame, Heatmap, Knob, Series, Tokens

N_HEAD, HEAD_DIM, N_LAYER, BYTES = 8, 128, 32, 2
KV_HEADS = {"MHA": 8, "GQA": 2, "MQA": 1}
TEXT = (
    "The cat sat on the mat and looked at the rain that fell on the roof of the old house until the sun came "
    "back to it ."
)
WORDS = tuple(TEXT.split())
PROMPT, MOST = 8, len(WORDS)  # tokens
NEW, KEPT, SHARED = 1.0, 0.6, 0.2  # kinds of cells


def cache_bytes(tokens: int, kind: str) -> int:
    """Keys and values of all layers."""
    return 2 * N_LAYER * KV_HEADS[kind] * HEAD_DIM * BYTES * tokens


def held(tokens: int, kv_heads: int, n_new: int) -> list[list[float]]:
    """What each query head reads, (N_HEAD, MOST): NEW, KEPT, or SHARED, which is another head's row."""
    own = [NEW if t >= tokens - n_new else KEPT for t in range(tokens)]
    empty = [0.0] * (MOST - tokens)
    group = N_HEAD // kv_heads
    return [([SHARED] * tokens if head % group else own) + empty for head in range(N_HEAD)]


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
    n_new = 1 if step else PROMPT
    rows = held(tokens, kv, n_new)
    kinds = (("new", NEW), ("kept", KEPT), ("shared: read from another head's row", SHARED))
    held_at = Drag("step", values=tuple(range(len(lengths))), at=lengths)
    return Frame(
        (
            (Tokens("The text so far, a word a token", _told(tokens, n_new)),),
            (
                Heatmap("What each query head reads", rows, 0, 1, "token", "query head",
                        ("1", str(MOST)), labels, names=kinds),
                Curves("Cache of all layers, MiB", curves, "tokens", "MiB", marker=tokens, drag=held_at),
            ),
            (
                Bars("Keys computed so far", ("with cache", "without"), computed, sum(lengths)),
                Bars(f"MiB for {tokens} tokens", tuple(KV_HEADS), sizes, cache_bytes(MOST, "MHA") / 2**20),
            ),
        ),
        f"Token {tokens}, “{WORDS[tokens - 1]}”, writes one new column and reads all {tokens}: the work of a "
        f"step is small, the memory grows. With {heads} {_readers(group)}. Without a cache this step would "
        f"compute all {tokens} keys again.",
        {
            "cache": f"{cache_bytes(tokens, heads) / 2**20:.3g} MiB",
            "a token": f"{cache_bytes(1, heads) / 2**10:.4g} KiB", "keys with cache": computed[0],
            "keys without": computed[1], "query heads a row": group,
        },
    )  # fmt: skip


def _told(tokens: int, n_new: int) -> tuple[tuple[str, float, str], ...]:
    return tuple(
        (word, NEW if t >= tokens - n_new else 1 - KEPT, "new" if t >= tokens - n_new else "kept")
        for t, word in enumerate(WORDS[:tokens])
    )


def _readers(group: int) -> str:
    if group == 1:
        return "every query head keeps keys and values of its own"
    return f"{group} query heads share one row of keys and values"


EXPLORABLE = Explorable(
    "kv-cache", "transformer", ("kv-cache", "gpt"), "What is kept to write the next token",
    "The cache saves work and costs memory: which of the two do shared rows make less?",
    (
        Knob("step", "step", tuple(range(MOST - PROMPT + 1)), 8, "play"),
        Knob("heads", "heads", tuple(KV_HEADS), "MHA", "choice"),
    ),
    kv_cache,
    place=20,
)  # fmt: skip
