"""Mamba-2: one decay for a whole head, and the recurrence becomes products of matrices.

Source:  Dao and Gu 2024, arXiv:2405.21060. Here: section 7 and figure 6 (the block), section 5 (heads). The
         recurrence over a whole sequence is in nets/ssd.py. Around the blocks everything is as in mamba.py.
Names:   delta is the step size, A how fast a head fades, B what is written to the state, C what is read from
         it, D the skip; seen as attention, C is the query, B the key and x the value.
Shapes:  B batch, L length, H heads of P channels, D inner channels (H * P), N states a channel, K convolution
         width, W what is convolved: x, B and C side by side (D + 2N).
Differs: every A starts at -1, where the authors' code draws it from -16 .. -1 (`a_start: 0` is theirs). The
         recipes start delta between 0.1 and 1, where theirs is between 0.001 and 0.1: with those steps a run
         of selective copying can stay where the last two letters are confused. Norms on B and C, as in
         mamba/small, did not cure that reliably (`normalise_b_c`).
         All heads share B and C; the paper allows groups of heads with their own.
Code:    the authors' is in github.com/state-spaces/mamba: mamba_ssm/modules/mamba2_simple.py (`Mamba2Simple`,
         here Mamba2Block) and mamba_ssm/modules/ssd_minimal.py (here nets/ssd.py).
"""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from atlas_cli.config import LONGEST, WIDEST, sampling
from atlas_cli.language.model import LanguageConfig, LanguageModel
from atlas_cli.metrics.timing import least_seconds
from atlas_cli.nets.scan import selective_scan
from atlas_cli.nets.ssd import ssd
from atlas_cli.nets.state_space import (
    causal_convolution,
    kernel,
    log_uniform_steps,
    require_order,
    short_convolution,
)
from atlas_cli.systems.ssm.mamba import Mamba

TIMED_BATCH = 8
TIMED_LENGTHS = (256, 1024)
ATTENTION_HEADS = 4

LayerState = tuple[Float[Tensor, "B past W"], Float[Tensor, "B H N P"]]  # last K-1 inputs, hidden state


class Config(LanguageConfig):
    """Fields of `model:`; the data gives vocab_size and context_len."""

    d_state: int = Field(32, gt=0, le=WIDEST)  # N
    d_head: int = Field(16, gt=0, le=WIDEST)  # P
    d_conv: int = Field(4, gt=0, le=WIDEST)  # K
    expand: int = Field(2, gt=0, le=WIDEST)
    dt_min: float = Field(0.001, ge=1e-8)  # delta starts log-uniform in [dt_min, dt_max]
    dt_max: float = Field(0.1, gt=0, le=1e6)
    a_start: float = Field(1.0, ge=0)  # every A starts at -a_start; 0: drawn from -16 .. -1, as theirs
    decay: Literal["scalar", "diagonal"] = "scalar"  # diagonal: every channel and state its own, as in Mamba
    normalise_b_c: bool = False  # an RMSNorm on each of B and C
    selective: bool = True  # False: delta, B and C are parameters, the same for every token, as in S4
    chunk: int = sampling(
        32, gt=0, le=LONGEST
    )  # Q; the length of the sequence: attention's form; rounding alone differs
    measure_time: bool = sampling(False)  # evaluate() also reads how long training takes, and attention

    @property
    def d_inner(self) -> int:
        return self.expand * self.d_model

    @property
    def n_head(self) -> int:
        return self.d_inner // self.d_head

    @model_validator(mode="after")
    def _it_fits(self) -> Config:
        require_order(self.dt_min, self.dt_max)
        if self.d_inner % self.d_head:
            raise ValueError(f"d_head = {self.d_head} does not divide expand * d_model = {self.d_inner}")
        if not self.selective and self.decay == "scalar":
            raise ValueError("without selection a scalar decay makes all N states alike: set decay: diagonal")
        return self


class Mamba2Block(nn.Module):
    """Figure 6: project to everything at once, convolve, mix, norm behind the gate, project back."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        D, N, H, K = config.d_inner, config.d_state, config.n_head, config.d_conv
        self.widths = [D, D + 2 * N, H] if config.selective else [D, D]  # z; x, B, C; delta
        self.in_proj = nn.Linear(config.d_model, sum(self.widths), bias=False)
        bound = K**-0.5  # that of nn.Conv1d
        self.conv_weight = nn.Parameter(torch.empty(K, self.widths[1]).uniform_(-bound, bound))
        self.conv_bias = nn.Parameter(torch.empty(self.widths[1]).uniform_(-bound, bound))
        self.delta_bias = nn.Parameter(log_uniform_steps(H, config.dt_min, config.dt_max))
        A = torch.full((H,), config.a_start) if config.a_start else torch.empty(H).uniform_(1, 16)
        if config.decay == "diagonal":
            A = A.repeat_interleave(config.d_head).unsqueeze(1).repeat(1, N)  # (D, N)
        self.A_log = nn.Parameter(A.log())
        if not config.selective:  # as in S4D (arXiv:2206.11893)
            self.B, self.C = nn.Parameter(torch.ones(D, N)), nn.Parameter(torch.randn(D, N))
        elif config.normalise_b_c:
            self.B_norm, self.C_norm = nn.RMSNorm(N, eps=1e-5), nn.RMSNorm(N, eps=1e-5)
        self.D = nn.Parameter(torch.ones(H))
        self.norm = nn.RMSNorm(D, eps=1e-5)
        self.out_proj = nn.Linear(D, config.d_model, bias=False)

    def forward(self, u: Float[Tensor, "B L d_model"]) -> Float[Tensor, "B L d_model"]:
        """The whole sequence at once."""
        z, x_B_C, delta = self._project(u)
        window = F.pad(x_B_C, (0, 0, len(self.conv_weight) - 1, 0))  # zeros before the start
        x, B, C = self._split(F.silu(short_convolution(window, self.conv_weight, self.conv_bias)))
        return self._out(self._mix(x, delta, B, C), x, z)

    def recur(
        self, u_t: Float[Tensor, "B 1 d_model"], state: LayerState
    ) -> tuple[Float[Tensor, "B 1 d_model"], LayerState]:
        """One position, from the state that all earlier ones left; the state does not grow."""
        inputs, h = state
        z, x_B_C, delta = self._project(u_t)
        window = torch.cat([inputs, x_B_C], dim=1)  # (B, K, W)
        x, B, C = self._split(F.silu(short_convolution(window, self.conv_weight, self.conv_bias)))
        step = delta.mT.unsqueeze(-1)  # (B, H, 1, 1)
        A, B_h, C_h = (self._by_heads(m) for m in (-torch.exp(self.A_log), B, C))
        h = torch.exp(step * A) * h + step * B_h * x.mT.unflatten(1, (h.shape[1], -1)).mT
        y = (C_h * h).sum(2).flatten(1).unsqueeze(1)  # (B, 1, D)
        return self._out(y, x, z), (window[:, 1:], h)

    def first_state(self, batch_size: int) -> LayerState:
        """Nothing read yet."""
        config, (K, width) = self.config, self.conv_weight.shape
        h = self.D.new_zeros(batch_size, config.n_head, config.d_state, config.d_head)
        return self.D.new_zeros(batch_size, K - 1, width), h

    def _project(self, u: Tensor) -> tuple[Tensor, Tensor, Float[Tensor, "B L H"]]:
        """The gate z, the inputs x, B and C side by side, and the step sizes."""
        z, x_B_C, *delta = self.in_proj(u).split(self.widths, dim=-1)
        steps = F.softplus((delta[0] if delta else 0) + self.delta_bias)
        return z, x_B_C, steps.expand(*u.shape[:2], -1)

    def _split(self, x_B_C: Tensor) -> tuple[Float[Tensor, "B L D"], Tensor, Tensor]:
        """x, with B and C (B, L, N) each, or (D, N) where they are fixed."""
        if not self.config.selective:
            return x_B_C, self.B, self.C
        N = self.config.d_state
        x, B, C = x_B_C.split([self.config.d_inner, N, N], dim=-1)
        return (x, self.B_norm(B), self.C_norm(C)) if self.config.normalise_b_c else (x, B, C)

    def _mix(self, x: Tensor, delta: Tensor, B: Tensor, C: Tensor) -> Float[Tensor, "B L D"]:
        """The recurrence over all positions, in the fastest way that its coefficients allow."""
        A = -torch.exp(self.A_log)
        if self.config.decay == "diagonal":
            delta = delta.repeat_interleave(self.config.d_head, dim=-1)  # (B, L, D)
            if self.config.selective:  # by Mamba's scan
                return selective_scan(x, delta, A, B, C)
            steps = delta[0, 0].unsqueeze(-1)  # (D, 1): the same everywhere, so one filter, as in S4
            K = kernel(torch.exp(steps * A), C * steps * B, x.shape[1])
            return causal_convolution(x.mT, K).mT
        y, _ = ssd(x.unflatten(-1, (self.config.n_head, -1)), delta, A, B, C, chunk=self.config.chunk)
        return y.flatten(2)

    def _out(self, y: Float[Tensor, "B L D"], x: Tensor, z: Tensor) -> Float[Tensor, "B L d_model"]:
        # exercise: gate
        y = y + self.D.repeat_interleave(self.config.d_head) * x
        return self.out_proj(self.norm(y * F.silu(z)))
        # end

    def _by_heads(self, matrix: Tensor) -> Float[Tensor, "*B H N P"]:
        """A, B or C, to be multiplied with a state: shared by what it is shared by."""
        if matrix.dim() == 1:  # A, one number a head
            return matrix.view(-1, 1, 1)
        if matrix.dim() == 3:  # B or C of one position, (B, 1, N)
            return matrix.unsqueeze(-1)
        return matrix.unflatten(0, (self.config.n_head, -1)).mT  # (D, N)


class Mamba2(Mamba):
    """Mamba's language model with blocks that mix by products of matrices."""

    block = Mamba2Block
    config: Config  # type: ignore[assignment]

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """Accuracy on held-out sequences, or bits per byte of held-out text; on demand also times."""
        figures = LanguageModel.evaluate(self)
        if self.config.measure_time:
            figures["train_microseconds"] = self.train_microseconds()
            figures |= {f"attention_time_{length}": self.attention_time(length) for length in TIMED_LENGTHS}
        return figures

    @torch.enable_grad()
    def train_microseconds(self) -> float:
        """Processor time of one token of training, forward and backward, at the recipe's batch and length."""
        batch = self.batch(0)
        parameters = list(self.parameters())
        seconds = least_seconds(
            {"": lambda: torch.autograd.grad(self.loss(batch)[0], parameters)}, device=self.setting.device
        )
        return 1e6 * seconds[""] / batch[0].numel()

    @torch.enable_grad()
    def attention_time(self, length: int) -> float:
        """Time of causal attention over that of a block's mixing, of the same width, forward and backward."""
        block: Mamba2Block = self.blocks[0]  # type: ignore[assignment]
        config, random = self.config, self.setting.generator("timing")

        def normal(*shape: int) -> Tensor:
            return torch.randn(shape, generator=random, device=random.device).requires_grad_()

        rows = (TIMED_BATCH, length)
        x, delta = normal(*rows, config.d_inner), normal(*rows, config.n_head)
        B, C = (normal(*(rows if config.selective else (config.d_inner,)), config.d_state) for _ in range(2))
        width = config.d_inner // ATTENTION_HEADS
        q, k, v = (normal(TIMED_BATCH, ATTENTION_HEADS, length, width) for _ in range(3))

        def attend() -> None:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            torch.autograd.grad(y.sum(), (q, k, v))

        def mix() -> None:
            torch.autograd.grad(block._mix(x, F.softplus(delta), B, C).sum(), (x, delta, B, C))

        taken = least_seconds({"attention": attend, "block": mix}, device=self.setting.device)
        return taken["attention"] / taken["block"]
