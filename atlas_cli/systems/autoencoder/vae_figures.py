"""What a VAE is judged by: bounds on held-out images, units in use, draws from the prior, and PCA beside it.

Source:  importance-weighted bound: Burda, Grosse, Salakhutdinov 2015, arXiv:1509.00519, eq. 8. A Gaussian
         that is fitted to the codes afterwards: Ghosh et al. 2019, arXiv:1903.12436.
Shapes:  B images, K draws of the code of each; Z units.
"""

from __future__ import annotations

import math
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from atlas_cli.data.images import to_float
from atlas_cli.draws import generator
from atlas_cli.metrics.judge import N_SAMPLES, Judge
from atlas_cli.screen import messages
from atlas_cli.systems.autoencoder.pca import PCA
from atlas_cli.systems.autoencoder.pixels import LEVELS

N_BOUNDED = 256  # held-out images whose bounds are measured
DRAWS = (50, 500)  # of the code, for the importance-weighted bounds
N_REBUILT = 2_000  # held-out images, at most, that are encoded and decoded
N_FITTED = 10_000  # training images, at most, whose principal components are taken
ACTIVE = 0.01  # variance of a unit's mean over images above which it is active (section 5.2)


@runtime_checkable
class Variational(Protocol):
    """What is asked of a system here."""

    config: Any
    setting: Any
    encoder: Any

    def code_costs(self, x: Tensor) -> Tensor: ...

    def as_pixels(self, images: Tensor, noise: Tensor) -> Tensor: ...

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor: ...

    def log_weight(self, x: Tensor, noise: Tensor) -> Tensor: ...

    def pictures(self, z: Tensor, random: torch.Generator) -> Tensor: ...


def of(vae: Variational) -> dict[str, float]:
    """All figures of a run."""
    judge = Judge.load_or_train(vae.setting.data, messages.say)
    random = vae.setting.generator("evaluate")
    z = torch.randn(N_SAMPLES, vae.config.z_dim, generator=random, device=vae.setting.device)
    figures = {**bounds(vae), **rebuilding(vae), **judge.score(vae.pictures(z, random))}
    figures |= {"fitted_judge_frechet": fitted_distance(vae, judge)} | opponent(vae, judge)
    figures["judge_frechet_over_pca"] = figures["judge_frechet"] / figures["pca_judge_frechet"]
    figures["mse_over_pca"] = figures["reconstruction_mse"] / figures["pca_reconstruction_mse"]
    return figures


def pixels_of(vae: Variational, images: Float[Tensor, "B C H W"], purpose: str) -> Float[Tensor, "B C H W"]:
    """Images as the decoder explains them, by draws that are the same in every run on these data."""
    noise = torch.rand(images.shape, generator=generator("pixels", purpose))
    return vae.as_pixels(images, noise.to(images.device))


def bounds(vae: Variational) -> dict[str, float]:
    """Nats a held-out image by the ELBO and by the bounds with more draws, all of the same draws.

    Returns:
        image_nats: -ELBO, the sum of reconstruction_nats and kl_nats.
        iwae_50_nats and so on: the same by the mean of so many importance weights.
    """
    images, _ = vae.setting.data.test(N_BOUNDED)
    x = pixels_of(vae, images, "test")
    random, shape = vae.setting.generator("bounds"), (len(x), vae.config.z_dim)
    weights = []
    for _ in messages.steps(range(max(DRAWS)), "bounding"):
        noise = torch.randn(shape, generator=random, device=x.device)
        weights.append(vae.log_weight(x, noise))
    log_weights = torch.stack(weights).cpu().double()  # (K, B)
    kl = float(vae.code_costs(x).sum(1).mean())
    elbo = -importance_bound(log_weights, 1)
    figures = {"image_nats": elbo, "reconstruction_nats": elbo - kl, "kl_nats": kl}
    return figures | {f"iwae_{k}_nats": -importance_bound(log_weights, k) for k in DRAWS}


def importance_bound(log_weights: Float[Tensor, "K B"], k: int) -> float:
    """L_k = E log (1/k sum of k weights), a mean over all whole groups of k draws and all images (eq. 8)."""
    # exercise: importance_bound
    groups = log_weights[: len(log_weights) // k * k].unflatten(0, (-1, k))  # (K/k, k, B)
    return float((groups.logsumexp(dim=1) - math.log(k)).mean())
    # end


def active(means: Float[Tensor, "B Z"]) -> Tensor:
    """(Z,) which units' means differ from image to image; those of the others only repeat the prior."""
    return means.var(dim=0, correction=0) > ACTIVE


def rebuilding(vae: Variational) -> dict[str, float]:
    """How well images come back, and how many units of the code say something.

    Returns:
        active_units: Of all held-out images.
        reconstruction_mse: Mean squared error of a pixel in [0, 1], grey, decoded from the mean of its code.
    """
    images, _ = vae.setting.data.test(N_REBUILT)
    x = pixels_of(vae, images, "test")
    means = torch.cat([vae.encoder(part)[0] for part in x.split(256)])
    random = vae.setting.generator("rebuilding")
    back = torch.cat([vae.pictures(part, random) for part in means.split(256)])
    return {
        "active_units": float(active(means).sum()),
        "reconstruction_mse": float((back - images).square().mean()) / 4,  # images have a range of 2
    }


def fitted_distance(vae: Variational, judge: Judge) -> float:
    """The judge's distance of draws from the Gaussian of the training images' codes, in the prior's place."""
    train = to_float(judge.source.train_images[:N_FITTED])
    codes = [vae.encoder(part) for part in pixels_of(vae, train, "train").split(256)]
    means, log_vars = (torch.cat(parts).cpu().double() for parts in zip(*codes, strict=True))
    covariance = means.T.cov() + log_vars.exp().mean(0).diag()
    noise = torch.randn(
        N_SAMPLES, means.shape[1], generator=generator("fitted", vae.setting.train.seed), dtype=torch.float64
    )
    z = means.mean(0) + noise @ torch.linalg.cholesky(covariance).T
    drawn = vae.pictures(z.float().to(train.device), vae.setting.generator("fitted"))
    return judge.score(drawn)["judge_frechet"]


def opponent(vae: Variational, judge: Judge) -> dict[str, float]:
    """The same of principal components with a Gaussian over as many codes, of the very same pixels.

    Returns:
        pca_nats: What a held-out image costs by its exact likelihood, if the pixels are levels.
        nats_without_code: What it costs if each pixel is drawn by itself, by its own frequency.
    """
    images, _ = vae.setting.data.test(N_REBUILT)
    train = pixels_of(vae, to_float(judge.source.train_images[:N_FITTED]), "train")
    x, train = pixels_of(vae, images, "test").flatten(1).cpu(), train.flatten(1).cpu()
    pca = PCA.of(train, vae.config.z_dim)
    z = torch.randn(N_SAMPLES, vae.config.z_dim, generator=generator("pca", vae.setting.train.seed))
    drawn = 2 * pca.draw(z).clamp(0, 1).float().view(-1, *images.shape[1:]) - 1
    grey = (images.flatten(1).cpu().double() + 1) / 2
    scores = judge.score(drawn)
    figures = {f"pca_{name}": scores[name] for name in ("judge_frechet", "class_entropy", "confidence")}
    figures["pca_reconstruction_mse"] = float((pca.rebuilt(x) - grey).square().mean())
    if vae.config.decoder == "bernoulli":
        return figures | {"nats_without_code": coin_nats(train, x)}
    at_levels = x.shape[1] * math.log(LEVELS)
    return figures | {"pca_nats": at_levels - float(pca.log_density(x[:N_BOUNDED]).mean())}


def coin_nats(train: Float[Tensor, "N P"], x: Float[Tensor, "M P"]) -> float:
    """Nats an image x if each pixel is a coin with its own frequency in training, smoothed by one of each."""
    chance = (train.cpu().double().sum(0) + 1) / (len(train) + 2)
    held_out = x[:N_BOUNDED].cpu().double()
    return float(-(held_out * chance.log() + (1 - held_out) * (-chance).log1p()).sum(1).mean())
