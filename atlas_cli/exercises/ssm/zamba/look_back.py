"""What the shared block reads."""

from __future__ import annotations

from typing import Any

from atlas_cli.exercises.draw import Draw
from atlas_cli.exercises.model import Exercise, Function, Mistake


def inputs(draw: Draw) -> tuple[Any, ...]:
    """A shared block, a stream and the embedding of the same tokens; with a cache in every second case."""
    from atlas_cli.nets.attention import KVCache

    block = _block()
    for tensor in block.parameters():
        tensor.data = draw.normal(*tensor.shape) / 3
    heads = block.attention.n_kv_head
    cache = KVCache(draw.normal(2, heads, 3, 4), draw.normal(2, heads, 3, 4), 3) if draw.number % 2 else None
    return block, draw.normal(2, 5, 8), draw.normal(2, 5, 8), cache


def _block() -> Any:
    from atlas_cli.systems.ssm.zamba import Config, SharedBlock

    return SharedBlock(
        Config.model_validate({"d_model": 8, "n_head": 2, "n_kv_head": 1, "vocab_size": 4, "context_len": 5})
    )


def read_on(forward: Function) -> tuple[Any, Any]:
    """Three tokens in the cache and five more: it holds eight."""
    import torch

    block, x, embedding, cache = inputs(Draw(1))
    return torch.tensor(forward(block, x, embedding, cache)[1].length), torch.tensor(8)


EXERCISE = Exercise(
    topic="zamba",
    name="look_back",
    title="the stream, and what the tokens were",
    task="""
        The shared block reads the stream and the embedding of the tokens side by side: norm both together
        with `self.norm`, attend, and send the result through `self.feed_forward` with `self.ff_norm` before
        it. Return what comes out, which adds to nothing here, and the cache.

        Without a cache `self.attention(both)` reads all positions; with one, `self.attention.extend(both,
        cache)` reads on and returns the longer cache too.
        """,
    equation=r"y = \mathrm{FF}(\mathrm{norm}(\mathrm{attend}(\mathrm{norm}([x;\, e]))))",
    hints=(
        "Deep in the stack the stream has forgotten what the tokens were. The block gets them once more: "
        "not added, beside.",
        "`torch.cat([x, embedding], dim=-1)` is (B, L, 2 d_model), and the norm is over all of it.",
        "`both = self.norm(torch.cat([x, embedding], dim=-1))`, attention, then "
        "`self.feed_forward(self.ff_norm(y)), cache`.",
    ),
    mistakes=(
        Mistake(
            "[x, embedding]",
            "[embedding, x]",
            "you put the embedding first: the weights expect the stream in the first half",
        ),
        Mistake(
            "self.norm(torch.cat([x, embedding], dim=-1))",
            "torch.cat([x, embedding], dim=-1)",
            "you left out the norm before the attention: the stream grows with depth, and its share of the "
            "scores with it",
        ),
        Mistake(
            "self.feed_forward(self.ff_norm(y))",
            "y + self.feed_forward(self.ff_norm(y))",
            "you added a residual within the block: it adds to nothing by itself, each use has its own way "
            "back into the stream",
        ),
    ),
    inputs=inputs,
    by_hand=(read_on,),
    place=20,
)
