"""GPT: a transformer that reads bytes and predicts, at every position, the next one.

Source:  Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training", section 3.1. The
         block is that of Llama: Touvron et al. 2023, arXiv:2302.13971, section 2.2. Attention is in
         nets/attention.py, rotary positions in nets/rope.py, Muon in engine/optimizers.py.
Shapes:  B batch, L length, V vocabulary (256 bytes for text).
Differs: RMSNorm before each layer, rotary positions and SwiGLU, as in Llama, where the paper has LayerNorm
         after each layer, learned positions and GELU. Bytes in place of byte-pair tokens. No dropout: few
         bytes are read twice in a few minutes.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor, nn

from atlas_cli.engine.optimizers import muon_and_adamw
from atlas_cli.engine.system import Metrics, Optimizers, SampleRequest, System
from atlas_cli.errors import UsageError
from atlas_cli.language import figures as language
from atlas_cli.language import writing
from atlas_cli.language.decoding import DecodingConfig
from atlas_cli.nets.attention import Attention, KVCache
from atlas_cli.nets.feed_forward import SwiGLU
from atlas_cli.present.artifacts.base import Artifact


class Config(DecodingConfig):
    """Fields of `model:`; the data gives vocab_size and context_len."""

    data_kinds: ClassVar[tuple[str, ...]] = ("text", "sequences")
    vocab_size: int = Field(gt=0)
    context_len: int = Field(gt=0)
    d_model: int = Field(128, gt=0)
    n_layer: int = Field(4, gt=0)
    n_head: int = Field(4, gt=0)
    n_kv_head: int = Field(0, ge=0)  # heads of keys and values; 0: n_head (MHA), 1: one for all (MQA)
    d_ff: int = Field(0, ge=0)  # 0: 8/3 d_model, rounded to a multiple of 32
    window: int | None = Field(None, gt=0)  # how many tokens back a query sees, itself included; None: all
    positions: Literal["rotary", "learned", "none"] = "rotary"
    position_rows: int = Field(1024, ge=0)  # of the learned table; those past context_len are never trained
    rope_base: float = Field(10_000.0, gt=1)
    mixing: Literal["attention", "mean"] = "attention"  # mean: every earlier token counts the same
    tie_embeddings: bool = False
    embed_std: float = Field(0.02, gt=0)
    optimizer: Literal["adamw", "muon"] = "adamw"  # muon: for the matrices of the blocks; the rest by adamw

    @model_validator(mode="after")
    def _heads_divide(self) -> Config:
        if self.d_model % (2 * self.n_head):
            raise ValueError(f"d_model = {self.d_model} is no even multiple of n_head = {self.n_head}")
        if self.n_kv_head and self.n_head % self.n_kv_head:
            raise ValueError(f"n_head = {self.n_head} is no multiple of n_kv_head = {self.n_kv_head}")
        return self

    @property
    def d_hidden(self) -> int:
        """Width inside the feed-forward network: as many weights as the paper's 4 d_model without a gate."""
        return self.d_ff or max(32, round(self.d_model * 8 / 3 / 32) * 32)

    @property
    def n_positions(self) -> int:
        """Rows of the table of learned positions."""
        return max(self.position_rows, self.context_len)


class MeanState(NamedTuple):
    """What a causal mean keeps of the tokens that it has read: no more for a thousand than for one."""

    total: Float[Tensor, "B d_model"]
    length: int = 0


class CausalMean(nn.Module):
    """The ablation: the values of all tokens so far, averaged, where attention would choose among them."""

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


LayerState = KVCache | MeanState


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
        self.mixing: Attention | CausalMean = CausalMean(c.d_model)
        if c.mixing == "attention":
            self.mixing = Attention(
                c.d_model, c.n_head, c.n_kv_head or None, c.window, c.positions == "rotary", c.rope_base
            )
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


class GPT(System):
    """A decoder-only transformer, for text and for the tasks of sequences."""

    unit: ClassVar[str] = "tokens"
    steers: ClassVar[frozenset[str]] = frozenset({"prompt"})
    sample_count: ClassVar[int] = 2
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

    def make_block(self) -> Block:
        """One layer, before any is trained."""
        return Block(self.config)

    def forward(self, tokens: Int[Tensor, "B L"]) -> Float[Tensor, "B L V"]:
        """Logits at every position, all positions at once."""
        x = self.embed_at(tokens, 0)
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

    def optimizers(self) -> Optimizers:
        """One AdamW; or Muon for the matrices of the blocks, which turns all their directions alike."""
        return super().optimizers() if self.config.optimizer == "adamw" else muon_and_adamw(self, self.blocks)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Tokens and targets, (B, L) each."""
        return self.setting.data.batch(self.setting.random(step))

    def loss(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Metrics]:
        """Cross-entropy of the next byte, or wherever a task asks for an answer."""
        tokens, targets = batch
        return language.answer_loss(self(tokens), targets)

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """Bits per byte of held-out text and how far below the n-grams that is, or accuracy on a task."""
        return language.figures(self)

    @property
    def writes(self) -> bool:
        """See System."""
        return writing.writes_text(self)

    def sample(self, request: SampleRequest) -> Artifact:
        """Text, one byte after another, or sequences of the task with the answers."""
        with torch.autocast(self.setting.device.type, enabled=False):  # for one token, a cast costs more than
            return writing.sample(self, request)  # multiplying in bf16 gains

    def items_per_step(self) -> int:
        return self.setting.train.batch_size * self.config.context_len
