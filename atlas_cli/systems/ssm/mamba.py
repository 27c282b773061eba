"""Mamba: a state-space model that decides at every token what to keep and what to forget.

Source:  Gu and Dao 2023, arXiv:2312.00752. Here: eq. 2 and 4, Algorithm 2 (selection), figure 3 (the block),
         section 4.1 (the two tasks).
Code:    the authors' is in github.com/state-spaces/mamba: mamba_ssm/modules/mamba_simple.py (`Mamba`, here
         MambaBlock), mamba_ssm/ops/selective_scan_interface.py (`selective_scan_ref`, here plain_scan),
         mamba_ssm/models/mixer_seq_simple.py (`MambaLMHeadModel`, here Mamba).
Reading: `plain_scan` is the recurrence as it is written, a loop over time. The blocks use the same in
         nets/scan.py, many times faster; the tests hold that against this.
Names:   delta is the step size (how much of this token enters), A how fast a state fades, B what is written
         to the state, C what is read from it, D the skip. s_delta, s_B, s_C are the selection functions.
Shapes:  B batch, L length, D inner channels (expand * d_model), N states a channel, K convolution width,
         R rank of delta.
Differs: B is discretised as delta * B (Euler) where eq. 4 has the zero-order hold, as in the authors' code.
         A starts near 0, where the paper takes -1 .. -N: nothing fades until that is learned. in_proj, s_B
         and s_C start larger. Selective copying needed both; `a_start: 0, unit_init: false` is the paper's.
         `normalise_b_c` puts an RMSNorm on B and C, as Jamba does (arXiv:2403.19887, section 6.4), there to
         keep large models from diverging. Copying is learned sooner with it.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from atlas_cli.config import WIDEST, sampling
from atlas_cli.engine.decay import without_decay
from atlas_cli.language.model import LanguageConfig, LanguageModel
from atlas_cli.metrics.timing import wall_clock
from atlas_cli.nets.scan import Matrix, selective_scan
from atlas_cli.nets.state_space import log_uniform_steps, require_order, short_convolution

TIMED_LENGTHS = (256, 512, 1024, 2048, 4096)

LayerState = tuple[Float[Tensor, "B past D"], Float[Tensor, "B D N"]]  # the last K-1 inputs, the hidden state
State = list[tuple[Tensor, Tensor]]  # a LayerState of every layer


class Config(LanguageConfig):
    """Fields of `model:`; the data gives vocab_size and context_len."""

    d_state: int = Field(16, gt=0, le=WIDEST)  # N
    d_conv: int = Field(4, gt=0, le=WIDEST)  # K
    expand: int = Field(2, gt=0, le=WIDEST)
    dt_rank: int = Field(0, ge=0, le=WIDEST)  # R; 0: d_model / 16, rounded up
    dt_min: float = Field(0.001, ge=1e-8)  # delta starts log-uniform in [dt_min, dt_max]
    dt_max: float = Field(0.1, gt=0, le=1e6)
    a_start: float = Field(0.01, ge=0)  # A starts at -a_start in every state; 0: at -1 .. -N, as in the paper
    unit_init: bool = True  # B and C start at about unit size; False: as nn.Linear starts, a tenth
    normalise_b_c: bool = False  # RMSNorm on each token's B and C, where these are selective
    # Which of delta, B, C depend on the token; the others are parameters. "none" is time-invariant, like S4.
    selective: Literal["delta_b_c", "delta_b", "delta_c", "b_c", "delta", "b", "c", "none"] = "delta_b_c"
    measure_time: bool = sampling(False)  # evaluate() also reads how the forward pass grows with length

    @model_validator(mode="after")
    def _steps_in_order(self) -> Config:
        require_order(self.dt_min, self.dt_max)
        return self

    @property
    def d_inner(self) -> int:
        return self.expand * self.d_model

    @property
    def rank(self) -> int:
        return self.dt_rank or math.ceil(self.d_model / 16)


class Fixed(nn.Module):
    """In place of a selection function: the same parameter at every position."""

    def __init__(self, value: Tensor) -> None:
        super().__init__()
        self.value = nn.Parameter(value)

    def forward(self, x: Tensor) -> Tensor:
        return self.value


def plain_scan(
    x: Float[Tensor, "B L D"], delta: Float[Tensor, "B L D"], A: Float[Tensor, "D N"], B: Matrix, C: Matrix
) -> Float[Tensor, "B L D"]:
    """Algorithm 2, line 6, in a loop over time; B and C are a token's own, or fixed (D, N)."""
    B, C = (m[:, :, None] if m.dim() == 3 else m.expand(1, x.shape[1], -1, -1) for m in (B, C))
    # exercise: scan
    A_bar = torch.exp(delta[..., None] * A)  # (B, L, D, N): what is left of the state, eq. 4
    B_bar_x = (delta * x)[..., None] * B  # (B, L, D, N): what enters it, delta B x
    h, y = torch.zeros_like(A_bar[:, 0]), []  # (B, D, N)
    for t in range(x.shape[1]):
        h = A_bar[:, t] * h + B_bar_x[:, t]  # eq. 2a
        y.append((C[:, t] * h).sum(-1))  # eq. 2b: (B, D)
    return torch.stack(y, dim=1)
    # end


class MambaBlock(nn.Module):
    """Figure 3: project, convolve, scan, gate, project back."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        D, N, K = config.d_inner, config.d_state, config.d_conv
        self.in_proj = nn.Linear(config.d_model, 2 * D, bias=False)
        bound = K**-0.5  # that of nn.Conv1d
        self.conv_weight = nn.Parameter(torch.empty(K, D).uniform_(-bound, bound))
        self.conv_bias = nn.Parameter(torch.empty(D).uniform_(-bound, bound))
        chosen = config.selective.split("_")
        delta_bias = log_uniform_steps(D, config.dt_min, config.dt_max)  # section 3.6
        self.s_delta: nn.Module = Fixed(delta_bias)
        if "delta" in chosen:
            up = nn.Linear(config.rank, D)
            nn.init.uniform_(up.weight, -(config.rank**-0.5), config.rank**-0.5)
            up.bias = nn.Parameter(delta_bias)
            self.s_delta = nn.Sequential(nn.Linear(D, config.rank, bias=False), up)
        # Fixed B and C start as in S4D (arXiv:2206.11893): ones and normal, one row a channel.
        self.s_B: nn.Module = nn.Linear(D, N, bias=False) if "b" in chosen else Fixed(torch.ones(D, N))
        self.s_C: nn.Module = nn.Linear(D, N, bias=False) if "c" in chosen else Fixed(torch.randn(D, N))
        start = torch.full((N,), config.a_start) if config.a_start else torch.arange(1.0, N + 1)
        self.A_log = without_decay(nn.Parameter(start.log().repeat(D, 1)))
        self.D = nn.Parameter(torch.ones(D))
        self.out_proj = nn.Linear(D, config.d_model, bias=False)
        if config.unit_init:
            self._start_at_unit_size()
        if config.normalise_b_c:
            self.s_B, self.s_C = (
                nn.Sequential(select, nn.RMSNorm(N, eps=1e-5)) if isinstance(select, nn.Linear) else select
                for select in (self.s_B, self.s_C)
            )

    def forward(self, u: Float[Tensor, "B L d_model"]) -> Float[Tensor, "B L d_model"]:
        """The whole sequence at once."""
        x, gate = self.enter(u)
        delta, A, B, C = self._select(x)
        y = selective_scan(x, delta, A, B, C) + self.D * x
        return self.out_proj(y * F.silu(gate))

    def enter(self, u: Float[Tensor, "B L d_model"]) -> tuple[Float[Tensor, "B L D"], Float[Tensor, "B L D"]]:
        """What comes to the scan, and the gate of what leaves it."""
        x, gate = self.in_proj(u).chunk(2, dim=-1)  # (B, L, D) each
        window = F.pad(x, (0, 0, len(self.conv_weight) - 1, 0))  # (B, K-1+L, D): zeros before the start
        return F.silu(short_convolution(window, self.conv_weight, self.conv_bias)), gate

    def recur(
        self, u_t: Float[Tensor, "B 1 d_model"], state: LayerState
    ) -> tuple[Float[Tensor, "B 1 d_model"], LayerState]:
        """One position, from the state that all earlier ones left; the state does not grow."""
        inputs, h = state
        x, gate = self.in_proj(u_t).chunk(2, dim=-1)  # (B, 1, D) each
        window = torch.cat([inputs, x], dim=1)  # (B, K, D)
        x = F.silu(short_convolution(window, self.conv_weight, self.conv_bias))
        delta, A, B, C = self._select(x)
        step = delta.mT  # (B, D, 1)
        h = torch.exp(step * A) * h + step * B * x.mT  # eq. 2a, 4
        y = (h * C).sum(-1).unsqueeze(1) + self.D * x  # eq. 2b
        return self.out_proj(y * F.silu(gate)), (window[:, 1:], h)

    def first_state(self, batch_size: int) -> LayerState:
        """Nothing read yet."""
        K, D = self.conv_weight.shape
        return self.D.new_zeros(batch_size, K - 1, D), self.D.new_zeros(batch_size, *self.A_log.shape)

    def _start_at_unit_size(self) -> None:
        """As nn.Linear starts them, B and C are about 0.1 and C h is a fiftieth of D x: it learns late."""
        nn.init.normal_(self.in_proj.weight, std=self.in_proj.in_features**-0.5)
        for select in (self.s_B, self.s_C):
            if isinstance(select, nn.Linear):  # twice, since x is about a third here
                nn.init.normal_(select.weight, std=2 * select.in_features**-0.5)

    def _select(self, x: Float[Tensor, "B L D"]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """delta (B, L, D), A (D, N), B and C (B, L, N) or fixed (D, N): Algorithm 2, lines 2 to 5."""
        # exercise: select
        delta = F.softplus(self.s_delta(x)).expand_as(x)
        return delta, -torch.exp(self.A_log), self.s_B(x), self.s_C(x)
        # end


class Mamba(LanguageModel):
    """A language model of Mamba blocks, for text and for the tasks of sequences."""

    sample_count: ClassVar[int] = 4
    block: ClassVar[type[nn.Module]] = MambaBlock
    config: Config

    def __init__(self, config: Any) -> None:  # of this system, or of one with another block
        super().__init__(config)
        self.embed = nn.Embedding(config.vocab_size, config.d_model)
        nn.init.normal_(self.embed.weight, std=config.embed_std)
        self.norms = nn.ModuleList(nn.RMSNorm(config.d_model, eps=1e-5) for _ in range(config.n_layer))
        self.blocks = nn.ModuleList(self.block(config) for _ in range(config.n_layer))
        self.final_norm = nn.RMSNorm(config.d_model, eps=1e-5)
        self.head = nn.Linear(config.d_model, config.vocab_size, bias=False)
        if config.tie_embeddings:
            self.head.weight = self.embed.weight

    def forward(self, tokens: Int[Tensor, "B L"]) -> Float[Tensor, "B L vocab"]:
        """Logits at every position, all positions at once."""
        x = self.embed(tokens)
        for norm, block in self.layers():
            x = x + block(norm(x))
        return self.head(self.final_norm(x))

    def extend(self, tokens: Int[Tensor, "B L"], state: State) -> tuple[Float[Tensor, "B L vocab"], State]:
        """Logits after each of L more tokens, and the new state: `forward` in constant memory."""
        logits = []
        for x in self.embed(tokens).split(1, dim=1):  # (B, 1, d_model)
            new_state = []
            for (norm, block), layer_state in zip(self.layers(), state, strict=True):
                y, layer_state = block.recur(norm(x), layer_state)
                x = x + y
                new_state.append(layer_state)
            state = new_state
            logits.append(self.head(self.final_norm(x)))
        return torch.cat(logits, dim=1), state

    def first_state(self, batch_size: int) -> State:
        """The state before the first token."""
        return [block.first_state(batch_size) for _, block in self.layers()]

    def layers(self) -> list[tuple[nn.Module, Any]]:
        """Each block with the norm before it."""
        return list(zip(self.norms, self.blocks, strict=True))

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """Accuracy on held-out sequences, or bits per byte of held-out text; on demand the growth of time."""
        figures = super().evaluate()
        if self.config.measure_time:
            figures["time_exponent"] = self.time_exponent()
        return figures

    def time_exponent(self) -> float:
        """Slope of log(seconds) over log(L) of the forward pass: 1 is linear, 2 what attention tends to."""
        seconds = []
        for length in TIMED_LENGTHS:
            tokens = torch.zeros(1, length, dtype=torch.long, device=self.setting.device)
            seconds.append(min(self._seconds(tokens) for _ in range(5)))  # the least disturbed run
        return float(np.polyfit(np.log(TIMED_LENGTHS), np.log(seconds), 1)[0])

    def _seconds(self, tokens: Tensor) -> float:
        began = wall_clock(tokens.device)
        self(tokens)
        return wall_clock(tokens.device) - began
