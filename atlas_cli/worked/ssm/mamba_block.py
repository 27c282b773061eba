"""The last block of a trained Mamba on one sequence of its task: vectors as upright strips, delta as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from atlas_cli.worked.example import Example, Raw, Telling, bars, signed

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.systems.ssm.mamba import Mamba

LENGTH, WHICH = 16, 4  # positions; of the held-out sequences
CHANNELS = 8  # of a vector that are shown
BLOCK = 2  # counted from 1; it is the last


class Block(NamedTuple):
    """What one block computes on one sequence; L tokens, D channels, N states a channel."""

    u: Tensor  # (L, d_model)
    x: Tensor  # (L, D)
    z: Tensor
    mixed: Tensor
    delta: Tensor
    B: Tensor  # (L, N)
    C: Tensor
    h: Tensor  # (L, D, N)
    y: Tensor  # (L, D)
    gated: Tensor
    found: Tensor  # (L, d_model)
    end: Tensor


def tell(mamba: Mamba) -> Telling:
    """Every box of the block."""
    data = mamba.setting.data
    tokens = data.held_out(WHICH + 1, length=LENGTH)[0][WHICH:]
    seen, text = block_of(mamba, tokens, BLOCK), data.decode(tokens[0])
    most = float(max(part[:, :CHANNELS].abs().max() for part in (seen.u, seen.end)))

    def strips(vectors: Tensor, label: str = "", most: float | None = None) -> Raw:
        return signed(vectors[:, :CHANNELS].T, label, text, most)

    told = Telling(f"block {BLOCK}, on “{text}”; a column is a letter, {CHANNELS} numbers of each")
    told.show("input", 1, strips(seen.u, most=most))
    told.show("project", 2, strips(seen.x, "x"), strips(seen.z, "z"))
    told.show("convolve", 3, strips(seen.mixed))
    delta = bars(seen.delta.mean(1), "Δ, mean", text)
    told.show("select", 4, delta, signed(seen.B.T, "B", text), signed(seen.C.T, "C", text))
    told.show("scan", 5, signed(seen.h[:, opened(seen)].T, "a state", text), strips(seen.y, "y"))
    told.show("gate", 6, strips(seen.gated))
    told.show("out", 7, strips(seen.found))
    told.show("add", 7, strips(seen.end, most=most))
    answer = data.decode(mamba.head(mamba.final_norm(seen.end[None]))[0, -1:].argmax(-1))
    _say(told, seen, text, answer)
    return told


def opened(seen: Block) -> int:
    """The channel whose step is the largest of all."""
    return int(seen.delta.max(0).values.argmax())


def block_of(mamba: Mamba, tokens: Tensor, number: int) -> Block:
    """A block step by step, as `MambaBlock` computes it."""
    import torch
    from torch.nn import functional as F

    u = mamba.embed(tokens)
    for norm, earlier in mamba.layers()[: number - 1]:
        u = u + earlier(norm(u))
    norm, block = mamba.layers()[number - 1]
    read: Any = norm(u)
    x, z = block.in_proj(read).chunk(2, dim=-1)
    mixed, _ = block.enter(read)
    delta, A, B, C = block._select(mixed)
    h = [torch.zeros_like(delta[:, 0, :, None] * A)]  # (B, D, N)
    for t in range(tokens.shape[1]):
        step = delta[:, t, :, None]  # (B, D, 1)
        h.append(torch.exp(step * A) * h[-1] + step * B[:, t, None] * mixed[:, t, :, None])
    states = torch.stack(h[1:], dim=1)  # (B, L, D, N)
    y = (states * C[:, :, None]).sum(-1) + block.D * mixed
    gated = y * F.silu(z)
    found = block.out_proj(gated)
    torch.testing.assert_close(found, block(read), rtol=1e-3, atol=1e-3)  # it is what the block computes
    return Block(*(part[0] for part in (u, x, z, mixed, delta, B, C, states, y, gated, found, u + found)))


def _say(told: Telling, seen: Block, text: str, answer: str) -> None:
    """What to see, with its figures."""
    mean = seen.delta.mean(1)
    peak = int(mean.argmax())
    asked = text.index("?")
    told.seen[1] = f"The task: at the second ? say what followed the first, here {text[asked + 1]}."
    told.seen[4] = (
        f"Δ, the mean over {seen.delta.shape[1]} channels, is {float(mean.median()):.2f} at most letters and "
        f"{float(mean[peak]):.2f} at {text[peak]}, {peak - asked} after the ?, when the convolution still "
        f"holds {text[asked : peak + 1]}."
    )
    told.seen[5] = (
        f"The state is that of channel {opened(seen) + 1}, whose Δ is the largest: "
        f"{float(seen.delta[peak, opened(seen)]):.2f} at {text[peak]}."
    )
    told.seen[7] = f"From the last column the network says {answer}."


EXAMPLE = Example("mamba/ci", tell)
