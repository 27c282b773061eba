"""Zamba: a stack of Mamba blocks that comes back to one block of attention, with the same weights each time.

Source:  Glorioso et al. 2024, arXiv:2405.16712. Here: figure 2 and eq. 6 (where the shared block
         adds what it finds). LoRA for each use: Glorioso et al. 2024, arXiv:2411.15242 (Zamba2), after
         Hu et al. 2021, arXiv:2106.09685, eq. 3. The task: Arora et al. 2023, arXiv:2312.04927.
Names:   A use is one place in the stack where the shared block is called; its weights are the shared ones
         plus its own product of low rank.
Shapes:  B batch, L length, r rank of an adapter.
Differs: what is found joins the stream and so reaches the end by itself; in eq. 6 only the next Mamba block
         reads it (`to_stream: false`), and this model then finds its task with some seeds only.
         Keys, queries and values are d_model wide and scaled as usual; Zamba's are 2 d_model wide. SwiGLU in
         place of a GELU that gates. Adapters on attention and feed-forward, as in Zamba2-1.2B, around
         Mamba-1 blocks, as in Zamba. No positions, as in Zamba.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.func import functional_call

from atlas_cli.config import DEEPEST, LONGEST, WIDEST, sampling
from atlas_cli.language.model import LanguageConfig, LanguageModel
from atlas_cli.nets.attention import Attention, KVCache
from atlas_cli.nets.feed_forward import SwiGLU
from atlas_cli.systems.ssm.jamba import of_mamba, recur_over
from atlas_cli.systems.ssm.mamba import LayerState, MambaBlock

EPS = 1e-5  # of the norms, as in the authors' code
ADAPTED = (
    "attention.q_proj.weight", "attention.k_proj.weight", "attention.v_proj.weight",
    "feed_forward.gate.weight", "feed_forward.up.weight",
)  # fmt: skip

Stream = Float[Tensor, "B L d_model"]
StateOfLayer = tuple[LayerState, KVCache | None]  # of the Mamba block, of the use before it


class Config(LanguageConfig):
    """Fields of `model:`; the data gives vocab_size and context_len."""

    n_layer: int = Field(6, gt=0, le=DEEPEST)  # Mamba blocks
    use_every: int = Field(
        2, ge=0, le=DEEPEST
    )  # the shared block is used before the last of so many; 0: never
    n_shared: int = Field(
        1, ge=0, le=DEEPEST
    )  # blocks that take turns (Zamba2: 1 or 2); 0: each use has its own
    to_stream: bool = True  # what is found joins the stream; False: the next Mamba block reads it (eq. 6)
    lora_rank: int = Field(4, ge=0, le=WIDEST)  # r, of each use's adapters where blocks are shared; 0: none
    n_head: int = Field(4, gt=0, le=WIDEST)
    n_kv_head: int = Field(4, gt=0, le=WIDEST)  # heads of keys and values
    rotary: bool = False  # positions for attention; the scans before it know the order already
    d_ff: int = Field(64, gt=0, le=4 * WIDEST)  # hidden width of the shared block's feed-forward network
    d_state: int = Field(8, gt=0, le=WIDEST)  # N
    d_conv: int = Field(4, gt=0, le=WIDEST)
    expand: int = Field(2, gt=0, le=WIDEST)
    a_start: float = Field(0.01, ge=0)  # A starts at -a_start in every state; 0: at -1 .. -N
    unit_init: bool = True  # the shared block's matrices keep sizes at the start; False: as nn.Linear starts
    cache_length: int = sampling(4096, gt=0, le=LONGEST)  # tokens after which evaluate() counts what is kept

    @model_validator(mode="after")
    def _it_fits(self) -> Config:
        if self.d_model % self.n_head or self.n_head % self.n_kv_head:
            raise ValueError("n_head must divide d_model, and n_kv_head must divide n_head")
        if self.rotary and (self.d_model // self.n_head) % 2:
            raise ValueError(
                f"rotary turns pairs: d_model / n_head = {self.d_model // self.n_head} must be even"
            )
        return self

    def looks_back(self, layer: int) -> bool:
        """Whether the shared block is used before a Mamba block, counted from 0."""
        return self.use_every > 0 and layer % self.use_every == self.use_every - 1

    @property
    def n_uses(self) -> int:
        return sum(map(self.looks_back, range(self.n_layer)))

    @property
    def n_blocks(self) -> int:
        """Blocks of attention that have weights of their own."""
        return min(self.n_shared or self.n_uses, self.n_uses)

    @property
    def adapter_rank(self) -> int:
        """0 where each use has a block of its own: it needs no adapter."""
        return self.lora_rank if self.n_blocks < self.n_uses else 0

    def cache_numbers(self, length: int) -> int:
        """Numbers kept of a text to write the next token: weights are shared, keys and values are not."""
        attends = 2 * length * self.n_kv_head * (self.d_model // self.n_head)
        scans = self.expand * self.d_model * (self.d_state + self.d_conv - 1)
        return self.n_uses * attends + self.n_layer * scans


class SharedBlock(nn.Module):
    """Attention and a feed-forward network over what passes through and the embedding, side by side."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        d_model = config.d_model
        self.norm = nn.RMSNorm(2 * d_model, eps=EPS)
        self.attention = Attention(
            d_model, config.n_head, config.n_kv_head, rotary=config.rotary, d_in=2 * d_model
        )
        self.ff_norm = nn.RMSNorm(d_model, eps=EPS)
        self.feed_forward = SwiGLU(d_model, config.d_ff)

    def forward(
        self, x: Stream, embedding: Stream, cache: KVCache | None = None
    ) -> tuple[Stream, KVCache | None]:
        """What it finds, of all positions or of those after the cache. It adds to nothing by itself."""
        # exercise: look_back
        both = self.norm(torch.cat([x, embedding], dim=-1))  # (B, L, 2 d_model)
        if cache is None:
            y = self.attention(both)
        else:
            y, cache = self.attention.extend(both, cache)
        return self.feed_forward(self.ff_norm(y)), cache
        # end


class Use(nn.Module):
    """What one use of the shared block has of its own: adapters, and the way back into the stream."""

    def __init__(self, config: Config, block: SharedBlock) -> None:
        super().__init__()
        self.out = nn.Linear(config.d_model, config.d_model, bias=False)
        self.down, self.up = nn.ParameterDict(), nn.ParameterDict()
        for name in ADAPTED if config.adapter_rank else ():
            d_out, d_in = block.get_parameter(name).shape
            key = name.replace(".", "_")
            self.down[key] = nn.Parameter(torch.randn(config.adapter_rank, d_in) * d_in**-0.5)
            self.up[key] = nn.Parameter(torch.zeros(d_out, config.adapter_rank))  # all uses start alike

    def forward(
        self, block: SharedBlock, x: Stream, embedding: Stream, cache: KVCache | None = None
    ) -> tuple[Stream, KVCache | None]:
        """What the shared block finds, as this use sees it."""
        y, cache = functional_call(block, self.adapted(block), (x, embedding, cache))
        return self.out(y), cache

    def adapted(self, block: SharedBlock) -> dict[str, Tensor]:
        """The weights of this use where they are not the shared ones: W + up down (LoRA, eq. 3)."""
        weights = {}
        for name in ADAPTED if self.up else ():
            key = name.replace(".", "_")
            # exercise: adapted
            weights[name] = block.get_parameter(name) + self.up[key] @ self.down[key]
            # end
        return weights


class Layer(nn.Module):
    """A Mamba block and, where there is one, the use of the shared block before it."""

    def __init__(self, config: Config, block: SharedBlock | None) -> None:
        super().__init__()
        self.to_stream = config.to_stream
        self.norm = nn.RMSNorm(config.d_model, eps=EPS)
        self.mamba = MambaBlock(of_mamba(config))
        self.use = None if block is None else Use(config, block)

    def forward(self, x: Stream, embedding: Stream, block: SharedBlock | None) -> Stream:
        """The whole sequence at once."""
        u = x
        if self.use is not None:
            found, _ = self.use(block, x, embedding)
            x, u = self._add(x, found)
        return x + self.mamba(self.norm(u))

    def extend(
        self, x: Stream, embedding: Stream, block: SharedBlock | None, state: StateOfLayer
    ) -> tuple[Stream, StateOfLayer]:
        """L more positions, and the state that they leave."""
        scanned, seen = state
        u = x
        if self.use is not None:
            found, seen = self.use(block, x, embedding, seen)
            x, u = self._add(x, found)
        y, scanned = recur_over(self.mamba, self.norm(u), scanned)
        return x + y, (scanned, seen)

    def _add(self, x: Stream, found: Stream) -> tuple[Stream, Stream]:
        """The stream with what was found, or as it was (eq. 6), and what the Mamba block reads."""
        read = x + found
        return read if self.to_stream else x, read

    def first_state(self, batch_size: int, block: SharedBlock | None) -> StateOfLayer:
        """Nothing read yet."""
        seen = None if block is None else block.attention.first_state(batch_size)
        return self.mamba.first_state(batch_size), seen


class Zamba(LanguageModel):
    """A language model of Mamba blocks and a block of attention that they share."""

    sample_count: ClassVar[int] = 4
    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.embed = nn.Embedding(config.vocab_size, config.d_model)
        nn.init.normal_(self.embed.weight, std=config.embed_std)
        self.blocks = nn.ModuleList(SharedBlock(config) for _ in range(config.n_blocks))
        self.layers = nn.ModuleList(Layer(config, self.block_of(i)) for i in range(config.n_layer))
        self.final_norm = nn.RMSNorm(config.d_model, eps=EPS)
        self.head = nn.Linear(config.d_model, config.vocab_size, bias=False)
        if config.tie_embeddings:
            self.head.weight = self.embed.weight
        if config.unit_init:
            self._start_at_unit_size()

    def block_of(self, layer: int) -> SharedBlock | None:
        """The block that a layer calls, if it calls one; several take turns."""
        if not self.config.looks_back(layer):
            return None
        return self.blocks[layer // self.config.use_every % len(self.blocks)]  # type: ignore[return-value]

    @property
    def trunk(self) -> nn.Module:
        """The Mamba blocks and what they share."""
        return nn.ModuleList([self.blocks, self.layers])

    def forward(self, tokens: Int[Tensor, "B L"]) -> Float[Tensor, "B L vocab"]:
        """Logits at every position, all positions at once."""
        embedding = x = self.embed(tokens)
        for i, layer in enumerate(self.layers):
            x = layer(x, embedding, self.block_of(i))
        return self.head(self.final_norm(x))

    def extend(
        self, tokens: Int[Tensor, "B L"], state: list[StateOfLayer]
    ) -> tuple[Float[Tensor, "B L vocab"], list[StateOfLayer]]:
        """Logits after each of L more tokens, and the new state, which grows by one cache a use."""
        embedding = x = self.embed(tokens)
        new_state = []
        for i, (layer, layer_state) in enumerate(zip(self.layers, state, strict=True)):
            x, layer_state = layer.extend(x, embedding, self.block_of(i), layer_state)  # type: ignore[operator]
            new_state.append(layer_state)
        return self.head(self.final_norm(x)), new_state

    def first_state(self, batch_size: int) -> list[StateOfLayer]:
        """The state before the first token."""
        return [
            layer.first_state(batch_size, self.block_of(i))  # type: ignore[operator]
            for i, layer in enumerate(self.layers)
        ]

    def _start_at_unit_size(self) -> None:
        """As nn.Linear starts, a row of matrices without a residual lets little through."""
        uses = [layer.use.out for layer in self.layers if layer.use is not None]  # type: ignore[union-attr]
        for module in [*self.blocks.modules(), *uses]:
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=module.in_features**-0.5)

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """Accuracy or bits per byte, size, and what is kept of a long text."""
        kept = self.kept_bytes(self.config.cache_length)
        return super().evaluate() | {
            "parameters": float(sum(p.numel() for p in self.parameters())),
            "cache_kib": kept / 1024,
        }
