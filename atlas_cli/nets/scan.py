"""The selective scan, fast: a linear recurrence whose coefficients change at every step.

The loop over time, to be read first, is `plain_scan` in systems/ssm/mamba.py.

Source:  Gu and Dao 2023, arXiv:2312.00752, eq. 2 with the steps of eq. 4; section 3.3.2 (recomputation).

    h_t = exp(delta_t A) h_{t-1} + delta_t B_t x_t        y_t = C_t h_t

Shapes:  B batch, L length, D channels, N states a channel; h_t is (B, N, D). B_t and C_t are shared by all
         channels and come as (B, L, N); given as (D, N) they are each channel's own, the same at every step.
Differs: section 3.3.2 keeps the states in a GPU's SRAM; here a chunk of steps stays in the CPU's cache.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

LOG2_E = math.log2(math.e)
CHUNK = (
    2**18
)  # numbers in the (B, steps, N, D) blocks of a chunk: 1 MiB each, measured best at 2 MiB of L2 cache
MIN_STEPS = 4  # shorter chunks pay more for calls than they save in cache misses

Matrix = Float[Tensor, "B L N"] | Float[Tensor, "D N"]


def _coefficients(
    x: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor
) -> tuple[Float[Tensor, "B L D N"], Float[Tensor, "B L D N"], Tensor]:
    """exp(delta_t A), delta_t B_t x_t, and C_t with a place for the channels."""
    B, C = (m.unsqueeze(-2) if m.dim() == 3 else m.expand(1, x.shape[1], -1, -1) for m in (B, C))
    return torch.exp(delta.unsqueeze(-1) * A), (delta * x).unsqueeze(-1) * B, C


def blelloch_scan(
    x: Float[Tensor, "B L D"], delta: Float[Tensor, "B L D"], A: Float[Tensor, "D N"], B: Matrix, C: Matrix
) -> Float[Tensor, "B L D"]:
    """The recurrence as a tree of pairs, left to autograd: 2 log2 L rounds where the loop has L steps."""
    decay, enters, C = _coefficients(x, delta, A, B, C)
    return (_prefixes(decay, enters) * C).sum(-1)


def _prefixes(a: Float[Tensor, "B L *rest"], b: Float[Tensor, "B L *rest"]) -> Float[Tensor, "B L *rest"]:
    """All h_t = a_t h_{t-1} + b_t, by the work-efficient scan of Blelloch (1990), for any L.

    Two steps in a row are one: (a, b) then (a', b') is (a' a, a' b + b'). The way up the tree halves the
    length by that rule; the way down brings every second h, and each between is a step after its neighbour.
    """
    length = b.shape[1]
    if length == 1:
        return b
    pairs = length // 2
    a_even, a_odd = a[:, 0::2], a[:, 1::2]
    b_even, b_odd = b[:, 0::2], b[:, 1::2]
    joined = a_odd * a_even[:, :pairs], torch.addcmul(b_odd, a_odd, b_even[:, :pairs])
    odd = _prefixes(*joined)  # h_1, h_3, ...
    rest = torch.addcmul(b_even[:, 1:], a_even[:, 1:], odd[:, : b_even.shape[1] - 1])
    even = torch.cat([b_even[:, :1], rest], dim=1)  # h_0, h_2, ...
    both = torch.stack([even[:, :pairs], odd], dim=2).flatten(1, 2)
    return torch.cat([both, even[:, pairs:]], dim=1)


def selective_scan(
    x: Float[Tensor, "B L D"], delta: Float[Tensor, "B L D"], A: Float[Tensor, "D N"], B: Matrix, C: Matrix
) -> Float[Tensor, "B L D"]:
    """The recurrence with a hand-written backward, a chunk of steps at a time, in fp32 or better.

    Autograd would keep three (B, L, N, D) tensors; this keeps the state before each chunk, and recomputes.
    """
    B, C = (m.unsqueeze(-1) if m.dim() == 3 else m.t()[None, None] for m in (B, C))
    dtype = torch.promote_types(x.dtype, torch.float32)
    with torch.autocast(x.device.type, enabled=False):
        return _SelectiveScan.apply(*(t.to(dtype) for t in (x, delta, A.t(), B, C)))


class _SelectiveScan(torch.autograd.Function):
    """x, delta: (B, L, D). A: (N, D). B, C: (B, L, N, 1), or (1, 1, N, D) where they are fixed.

    D lies innermost: products then run over long rows, and sums over N add rows.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Tensor:
        steps = _steps_in_chunk(x, A)
        before = x.new_empty(-(-x.shape[1] // steps), x.shape[0], *A.shape)  # state before each chunk
        blocks = x.new_empty(2, x.shape[0], steps, *A.shape)
        y = torch.empty_like(x)
        u = delta * x
        h = x.new_zeros(())
        for i, chunk in enumerate(_chunks(x, steps)):
            h = before[i].copy_(h)
            _, states = _run_chunk(h, u, delta, A, B, chunk, blocks)
            h = states[:, -1]
            y[:, chunk] = _sum_over_states(_steps_of(C, chunk), states)  # y_t = C_t h_t
        ctx.save_for_backward(x, delta, A, B, C, before)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, ...]:
        with torch.autocast(dy.device.type, enabled=False):
            return _gradients(dy, *ctx.saved_tensors)


def _gradients(
    dy: Tensor, x: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, before: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """With g_t the gradient of h_t, and p_t that of delta_t A:

    g_t = C_t dy_t + exp(delta_{t+1} A) g_{t+1}        p_t = g_t exp(delta_t A) h_{t-1}
    d(delta_t x_t) = sum_n B_t g_t    dB_t = sum_d delta_t x_t g_t    dC_t = sum_d h_t dy_t
    d(delta_t)     = sum_n A p_t      dA   = sum_t delta_t p_t
    """
    steps = _steps_in_chunk(x, A)
    blocks = x.new_empty(3, x.shape[0], steps, *A.shape)
    dA = torch.zeros_like(blocks[0])  # added up at the end
    du, ddelta = torch.empty_like(x), torch.empty_like(x)
    dB, dC = torch.zeros_like(B), torch.zeros_like(C)
    u = delta * x
    from_later = torch.zeros_like(before[0])  # exp(delta_{t+1} A) g_{t+1}
    for i, chunk in reversed(list(enumerate(_chunks(x, steps)))):
        decay, states = _run_chunk(before[i], u, delta, A, B, chunk, blocks)
        g = torch.mul(dy[:, chunk, None], _steps_of(C, chunk), out=blocks[2, :, : decay.shape[1]])
        a_t, g_t = decay.unbind(1), g.unbind(1)
        g_t[-1].add_(from_later)
        for t in reversed(range(len(g_t) - 1)):
            g_t[t].addcmul_(a_t[t + 1], g_t[t + 1])
        p = decay.mul_(g)
        from_later.copy_(p[:, 0])
        p[:, 1:].mul_(states[:, :-1])
        p[:, 0].mul_(before[i])
        dA[:, : p.shape[1]].addcmul_(p, delta[:, chunk, None])
        torch.sum(p.mul_(A), 2, out=ddelta[:, chunk])
        du[:, chunk] = _sum_over_states(_steps_of(B, chunk), g)
        _add_to(dC, chunk, states.mul_(dy[:, chunk, None]))
        _add_to(dB, chunk, g.mul_(u[:, chunk, None]))
    return du * delta, ddelta.addcmul_(du, x), dA.sum((0, 1)), dB, dC


def _steps_in_chunk(x: Tensor, A: Tensor) -> int:
    return min(x.shape[1], max(MIN_STEPS, CHUNK // (x.shape[0] * A.numel())))


def _chunks(x: Tensor, steps: int) -> list[slice]:
    length = x.shape[1]
    return [slice(start, min(start + steps, length)) for start in range(0, length, steps)]


def _run_chunk(
    h: Tensor, u: Tensor, delta: Tensor, A: Tensor, B: Tensor, chunk: slice, blocks: Tensor
) -> tuple[Tensor, Tensor]:
    """exp(delta_t A) and h_t for the steps of a chunk, (B, steps, N, D) each, written into `blocks`."""
    decay, states = blocks[:2, :, : chunk.stop - chunk.start]
    # 2^(x log2 e) in place of e^x: a quarter of the time (59 us a block, exp 239 us; torch 2.15 on a CPU).
    torch.mul(delta[:, chunk, None], A * LOG2_E, out=decay).exp2_()
    torch.mul(u[:, chunk, None], _steps_of(B, chunk), out=states)
    for a_t, h_t in zip(decay.unbind(1), states.unbind(1), strict=True):
        h = h_t.addcmul_(a_t, h)  # h_t = a_t h_{t-1} + B_t delta_t x_t
    return decay, states


def _steps_of(matrix: Tensor, chunk: slice) -> Tensor:
    """The steps of a chunk, of B or C; all of a fixed one."""
    return matrix[:, chunk] if matrix.shape[1] > 1 else matrix


def _sum_over_states(weights: Tensor, blocks: Tensor) -> Tensor:
    """sum_n weights_n blocks_n, (B, steps, D)."""
    if weights.shape[-1] == 1:  # shared by all channels: a product of matrices
        return torch.matmul(weights.transpose(2, 3), blocks).squeeze(2)
    return (weights * blocks).sum(2)


def _add_to(gradient: Tensor, chunk: slice, blocks: Tensor) -> None:
    """Add the gradient of B or C, (B, steps, N, D), summed over what its matrix is shared by."""
    mine = _steps_of(gradient, chunk)
    mine += blocks.sum_to_size(mine.shape)
