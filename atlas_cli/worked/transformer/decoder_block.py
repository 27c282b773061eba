"""One layer of gpt/small on a few bytes of Python: vectors as strips, one head's scores and weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from atlas_cli.worked.example import Example, Raw, Telling, amount, quoted, signed

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.systems.transformer.gpt import GPT

TEXT = "return result"
LAYER, HEAD = 3, 2  # counted from 1
CHANNELS = 8  # of a vector that are shown


class Layer(NamedTuple):
    """What one layer computes on one text; L tokens, H heads."""

    x: Tensor  # (L, D)
    read: Tensor  # (L, D)
    q: Tensor  # (H, L, Dh)
    k: Tensor
    v: Tensor
    turned_q: Tensor
    turned_k: Tensor
    scores: Tensor  # (H, L, L)
    weights: Tensor  # (H, L, L)
    mixed: Tensor  # (H, L, Dh)
    joined: Tensor  # (L, D)
    read_again: Tensor  # (L, D)
    thought: Tensor  # (L, D)
    end: Tensor  # (L, D)


def tell(gpt: GPT) -> Telling:
    """Every box of the layer."""
    seen = layer_of(gpt, TEXT, LAYER)
    text = quoted(TEXT)
    most = float(max(part[:, :CHANNELS].abs().max() for part in (seen.x, seen.joined, seen.end)))

    def stream(vectors: Tensor) -> Raw:
        """On one scale for all three, so that what is added is seen."""
        return signed(vectors[:, :CHANNELS].T, over=text, most=most)

    def strips(vectors: Tensor, label: str = "") -> Raw:
        return signed(vectors[..., :CHANNELS].T, label, text)

    h = HEAD - 1
    told = Telling(f"layer {LAYER}, on “{TEXT}”; a column is a byte, {CHANNELS} numbers of each")
    told.show("x", 1, stream(seen.x))
    told.show("norm", 2, strips(seen.read))
    told.show("project", 3, strips(seen.q[h], "q"), strips(seen.k[h], "k"), strips(seen.v[h], "v"))
    told.show("rotate", 4, strips(seen.turned_q[h], "q, turned"), strips(seen.turned_k[h], "k, turned"))
    told.show("weights", 5, signed(seen.scores[h], "scores", text), _masked(seen.scores[h], text),
              amount(seen.weights[h], "softmax", text))  # fmt: skip
    told.show("mix", 6, strips(seen.mixed[h]))
    told.show("out", 7, strips(seen.joined - seen.x))
    told.show("add", 7, stream(seen.joined))
    told.show("norm2", 8, strips(seen.read_again))
    told.show("ff", 8, strips(seen.thought))
    told.show("add2", 8, stream(seen.end))
    _say(told, seen, h)
    return told


def layer_of(gpt: GPT, text: str, number: int) -> Layer:
    """A layer step by step, as `PlainAttention`, `written_out` and `Block` compute it."""
    import torch

    from atlas_cli.nets.attention import causal_mask
    from atlas_cli.nets.rope import angles_between, rotate

    x = gpt.embed_at(gpt.setting.data.encode(text)[None], 0)
    *earlier, block = list[Any](gpt.blocks)[:number]
    for layer in earlier:
        x = layer(x)
    mixing, length = block.mixing, x.shape[1]
    read = block.mixing_norm(x)
    q, k, v = (
        p(read).unflatten(-1, (-1, mixing.d_head)).transpose(1, 2)
        for p in (mixing.q_proj, mixing.k_proj, mixing.v_proj)
    )
    turn = angles_between(0, length, mixing.d_head, mixing.base)
    turned_q, turned_k = rotate(q, *turn), rotate(k, *turn)
    scores = turned_q @ turned_k.mT / mixing.d_head**0.5
    weights = scores.masked_fill(~causal_mask(length, length), float("-inf")).softmax(-1)
    mixed = weights @ v
    joined = x + mixing.out_proj(mixed.transpose(1, 2).flatten(2))
    read_again = block.feed_forward_norm(joined)
    thought = block.feed_forward(read_again)
    end = joined + thought
    torch.testing.assert_close(end, block(x), rtol=1e-3, atol=1e-3)  # it is what the layer computes
    parts = (x, read, q, k, v, turned_q, turned_k, scores, weights, mixed, joined, read_again, thought, end)
    return Layer(*(part[0] for part in parts))


def _masked(scores: Tensor, text: str) -> Raw:
    """The scores that are left; what the mask strikes out is as good as nought."""
    return signed(scores.tril(), "mask", text, most=float(scores.abs().max()))


def _say(told: Telling, seen: Layer, h: int) -> None:
    """What to see, with its figures."""
    weights = seen.weights[h]
    last, most = len(weights) - 1, weights.argmax(-1).tolist()
    begins = [TEXT.rfind(" ", 0, i + 1) + (TEXT[: i + 1].count(" ") == 0) for i in range(len(TEXT))]
    right = sum(at == begin for at, begin in zip(most, begins, strict=True))
    told.seen[3] = f"Head {HEAD} of {len(seen.q)}."
    told.seen[5] = (
        f"A row asks, a column is asked. In this head {right} of {len(most)} bytes ask most where their word "
        f"began, which makes two walls: the last {TEXT[last]} gives {float(weights[last, most[last]]):.0%} "
        f"of its weight to the blank, {last - most[last]} before it."
    )
    change = float((seen.joined - seen.x).norm(dim=-1).mean() / seen.x.norm(dim=-1).mean())
    told.seen[7] = f"What is added is {change:.0%} as long as the vector that it is added to, on average."


EXAMPLE = Example("gpt/small", tell)
