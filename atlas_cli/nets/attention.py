"""Causal self-attention, fast: fused or in strips, with shared heads, a window and a cache.

The same written out, to be read first, is `PlainAttention` in systems/transformer/gpt.py.

Source:  Vaswani et al. 2017, arXiv:1706.03762, eq. 1 and section 3.2.2. Heads that share keys and values:
         Shazeer 2019, arXiv:1911.02150 (one for all, MQA); Ainslie et al. 2023, arXiv:2305.13245 (one for a
         group, GQA). A window: Beltagy et al. 2020, arXiv:2004.05150, section 3.1.
Shapes:  B batch, L tokens, S tokens that can be seen (L and those before), H heads, G heads of keys and
         values (H of them: MHA, one: MQA), Dh width of a head.
Differs: no biases and rotary positions, as in Llama (arXiv:2302.13971).
"""

from __future__ import annotations

from functools import lru_cache, partial
from itertools import accumulate, pairwise
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from atlas_cli.nets.kernels import fastest
from atlas_cli.nets.rope import angles_between, rotate

LONGEST_IN_STRIPS = 512  # tokens; beyond, holding their scores costs more memory than it saves time
STRIP = 64  # queries


class KVCache(NamedTuple):
    """What a layer keeps of the tokens that it has read.

    Attributes:
        k: Keys, already turned by their positions.
        v: Values.
        length: Tokens read so far; more than are held where a window forgets them.
    """

    k: Float[Tensor, "B G S Dh"]
    v: Float[Tensor, "B G S Dh"]
    length: int = 0

    @property
    def n_bytes(self) -> int:
        """Bytes held."""
        return sum(t.numel() * t.element_size() for t in (self.k, self.v))


@lru_cache(maxsize=LONGEST_IN_STRIPS // STRIP)  # every layer asks for the same ones
def causal_mask(
    n_queries: int, n_keys: int, window: int | None = None, device: torch.device | str | None = None
) -> Bool[Tensor, "L S"]:
    """True where a query may look; the last query stands at the last key. Not to be written to."""
    with torch.inference_mode(False):  # a mask made while sampling may serve training later
        query = torch.arange(n_keys - n_queries, n_keys, device=device)[:, None]
        key = torch.arange(n_keys, device=device)
        seen = key <= query
        return seen if window is None else seen & (key > query - window)


def attention_weights(
    q: Float[Tensor, "B H L Dh"], k: Float[Tensor, "B H S Dh"], mask: Bool[Tensor, "L S"]
) -> Float[Tensor, "B H L S"]:
    """How much each query takes of each key: rows sum to one."""
    scores = q @ k.mT / q.shape[-1] ** 0.5  # (B, H, L, S)
    return scores.masked_fill(~mask, float("-inf")).softmax(dim=-1)


def fused(
    q: Float[Tensor, "B H L Dh"],
    k: Float[Tensor, "B H S Dh"],
    v: Float[Tensor, "B H S Dh"],
    window: int | None = None,
) -> Float[Tensor, "B H L Dh"]:
    """softmax(q k' / sqrt(Dh)) v without holding the L x S scores: torch's kernel works through tiles."""
    n_queries, n_keys = q.shape[2], k.shape[2]
    if window is not None and window < n_keys:
        return F.scaled_dot_product_attention(q, k, v, causal_mask(n_queries, n_keys, window, q.device))
    if n_queries == 1:  # the last token sees everything
        return F.scaled_dot_product_attention(q, k, v)
    if n_queries == n_keys:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return F.scaled_dot_product_attention(q, k, v, causal_mask(n_queries, n_keys, device=q.device))


def batched(
    q: Float[Tensor, "B H L Dh"],
    k: Float[Tensor, "B H S Dh"],
    v: Float[Tensor, "B H S Dh"],
    window: int | None = None,
) -> Float[Tensor, "B H L Dh"]:
    """The same as two batched products, with the mask added by the first of them."""
    heads, (n_queries, n_keys) = q.shape[:2], (q.shape[2], k.shape[2])
    hidden = ~causal_mask(n_queries, n_keys, window, q.device)
    bias = torch.zeros(n_queries, n_keys, dtype=q.dtype, device=q.device).masked_fill_(hidden, float("-inf"))
    q, k, v = q.flatten(0, 1), k.flatten(0, 1), v.flatten(0, 1)  # (BH, L or S, Dh)
    scores = torch.baddbmm(bias, q, k.mT, alpha=q.shape[-1] ** -0.5)  # (BH, L, S)
    return (scores.softmax(dim=-1) @ v).unflatten(0, heads)


def strips(
    q: Float[Tensor, "B H L Dh"],
    k: Float[Tensor, "B H S Dh"],
    v: Float[Tensor, "B H S Dh"],
    window: int | None = None,
) -> Float[Tensor, "B H L Dh"]:
    """The same for one strip of queries after another, each against the keys that its last query may see.

    Half of all scores lie in the future, and strips leave most of those out: of 256 tokens, 62% are computed.
    Forward and backward, at 256 tokens and on a CPU, it takes four fifths of the fused kernel's time in fp32
    and two fifths in bf16 where there are units for it; where there are none, bf16 is slower so
    (tests/benchmarks/test_gpt_speed.py).
    """
    earlier = k.shape[2] - q.shape[2]  # keys before the first query
    queries = q.split(STRIP, dim=2)
    ends = [earlier + n for n in accumulate(strip.shape[2] for strip in queries)]
    sizes = [end - start for start, end in pairwise([0, *ends])]
    keys, values = k.split(sizes, dim=2), v.split(sizes, dim=2)
    # Pieces are joined anew for each strip: the gradient of a slice would be a whole tensor, mostly zeros.
    out = [
        batched(strip, torch.cat(keys[:n], dim=2), torch.cat(values[:n], dim=2), window)
        for n, strip in enumerate(queries, start=1)
    ]
    return torch.cat(out, dim=2)


def attend(
    q: Float[Tensor, "B H L Dh"],
    k: Float[Tensor, "B H S Dh"],
    v: Float[Tensor, "B H S Dh"],
    window: int | None = None,
) -> Float[Tensor, "B H L Dh"]:
    """Whichever of the two is faster here, as a short trial shows (see nets/kernels.py)."""
    if q.shape[2] == 1 or k.shape[2] > LONGEST_IN_STRIPS or q.device.type != "cpu":
        return fused(q, k, v, window)
    kernels = {kernel.__name__: partial(kernel, window=window) for kernel in (fused, strips)}
    return fastest(f"causal attention, window {window}", kernels, q, k, v)(q, k, v)


class Attention(nn.Module):
    """Causal self-attention with rotary positions.

    Args:
        d_model: Width of a token.
        n_head: Heads of queries.
        n_kv_head: Heads of keys and values; n_head: MHA, 1: MQA, between: GQA. None: n_head.
        window: How many tokens back a query sees, itself included; None: all.
        rotary: Turn q and k by their positions; False: attention itself knows no order.
        base: Base of the frequencies.
        interpolation: Positions are divided by this (position interpolation).
        ntk: Frequencies are stretched by this (see nets/rope.py).
        d_in: Width of the input where it is not d_model (Zamba's concatenation).
    """

    def __init__(
        self, d_model: int, n_head: int, n_kv_head: int | None = None, window: int | None = None,
        rotary: bool = True, base: float = 10_000.0, interpolation: float = 1.0, ntk: float = 1.0,
        d_in: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.n_head, self.n_kv_head, self.window = n_head, n_kv_head or n_head, window
        self.rotary, self.base = rotary, base
        self.interpolation, self.ntk = interpolation, ntk  # may be changed after training
        self.d_head = d_model // n_head
        d_in = d_in or d_model
        self.q_proj = nn.Linear(d_in, n_head * self.d_head, bias=False)
        self.k_proj = nn.Linear(d_in, self.n_kv_head * self.d_head, bias=False)
        self.v_proj = nn.Linear(d_in, self.n_kv_head * self.d_head, bias=False)
        self.out_proj = nn.Linear(n_head * self.d_head, d_model, bias=False)

    def forward(self, x: Float[Tensor, "B L d_in"]) -> Float[Tensor, "B L d_model"]:
        """Every position at once."""
        q, k, v = self.project(x)
        return self._merge(attend(q, self._per_query(k), self._per_query(v), self.window))

    def extend(
        self, x: Float[Tensor, "B L d_in"], cache: KVCache
    ) -> tuple[Float[Tensor, "B L d_model"], KVCache]:
        """L more positions after those in the cache, and the longer cache."""
        # exercise: extend
        q, k, v = self.project(x, cache.length)
        k, v = torch.cat([cache.k, k], dim=2), torch.cat([cache.v, v], dim=2)
        y = self._merge(attend(q, self._per_query(k), self._per_query(v), self.window))
        if self.window is not None:  # the next query sees window - 1 of these and itself
            forgotten = max(0, k.shape[2] - self.window + 1)
            k, v = k[:, :, forgotten:], v[:, :, forgotten:]
        return y, KVCache(k, v, cache.length + x.shape[1])
        # end

    def first_state(self, batch_size: int) -> KVCache:
        """Nothing read yet."""
        empty = self.out_proj.weight.new_zeros(batch_size, self.n_kv_head, 0, self.d_head)
        return KVCache(empty, empty)

    def weights(self, x: Float[Tensor, "B L d_in"]) -> Float[Tensor, "B H L L"]:
        """Who looks at whom, for diagrams."""
        q, k, _ = self.project(x)
        mask = causal_mask(x.shape[1], x.shape[1], self.window, x.device)
        return attention_weights(q, self._per_query(k), mask)

    def project(
        self, x: Float[Tensor, "B L d_in"], position: int = 0
    ) -> tuple[Float[Tensor, "B H L Dh"], Float[Tensor, "B G L Dh"], Float[Tensor, "B G L Dh"]]:
        """Queries, keys and values; the first token stands at `position`."""
        q, k, v = (self._split(p(x)) for p in (self.q_proj, self.k_proj, self.v_proj))
        if self.rotary:
            end, scaling = position + x.shape[1], (self.base, self.interpolation, self.ntk)
            cos, sin = angles_between(position, end, self.d_head, *scaling, device=x.device)
            q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        return q, k, v

    def _split(self, x: Float[Tensor, "B L HDh"]) -> Float[Tensor, "B H L Dh"]:
        return x.unflatten(-1, (-1, self.d_head)).transpose(1, 2)

    def _merge(self, y: Float[Tensor, "B H L Dh"]) -> Float[Tensor, "B L d_model"]:
        return self.out_proj(y.transpose(1, 2).flatten(2))

    def _per_query(self, shared: Float[Tensor, "B G S Dh"]) -> Float[Tensor, "B H S Dh"]:
        """Keys or values, once for every head of queries that reads them."""
        return shared.repeat_interleave(self.n_head // self.n_kv_head, dim=1) if self._is_shared else shared

    @property
    def _is_shared(self) -> bool:
        return self.n_kv_head != self.n_head
