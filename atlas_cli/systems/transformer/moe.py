"""Mixture of experts: a GPT whose feed-forward layers are many, of which each byte uses a few.

Source:  Shazeer et al. 2017, arXiv:1701.06538; as a transformer's feed-forward layer: Lepikhin et al. 2020,
         arXiv:2006.16668, section 2.1; with SwiGLU experts: Jiang et al. 2024, arXiv:2401.04088. The load
         balance: Fedus, Zoph, Shazeer 2021, arXiv:2101.03961, section 2.2.
Reading: `written_out` is the layer as it is meant, every expert working on every token. The blocks use the
         same in nets/moe.py, where each expert meets only the tokens that chose it, with its capacity and
         its balance losses; the tests hold that against this. Attention and the rest are in gpt.py.
Shapes:  B batch, L length, N tokens, V vocabulary (256 bytes for text), E experts, k choices of each token.
Differs: every feed-forward layer is a mixture, as in Mixtral; GShard replaces every other one. An expert is
         so narrow that k of them together are as wide as the dense layer which they stand for.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor
from torch.nn import functional as F

from atlas_cli.config import WIDEST
from atlas_cli.engine.system import Metrics
from atlas_cli.language.figures import answer_loss, bits_per_byte
from atlas_cli.metrics.timing import least_seconds
from atlas_cli.nets.moe import MoE, Routing
from atlas_cli.systems.transformer.gpt import GPT, Block, LayerState
from atlas_cli.systems.transformer.gpt import Config as GPTConfig

EVALUATION_WINDOWS = 64  # of held-out text, on which the load is read
IDLE = 0.1  # of an even share: an expert with less is counted as idle
CAPACITY = 1.25  # of an even share: what evaluate() asks how much would be dropped at


class Config(GPTConfig):
    """Fields of `model:`: those of gpt, and the mixture. With n_experts = 1 it is gpt itself."""

    data_kinds: ClassVar[tuple[str, ...]] = ("text",)
    n_experts: int = Field(8, gt=0, le=WIDEST)  # E
    experts_per_token: int = Field(2, gt=0, le=WIDEST)  # k
    capacity: float | None = Field(None, gt=0)  # choices that an expert serves, over an even share; None: all
    balance: Literal["aux", "bias", "none"] = "aux"  # by the balance loss, a bias of the scores, not at all
    balance_weight: float = Field(0.01, ge=0)  # of the balance loss
    bias_rate: float = Field(0.001, gt=0)  # step of the bias, in units of probability
    z_weight: float = Field(0.0, ge=0)  # of the loss that keeps the router's logits small

    @model_validator(mode="after")
    def _experts_suffice(self) -> Config:
        if self.experts_per_token > self.n_experts:
            raise ValueError(f"{self.experts_per_token} of n_experts = {self.n_experts} cannot be chosen")
        if self.d_hidden % self.experts_per_token:
            raise ValueError(f"{self.experts_per_token} experts cannot share a width of {self.d_hidden}")
        return self

    @property
    def d_expert(self) -> int:
        """Hidden width of one expert."""
        return self.d_hidden // self.experts_per_token


def written_out(x: Float[Tensor, "N d_model"], layer: MoE) -> Float[Tensor, "N d_model"]:
    """All experts on all tokens, masked by the gates: E / k times the work, and nothing to sort.

    As far as every choice finds room: without a capacity, and without a bias on the choice.
    """
    p = (x @ layer.router.weight.T).softmax(-1)  # (N, E)
    best, chosen = p.topk(layer.router.top_k)  # (N, k) each
    gates = torch.zeros_like(p).scatter(1, chosen, best)  # (N, E): 0 where an expert was not chosen
    if layer.router.top_k > 1:
        gates = gates / gates.sum(-1, keepdim=True)
    y = torch.zeros_like(x)
    for e, (gate, up, down) in enumerate(zip(layer.gate, layer.up, layer.down, strict=True)):
        answer = (F.silu(x @ gate.T) * (x @ up.T)) @ down.T  # (N, d_model): a SwiGLU network, expert e
        y = y + gates[:, e, None] * answer
    return y


class SparseBlock(Block):
    """A block of gpt with a mixture in place of its feed-forward layer."""

    feed_forward: MoE

    def __init__(self, config: Config) -> None:
        c = config
        mixture = MoE(
            c.d_model, c.d_expert, c.n_experts, c.experts_per_token, c.capacity, c.balance,
            balance_weight=c.balance_weight, bias_rate=c.bias_rate, z_weight=c.z_weight,
        )  # fmt: skip
        super().__init__(config, mixture)

    def route(self, x: Float[Tensor, "B L d_model"]) -> tuple[Float[Tensor, "B L d_model"], Routing]:
        """Every position at once, and who computed what."""
        x = x + self.mixing(self.mixing_norm(x))
        y, routing = self.feed_forward(self.feed_forward_norm(x))
        return x + y, routing

    def forward(self, x: Float[Tensor, "B L d_model"]) -> Float[Tensor, "B L d_model"]:
        """Every position at once."""
        return self.route(x)[0]

    def extend(
        self, x: Float[Tensor, "B L d_model"], state: Any
    ) -> tuple[Float[Tensor, "B L d_model"], LayerState]:
        """L more positions, given what the layer kept of those before; a mixture keeps nothing."""
        y, state = self.mixing.extend(self.mixing_norm(x), state)
        x = x + y
        return x + self.feed_forward(self.feed_forward_norm(x))[0], state


class MoETransformer(GPT):
    """A GPT of sparse blocks: many parameters, of which each byte meets as many as in a dense one."""

    config: Config

    def make_block(self) -> Block:
        """One layer, before any is trained."""
        return SparseBlock(self.config) if self.config.n_experts > 1 else Block(self.config)

    def read(self, tokens: Int[Tensor, "B L"]) -> tuple[Float[Tensor, "B L V"], list[Routing]]:
        """Logits at every position, and who computed what in each layer."""
        x, routings = self.embed_at(tokens, 0), []
        for block in self.blocks:
            if isinstance(block, SparseBlock):
                x, routing = block.route(x)
                routings.append(routing)
            else:
                x = block(x)
        return self.head(self.final_norm(x)), routings

    def loss(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Metrics]:
        """Cross-entropy of the next byte, and what every layer's router asks for."""
        tokens, targets = batch
        logits, routings = self.read(tokens)
        cross_entropy, metrics = answer_loss(logits, targets)
        loss = cross_entropy + sum(routing.loss for routing in routings)
        metrics["cross_entropy"] = cross_entropy.detach()
        if routings:
            metrics["busiest_share"] = self.busiest_share([routing.load for routing in routings])
        return loss, metrics

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """Bits per byte of held-out text, what they cost, and how the experts share the work."""
        active, total = self.parameter_counts()
        figures = {
            "bits_per_byte": bits_per_byte(self, self.setting.data),
            "tokens_per_second": self.tokens_per_second(),
            "active_parameters": float(active), "parameters": float(total),
        }  # fmt: skip
        return figures | self.sharing() if self.config.n_experts > 1 else figures

    def sharing(self) -> dict[str, float]:
        """How held-out bytes are shared out, each figure the mean over the layers."""
        tokens, _ = self.setting.data.held_out(EVALUATION_WINDOWS)
        routings = self.read(tokens)[1]
        loads = torch.stack([routing.load for routing in routings])  # (layers, E)
        even = 1 / self.config.n_experts
        return {
            "busiest_share": float(self.busiest_share(list(loads))),
            "idle_experts": float((loads < IDLE * even).sum(1).float().mean()),
            "dropped_share": float((loads - CAPACITY * even).clamp(min=0).sum(1).mean()),
        }

    def busiest_share(self, loads: list[Float[Tensor, " E"]]) -> Float[Tensor, ""]:
        """Share of the bytes that the busiest expert of a layer works on; k / E when all are used alike."""
        return self.config.experts_per_token * torch.stack(loads).amax(1).mean()

    def parameter_counts(self) -> tuple[int, int]:
        """Parameters that one byte meets, and all of them."""
        total = sum(p.numel() for p in self.parameters())
        c = self.config
        if c.n_experts == 1:
            return total, total
        unused = (c.n_experts - c.experts_per_token) * c.n_layer * 3 * c.d_model * c.d_expert
        return total - unused, total

    def tokens_per_second(self) -> float:
        """Of training, forward and backward, in processor time at the batch size of the recipe."""
        batch = self.batch(0)

        def descend() -> None:
            with torch.enable_grad():
                self.loss(batch)[0].backward()

        seconds = least_seconds({"descend": descend}, device=self.setting.device)["descend"]
        self.zero_grad(set_to_none=True)
        return batch[0].numel() / seconds
