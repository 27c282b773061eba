"""Autoencoders to turn: what beta throws away, rounding in place of a codebook, and merging letters.

The walk through a latent plane and the codebook stand in files of their own.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from atlas_cli.diagrams.frames import (
    Bars,
    Curves,
    Explorable,
    Frame,
    Group,
    Images,
    Knob,
    Scatter,
    Series,
    Tokens,
    Words,
)
from atlas_cli.explorables.codebook import CODEBOOK
from atlas_cli.explorables.latent_walk import LATENT_WALK
from atlas_cli.explorables.ranges import by_ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray

# --- beta: a linear VAE on digits ---------------------------------------------------------------------

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
                Curves("Error against rate", (curve,), "bits a digit", "error a digit", marker=rate),
            ),
        ),
        "Beta is the price of a bit. Dear bits are saved first where the data vary least: one latent after "
        "the other falls to 0 bits and is dead. Which beta leaves a digit that you can read with the fewest "
        "latents? What comes back when all are dead?",
        {"bits a digit": rate, "error a digit": error, "latents alive": int((kl > 1e-9).sum())},
    )  # fmt: skip


def _rate_and_error(beta: float) -> tuple[float, float]:
    import numpy as np

    variances = spectrum().variances
    noise = latent_noise(variances, beta)
    return float(0.5 * np.log2(1 / noise).sum()), float((variances * noise).sum())


# --- finite scalar quantisation -----------------------------------------------------------------------

N_POINTS = 120
DIMS = 8


def quantise(z: NDArray, levels: int) -> tuple[NDArray, NDArray]:
    """Numbers bounded to [-1, 1], and rounded there to `levels` values (Mentzer et al. 2023, section 3.1)."""
    import numpy as np

    half = (levels - 1) / 2
    offset = 0.5 if levels % 2 == 0 else 0.0
    shift = np.arctanh(offset / half) if offset < half else 0.0  # 0 stays in the middle; two levels need none
    bounded = np.tanh(z + shift) * half - offset
    return (bounded + offset) / half, (np.round(bounded) + offset) / half


def fsq(levels: int, dim: int) -> Frame:
    """Points of the plane, and the grid that they are rounded to."""
    import numpy as np

    z = np.random.default_rng(6).standard_normal((N_POINTS, 2))
    bounded, rounded = quantise(z, levels)
    values = np.linspace(-1, 1, levels)
    counts = [float((np.abs(rounded - value) < 1e-6).mean()) for value in values]
    dims = tuple(range(1, DIMS + 1))
    sizes = (
        Series(f"{levels} levels", dims, tuple(levels**d for d in dims)),
        Series("2 levels", dims, tuple(2**d for d in dims), "dashed"),
    )
    return Frame(
        (
            (
                Scatter("Two of the numbers of a code, before and after",
                        (Group("bounded", bounded), Group("rounded", rounded)), (-1.15, 1.15, -1.15, 1.15)),
                Bars("Use of each level", tuple(f"{v:+.2f}" for v in values), counts, 0.6),
            ),
            (Curves("Codes there are", sizes, "numbers in a code", "codes", log_y=True, marker=dim),),
        ),
        "No codebook is learned: the grid is the codebook. Turn the levels: does one ever stay empty? "
        "How does the number of codes grow with dim, and how with levels?",
        {
            "codes": levels**dim, "bits a code": dim * float(np.log2(levels)),
            "error of two numbers": float(np.square(rounded - bounded).sum(1).mean()),
            "least used level": min(counts),
        },
    )  # fmt: skip


# --- byte-pair encoding -------------------------------------------------------------------------------

SENTENCE = "the thin thief thinks that the other thinker thanked the three thirsty mothers"
N_MERGES = 30


@cache
def merged(n: int) -> tuple[tuple[tuple[str, ...], ...], tuple[tuple[str, str, int], ...]]:
    """The words of the sentence in pieces after n merges, and the merges with how often the pair stood there.

    Sennrich et al. 2016, Algorithm 1: the most frequent pair becomes a symbol; the first seen wins a tie.
    """
    words = [("_" if i else "", *word) for i, word in enumerate(SENTENCE.split())]
    pieces = [tuple(piece for piece in word if piece) for word in words]
    made: list[tuple[str, str, int]] = []
    for _ in range(n):
        pairs = Counter(pair for word in pieces for pair in pairwise(word))
        (left, right), count = max(pairs.items(), key=lambda item: item[1])
        made.append((left, right, count))
        pieces = [_join(word, left, right) for word in pieces]
    return tuple(pieces), tuple(made)


def _join(word: tuple[str, ...], left: str, right: str) -> tuple[str, ...]:
    joined: list[str] = []
    i = 0
    while i < len(word):
        both = word[i : i + 2] == (left, right)
        joined.append(left + right if both else word[i])
        i += 2 if both else 1
    return tuple(joined)


def bpe(merges: int) -> Frame:
    """The sentence in tokens after some merges."""
    pieces, made = merged(merges)
    tokens = [piece for word in pieces for piece in word]
    counts = Counter(tokens)
    longest = max(map(len, tokens))
    shown = tuple((piece, len(piece) / max(longest, 6), f"×{counts[piece]}") for piece in tokens)
    sizes = tuple(sum(map(len, merged(k)[0])) for k in range(N_MERGES + 1))
    letters = len(set(SENTENCE.replace(" ", "_")))
    last = tuple(f"{i + 1}. {a} + {b} → {a + b}   stood there {c} times" for i, (a, b, c) in enumerate(made))
    curve = Series("tokens in the sentence", tuple(range(N_MERGES + 1)), sizes)
    return Frame(
        (
            (Tokens("The sentence in tokens (_ is a blank)", shown),),
            (
                Words("Last merges", last[-5:] or ("none yet: every letter is a token",)),
                Curves("Length of the sentence", (curve,), "merges", "tokens", marker=merges),
            ),
        ),
        "Each merge makes one new token of the pair that stands most often side by side. Which pieces become "
        "words first, and why? When does one more merge stop being worth its place in the vocabulary?",
        {
            "tokens": len(tokens),
            "vocabulary": letters + merges,
            "letters a token": len(SENTENCE) / len(tokens),
        },
    )


EXPLORABLES = (
    LATENT_WALK,
    Explorable(
        "beta", "autoencoder", ("vae",), "The price of a bit",
        "Which latents die first as beta grows, and what is lost with them?",
        (Knob("beta", "beta", BETAS, BETAS[8], "slider"),),
        beta,
    ),
    CODEBOOK,
    Explorable(
        "fsq", "autoencoder", ("fsq", "vq-vae"), "Rounding in place of a codebook",
        "How can a codebook be large and still have no dead code?",
        (
            Knob("levels", "levels of a number", tuple(range(2, 13)), 5, "slider"),
            Knob("dim", "numbers in a code", tuple(range(1, DIMS + 1)), 4, "slider"),
        ),
        fsq,
    ),
    Explorable(
        "bpe", "autoencoder", ("bpe",), "Letters become words",
        "Which pair is merged next, and when is it no longer worth it?",
        (Knob("merges", "merges", tuple(range(N_MERGES + 1)), 6, "play"),),
        bpe,
    ),
)  # fmt: skip
