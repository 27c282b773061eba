"""What state-space models share: the kernel of a fixed recurrence, its convolution, and how blocks begin.

Source:  kernel and convolution: Gu, Goel, Re 2021, arXiv:2111.00396, section 2.4; the short convolution and
         the start of the step sizes: Gu and Dao 2023, arXiv:2312.00752, section 3.4 and 3.6. The kernel and
         the recurrence written out, to be read first, are in systems/ssm/s4.py.
Shapes:  B batch, L length, H or D channels, n states a channel, K taps of a filter.
Differs: powers of A-bar come from two tables of sqrt(L) instead of one of L: the kernel costs a seventh.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Inexact
from torch import Tensor
from torch.nn import functional as F

HEARD = 0.01  # what is held more weakly than this share of the best drowns in noise


def require_order(low: float, high: float) -> None:
    """Refuse a range of step sizes that ends before it begins.

    Raises:
        ValueError: dt_min is above dt_max.
    """
    if low > high:
        raise ValueError(f"dt_min = {low:g} is above dt_max = {high:g}")


def log_uniform_steps(count: int, low: float, high: float) -> Float[Tensor, " count"]:
    """Biases whose softplus is log-uniform in [low, high]: some channels see far, some near."""
    steps = torch.exp(torch.empty(count).uniform_(math.log(low), math.log(high)))
    return steps + torch.log(-torch.expm1(-steps))  # the inverse of softplus


def short_convolution(
    window: Float[Tensor, "B padded D"], weight: Float[Tensor, "K D"], bias: Float[Tensor, " D"]
) -> Float[Tensor, "B L D"]:
    """Each channel's own filter over its last K inputs: K shifted products take half F.conv1d's time.

    Args:
        window: K - 1 inputs (or zeros) before the first, then L of them.
        weight: The last row meets the newest input.
        bias: Added to all.
    """
    length = window.shape[1] - len(weight) + 1
    x = bias
    for k, tap in enumerate(weight):
        x = torch.addcmul(x, window[:, k : k + length], tap)
    return x


def powers(base: Tensor, count: int) -> Tensor:
    """base^0 .. base^(count - 1) in a new last dimension, by doubling: products only, for any sign."""
    table, square = torch.ones_like(base)[..., None], base
    while table.shape[-1] < count:
        table = torch.cat([table, table * square[..., None]], dim=-1)
        square = square * square
    return table[..., :count]


def kernel(
    A_bar: Inexact[Tensor, "H n"], weight: Inexact[Tensor, "H n"], length: int
) -> Float[Tensor, "H L"]:
    """K_l = sum over states of weight * A_bar^l, `weight` being C * B-bar; a pair of states counts twice.

    With l = far * stride + near, A_bar^l is a product of two numbers from tables of sqrt(L).
    """
    stride = math.isqrt(length - 1) + 1
    near = powers(A_bar, stride)  # (H, n, stride)
    far = powers(near[..., -1] * A_bar, -(-length // stride))  # (H, n, ceil(L / stride))
    K = ((weight[..., None] * far).mT @ near).flatten(1)[:, :length]
    return 2 * K.real if K.is_complex() else K


def causal_convolution(u: Float[Tensor, "B H L"], K: Float[Tensor, "H L"]) -> Float[Tensor, "B H L"]:
    """y_t = sum over l of K_l u_{t-l}, in O(L log L); padding keeps the end from wrapping to the start."""
    length = u.shape[-1]
    spectrum = torch.fft.rfft(u, 2 * length) * torch.fft.rfft(K, 2 * length)
    return torch.fft.irfft(spectrum, 2 * length)[..., :length]


def responses(A_bar: Inexact[Tensor, "H n"], length: int) -> Float[Tensor, "H N L"]:
    """What each state holds of an input l steps ago, in double precision on the CPU; a pair is two rows."""
    table = powers(A_bar.cpu().to(torch.complex128 if A_bar.is_complex() else torch.float64), length)
    return torch.cat([table.real, table.imag], dim=1) if table.is_complex() else table


def readable_directions(held: Float[Tensor, "N L"]) -> Float[Tensor, "k L"]:
    """Orthonormal directions of the last L inputs that N states tell apart above noise of HEARD."""
    _, values, directions = torch.linalg.svd(F.normalize(held), full_matrices=False)
    return directions[values > HEARD * values[0]]
