"""GPT: a transformer that reads bytes and predicts, at every position, the next one.

Source:  Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training", section 3.1;
         attention: Vaswani et al. 2017, arXiv:1706.03762, eq. 1. The block is that of Llama: Touvron et al.
         2023, arXiv:2302.13971, section 2.2.
Reading: `PlainAttention` is attention as it is written, with its L x L matrix. The blocks use the same in
         nets/attention.py: faster, with heads that share keys, a window and a cache. The tests hold that
         against this. What every language model shares (loss, figures, writing) is in language/model.py.
Shapes:  B batch, L length, S tokens that can be seen, V vocabulary (256 bytes for text), H heads, Dh width of
         a head.
Differs: RMSNorm before each layer, rotary positions and SwiGLU, as in Llama, where the paper has LayerNorm
         after each layer, learned positions and GELU. Bytes in place of byte-pair tokens. No dropout: few
         bytes are read twice in a few minutes.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor, nn

from atlas_cli.config import DEEPEST, LONGEST, WIDEST
from atlas_cli.errors import UsageError
from atlas_cli.language.model import LanguageConfig, LanguageModel
from atlas_cli.nets.attention import Attention, KVCache
from atlas_cli.nets.feed_forward import SwiGLU
from atlas_cli.nets.rope import angles_between, rotate


class Config(LanguageConfig):
    """Fields of `model:`; the data gives vocab_size and context_len."""

    d_model: int = Field(128, gt=0, le=WIDEST)
    n_layer: int = Field(4, gt=0, le=DEEPEST)
    n_head: int = Field(4, gt=0, le=WIDEST)
    n_kv_head: int = Field(
        0, ge=0, le=WIDEST
    )  # heads of keys and values; 0: n_head (MHA), 1: one for all (MQA)
    d_ff: int = Field(0, ge=0, le=4 * WIDEST)  # 0: 8/3 d_model, rounded to a multiple of 32
    window: int | None = Field(
        None, gt=0, le=LONGEST
    )  # how many tokens back a query sees, itself included; None: all
    positions: Literal["rotary", "learned", "none"] = "rotary"
    position_rows: int = Field(
        1024, ge=0, le=LONGEST
    )  # of the learned table; those past context_len are never trained
    rope_base: float = Field(10_000.0, gt=1)
    # distance: each earlier token counts as far as it is away, mean: all count the same; neither has queries
    mixing: Literal["attention", "distance", "mean"] = "attention"
    embed_std: float = Field(0.02, gt=0)

    @model_validator(mode="after")
    def _heads_divide(self) -> Config:
        if self.d_model % (2 * self.n_head):
            raise ValueError(f"d_model = {self.d_model} is no even multiple of n_head = {self.n_head}")
        if self.n_kv_head and self.n_head % self.n_kv_head:
            raise ValueError(f"n_head = {self.n_head} is no multiple of n_kv_head = {self.n_kv_head}")
        return self

    @model_validator(mode="after")
    def _text_has_positions(self) -> Config:
        if self.positions == "learned" and self.length > self.n_positions:
            raise ValueError(
                f"length = {self.length} is beyond the {self.n_positions} learned positions: "
                "write less, or set more position_rows"
            )
        return self

    @property
    def d_hidden(self) -> int:
        """Width inside the feed-forward network: as many weights as the paper's 4 d_model without a gate."""
        return self.d_ff or max(32, round(self.d_model * 8 / 3 / 32) * 32)

    @property
    def n_positions(self) -> int:
        """Rows of the table of learned positions."""
        return max(self.position_rows, self.context_len)


def written_out(
    q: Float[Tensor, "B H L Dh"],
    k: Float[Tensor, "B H S Dh"],
    v: Float[Tensor, "B H S Dh"],
    window: int | None = None,
) -> Float[Tensor, "B H L Dh"]:
    """Eq. 1 with its L x S matrix, causal: the last query stands at the last key, and none looks ahead."""
    n_queries, n_keys = q.shape[2], k.shape[2]
    # exercise: attention
    scores = q @ k.mT / q.shape[-1] ** 0.5  # (B, H, L, S): how well each query and key agree
    at = torch.arange(n_keys - n_queries, n_keys, device=q.device)[:, None]  # (L, 1)
    key = torch.arange(n_keys, device=q.device)  # (S,)
    hidden = key > at if window is None else (key > at) | (key <= at - window)  # (L, S)
    weights = scores.masked_fill(hidden, float("-inf")).softmax(dim=-1)  # rows sum to 1, later keys get 0
    return weights @ v  # (B, H, L, Dh): the values, each as much as its key was agreed with
    # end


class PlainAttention(nn.Module):
    """Every token asks (q), those up to it answer (v) as far as they are what is asked for (k)."""

    def __init__(self, d_model: int, n_head: int) -> None:
        super().__init__()
        self.n_head = n_head
        self.q_proj = nn.Linear(d_model, d_model, bias=False)
        self.k_proj = nn.Linear(d_model, d_model, bias=False)
        self.v_proj = nn.Linear(d_model, d_model, bias=False)
        self.out_proj = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x: Float[Tensor, "B L d_model"]) -> Float[Tensor, "B L d_model"]:
        """Every position at once."""
        B, L, d_model = x.shape
        H, Dh = self.n_head, d_model // self.n_head
        # exercise: heads
        q = self.q_proj(x).view(B, L, H, Dh).transpose(1, 2)  # (B, H, L, Dh)
        k = self.k_proj(x).view(B, L, H, Dh).transpose(1, 2)  # (B, H, L, Dh)
        v = self.v_proj(x).view(B, L, H, Dh).transpose(1, 2)  # (B, H, L, Dh)
        # end
        cos, sin = angles_between(0, L, Dh, device=x.device)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)  # so that q k tells how far apart they stand
        y = written_out(q, k, v)  # (B, H, L, Dh)
        return self.out_proj(y.transpose(1, 2).reshape(B, L, d_model))  # the heads side by side again


class Values(NamedTuple):
    """What mixing by distance keeps of the tokens that it has read."""

    values: Float[Tensor, "B S d_model"]

    @property
    def length(self) -> int:
        """Tokens read so far."""
        return self.values.shape[1]


class ByDistance(nn.Module):
    """The ablation: attention without its choice.

    Each head has learned how much a token counts that stands so far back, whatever either of the two says;
    positions, values and heads are as they were.

    Args:
        d_model: Width of a token.
        n_head: Heads, each with weights of its own.
        reach: Distances that have a weight of their own; those beyond share the last.
    """

    def __init__(self, d_model: int, n_head: int, reach: int) -> None:
        super().__init__()
        self.n_head, self.reach = n_head, reach
        self.v_proj = nn.Linear(d_model, d_model, bias=False)
        self.out_proj = nn.Linear(d_model, d_model, bias=False)
        # In one row, as biases are: they are no matrix, and Muon leaves them to AdamW.
        self.log_weight = nn.Parameter(torch.zeros(n_head * reach))

    def forward(self, x: Float[Tensor, "B L d_model"]) -> Float[Tensor, "B L d_model"]:
        """Every position at once."""
        return self.extend(x, self.first_state(len(x)))[0]

    def extend(
        self, x: Float[Tensor, "B L d_model"], state: Values
    ) -> tuple[Float[Tensor, "B L d_model"], Values]:
        """L more positions, and the values of all so far."""
        state = Values(torch.cat([state.values, self.v_proj(x)], dim=1))
        v = state.values.unflatten(-1, (self.n_head, -1)).transpose(1, 2)  # (B, H, S, Dh)
        y = self.weights(x.shape[1], state.length).to(v.dtype) @ v  # (B, H, L, Dh)
        return self.out_proj(y.transpose(1, 2).flatten(2)), state

    def weights(self, n_queries: int, n_keys: int) -> Float[Tensor, "H L S"]:
        """How much each of the last tokens takes of each: rows sum to one."""
        at = torch.arange(n_keys - n_queries, n_keys, device=self.log_weight.device)[:, None]  # (L, 1)
        distance = at - torch.arange(n_keys, device=at.device)  # (L, S); below 0: in the future
        known = distance.clamp(0, self.reach - 1)
        scores = self.log_weight.view(self.n_head, self.reach)[:, known]  # (H, L, S)
        return scores.masked_fill(distance < 0, float("-inf")).softmax(dim=-1)

    def first_state(self, batch_size: int) -> Values:
        """Nothing read yet."""
        return Values(self.v_proj.weight.new_zeros(batch_size, 0, self.v_proj.out_features))


class MeanState(NamedTuple):
    """What a causal mean keeps of the tokens that it has read: no more for a thousand than for one."""

    total: Float[Tensor, "B d_model"]
    length: int = 0


class CausalMean(nn.Module):
    """The values of all tokens so far, averaged: no choice and no order; `positions: learned` adds order."""

    def __init__(self, d_model: int) -> None:
        super().__init__()
        self.v_proj = nn.Linear(d_model, d_model, bias=False)
        self.out_proj = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x: Float[Tensor, "B L d_model"]) -> Float[Tensor, "B L d_model"]:
        """Every position at once."""
        return self.extend(x, self.first_state(len(x)))[0]

    def extend(
        self, x: Float[Tensor, "B L d_model"], state: MeanState
    ) -> tuple[Float[Tensor, "B L d_model"], MeanState]:
        """L more positions, and the sum over all so far."""
        total = state.total[:, None] + self.v_proj(x).float().cumsum(dim=1)  # (B, L, d_model)
        length = state.length + x.shape[1]
        count = torch.arange(state.length + 1, length + 1, device=x.device)
        return self.out_proj(total / count[:, None]), MeanState(total[:, -1], length)

    def first_state(self, batch_size: int) -> MeanState:
        """Nothing read yet."""
        return MeanState(self.v_proj.weight.new_zeros(batch_size, self.v_proj.out_features))


LayerState = KVCache | Values | MeanState


class Block(nn.Module):
    """Tokens exchange what they know, then each thinks for itself; both are added to what was there.

    Args:
        config: The model's.
        feed_forward: What takes the place of the SwiGLU network.
    """

    def __init__(self, config: Config, feed_forward: nn.Module | None = None) -> None:
        super().__init__()
        c = config
        self.mixing_norm = nn.RMSNorm(c.d_model, eps=1e-5)
        self.mixing: Attention | ByDistance | CausalMean
        if c.mixing == "attention":
            self.mixing = Attention(
                c.d_model, c.n_head, c.n_kv_head or None, c.window, c.positions == "rotary", c.rope_base
            )
        elif c.mixing == "distance":
            self.mixing = ByDistance(c.d_model, c.n_head, c.context_len)
        else:
            self.mixing = CausalMean(c.d_model)
        self.feed_forward_norm = nn.RMSNorm(c.d_model, eps=1e-5)
        self.feed_forward = feed_forward or SwiGLU(c.d_model, c.d_hidden)

    def forward(self, x: Float[Tensor, "B L d_model"]) -> Float[Tensor, "B L d_model"]:
        """Every position at once."""
        x = x + self.mixing(self.mixing_norm(x))
        return x + self.feed_forward(self.feed_forward_norm(x))

    def extend(
        self, x: Float[Tensor, "B L d_model"], state: Any
    ) -> tuple[Float[Tensor, "B L d_model"], LayerState]:
        """L more positions, given what the layer kept of those before."""
        y, state = self.mixing.extend(self.mixing_norm(x), state)
        x = x + y
        return x + self.feed_forward(self.feed_forward_norm(x)), state


class GPT(LanguageModel):
    """A decoder-only transformer, for text and for the tasks of sequences."""

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.embed = nn.Embedding(config.vocab_size, config.d_model)
        nn.init.normal_(self.embed.weight, std=config.embed_std)
        if config.positions == "learned":
            self.position = nn.Embedding(config.n_positions, config.d_model)
            nn.init.normal_(self.position.weight, std=config.embed_std)
        self.blocks = nn.ModuleList(self.make_block() for _ in range(config.n_layer))
        self.final_norm = nn.RMSNorm(config.d_model, eps=1e-5)
        self.head = nn.Linear(config.d_model, config.vocab_size, bias=False)
        if config.tie_embeddings:
            self.head.weight = self.embed.weight

    @property
    def longest_text(self) -> int | None:
        """As many tokens as there are learned positions; None: rotary ones have no last."""
        return self.config.n_positions if self.config.positions == "learned" else None

    def make_block(self) -> Block:
        """One layer, before any is trained."""
        return Block(self.config)

    def forward(self, tokens: Int[Tensor, "B L"]) -> Float[Tensor, "B L V"]:
        """Logits at every position, all positions at once."""
        return self.read_vectors(self.embed_at(tokens, 0))

    def read_vectors(self, x: Float[Tensor, "B L d_model"]) -> Float[Tensor, "B L V"]:
        """The same from vectors, of tokens or of anything else that stands before them."""
        for block in self.blocks:
            x = block(x)
        return self.head(self.final_norm(x))

    def extend(
        self, tokens: Int[Tensor, "B L"], state: list[LayerState]
    ) -> tuple[Float[Tensor, "B L V"], list[LayerState]]:
        """Logits after each of L more tokens, and the longer cache: nothing read before is read again."""
        x = self.embed_at(tokens, state[0].length)
        new_state = []
        for block, layer_state in zip(self.blocks, state, strict=True):
            x, layer_state = block.extend(x, layer_state)  # type: ignore[operator]
            new_state.append(layer_state)
        return self.head(self.final_norm(x)), new_state

    def first_state(self, batch_size: int) -> list[LayerState]:
        """The state before the first token."""
        return [block.mixing.first_state(batch_size) for block in self.blocks]  # type: ignore[operator,union-attr]

    def embed_at(self, tokens: Int[Tensor, "B L"], position: int) -> Float[Tensor, "B L d_model"]:
        """A vector for each token, the first of which stands at `position`.

        Raises:
            UsageError: the learned positions end before the tokens do.
        """
        x = self.embed(tokens)
        if self.config.positions != "learned":
            return x
        end = position + tokens.shape[1]
        if end > self.config.n_positions:
            raise UsageError(
                f"position {end} is beyond the {self.config.n_positions} learned ones",
                "write less, with --set length=..., or train with positions: rotary, which have no last one",
            )
        return x + self.position.weight[position:end]
