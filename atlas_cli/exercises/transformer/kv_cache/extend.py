"""New tokens after those in the cache."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """A layer whose two heads of queries share one of keys, five tokens read before, and two new ones."""
    from atlas_cli.nets.attention import KVCache

    layer = _layer(draw.pick((None, 4)))
    for projection in (layer.q_proj, layer.k_proj, layer.v_proj, layer.out_proj):
        projection.weight.data = draw.normal(*projection.weight.shape) / 3
    held = 5 if layer.window is None else layer.window - 1
    cache = KVCache(draw.normal(2, 1, held, 8), draw.normal(2, 1, held, 8), 5)
    return layer, draw.normal(2, 2, 16), cache


def _layer(window: int | None) -> Any:
    from atlas_cli.nets.attention import Attention

    return Attention(16, 2, 1, window)


def counts(extend: Function) -> tuple[Any, Any]:
    """Five tokens read, two more: the cache says seven, and holds seven keys and values."""
    import torch

    from atlas_cli.nets.attention import KVCache

    held = torch.zeros(1, 1, 5, 8)
    _, cache = extend(_layer(None), torch.zeros(1, 2, 16), KVCache(held, held, 5))
    return torch.tensor([cache.length, cache.k.shape[2], cache.v.shape[2]]), torch.tensor([7, 7, 7])


EXERCISE = Exercise(
    topic="kv-cache",
    name="extend",
    title="read on, with a cache",
    task="""
        x holds L new tokens after those that the cache has seen. Return the layer's output for them, and
        the longer cache. Nothing that was read before may be projected again.

        `self.project(x, position)` gives q, k and v, turned for tokens of which the first stands at
        `position`; `self._per_query` repeats shared keys or values for each head of queries; `attend(q, k,
        v, window)` is causal attention, and `self._merge` puts heads together. With a window, a query sees
        `self.window` tokens, itself included, and older ones may be dropped from the cache. Its `length`
        counts all tokens ever read.
        """,
    equation=r"K \leftarrow [K_{\mathrm{cache}};\, x W_K] \qquad"
    r" V \leftarrow [V_{\mathrm{cache}};\, x W_V]"
    r" \qquad y = \mathrm{attend}(x W_Q, K, V)",
    hints=(
        "Only the new tokens are projected. Where does the first of them stand? The cache knows.",
        "Keys and values lie along dimension 2, (B, G, S, Dh): the new ones come after the old. Attention "
        "then has L queries and S + L keys.",
        "`q, k, v = self.project(x, cache.length)`, `torch.cat([cache.k, k], dim=2)`, likewise v, "
        "`self._merge(attend(...))`, and at the end `KVCache(k, v, cache.length + x.shape[1])`. With a "
        "window keep the last window - 1.",
    ),
    mistakes=(
        Mistake(
            "self.project(x, cache.length)",
            "self.project(x)",
            "you projected the new tokens as if they stood at position 0: their rotation must go on where "
            "the cache ends, at cache.length",
        ),
        Mistake(
            "torch.cat([cache.k, k], dim=2), torch.cat([cache.v, v], dim=2)",
            "torch.cat([k, cache.k], dim=2), torch.cat([v, cache.v], dim=2)",
            "you put the new keys before the old ones: the causal mask takes the last for the latest, and "
            "hides the wrong ones",
        ),
        Mistake(
            "cache.length + x.shape[1]",
            "x.shape[1]",
            "your cache counts the new tokens alone: the next call would give them the positions of the "
            "first",
        ),
    ),
    inputs=inputs,
    by_hand=(counts,),
    source="nets.attention",
    place=10,
)
