"""Affine coupling layers: a flow whose determinant is a product, because each layer leaves half as it is.

Source:  Dinh, Sohl-Dickstein, Bengio 2016, "Density estimation using Real NVP", arXiv:1605.08803, eq. 6-8.
Shapes:  B points of D coordinates.
Role:    the opponent of the continuous flow: exact likelihood too, for a network of a restricted form.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

MOST_STRETCH = 3.0  # of a layer, as a logarithm: without a bound some runs leave the numbers


class Coupling(nn.Module):
    """y_a = x_a, y_b = x_b exp(s(x_a)) + m(x_a): triangular, so log|det| is the sum of s."""

    def __init__(self, dim: int, width: int, flipped: bool) -> None:
        super().__init__()
        self.n_kept, self.flipped = dim // 2, flipped
        n_moved = dim - self.n_kept
        self.net = nn.Sequential(
            nn.Linear(self.n_kept, width), nn.Tanh(),
            nn.Linear(width, width), nn.Tanh(),
            nn.Linear(width, 2 * n_moved),
        )  # fmt: skip
        for parameter in self.net[-1].parameters():
            nn.init.normal_(parameter, std=1e-3)  # almost the identity

    def forward(self, x: Float[Tensor, "B D"]) -> tuple[Float[Tensor, "B D"], Float[Tensor, "B"]]:
        """From data towards noise: where x goes, and log|det| of the way."""
        kept, moved = self._split(x)
        stretch, shift = self._how(kept)
        return self._joined(kept, moved * stretch.exp() + shift), stretch.sum(1)

    def inverse(self, y: Float[Tensor, "B D"]) -> Float[Tensor, "B D"]:
        """From noise towards data, exactly: what was kept says how the rest was moved."""
        kept, moved = self._split(y)
        stretch, shift = self._how(kept)
        return self._joined(kept, (moved - shift) * (-stretch).exp())

    def _how(self, kept: Tensor) -> tuple[Tensor, Tensor]:
        stretch, shift = self.net(kept).chunk(2, dim=1)
        return MOST_STRETCH * (stretch / MOST_STRETCH).tanh(), shift

    def _split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = x.flip(1) if self.flipped else x
        return x[:, : self.n_kept], x[:, self.n_kept :]

    def _joined(self, kept: Tensor, moved: Tensor) -> Tensor:
        x = torch.cat([kept, moved], dim=1)
        return x.flip(1) if self.flipped else x


class CouplingFlow(nn.Module):
    """Layers that take turns with the half that they keep."""

    def __init__(self, dim: int, width: int, n_layer: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Coupling(dim, width, bool(k % 2)) for k in range(n_layer))

    def to_noise(self, x: Float[Tensor, "B D"]) -> tuple[Float[Tensor, "B D"], Float[Tensor, "B"]]:
        """The noise that a point stands for, and log|det| of the way there."""
        stretched = x.new_zeros(len(x))
        for layer in self.layers:
            x, more = layer(x)
            stretched = stretched + more
        return x, stretched

    def to_data(self, z: Float[Tensor, "B D"]) -> list[Float[Tensor, "B D"]]:
        """Where noise goes: after no layer, after one, ... after all."""
        path = [z]
        for layer in reversed(cast("Sequence[Coupling]", self.layers)):
            path.append(layer.inverse(path[-1]))
        return path
