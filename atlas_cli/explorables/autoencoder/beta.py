"""The price of a bit: what beta throws away first, in the best linear VAE of stroke digits.

Nothing is trained: the optimum of the bound is known in closed form.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from atlas_cli.diagrams.frames import Bars, Curves, Drag, Explorable, Frame, Images, Knob, Series
from atlas_cli.explorables._ranges import by_ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_DIGITS = 1500
NOISE_VARIANCE = 0.01  # of the decoder's Gaussian, for pixels from 0 to 1
SHOWN = (3, 14)  # digits of the set
SHOWN_LATENTS = 12
BETAS = by_ratio(0.05, 500, 25)


class Spectrum(NamedTuple):
    """Principal components of the digits: mean (P,), axes (P, P) by falling variance, variances (P,)."""

    images: NDArray
    mean: NDArray
    axes: NDArray
    variances: NDArray


@cache
def spectrum() -> Spectrum:
    """Of the project's stroke digits."""
    import numpy as np

    from atlas_cli.data import strokes

    images = strokes.draw(N_DIGITS, 0)[0].reshape(N_DIGITS, -1) / 255.0
    mean = images.mean(0)
    values, vectors = np.linalg.eigh(np.cov(images.T, bias=True))
    return Spectrum(images, mean, vectors[:, ::-1], values[::-1].clip(0))


def latent_noise(variances: NDArray, beta: float) -> NDArray:
    """Variance of the best posterior of each latent: beta s^2 / lambda, at most the prior's 1.

    The optimum of E|x - decoded|^2 / (2 s^2) + beta KL for Gaussian data and a linear encoder and decoder.
    Its KL is -log(noise) / 2, its error lambda * noise: reverse water-filling with the level beta s^2.
    """
    import numpy as np

    return np.minimum(1.0, beta * NOISE_VARIANCE / np.maximum(variances, 1e-12))


def beta(beta: float) -> Frame:
    """Digits through the best linear VAE of that beta."""
    import numpy as np

    digits = spectrum()
    noise = latent_noise(digits.variances, beta)
    kl = 0.5 * np.log2(1 / noise)
    seen = digits.images[list(SHOWN)]
    through = digits.mean + ((seen - digits.mean) @ digits.axes * (1 - noise)) @ digits.axes.T
    rates, errors = zip(*(_rate_and_error(b) for b in BETAS), strict=True)
    rate, error = _rate_and_error(beta)
    pairs = [image for pair in zip(seen, through, strict=True) for image in pair]
    pictures = tuple(np.round(x.reshape(28, 28).clip(0, 1), 2) for x in pairs)
    labels = tuple(f"latent {i + 1}" for i in range(SHOWN_LATENTS))
    curve = Series("best for a beta", rates, errors)
    return Frame(
        (
            (Images("Digits, and what comes back", pictures, 2, ("digit", "comes back") * len(SHOWN)),),
            (
                Bars("Bits in each latent", labels, kl[:SHOWN_LATENTS], 8.0),
                Curves("Error against rate", (curve,), "bits a digit", "error a digit", marker=rate,
                       drag=Drag("beta", values=BETAS, at=rates)),
            ),
        ),
        f"At a beta of {beta:.2g}, {rate:.3g} bits in {int((kl > 1e-9).sum())} latents are left for a digit. "
        "Beta is the price of a bit. Dear bits are saved first where the data vary least: one latent after "
        "the other falls to 0 bits and is dead.",
        {"bits a digit": rate, "error a digit": error, "latents alive": int((kl > 1e-9).sum())},
    )  # fmt: skip


def _rate_and_error(beta: float) -> tuple[float, float]:
    import numpy as np

    variances = spectrum().variances
    noise = latent_noise(variances, beta)
    return float(0.5 * np.log2(1 / noise).sum()), float((variances * noise).sum())


EXPLORABLE = Explorable(
    "beta", "autoencoder", ("vae",), "The price of a bit",
    "Which beta leaves a digit that you can read with the fewest latents? What if all are dead?",
    (Knob("beta", "beta", BETAS, BETAS[8], "slider"),),
    beta,
    place=20,
    opens=True,
)  # fmt: skip
