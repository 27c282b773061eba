"""A walk through the latent plane of a linear VAE, which needs no training: its optimum is known.

With a linear decoder, z ~ N(0, 1), x ~ N(mean + W z, s^2), the best W and s are those of probabilistic PCA
(Tipping and Bishop 1999, J. R. Statist. Soc. B 61), and training a linear VAE recovers them, axis by axis
(Lucas et al. 2019, "Don't Blame the ELBO!", NeurIPS). The encoder is then the exact posterior.
Shapes: N pictures, P = 196 pixels.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from atlas_cli.diagrams.frames import Explorable, Frame, Group, Images, Knob, Scatter
from atlas_cli.explorables._digits import SIDE, picture
from atlas_cli.explorables._digits import digits as drawn
from atlas_cli.explorables._ranges import evenly

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_PICTURES = 3000  # of all ten digits
WALK = tuple(round(value, 2) for value in evenly(-2.4, 2.4, 13))
DIGITS = {"0 and 1": (0, 1), "3 and 8": (3, 8), "all ten": tuple(range(10))}
PLANE = (-3.0, 3.0, -3.0, 3.0)
N_DRAWN = 240  # digits in the plane
N_NEAREST = 3


class LinearVae(NamedTuple):
    """A decoder mean + weights z with Gaussian noise, and a Gaussian encoder."""

    mean: NDArray  # (P,)
    weights: NDArray  # (P, 2)
    noise_variance: float  # s^2, of a pixel
    encoder: NDArray  # (2, P): z = encoder (x - mean)
    posterior_variance: NDArray  # (2,), of z given x; the same for every x
    explained: float  # share of the variance that lies along the two axes

    def decode(self, z: NDArray) -> NDArray:
        """The mean picture of latents (..., 2), (..., P)."""
        return self.mean + z @ self.weights.T

    def encode(self, x: NDArray) -> NDArray:
        """The posterior mean of pictures (..., P), (..., 2)."""
        return (x - self.mean) @ self.encoder.T


def fit(x: NDArray) -> LinearVae:
    """The maximum-likelihood linear VAE of pictures (N, P) with two latents."""
    import numpy as np

    mean = x.mean(0)
    values, vectors = np.linalg.eigh(np.cov(x.T, bias=True))
    values, axes = values[::-1], vectors[:, ::-1][:, :2]
    axes = axes * np.sign(axes.sum(0))  # more ink to the right and to the top
    noise = float(values[2:].mean())
    weights = axes * np.sqrt(values[:2] - noise)
    # M = W'W + s^2 is diagonal, for the axes are orthogonal; its diagonal is that of the variances.
    encoder = weights.T / values[:2, None]
    return LinearVae(
        mean, weights, noise, encoder, noise / values[:2], float(values[:2].sum() / values.sum())
    )


@cache
def pictures(digits: str) -> tuple[NDArray, NDArray]:
    """Some of the project's digits, (N, P) from 0 to 1, and what they are."""
    import numpy as np

    images, labels = drawn(N_PICTURES)
    wanted = np.isin(labels, DIGITS[digits])
    return images[wanted], labels[wanted]


@cache
def vae(digits: str) -> LinearVae:
    """Fitted to some of the digits."""
    return fit(pictures(digits)[0])


@cache
def error_left(digits: str) -> float:
    """The mean squared error of a picture that has been encoded and decoded."""
    import numpy as np

    model, (images, _) = vae(digits), pictures(digits)
    return float(np.square(images - model.decode(model.encode(images))).sum(1).mean())


def latent_walk(x: float, y: float, digits: str) -> Frame:
    """The picture at a place of the latent plane, and the digits that are drawn next to it."""
    import numpy as np

    model, (images, labels) = vae(digits), pictures(digits)
    here, places = np.array([x, y]), model.encode(images[:N_DRAWN])
    nearest = np.linalg.norm(places - here, axis=1).argsort()[:N_NEAREST]
    walked = (picture(model.decode(here)), *(picture(images[i]) for i in nearest))
    parts = (picture(model.mean), *(picture(0.5 + axis / 2) for axis in model.weights.T))
    error = error_left(digits)
    return Frame(
        (
            (
                Images(
                    "Decoded here, and the nearest of the data", walked, 2,
                    ("decoded", *(f"data: a {labels[i]}" for i in nearest)),
                ),
                Scatter("Where the digits are encoded", _groups(digits, places, labels, here), PLANE,
                        drag=("x", "y")),
            ),
            (
                Images(
                    "The picture: mean + x times one axis + y times the other (grey adds nothing)",
                    parts, 3, ("mean", "x axis", "y axis"),
                ),
            ),
        ),
        f"At ({x:g}, {y:g}) the nearest digit of the data, a {labels[nearest[0]]}, is "
        f"{float(np.linalg.norm(places[nearest[0]] - here)):.2g} away. A linear VAE: the best decoder that "
        "may only add two fixed pictures to a mean. Beyond the crowds it still draws, for it knows nothing "
        "of gaps.",
        {
            "variance along the two axes": model.explained,
            "error left in a picture": error,
            "distance to the nearest digit": float(np.linalg.norm(places[nearest[0]] - here)),
            "posterior width of x": float(model.posterior_variance[0] ** 0.5),
            "posterior width of y": float(model.posterior_variance[1] ** 0.5),
        },
    )  # fmt: skip


def _groups(digits: str, places: NDArray, labels: NDArray, here: NDArray) -> tuple[Group, ...]:
    if len(DIGITS[digits]) > 2:
        crowds = [Group("digits", places)]
    else:
        crowds = [Group(f"{digit}s", places[labels[:N_DRAWN] == digit]) for digit in DIGITS[digits]]
    return (*crowds, Group("here", [here]))


def given() -> dict[str, object]:
    """What the page needs to compute it: the VAE of each choice of digits, and the digits that are drawn."""
    return {"models": {name: _model(name) for name in DIGITS}, "side": SIDE, "nearest": N_NEAREST}


def _model(digits: str) -> dict[str, object]:
    model, (images, labels) = vae(digits), pictures(digits)
    shown = [[round(100 * pixel) for pixel in picture(image).ravel().tolist()] for image in images[:N_DRAWN]]
    variances = model.noise_variance / model.posterior_variance  # the encoder is weights over these
    return {
        "variances": variances, "mean": model.mean, "weights": model.weights, "digits": DIGITS[digits],
        "explained": model.explained, "error": error_left(digits), "widths": model.posterior_variance**0.5,
        "pictures": shown, "labels": labels[:N_DRAWN], "places": model.encode(images[:N_DRAWN]),
    }  # fmt: skip


EXPLORABLE = Explorable(
    "latent-walk", "autoencoder", ("vae",), "A walk between digits",
    "Walk from one crowd of digits to the other: is what lies between them a digit?",
    (
        Knob("x", "x", WALK, 0.0, "slider"),
        Knob("y", "y", WALK, 0.0, "slider"),
        Knob("digits", "digits", tuple(DIGITS), "0 and 1", "choice"),
    ),
    latent_walk,
    given=given,
    place=10,
)  # fmt: skip
