"""Jamba: mostly Mamba layers, a few that attend, and experts between them.

Source:  Lieber et al. 2024, arXiv:2403.19887. Here: section 2 and figure 1 (the layers), section 6 (one
         attention layer in how many, norms inside Mamba, no positions). The task: Arora et al. 2023,
         arXiv:2312.04927. Mamba's block is that of mamba.py, the experts are those of nets/moe.py.
Names:   A layer is a mixer of positions, which attends or scans, and a network for each position.
Shapes:  B batch, L length, D inner channels of Mamba (expand * d_model), N states a channel.
Differs: the gates of a token's experts sum to 1, as in Mixtral; in the released model they are the router's
         softmax as it is. A starts near 0, as in mamba.py. The released models share a head of keys between
         four of queries; here each head has its own, `n_kv_head: 1` shares it.
"""

from __future__ import annotations

from typing import ClassVar, cast

import torch
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from atlas_cli.config import DEEPEST, LONGEST, WIDEST, SystemConfig, sampling
from atlas_cli.engine.system import Metrics
from atlas_cli.language.figures import answer_loss
from atlas_cli.language.model import LanguageConfig, LanguageModel
from atlas_cli.nets.attention import Attention, KVCache
from atlas_cli.nets.feed_forward import SwiGLU
from atlas_cli.nets.moe import MoE, Routing
from atlas_cli.systems.ssm.mamba import Config as MambaConfig
from atlas_cli.systems.ssm.mamba import LayerState, MambaBlock

EPS = 1e-6  # of the norms, as in the authors' code

State = list[KVCache | LayerState]


class Config(LanguageConfig):
    """Fields of `model:`; the data gives vocab_size and context_len."""

    n_layer: int = Field(4, gt=0, le=DEEPEST)
    attention_every: int = Field(4, ge=0, le=DEEPEST)  # one layer in so many attends; 1: all, 0: none
    attention_offset: int | None = Field(
        None, ge=0, le=DEEPEST
    )  # which of them; None: the middle one, as in the paper
    n_head: int = Field(4, gt=0, le=WIDEST)
    n_kv_head: int = Field(4, gt=0, le=WIDEST)  # heads of keys and values
    rotary: bool = False  # positions for attention; the scans before it know the order already
    d_ff: int = Field(64, gt=0, le=4 * WIDEST)  # hidden width of a feed-forward network, and of each expert
    moe_every: int = Field(2, ge=0, le=DEEPEST)  # one layer in so many has experts, the last of them; 0: none
    n_experts: int = Field(4, gt=0, le=WIDEST)
    experts_per_token: int = Field(2, gt=0, le=WIDEST)
    balance_weight: float = Field(0.01, ge=0)  # of the loss that keeps the experts equally busy
    d_state: int = Field(8, gt=0, le=WIDEST)  # N
    d_conv: int = Field(4, gt=0, le=WIDEST)
    expand: int = Field(2, gt=0, le=WIDEST)
    a_start: float = Field(0.01, ge=0)  # A starts at -a_start in every state; 0: at -1 .. -N
    cache_length: int = sampling(4096, gt=0, le=LONGEST)  # tokens after which evaluate() counts what is kept

    @model_validator(mode="after")
    def _it_fits(self) -> Config:
        if self.d_model % self.n_head or self.n_head % self.n_kv_head:
            raise ValueError("n_head must divide d_model, and n_kv_head must divide n_head")
        if self.attention_offset is not None and self.attention_offset >= self.attention_every > 0:
            raise ValueError("attention_offset counts from 0 and must be below attention_every")
        if self.experts_per_token > self.n_experts:
            raise ValueError(f"there are only n_experts = {self.n_experts} to choose experts_per_token from")
        if self.rotary and (self.d_model // self.n_head) % 2:
            raise ValueError(
                f"rotary turns pairs: d_model / n_head = {self.d_model // self.n_head} must be even"
            )
        return self

    def attends(self, layer: int) -> bool:
        """Whether a layer, counted from 0, looks back instead of scanning."""
        every, offset = self.attention_every, self.attention_offset
        return every > 0 and layer % every == (every // 2 if offset is None else offset)

    def has_experts(self, layer: int) -> bool:
        """Whether a layer's feed-forward network is a mixture of experts."""
        return self.moe_every > 0 and layer % self.moe_every == self.moe_every - 1

    @property
    def n_attention(self) -> int:
        """Layers that attend."""
        return sum(map(self.attends, range(self.n_layer)))

    def cache_numbers(self, length: int) -> int:
        """Numbers kept of a text to write the next token.

        A layer that attends keeps a key and a value a token, one that scans its state and its last inputs.
        """
        # exercise: cache_numbers
        attends = 2 * length * self.n_kv_head * (self.d_model // self.n_head)
        scans = self.expand * self.d_model * (self.d_state + self.d_conv - 1)
        return self.n_attention * attends + (self.n_layer - self.n_attention) * scans
        # end

    def transformer(self) -> Config:
        """The same stack with attention in every layer."""
        return self.model_copy(update={"attention_every": 1, "attention_offset": None})


def of_mamba(config: SystemConfig) -> MambaConfig:
    """The fields of a Mamba block, out of a config that has more."""
    names = ("vocab_size", "context_len", "d_model", "d_state", "d_conv", "expand", "a_start")
    return MambaConfig.model_validate({name: getattr(config, name) for name in names})


class NormedMamba(MambaBlock):
    """Mamba's block with norms on what it selects; without them a large model's loss spiked (section 6)."""

    def __init__(self, config: Config) -> None:
        mamba = of_mamba(config)
        super().__init__(mamba)
        self.delta_norm = nn.RMSNorm(mamba.rank, eps=EPS)
        self.B_norm, self.C_norm = nn.RMSNorm(config.d_state, eps=EPS), nn.RMSNorm(config.d_state, eps=EPS)

    def extend(
        self, x: Float[Tensor, "B L d_model"], state: LayerState
    ) -> tuple[Float[Tensor, "B L d_model"], LayerState]:
        """L more positions, and the state that they leave."""
        return recur_over(self, x, state)

    def _select(self, x: Float[Tensor, "B L D"]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        # exercise: select
        down, up = cast(nn.Sequential, self.s_delta)
        delta = F.softplus(up(self.delta_norm(down(x))))
        return delta, -torch.exp(self.A_log), self.B_norm(self.s_B(x)), self.C_norm(self.s_C(x))
        # end


def recur_over(
    block: MambaBlock, x: Float[Tensor, "B L d_model"], state: LayerState
) -> tuple[Float[Tensor, "B L d_model"], LayerState]:
    """A block over L more positions, one after another."""
    y = []
    for x_t in x.split(1, dim=1):
        y_t, state = block.recur(x_t, state)
        y.append(y_t)
    return torch.cat(y, dim=1), state


class Layer(nn.Module):
    """Positions are mixed, then each is worked on alone; both add to what passes through."""

    def __init__(self, config: Config, index: int) -> None:
        super().__init__()
        d_model = config.d_model
        self.mixer_norm = nn.RMSNorm(d_model, eps=EPS)
        self.mixer: Attention | NormedMamba = (
            Attention(d_model, config.n_head, config.n_kv_head, rotary=config.rotary)
            if config.attends(index)
            else NormedMamba(config)
        )
        self.ff_norm = nn.RMSNorm(d_model, eps=EPS)
        self.feed_forward: MoE | SwiGLU = (
            MoE(
                d_model,
                config.d_ff,
                config.n_experts,
                config.experts_per_token,
                balance_weight=config.balance_weight,
            )
            if config.has_experts(index)
            else SwiGLU(d_model, config.d_ff)
        )

    def forward(self, x: Float[Tensor, "B L d_model"]) -> tuple[Float[Tensor, "B L d_model"], Routing | None]:
        """The whole sequence at once, and who of the experts did what."""
        return self._feed(x + self.mixer(self.mixer_norm(x)))

    def extend(
        self, x: Float[Tensor, "B L d_model"], state: KVCache | LayerState
    ) -> tuple[Float[Tensor, "B L d_model"], KVCache | LayerState]:
        """L more positions, and the state that they leave."""
        y, state = self.mixer.extend(self.mixer_norm(x), state)  # type: ignore[arg-type]
        return self._feed(x + y)[0], state

    def _feed(self, x: Float[Tensor, "B L d_model"]) -> tuple[Float[Tensor, "B L d_model"], Routing | None]:
        if isinstance(self.feed_forward, SwiGLU):
            return x + self.feed_forward(self.ff_norm(x)), None
        y, routing = self.feed_forward(self.ff_norm(x))
        return x + y, routing


class Jamba(LanguageModel):
    """A language model of layers that scan and layers that attend."""

    sample_count: ClassVar[int] = 4
    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.embed = nn.Embedding(config.vocab_size, config.d_model)
        nn.init.normal_(self.embed.weight, std=config.embed_std)
        self.layers = nn.ModuleList(Layer(config, i) for i in range(config.n_layer))
        self.final_norm = nn.RMSNorm(config.d_model, eps=EPS)
        self.head = nn.Linear(config.d_model, config.vocab_size, bias=False)
        if config.tie_embeddings:
            self.head.weight = self.embed.weight

    @property
    def trunk(self) -> nn.Module:
        """The layers."""
        return self.layers

    def forward(self, tokens: Int[Tensor, "B L"]) -> Float[Tensor, "B L vocab"]:
        """Logits at every position, all positions at once."""
        return self.route(tokens)[0]

    def route(self, tokens: Int[Tensor, "B L"]) -> tuple[Float[Tensor, "B L vocab"], list[Routing]]:
        """Logits, and the routing of each layer that has experts."""
        x, routings = self.embed(tokens), []
        for layer in self.layers:
            x, routing = layer(x)
            if routing is not None:
                routings.append(routing)
        return self.head(self.final_norm(x)), routings

    def extend(self, tokens: Int[Tensor, "B L"], state: State) -> tuple[Float[Tensor, "B L vocab"], State]:
        """Logits after each of L more tokens, and the new state, which grows only where a layer attends."""
        x, new_state = self.embed(tokens), []
        for layer, layer_state in zip(self.layers, state, strict=True):
            x, layer_state = layer.extend(x, layer_state)  # type: ignore[operator]
            new_state.append(layer_state)
        return self.head(self.final_norm(x)), new_state

    def first_state(self, batch_size: int) -> State:
        """The state before the first token."""
        return [layer.mixer.first_state(batch_size) for layer in self.layers]  # type: ignore[union-attr, operator]

    def loss(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Metrics]:
        """Cross-entropy wherever an answer is asked for, and what the experts' balance asks."""
        tokens, targets = batch
        logits, routings = self.route(tokens)
        loss, metrics = answer_loss(logits, targets)
        if routings:
            metrics["balance_loss"] = torch.stack([r.balance_loss for r in routings]).mean().detach()
        return loss + sum(r.loss for r in routings), metrics

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """Accuracy or bits per byte, size, and what is kept of a long text, also beside a transformer."""
        length = self.config.cache_length
        kept = self.kept_bytes(length)
        of_transformer = self.embed.weight.element_size() * self.config.transformer().cache_numbers(length)
        return super().evaluate() | {
            "parameters": float(sum(p.numel() for p in self.parameters())),
            "cache_kib": kept / 1024,
            "cache_share": kept / of_transformer,
        }
