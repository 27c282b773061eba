"""GAN: a generator makes samples, a discriminator tells them from real ones, and each learns from the other.

Source:  Goodfellow et al. 2014, arXiv:1406.2661. Here: eq. 1, Algorithm 1 (k = 1), both losses of section 3.
         Convolutional nets after DCGAN, Radford et al. 2015, arXiv:1511.06434.
Names:   D(x) is the probability that x is real; the discriminator returns its logit, D = sigmoid(logit).
Shapes:  B batch, C channels, H height, W width, Z latent dimensions; data: images (B C H W), points (B dim).
Differs: R1, the squared slope of D at real data (Mescheder et al. 2018, arXiv:1801.04406), keeps the game
         from circling; it is charged at every fourth step, for four (StyleGAN2, arXiv:1912.04958). Pixel norm
         (arXiv:1710.10196) in the generator and no norm in the discriminator replace DCGAN's batch norm, so
         that no sample depends on its neighbours. Adam runs without momentum. The class enters the generator
         by an embedding and the discriminator by a projection (arXiv:1802.05637). Both players see the same
         fakes, which saves a pass of the generator.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from atlas_cli.config import WIDEST, SystemConfig
from atlas_cli.draws import stable_seed
from atlas_cli.engine.descent import descend
from atlas_cli.engine.system import Metrics, Optimizers, SampleRequest, System
from atlas_cli.errors import UsageError
from atlas_cli.metrics.judge import N_SAMPLES, Judge
from atlas_cli.present.artifacts.base import Artifact
from atlas_cli.present.artifacts.images import Images
from atlas_cli.present.artifacts.points import SHOWN_POINTS, Points
from atlas_cli.screen import messages

N_POINTS = 2_500  # points that are generated to count modes, as in VEEGAN (arXiv:1705.07761)
GOOD_WITHIN = 3.0  # standard deviations between a good point and its mode, as there
FAIR_SHARE = 0.1  # of an even share of the points makes a mode count as found; VEEGAN asks for one point
HEAD_START = 100  # steps that the discriminator trains alone in `early_gradient`
N_FRAMES = 24  # of the walk through latent space
WALK = "a walk through the latent space, from other samples to these"

GeneratorLoss = Literal["non_saturating", "saturating"]


class Config(SystemConfig):
    """Fields of `model:`; the data give the first four."""

    data_kinds: ClassVar[tuple[str, ...]] = ("images", "points")

    image_size: int = Field(28, ge=8, multiple_of=4, le=WIDEST)  # px
    channels: int = Field(1, gt=0, le=WIDEST)
    n_classes: int = Field(10, gt=0, le=WIDEST)
    dim: int = Field(0, ge=0, le=WIDEST)  # coordinates of a point; 0: the data are images
    z_dim: int = Field(32, gt=0, le=WIDEST)
    width: int = Field(
        64, gt=0, multiple_of=4, le=WIDEST
    )  # channels at a quarter of the image size; for points, units
    conditional: bool = True  # tell both players the class, where the data have classes
    loss: Literal["non_saturating", "saturating"] = "non_saturating"
    r1_gamma: float = Field(0.5, ge=0)  # 0: no penalty
    r1_every: int = Field(4, gt=0, le=10**9)  # steps

    @property
    def given_classes(self) -> int:
        """Classes that the players are told; 0: none."""
        return self.n_classes if self.conditional and not self.dim else 0


class PixelNorm(nn.Module):
    """Scale the channels of every pixel to mean square one."""

    def forward(self, x: Float[Tensor, "B *shape"]) -> Float[Tensor, "B *shape"]:
        return x * (x.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()


class Generator(nn.Module):
    """z, and the class if there is one -> a sample; images in [-1, 1]."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        n_in = c.z_dim * (2 if c.given_classes else 1)
        self.body = _point_generator(n_in, c) if c.dim else _image_generator(n_in, c)
        self.embed = nn.Embedding(c.given_classes, c.z_dim) if c.given_classes else None

    def forward(self, z: Float[Tensor, "B Z"], label: Int[Tensor, "B"] | None) -> Float[Tensor, "B *shape"]:
        if self.embed is not None:
            z = torch.cat([z, self.embed(label)], dim=1)  # (B, 2Z)
        return self.body(z)


class Discriminator(nn.Module):
    """A sample, and the class it should be of -> the logit of being real."""

    def __init__(self, c: Config) -> None:
        super().__init__()
        n_features = 128
        self.body = _point_discriminator(n_features, c) if c.dim else _image_discriminator(n_features, c)
        self.head = nn.Linear(n_features, 1)
        self.embed = nn.Embedding(c.given_classes, n_features) if c.given_classes else None

    def forward(self, x: Float[Tensor, "B *shape"], label: Int[Tensor, "B"] | None) -> Float[Tensor, "B"]:
        h = self.body(x)  # (B, n_features)
        logit = self.head(h).squeeze(1)
        if self.embed is not None:
            logit = logit + (self.embed(label) * h).sum(1)  # real, and also of its class?
        return logit.float()


def _image_generator(n_in: int, c: Config) -> nn.Sequential:
    """From a quarter of the image size: twice, convolve to more channels and unfold four into 2x2 pixels."""
    w, s = c.width, c.image_size // 4
    return nn.Sequential(
        nn.Linear(n_in, 128), PixelNorm(), nn.LeakyReLU(0.2),
        nn.Linear(128, w * s * s), nn.Unflatten(1, (w, s, s)), PixelNorm(), nn.LeakyReLU(0.2),
        nn.Conv2d(w, 2 * w, 3, padding=1), nn.PixelShuffle(2),  # (B, w/2, H/2, W/2)
        PixelNorm(), nn.LeakyReLU(0.2),
        nn.Conv2d(w // 2, w, 3, padding=1), nn.PixelShuffle(2),  # (B, w/4, H, W)
        PixelNorm(), nn.LeakyReLU(0.2),
        nn.Conv2d(w // 4, c.channels, 3, padding=1), nn.Tanh(),
    )  # fmt: skip


def _image_discriminator(n_features: int, c: Config) -> nn.Sequential:
    """Fold 2x2 pixels into channels (cheaper than a full-size convolution), then halve the size twice."""
    w, s = c.width, -(-c.image_size // 8)  # rounded up
    return nn.Sequential(
        nn.PixelUnshuffle(2), nn.Conv2d(4 * c.channels, w // 2, 3, padding=1), nn.LeakyReLU(0.2),
        nn.Conv2d(w // 2, w, 4, stride=2, padding=1), nn.LeakyReLU(0.2),  # (B, w, H/4, W/4)
        nn.Conv2d(w, 2 * w, 3, stride=2, padding=1), nn.LeakyReLU(0.2),  # (B, 2w, H/8, W/8)
        nn.Flatten(), nn.Linear(2 * w * s * s, n_features), nn.LeakyReLU(0.2),
    )  # fmt: skip


def _point_generator(n_in: int, c: Config) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(n_in, c.width), PixelNorm(), nn.LeakyReLU(0.2),
        nn.Linear(c.width, c.width), PixelNorm(), nn.LeakyReLU(0.2),
        nn.Linear(c.width, c.width), PixelNorm(), nn.LeakyReLU(0.2),
        nn.Linear(c.width, c.dim),
    )  # fmt: skip


def _point_discriminator(n_features: int, c: Config) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(c.dim, c.width), nn.LeakyReLU(0.2),
        nn.Linear(c.width, c.width), nn.LeakyReLU(0.2),
        nn.Linear(c.width, n_features), nn.LeakyReLU(0.2),
    )  # fmt: skip


# --- the game ----------------------------------------------------------------------------------------


def discriminator_loss(real_logit: Float[Tensor, "B"], fake_logit: Float[Tensor, "B"]) -> Float[Tensor, ""]:
    """-E[log D(x)] - E[log(1 - D(G(z)))], eq. 1 negated; 2 log 2 = 1.386 when it cannot tell."""
    # exercise: discriminator_loss
    return -F.logsigmoid(real_logit).mean() - F.logsigmoid(-fake_logit).mean()
    # end


def generator_loss(fake_logit: Float[Tensor, "B"], kind: GeneratorLoss) -> Float[Tensor, ""]:
    """What the generator descends: E[log(1 - D(G(z)))] of the min-max game, or -E[log D(G(z))] (section 3).

    Their slopes by the logit are -D and D - 1. Where the discriminator is sure of a fake, D = 0, the first is
    zero, just when the generator has most to learn, and the second is -1.
    """
    # exercise: generator_loss
    return F.logsigmoid(-fake_logit).mean() if kind == "saturating" else -F.logsigmoid(fake_logit).mean()
    # end


@dataclass(frozen=True)
class Batch:
    """A training batch with all its randomness in it."""

    step: int  # decides whether R1 is due
    real: Float[Tensor, "B *shape"]
    label: Int[Tensor, "B"] | None  # of the real data, and wanted of the fakes
    z: Float[Tensor, "B Z"]


class GAN(System):
    """Two players: `generator` and `discriminator`."""

    best_by: ClassVar[str | None] = None  # a game has no loss that falls: the latest is kept
    steers: ClassVar[frozenset[str]] = frozenset({"label"})
    compiled: ClassVar[tuple[str, ...]] = ("generator", "discriminator")
    config: Config

    @property
    def classes(self) -> int:
        """See System: points have none, and a generator may be trained without them."""
        return self.config.given_classes

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.generator = Generator(config)
        self.discriminator = Discriminator(config)

    def batch(self, step: int) -> Batch:
        random = self.setting.random(step)
        drawn = self.setting.data.batch(random)
        real, label = (drawn, None) if self.config.dim else drawn
        z = random.normal(self.config.z_dim)
        return Batch(step, real, label if self.config.given_classes else None, z)

    def step(self, batch: Batch, optimizers: Optimizers) -> Metrics:
        """One round (Algorithm 1): the discriminator moves, then the generator answers its new self."""
        with self.setting.autocast():
            fake = self.generator(batch.z, batch.label)
        seen = self.discriminator_step(batch, fake.detach(), optimizers["discriminator"])
        return {**seen, **self.generator_step(batch, fake, optimizers["generator"])}

    def discriminator_step(self, batch: Batch, fake: Tensor, optimizer: torch.optim.Optimizer) -> Metrics:
        """Ascend log D(x) + log(1 - D(G(z))); the generator stands still."""
        with self.setting.autocast():
            real_logit = self.discriminator(batch.real, batch.label)
            fake_logit = self.discriminator(fake, batch.label)
        loss = discriminator_loss(real_logit, fake_logit)
        penalty = torch.zeros(())
        if self.config.r1_gamma and batch.step % self.config.r1_every == 0:
            penalty = self.config.r1_every * self.r1(batch.real, batch.label)  # pays for the steps without
        descend(loss + penalty, optimizer)
        d_real, d_fake = (logit.detach().sigmoid().mean() for logit in (real_logit, fake_logit))
        return {"loss": loss.detach(), "d_real": d_real, "d_fake": d_fake}

    def generator_step(self, batch: Batch, fake: Tensor, optimizer: torch.optim.Optimizer) -> Metrics:
        """Make D(G(z)) larger; the gradient flows through the discriminator, which stands still."""
        with self.setting.autocast():
            fake_logit = self.discriminator(fake, batch.label)
        loss = generator_loss(fake_logit, self.config.loss)
        descend(loss, optimizer, inputs=list(self.generator.parameters()))
        return {"generator_loss": loss.detach()}

    def r1(self, real: Float[Tensor, "B *shape"], label: Int[Tensor, "B"] | None) -> Float[Tensor, ""]:
        """gamma/2 E|d logit / d x|^2 at real x (Mescheder et al. 2018, eq. 9), exact, by double backward.

        In float32, its backward pass too: bf16 is too coarse for the derivative of a derivative.
        """
        # exercise: r1
        real = real.detach().requires_grad_(True)
        logit = self.discriminator.forward(real, label)  # `forward`: a compiled net has no second derivative
        (slope,) = torch.autograd.grad(logit.sum(), real, create_graph=True)
        return self.config.r1_gamma / 2 * slope.square().flatten(1).sum(1).mean()
        # end

    def optimizers(self) -> Optimizers:
        train = self.setting.train
        players = {"discriminator": self.discriminator, "generator": self.generator}
        return {
            name: torch.optim.Adam(player.parameters(), lr=train.lr, betas=train.betas, fused=True)
            for name, player in players.items()
        }

    def samples_shown(self) -> int:
        return SHOWN_POINTS if self.config.dim else self.sample_count

    def glimpse(self, seed: int) -> Artifact:
        n = SHOWN_POINTS if self.config.dim else self.glimpse_count
        return self.sample(SampleRequest(n=n, seed=seed)).still()

    # --- what the run is judged by, and what it shows -------------------------------------------------

    def evaluate(self) -> Mapping[str, float]:
        figures = self._evaluate_points() if self.config.dim else self._evaluate_images()
        return {**figures, "early_gradient": self.early_gradient()}

    def _evaluate_images(self) -> dict[str, float]:
        z, label = self._latents(N_SAMPLES, self.setting.generator("evaluate"))
        images = self.generator(z, label).float()
        return Judge.load_or_train(self.setting.data, messages.say).score(images, label)

    def _evaluate_points(self) -> dict[str, float]:
        z, _ = self._latents(N_POINTS, self.setting.generator("evaluate"))
        points, source = self.generator(z, None).float(), self.setting.data
        figures = {"energy_distance": energy_distance(points, source.held_out(N_POINTS))}
        if source.modes is not None:
            figures |= mode_figures(points, source.modes, source.std)
        return figures

    def early_gradient(self) -> float:
        """Norm of the generator's gradient, under its own loss, once the discriminator wins.

        Measured at the start of learning, where section 3 makes the argument: fresh weights, and HEAD_START
        steps of the discriminator alone, without R1, which would keep it unsure. The saturating loss leaves a
        thousandth or less of the other's gradient. Adam rescales what is left: not every run dies of it.
        """
        setting, config = self.setting, self.config.model_copy(update={"r1_gamma": 0.0})
        with torch.random.fork_rng(devices=[]):  # the run's own draws stay as they are
            torch.manual_seed(stable_seed(setting.train.seed, "vanishing"))
            novice = GAN(config)
        exact = setting.train.model_copy(update={"precision": "fp32"})
        novice.attach(replace(setting, train=exact))
        optimizer = novice.optimizers()["discriminator"]
        with torch.enable_grad(), torch.autocast(setting.device.type, enabled=False):
            for step in range(HEAD_START):
                batch = novice.batch(step)
                fake = novice.generator(batch.z, batch.label)
                novice.discriminator_step(batch, fake.detach(), optimizer)
            logit = novice.discriminator(fake, batch.label)
            loss = generator_loss(logit, config.loss)
            grads = torch.autograd.grad(loss, list(novice.generator.parameters()))
        return math.sqrt(sum(float(g.square().sum()) for g in grads))

    def sample(self, request: SampleRequest) -> Artifact:
        """Samples, reached by a walk through latent space from other ones of the same classes."""
        random = self.setting.generator("sample", request.seed)
        z, label = self._latents(request.n, random, request.label)
        start, _ = self._latents(request.n, random, request.label)
        angles = torch.linspace(0, math.pi / 2, N_FRAMES).tolist()
        # On a circle and not on a line, so that every z on the way is as long as a Gaussian's.
        walk = [self.generator(math.cos(a) * start + math.sin(a) * z, label).float() for a in angles[:-1]]
        walk.append(self.generator(z, label).float())
        if self.config.dim:
            frames = [points.cpu().numpy() for points in walk]
            backdrop = self.setting.data.held_out(N_POINTS).cpu().numpy()
            caption = (
                f"{request.n} points that it made, over {N_POINTS} real ones of {self.setting.data.name}"
            )
            return Points(frames[-1], backdrop=backdrop, frames=frames, moves=WALK, caption=caption)
        frames = [((images + 1) / 2).cpu().numpy() for images in walk]
        return Images(frames[-1], frames=frames, columns=min(10, request.n), moves=WALK)

    def _latents(
        self, n: int, random: torch.Generator, wanted: int | None = None
    ) -> tuple[Float[Tensor, "n Z"], Int[Tensor, "n"] | None]:
        """Latent vectors, and labels if the players know classes: all in turn, or the wanted one."""
        device, n_classes = self.setting.device, self.classes
        if wanted is not None and not 0 <= wanted < n_classes:
            what = f"classes 0 to {n_classes - 1}" if n_classes else "no classes"
            hint = "leave the label out, or choose another" if n_classes else "leave the label out"
            raise UsageError(f"this generator knows {what}, not {wanted}", hint)
        z = torch.randn(n, self.config.z_dim, generator=random, device=device)
        if not n_classes:
            return z, None
        label = torch.arange(n, device=device) % n_classes
        return z, label if wanted is None else torch.full_like(label, wanted)


# --- figures -----------------------------------------------------------------------------------------


def mode_figures(points: Float[Tensor, "N D"], modes: Float[Tensor, "K D"], std: float) -> dict[str, float]:
    """What a mixture of K narrow Gaussians of equal weight got.

    Returns:
        high_quality_share: Share of good points, within three standard deviations of their nearest mode; of
            real points in the plane 1 - exp(-9/2) = 0.989 are good.
        modes_found: Modes with at least a tenth of an even share of good points, FAIR_SHARE N / K.
    """
    distance, nearest = torch.cdist(points, modes).min(dim=1)
    good = distance < GOOD_WITHIN * std
    counts = nearest[good].bincount(minlength=len(modes))
    found = (counts >= FAIR_SHARE * len(points) / len(modes)).sum()
    return {"modes_found": float(found), "high_quality_share": good.float().mean().item()}


def energy_distance(a: Float[Tensor, "N D"], b: Float[Tensor, "N D"]) -> float:
    """2 E|a - b| - E|a - a'| - E|b - b'|: zero for equal distributions (Szekely and Rizzo 2013)."""

    def within(x: Tensor) -> Tensor:
        return torch.cdist(x, x).sum() / (len(x) * (len(x) - 1))  # over pairs of different points

    return float(2 * torch.cdist(a, b).mean() - within(a) - within(b))
