"""Principal components with a Gaussian over their codes: what a VAE is without networks, in closed form.

Source:  probabilistic PCA: Tipping and Bishop 1999, J. R. Statist. Soc. B 61, 611-622. It is the optimum of a
         VAE whose encoder and decoder are linear: Lucas, Tucker, Grosse, Norouzi 2019, arXiv:1911.02469.
Names:   z ~ N(0, 1); x ~ N(mean + W z, s^2).
Shapes:  N images of P pixels, Z codes; everything in double precision on the CPU.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class PCA(NamedTuple):
    """A linear decoder and the exact posterior of its codes, which is the encoder.

    Attributes:
        mean: (P,) of the images.
        axes: (P, Z) orthonormal, by falling variance.
        variances: (Z,) of the images along them, s^2 included.
        noise: s^2, the mean variance along all other axes.
    """

    mean: Float[Tensor, "P"]
    axes: Float[Tensor, "P Z"]
    variances: Float[Tensor, "Z"]
    noise: float

    @classmethod
    def of(cls, x: Float[Tensor, "N P"], n_codes: int) -> PCA:
        """The likeliest one of these images; as many codes as pixels, less one, at most."""
        x = x.cpu().double()
        values, vectors = torch.linalg.eigh(torch.cov(x.T, correction=0))  # by rising variance
        values, vectors = values.flip(0).clamp(min=0), vectors.flip(1)
        noise = float(values[n_codes:].mean())
        return cls(x.mean(0), vectors[:, :n_codes], values[:n_codes], noise)

    @property
    def weights(self) -> Float[Tensor, "P Z"]:
        """W, the decoder's."""
        return self.axes * (self.variances - self.noise).clamp(min=0).sqrt()

    def rebuilt(self, x: Float[Tensor, "N P"]) -> Float[Tensor, "N P"]:
        """The nearest images to x that the axes reach: no linear code of that size errs less."""
        centred = x.cpu().double() - self.mean
        return self.mean + centred @ self.axes @ self.axes.T

    def draw(self, z: Float[Tensor, "N Z"]) -> Float[Tensor, "N P"]:
        """The means of images whose codes these are."""
        return self.mean + z.cpu().double() @ self.weights.T

    def log_density(self, x: Float[Tensor, "N P"]) -> Float[Tensor, "N"]:
        """Exact, of N(mean, W W^T + s^2): along each axis its variance, beside them all s^2."""
        centred, (p, n_codes) = x.cpu().double() - self.mean, self.axes.shape
        along = centred @ self.axes
        beside = centred.square().sum(1) - along.square().sum(1)
        squares = (along.square() / self.variances).sum(1) + beside / self.noise
        volume = self.variances.log().sum() + (p - n_codes) * math.log(self.noise)
        return -0.5 * (squares + volume + p * math.log(2 * math.pi))
