"""Mixture of experts: many feed-forward networks, of which a router sends each token to a few.

Source:  Shazeer et al. 2017, arXiv:1701.06538 (the idea); Jiang et al. 2024, arXiv:2401.04088, section 2.1
         (SwiGLU experts, gates that sum to 1); Fedus, Zoph, Shazeer 2021, arXiv:2101.03961, section 2.2
         (capacity, balance loss); Lepikhin et al. 2020, arXiv:2006.16668, Algorithm 1 (first choices are
         served before second ones); Wang et al. 2024, arXiv:2408.15664, Algorithm 1 (balance by a bias,
         without a loss); Zoph et al. 2022, arXiv:2202.08906, eq. 5 (router z-loss).
Shapes:  N tokens, E experts, k choices of each token.
Speed:   the choices are sorted by expert once, so that each expert multiplies one block of rows. Padding all
         blocks to the busiest, for one batched product, takes longer on a CPU; see also GRAIN.
Ranks:   each routes its own tokens, and counts capacity over these. While training the load is taken over all
         ranks, so the gradient of the balance loss and the bias are those of the whole batch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
import torch.distributed as dist
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

GRAIN = 64  # blocks have a multiple of so many rows: a CPU compiles its bf16 product for every new shape

Balance = Literal["aux", "bias", "none"]


@dataclass(frozen=True, eq=False)
class Routing:
    """Who computes what in one call; tokens in reading order.

    Attributes:
        probabilities: The router's softmax.
        chosen: The experts of each token, the best first.
        gates: What each of them counts in the token's sum; of two or more they sum to 1.
        kept: Whether the choice finds room in its expert.
        served: The kept choices expert by expert, in the order in which each serves them, numbered
            choice-major: choice * N + token.
        counts: How many of these each expert serves.
        load: Share of all choices that fall on each expert, before any is dropped; sums to 1.
        balance_loss: E sum f P (Switch, eq. 4): 1 if all are used alike, E if one does everything.
        z_loss: Mean squared logsumexp of the logits, which keeps them small.
        loss: What is to be added to the loss: those of the two that are in use, weighted.
    """

    probabilities: Float[Tensor, "N E"]
    chosen: Int[Tensor, "N k"]
    gates: Float[Tensor, "N k"]
    kept: Bool[Tensor, "N k"]
    served: Int[Tensor, " served"]
    counts: list[int]
    load: Float[Tensor, " E"]
    balance_loss: Float[Tensor, ""]
    z_loss: Float[Tensor, ""]
    loss: Float[Tensor, ""]

    @property
    def dropped(self) -> Float[Tensor, ""]:
        """Share of the choices that find their expert full."""
        return 1 - self.kept.float().mean()


class Router(nn.Module):
    """Chooses k of E experts for each token.

    Args:
        d_model: Width of a token.
        n_experts: E.
        top_k: k.
        capacity: Choices that an expert can serve, over an even share of them; None: as many as come.
        balance: What spreads the load: "aux" the balance loss; "bias" a score for each expert that falls by
            `bias_rate` after a training call in which it had more than its share, and else rises.
        balance_weight: Weight of the balance loss.
        bias_rate: Step of the bias, in units of probability.
        z_weight: Weight of the z-loss.
    """

    bias: Tensor

    def __init__(
        self, d_model: int, n_experts: int, top_k: int, capacity: float | None = None,
        balance: Balance = "aux", *, balance_weight: float = 0.01, bias_rate: float = 0.001,
        z_weight: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.n_experts, self.top_k, self.capacity, self.balance = n_experts, top_k, capacity, balance
        self.balance_weight, self.bias_rate, self.z_weight = balance_weight, bias_rate, z_weight
        self.weight = nn.Parameter(torch.empty(n_experts, d_model).uniform_(-(d_model**-0.5), d_model**-0.5))
        self.register_buffer("bias", torch.zeros(n_experts))

    def forward(self, tokens: Float[Tensor, "N d_model"]) -> Routing:
        """Score, choose, weigh and queue; in full precision whatever the rest computes in (Switch, 2.4)."""
        with torch.autocast(tokens.device.type, enabled=False):
            logits = F.linear(tokens.to(self.weight.dtype), self.weight)  # (N, E)
        # exercise: gates
        probabilities = logits.softmax(-1)
        chosen = self.choose(probabilities.detach())
        gates = probabilities.gather(-1, chosen)
        if self.top_k > 1:  # a single gate would always be 1, and the router would learn nothing
            gates = gates / gates.sum(-1, keepdim=True)
        # end
        kept, served, counts = self.queue(chosen)
        load = self.load(chosen)
        if self.balance == "bias" and self.training:
            self.bias += self.bias_rate * torch.sign(1 / self.n_experts - load)
        # exercise: balance_loss
        balance_loss = self.n_experts * (load * probabilities.mean(0)).sum()
        # end
        z_loss = logits.logsumexp(-1).square().mean()
        loss = self.z_weight * z_loss
        if self.balance == "aux":
            loss = loss + self.balance_weight * balance_loss
        return Routing(
            probabilities.detach(), chosen, gates, kept, served, counts, load, balance_loss, z_loss, loss
        )

    def choose(self, probabilities: Float[Tensor, "N E"]) -> Int[Tensor, "N k"]:
        """The k best experts. The bias decides who is chosen, never how much a chosen one counts."""
        scores = probabilities + self.bias if self.balance == "bias" else probabilities
        return scores.topk(self.top_k, dim=-1).indices

    def queue(
        self, chosen: Int[Tensor, "N k"]
    ) -> tuple[Bool[Tensor, "N k"], Int[Tensor, " served"], list[int]]:
        """`kept`, `served` and `counts` of a Routing.

        Numbered choice-major, all first choices stand before all second ones; a stable sort by expert leaves
        them so in each expert's queue.
        """
        n_tokens = len(chosen)
        expert = chosen.T.reshape(-1)  # (k N,)
        order = expert.argsort(stable=True)
        counts = torch.bincount(expert, minlength=self.n_experts)
        if self.capacity is None:
            return torch.ones_like(chosen, dtype=torch.bool), order, counts.tolist()
        # exercise: queue
        room = math.ceil(self.capacity * len(expert) / self.n_experts)
        first = counts.cumsum(0) - counts  # where each expert's queue begins
        place = torch.arange(len(order), device=order.device) - first[expert[order]]
        served = order[place < room]
        # end
        kept = torch.zeros_like(expert, dtype=torch.bool).index_fill(0, served, True)
        return kept.view(-1, n_tokens).T, served, counts.clamp(max=room).tolist()

    def load(self, chosen: Int[Tensor, "N k"]) -> Float[Tensor, " E"]:
        """Share of the choices on each expert; while training, of the choices of all ranks."""
        counts = torch.bincount(chosen.flatten(), minlength=self.n_experts).float()
        if self.training and dist.is_available() and dist.is_initialized():
            dist.all_reduce(counts)
        return counts / counts.sum()


class MoE(nn.Module):
    """A feed-forward layer of E experts, of which each token uses k.

    A choice that finds its expert full adds nothing: the residual around the layer carries the token on.

    Args:
        d_model: Width of a token.
        d_ff: Hidden width of one expert; a dense layer of k * d_ff computes as much for each token.
        n_experts: E.
        top_k: k.
        capacity: Of an expert; this and the rest are explained at Router.
    """

    def __init__(
        self, d_model: int, d_ff: int, n_experts: int, top_k: int, capacity: float | None = None,
        balance: Balance = "aux", *, balance_weight: float = 0.01, bias_rate: float = 0.001,
        z_weight: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.router = Router(
            d_model, n_experts, top_k, capacity, balance,
            balance_weight=balance_weight, bias_rate=bias_rate, z_weight=z_weight,
        )  # fmt: skip
        self.gate = nn.Parameter(torch.empty(n_experts, d_ff, d_model))
        self.up = nn.Parameter(torch.empty(n_experts, d_ff, d_model))
        self.down = nn.Parameter(torch.empty(n_experts, d_model, d_ff))
        for weight in (self.gate, self.up, self.down):  # as nn.Linear starts
            nn.init.uniform_(weight, -(weight.shape[-1] ** -0.5), weight.shape[-1] ** -0.5)

    def forward(self, x: Float[Tensor, "*B d_model"]) -> tuple[Float[Tensor, "*B d_model"], Routing]:
        """The gated sum of each token's experts, and how it was routed."""
        tokens = x.reshape(-1, x.shape[-1])  # (N, d_model)
        routing = self.router(tokens)
        token = routing.served % len(tokens)
        answers = self.serve(tokens.index_select(0, token), routing.counts)
        gates = routing.gates.T.reshape(-1)[routing.served].unsqueeze(-1)
        y = torch.zeros_like(tokens).index_add(0, token, (answers * gates).to(tokens.dtype))
        return y.view(x.shape), routing

    def serve(
        self, rows: Float[Tensor, "served d_model"], counts: list[int]
    ) -> Float[Tensor, "served d_model"]:
        """What the experts make of the tokens brought to them, one block of rows an expert."""
        weights = zip(self.gate.unbind(), self.up.unbind(), self.down.unbind(), strict=True)
        answers = []
        for block, (gate, up, down) in zip(rows.split(counts), weights, strict=True):
            n = len(block)
            if n == 0:  # while writing, one token keeps k experts busy and the others would cost time
                continue
            if n > GRAIN:
                block = F.pad(block, (0, 0, 0, -n % GRAIN))
            answers.append(F.linear(F.silu(F.linear(block, gate)) * F.linear(block, up), down)[:n])
        return torch.cat(answers)
