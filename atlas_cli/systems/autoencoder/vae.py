"""VAE: learn to write images as small Gaussians in a space that can be drawn from, and to read them back.

Source:  Kingma, Welling 2013, arXiv:1312.6114: eq. 3 (the bound), section 2.4 (the draw), app. B (the KL).
         Rezende, Mohamed, Wierstra 2014, arXiv:1401.4082, found it too. Importance-weighted bound and active
         units: Burda, Grosse, Salakhutdinov 2015, arXiv:1509.00519, eq. 8 and section 5.2. beta: Higgins et
         al. 2017 (ICLR). A width that is learned: Rybkin, Daniilidis, Levine 2020, arXiv:2006.13202.
Names:   x are pixels in [0, 1], z the code; q(z | x) the encoder, p(x | z) the decoder, p(z) = N(0, 1) the
         prior.
Shapes:  B batch, C channels, H height, W width; Z units of the code.
Differs: the pixels of a Bernoulli decoder are drawn black or white by their grey at every step; those of a
         Gaussian one get noise of one level, so that their nats count levels. Shown are the decoder's means.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field, model_validator
from torch import Tensor, nn

from atlas_cli.config import WIDEST, SystemConfig
from atlas_cli.draws import BatchRandom
from atlas_cli.engine.system import Metrics, Optimizers, SampleRequest, System
from atlas_cli.present.artifacts.images import Images
from atlas_cli.screen import messages
from atlas_cli.systems.autoencoder import pixels, vae_figures
from atlas_cli.systems.autoencoder.window import Window

N_HIDDEN = 256  # between convolutions and code
WATCHED_FROM, LOOKS = (
    0.25,
    20,
)  # share of the training after which units that say nothing are named; how often
N_FRAMES = 16  # of a walk


class Config(SystemConfig):
    """The `model:` section of a vae recipe."""

    data_kinds: ClassVar[tuple[str, ...]] = ("images",)
    image_size: int = Field(28, gt=0, le=WIDEST, multiple_of=4)  # pixels; from the data
    channels: int = Field(1, gt=0, le=WIDEST)  # from the data
    n_classes: int = Field(10, gt=0, le=WIDEST)  # from the data
    z_dim: int = Field(16, gt=0, le=WIDEST)  # units of the code
    width: int = Field(32, gt=0, le=WIDEST)  # channels of the finer convolutions
    beta: float = Field(1.0, ge=0)  # weight of the KL; 1: a bound on the likelihood
    decoder: Literal["bernoulli", "gaussian", "learned_variance"] = "bernoulli"
    std: float = Field(0.1, gt=0)  # of a Gaussian decoder's pixels; where a learned one begins
    window: int = Field(0, ge=0, le=WIDEST)  # pixels before its own that the decoder sees, each way; 0: none

    @model_validator(mode="after")
    def _only_coins_are_drawn_in_order(self) -> Config:
        if self.window and self.decoder != "bernoulli":
            raise ValueError("a window over the pixels before needs decoder: bernoulli")
        if self.z_dim >= self.channels * self.image_size**2:
            raise ValueError(f"a code of {self.z_dim} units is no smaller than the image")
        return self


class Encoder(nn.Module):
    """Pixels -> mean and log-variance of q(z | x)."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        w, s = c.width, c.image_size // 4
        self.body = nn.Sequential(
            nn.PixelUnshuffle(2), nn.Conv2d(4 * c.channels, w, 3, padding=1), nn.SiLU(),  # (B, w, H/2, W/2)
            nn.Conv2d(w, 2 * w, 3, stride=2, padding=1), nn.SiLU(),  # (B, 2w, H/4, W/4)
            nn.Flatten(), nn.Linear(2 * w * s * s, N_HIDDEN), nn.SiLU(), nn.Linear(N_HIDDEN, 2 * c.z_dim),
        )  # fmt: skip

    def forward(self, x: Float[Tensor, "B C H W"]) -> tuple[Float[Tensor, "B Z"], Float[Tensor, "B Z"]]:
        mean, log_var = self.body(2 * x - 1).float().chunk(2, dim=1)
        return mean, log_var.clamp(-30, 20)  # e^20 is still finite when squared


class Decoder(nn.Module):
    """z -> what p(x | z) takes: logits, means within [0, 1], or features for a window."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        w, s, out = c.width, c.image_size // 4, c.width if c.window else c.channels
        self.body = nn.Sequential(
            nn.Linear(c.z_dim, N_HIDDEN), nn.SiLU(), nn.Linear(N_HIDDEN, 2 * w * s * s), nn.SiLU(),
            nn.Unflatten(1, (2 * w, s, s)),
            nn.Conv2d(2 * w, 4 * w, 3, padding=1), nn.PixelShuffle(2), nn.SiLU(),  # (B, w, H/2, W/2)
            nn.Conv2d(w, 4 * out, 3, padding=1), nn.PixelShuffle(2),  # (B, out, H, W)
            nn.Identity() if c.decoder == "bernoulli" else nn.Sigmoid(),
        )  # fmt: skip

    def forward(self, z: Float[Tensor, "B Z"]) -> Float[Tensor, "B out H W"]:
        return self.body(z).float()


def gaussian_kl(mean: Float[Tensor, "B Z"], log_var: Float[Tensor, "B Z"]) -> Float[Tensor, "B Z"]:
    """KL(N(mean, var) || N(0, 1)) of each unit, in nats (appendix B)."""
    # exercise: gaussian_kl
    return 0.5 * (mean.square() + log_var.exp() - 1 - log_var)
    # end


def reparameterise(
    mean: Float[Tensor, "B Z"], log_var: Float[Tensor, "B Z"], noise: Float[Tensor, "B Z"]
) -> Float[Tensor, "B Z"]:
    """A draw from N(mean, var) as a smooth function of both; the chance is in the noise (section 2.4)."""
    # exercise: reparameterise
    return mean + (0.5 * log_var).exp() * noise
    # end


@dataclass(frozen=True)
class Batch:
    """A training batch with all its randomness in it."""

    step: int  # decides whether units that say nothing are named
    x: Float[Tensor, "B C H W"]  # pixels as the decoder explains them
    noise: Float[Tensor, "B Z"]


class VAE(System):
    """An encoder and a decoder, with a bound on the likelihood for a loss."""

    unit: ClassVar[str] = "images"
    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.encoder, self.decoder = Encoder(config), Decoder(config)
        self.window = Window(config.channels, config.width, config.window) if config.window else None
        log_std = torch.tensor(math.log(config.std))
        if config.decoder == "learned_variance":
            self.log_std = nn.Parameter(log_std)
        else:
            self.register_buffer("log_std", log_std, persistent=False)
        self._saying = config.z_dim  # units that were active when last told of

    # --- training -------------------------------------------------------------------------------------

    def batch(self, step: int) -> Batch:
        random = self.setting.random(step)
        return self._drawn(step, self.setting.data.batch(random)[0], random)

    def held_out(self, step: int) -> Batch:
        random = self.setting.held_out_random()
        return self._drawn(step, self.setting.data.test_batch(random)[0], random)

    def _drawn(self, step: int, images: Float[Tensor, "B C H W"], random: BatchRandom) -> Batch:
        x = self.as_pixels(images, random.uniform(*images.shape[1:]))
        return Batch(step=step, x=x, noise=random.normal(self.config.z_dim))

    def as_pixels(
        self, images: Float[Tensor, "B C H W"], noise: Float[Tensor, "B C H W"]
    ) -> Float[Tensor, "B C H W"]:
        """Images in [-1, 1] as the decoder explains them; the noise is uniform."""
        coins = self.config.decoder == "bernoulli"
        return pixels.as_coins(images, noise) if coins else pixels.as_levels(images, noise)

    def loss(self, batch: Batch) -> tuple[Tensor, Metrics]:
        """-ELBO: what the pixels cost once the code is known, and beta times what the code costs (eq. 3)."""
        mean, log_var = self.encoder(batch.x)
        z = reparameterise(mean, log_var, batch.noise)
        reconstruction = -self.log_likelihood(batch.x, z).mean()
        kl = gaussian_kl(mean, log_var).sum(1).mean()
        loss = reconstruction + self.config.beta * kl
        seen = {"reconstruction": reconstruction.detach(), "kl": kl.detach()}
        return loss, {**seen, "active_units": vae_figures.active(mean.detach()).float().sum()}

    def log_likelihood(self, x: Float[Tensor, "B C H W"], z: Float[Tensor, "B Z"]) -> Float[Tensor, "B"]:
        """log p(x | z), nats an image."""
        decoded = self.decoder(z)
        if self.config.decoder != "bernoulli":
            return pixels.log_levels(x, decoded, self.log_std)
        return pixels.log_coins(x, decoded if self.window is None else self.window(decoded, x).float())

    def log_weight(self, x: Float[Tensor, "B C H W"], noise: Float[Tensor, "B Z"]) -> Float[Tensor, "B"]:
        """log p(x, z) / q(z | x) at a draw of q: its mean is the ELBO, and that of its exp is p(x)."""
        mean, log_var = self.encoder(x)
        z = reparameterise(mean, log_var, noise)
        prior = -0.5 * z.square().sum(1)  # the 2 pi of both densities cancel
        posterior = -0.5 * (noise.square() + log_var).sum(1)
        return self.log_likelihood(x, z) + prior - posterior

    def code_costs(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B Z"]:
        """The KL of each unit to the prior, nats an image."""
        return gaussian_kl(*self.encoder(x))

    def step(self, batch: Batch, optimizers: Optimizers) -> Metrics:
        """A descent on the loss; now and then a look at which units of the code still say something."""
        metrics = super().step(batch, optimizers)
        steps = self.setting.train.steps
        if batch.step >= WATCHED_FROM * steps and batch.step % max(1, steps // LOOKS) == 0:
            self._name_collapse(int(metrics["active_units"]))
        return metrics

    def _name_collapse(self, n_active: int) -> None:
        if n_active < self._saying:
            n, why = self.config.z_dim, "lower beta, or a weaker decoder, wakes them"
            all_of = "all of it: " if n_active == 0 else ""
            messages.say(f"posterior collapse: {all_of}{n - n_active} of {n} units say nothing; {why}")
        self._saying = n_active

    # --- what the run is judged by, and what it shows -------------------------------------------------

    @torch.no_grad()
    def pictures(self, z: Float[Tensor, "B Z"], random: torch.Generator) -> Float[Tensor, "B C H W"]:
        """The means of p(x | z) as images in [-1, 1]; with a window, those met while drawing in order."""
        decoded = self.decoder(z)
        if self.window is not None:
            c = self.config
            shape = (len(z), c.channels, c.image_size, c.image_size)
            decoded = self.window.draw(decoded, torch.rand(shape, generator=random, device=z.device))
        elif self.config.decoder == "bernoulli":
            decoded = decoded.sigmoid()
        return 2 * decoded.float() - 1

    @torch.no_grad()
    def evaluate(self) -> Mapping[str, float]:
        return vae_figures.of(self)

    @torch.no_grad()
    def sample(self, request: SampleRequest) -> Images:
        """Draws from the prior, and the walk that leads to them from other ones through the code's space."""
        random = self.setting.generator("sample", request.seed)
        shape = (2, request.n, self.config.z_dim)
        start, z = torch.randn(shape, generator=random, device=self.setting.device)
        if self.window is not None:  # each pixel hangs on those before: a step of the code is a new draw
            return Images(self._shown(z, random), columns=min(10, request.n))
        angles = torch.linspace(0, math.pi / 2, N_FRAMES).tolist()
        # On a circle and not on a line, so that every z on the way is as long as a Gaussian's.
        walk = [self._shown(math.cos(a) * start + math.sin(a) * z, random) for a in angles[:-1]]
        walk.append(self._shown(z, random))
        return Images(walk[-1], frames=walk, columns=min(10, request.n), moves="a walk through the code")

    def _shown(self, z: Float[Tensor, "B Z"], random: torch.Generator) -> np.ndarray:
        return ((self.pictures(z, random) + 1) / 2).cpu().numpy()
