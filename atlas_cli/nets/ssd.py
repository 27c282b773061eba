"""State-space duality: the recurrence of Mamba-2, and the same as masked products of matrices.

Source:  Dao and Gu 2024, arXiv:2405.21060: the dual form of section 5, the chunked algorithm of section 6.

    h_t = exp(delta_t A) h_{t-1} + B_t (delta_t x_t)'        y_t = C_t' h_t        A is one number a head

    y = (M * C B') (delta x)        M_ts = exp(A (delta_{s+1} + ... + delta_t)) for s <= t, else 0

    Cut into chunks, the blocks of this L x L matrix on the diagonal are multiplied out; all those below the
    diagonal go through one state a chunk, so that time is linear in L.
Shapes:  B batch, L length, H heads, P channels a head, N states a channel, Q steps a chunk, c chunks. B_t and
         C_t are shared by all heads and come as (B, L, N), or as (B, L, G, N) by each of G groups of heads.
Differs: chunks of 32 steps, where the authors' GPU code has 256: work inside a chunk grows with Q.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

LOG2_E = math.log2(math.e)
BLOCK = 2**19  # numbers in the (B, c, H, Q, Q) decays of a segment: 2 MiB, which stay in a CPU's cache

Matrix = Float[Tensor, "B L N"] | Float[Tensor, "B L G N"]
State = Float[Tensor, "B H N P"]


def ssd_recurrence(
    x: Float[Tensor, "B L H P"],
    delta: Float[Tensor, "B L H"],
    A: Float[Tensor, " H"],
    B: Matrix,
    C: Matrix,
    state: State | None = None,
) -> tuple[Float[Tensor, "B L H P"], State]:
    """Outputs and last state, step after step: the reference for `ssd`."""
    state = first_state(x, B) if state is None else state
    y = []
    for x_t, delta_t, B_t, C_t in zip(x.unbind(1), delta.unbind(1), B.unbind(1), C.unbind(1), strict=True):
        y_t, state = ssd_step(x_t, delta_t, A, B_t, C_t, state)
        y.append(y_t)
    return torch.stack(y, dim=1), state


def ssd_step(
    x_t: Float[Tensor, "B H P"],
    delta_t: Float[Tensor, "B H"],
    A: Float[Tensor, " H"],
    B_t: Float[Tensor, "B N"] | Float[Tensor, "B G N"],
    C_t: Float[Tensor, "B N"] | Float[Tensor, "B G N"],
    state: State,
) -> tuple[Float[Tensor, "B H P"], State]:
    """One step of the recurrence: the output and the new state."""
    B_t, C_t = (_for_each_head(m, x_t.shape[1]) for m in (B_t, C_t))  # (B, H, N)
    # exercise: step
    decay = torch.exp(delta_t * A)[..., None, None]
    state = decay * state + B_t.unsqueeze(-1) * (delta_t.unsqueeze(-1) * x_t).unsqueeze(-2)
    return (C_t.unsqueeze(-2) @ state).squeeze(-2), state
    # end


def first_state(x: Float[Tensor, "B L H P"], B: Matrix) -> State:
    """Nothing read yet."""
    batch, _, H, P = x.shape
    return x.new_zeros(batch, H, B.shape[-1], P)


def ssd(
    x: Float[Tensor, "B L H P"],
    delta: Float[Tensor, "B L H"],
    A: Float[Tensor, " H"],
    B: Matrix,
    C: Matrix,
    state: State | None = None,
    chunk: int = 32,
) -> tuple[Float[Tensor, "B L H P"], State]:
    """Outputs and last state, by products of matrices, in fp32 or better; the backward is hand-written.

    A `chunk` as long as the sequence is the quadratic form: attention without a softmax.
    """
    dtype = torch.promote_types(x.dtype, torch.float32)
    length, G = x.shape[1], B.shape[2] if B.dim() == 4 else 1
    Q = -(-length // -(-length // chunk))  # chunks of equal size, none longer than asked, to fill up little
    with torch.autocast(x.device.type, enabled=False):
        x, delta, A, B, C = (t.to(dtype) for t in (x, delta, A, B, C))
        state = first_state(x, B) if state is None else state
        u, log_decay = delta.unsqueeze(-1) * x, (delta * A).unsqueeze(-1)
        u, log_decay, B, C = (_in_chunks(_fold_groups(t, G), Q) for t in (u, log_decay, B, C))
        state = state.unflatten(1, (G, -1)).flatten(0, 1).transpose(1, 2)  # (B * G, N, H / G, P)
        y, state = _SSD.apply(u, log_decay.squeeze(-1), B.squeeze(3), C.squeeze(3), state)
    y = y.flatten(1, 2)[:, :length].unflatten(0, (-1, G)).transpose(1, 2).flatten(2, 3)
    return y, state.transpose(1, 2).unflatten(0, (-1, G)).flatten(1, 2)


def _fold_groups(features: Tensor, G: int) -> Float[Tensor, "BG L heads features"]:
    """(B, L, H, any) to (B * G, L, H / G, any): a group of heads is computed like a sequence of its own."""
    features = features.unsqueeze(2) if features.dim() == 3 else features
    return features.unflatten(2, (G, -1)).transpose(1, 2).flatten(0, 1)


def _in_chunks(features: Float[Tensor, "B L *rest"], Q: int) -> Float[Tensor, "B c Q *rest"]:
    missing = -features.shape[1] % Q
    if missing:  # steps of length 0: nothing fades, nothing enters
        features = F.pad(features, (0, 0) * (features.dim() - 2) + (0, missing))
    return features.unflatten(1, (-1, Q))


class _SSD(torch.autograd.Function):
    """u: (B, c, Q, H, P). log_decay: (B, c, Q, H). B, C: (B, c, Q, N). state: (B, N, H, P).

    Heads and channels lie innermost: one product of matrices then serves all the heads that share B and C.
    """

    @staticmethod
    def forward(
        ctx: Any, u: Tensor, log_decay: Tensor, B: Tensor, C: Tensor, state: Tensor
    ) -> tuple[Tensor, Tensor]:
        y = torch.empty_like(u)
        states = u.new_empty(u.shape[0], u.shape[1] + 1, *state.shape[1:])  # before each chunk, and the last
        states[:, 0] = state
        for part in _segments(u):
            s = _Segment.of(u, log_decay, B, C, part)
            enters = (s.B.mT @ s.at_end.flatten(3)).unflatten(-1, s.u.shape[3:])  # (B, c, N, H, P)
            for c, (fades, enters_c) in enumerate(zip(s.fades.unbind(1), enters.unbind(1), strict=True)):
                here = part.start + c
                torch.addcmul(enters_c, fades, states[:, here], out=states[:, here + 1])
            read = (s.C @ states[:, part].flatten(3)).unflatten(-1, s.u.shape[3:])  # (B, c, Q, H, P)
            inside = s.decays.mul_((s.C @ s.B.mT).unsqueeze(2)) @ s.u.transpose(2, 3)  # (B, c, H, Q, P)
            torch.addcmul(inside.transpose(2, 3), s.from_start, read, out=y[:, part])
        ctx.save_for_backward(u, log_decay, B, C, states, y)
        return y, states[:, -1]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor, dstate: Tensor) -> tuple[Tensor, ...]:
        u, log_decay, B, C, states, y = ctx.saved_tensors
        du, dlog_decay, dB, dC = (torch.empty_like(t) for t in (u, log_decay, B, C))
        with torch.autocast(dy.device.type, enabled=False):
            for part in reversed(_segments(u)):
                s = _Segment.of(u, log_decay, B, C, part)
                after = states[:, part.start + 1 : part.stop + 1]
                dafter, dstate = _states_backward(s, dy[:, part], dstate)
                du[:, part], dB[:, part], dC[:, part] = _backward(s, dy[:, part], states[:, part], dafter)
                # A step's logarithm is in all that leaves after it (y) and in none that enters after it (u).
                dsince = (y[:, part] * dy[:, part]).sum(-1) - (u[:, part] * du[:, part]).sum(-1)
                through = (after * dafter).sum((2, 4)).unsqueeze(2)  # and in the state that leaves the chunk
                dlog_decay[:, part] = dsince.flip(2).cumsum(2).flip(2) + through
        return du, dlog_decay, dB, dC, dstate


class _Segment(NamedTuple):
    """A few chunks, and what their decays make of them."""

    u: Float[Tensor, "B c Q H P"]
    B: Float[Tensor, "B c Q N"]
    C: Float[Tensor, "B c Q N"]
    decays: Float[Tensor, "B c H Q Q"]  # M: left at step t, a row, of what entered at step s
    from_start: Float[Tensor, "B c Q H 1"]  # what is left at each step of the state before the chunk
    to_end: Float[Tensor, "B c Q H 1"]  # what is left at the chunk's end of what entered at each step
    fades: Float[Tensor, "B c 1 H 1"]  # what is left at the chunk's end of the state before it

    @classmethod
    def of(cls, u: Tensor, log_decay: Tensor, B: Tensor, C: Tensor, part: slice) -> _Segment:
        # To the base 2: exp2 takes a quarter of exp's time (torch 2.15 on a CPU).
        since = (log_decay[:, part] * LOG2_E).cumsum(2)  # (B, c, Q, H)
        since_h = since.mT.contiguous()  # (B, c, H, Q)
        # Masked before the power: above the diagonal it would overflow.
        later = since.new_full((since.shape[2],) * 2, -math.inf).triu(1)
        decays = (since_h.unsqueeze(-1) + later).sub_(since_h.unsqueeze(-2)).exp2_()
        from_start, to_end = (
            torch.exp2(since).unsqueeze(-1),
            torch.exp2(since[:, :, -1:] - since).unsqueeze(-1),
        )
        return cls(u[:, part], B[:, part], C[:, part], decays, from_start, to_end, from_start[:, :, -1:])

    @property
    def at_end(self) -> Float[Tensor, "B c Q H P"]:
        """What each step alone would leave at the chunk's end."""
        return self.to_end * self.u


def _segments(u: Tensor) -> list[slice]:
    """As many chunks at a time as a CPU's cache holds the decays of."""
    batch, chunks, Q, H, _ = u.shape
    size = max(1, BLOCK // (batch * H * Q * Q))
    return [slice(start, min(start + size, chunks)) for start in range(0, chunks, size)]


def _states_backward(s: _Segment, dy: Tensor, dstate: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of the states after each chunk, (B, c, N, H, P), and of the one before the first."""
    asked = (s.C.mT @ (s.from_start * dy).flatten(3)).unflatten(-1, s.u.shape[3:])
    dafter = []
    for fades, asked_c in zip(reversed(s.fades.unbind(1)), reversed(asked.unbind(1)), strict=True):
        dafter.append(dstate)
        dstate = torch.addcmul(asked_c, fades, dstate)
    return torch.stack(dafter[::-1], dim=1), dstate


def _backward(s: _Segment, dy: Tensor, before: Tensor, dafter: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of u, B and C: the transpose of both ways forward, inside a chunk and by the state."""
    dy_h, u_h = dy.transpose(2, 3), s.u.transpose(2, 3)  # (B, c, H, Q, P)
    dscores = (dy_h @ u_h.mT).mul_(s.decays).sum(2)  # (B, c, Q, Q)
    inside = s.decays.mul_((s.C @ s.B.mT).unsqueeze(2))
    by_state = (s.B @ dafter.flatten(3)).unflatten(-1, s.u.shape[3:])  # (B, c, Q, H, P)
    du = torch.addcmul((inside.mT @ dy_h).transpose(2, 3), s.to_end, by_state)
    dB = dscores.mT @ s.C + s.at_end.flatten(3) @ dafter.flatten(3).mT
    dC = dscores @ s.B + (s.from_start * dy).flatten(3) @ before.flatten(3).mT
    return du, dB, dC


def _for_each_head(matrix: Tensor, H: int) -> Float[Tensor, "B H N"]:
    matrix = matrix.unsqueeze(1) if matrix.dim() == 2 else matrix
    return matrix.repeat_interleave(H // matrix.shape[1], dim=1)
