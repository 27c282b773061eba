"""GAN: a generator makes samples, a discriminator tells them from real ones, and each learns from the other.

Source:  Goodfellow et al. 2014, arXiv:1406.2661. Here: eq. 1, Algorithm 1 (k = critic_steps).
         The losses and what slopes cost stand in `games.py`, the networks in `players.py`.
Names:   D(x) is the probability that x is real; the discriminator returns its logit, D = sigmoid(logit).
Shapes:  B batch, C channels, H height, W width, Z latent dimensions; data: images (B C H W), points (B dim).
Differs: R1, the squared slope of D at real data (Mescheder et al. 2018, arXiv:1801.04406), keeps the game
         from circling; it is charged at every fourth step, for four (StyleGAN2, arXiv:1912.04958), as is R2.
         Adam runs without momentum. The class enters the generator by an embedding and the discriminator by
         a projection (arXiv:1802.05637). Both players see the same fakes, which saves a pass of the
         generator. `nets: plain`, no class, no penalty and momentum are the game as it was in 2014.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor

from atlas_cli.config import WIDEST, SystemConfig
from atlas_cli.data.images import to_float
from atlas_cli.draws import BatchRandom, stable_seed
from atlas_cli.engine.descent import descend
from atlas_cli.engine.system import Metrics, Optimizers, SampleRequest, System
from atlas_cli.errors import UsageError
from atlas_cli.metrics.frechet import Moments, frechet_distance, moments
from atlas_cli.metrics.judge import N_REFERENCE, N_SAMPLES, Judge
from atlas_cli.present.artifacts.base import Artifact
from atlas_cli.present.artifacts.images import Images
from atlas_cli.present.artifacts.points import SHOWN_POINTS, Points
from atlas_cli.screen import messages
from atlas_cli.systems.gan import watching
from atlas_cli.systems.gan.figures import (
    N_CARRIED,
    N_POINTS,
    energy_distance,
    mode_figures,
    wasserstein_distance,
)
from atlas_cli.systems.gan.games import (
    GeneratorLoss,
    Loss,
    critic_objective,
    discriminator_loss,
    generator_loss,
    generator_objective,
    gradient_penalty,
    squared_slope,
)
from atlas_cli.systems.gan.players import Discriminator, Generator, PixelNorm

__all__ = [
    "GAN", "Batch", "Config", "Discriminator", "Generator", "GeneratorLoss", "PixelNorm",
    "discriminator_loss", "energy_distance", "generator_loss", "mode_figures",
]  # fmt: skip

HEAD_START = 100  # steps that the discriminator trains alone in `early_gradient`
NO_PRICE = {"r1_gamma": 0.0, "r2_gamma": 0.0, "near": 0.0}
N_NEAR = 256  # samples whose distance is measured while the training goes on
N_FRAMES = 24  # of the walk through latent space
WALK = "a walk through the latent space, from other samples to these"


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
    nets: Literal["convolutional", "plain"] = "convolutional"  # of images; plain: fully connected, as in 2014
    loss: Loss = "non_saturating"
    r1_gamma: float = Field(0.5, ge=0)  # 0: no penalty at real data
    r2_gamma: float = Field(0.0, ge=0)  # 0: none at fakes
    r1_every: int = Field(4, gt=0, le=10**9)  # steps, of R2 too
    gp_weight: float = Field(0.0, ge=0)  # lambda of WGAN-GP, 10 in the paper; 0: no penalty between the two
    critic_steps: int = Field(1, gt=0, le=1_000)  # of the discriminator before each of the generator
    near: float = Field(0.0, ge=0)  # a distance that `steps_to_near` waits for; 0: it is not measured

    @property
    def given_classes(self) -> int:
        """Classes that the players are told; 0: none."""
        return self.n_classes if self.conditional and not self.dim else 0


@dataclass(frozen=True)
class Batch:
    """A training batch with all its randomness in it."""

    step: int  # decides whether R1 is due
    real: Float[Tensor, "B *shape"]
    label: Int[Tensor, "B"] | None  # of the real data, and wanted of the fakes
    z: Float[Tensor, "B Z"]
    mix: Float[Tensor, "B"] | None = None  # where between fake and real WGAN-GP looks, 1 at the real one
    more: tuple[Batch, ...] = ()  # on which the discriminator moves before, where it has several steps


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
        self.nearness = watching.Nearness(self.generator) if config.near else None
        self._watch = watching.Watch()
        self._judged: tuple[Judge, Moments] | None = None  # with what it sees in test images

    def items_per_step(self) -> int:
        return super().items_per_step() * self.config.critic_steps

    def batch(self, step: int) -> Batch:
        random = self.setting.random(step)
        batch = self._drawn(step, random)
        more = tuple(self._drawn(step, random) for _ in range(self.config.critic_steps - 1))
        return replace(batch, more=more) if more else batch

    def _drawn(self, step: int, random: BatchRandom) -> Batch:
        drawn = self.setting.data.batch(random)
        real, label = (drawn, None) if self.config.dim else drawn
        z = random.normal(self.config.z_dim)
        mix = random.uniform() if self.config.gp_weight else None
        return Batch(step, real, label if self.config.given_classes else None, z, mix)

    def step(self, batch: Batch, optimizers: Optimizers) -> Metrics:
        """One round (Algorithm 1): the discriminator moves, then the generator answers its new self."""
        for fresh in batch.more:
            with torch.no_grad(), self.setting.autocast():
                drawn = self.generator(fresh.z, fresh.label)
            self.discriminator_step(fresh, drawn, optimizers["discriminator"])
        with self.setting.autocast():
            fake = self.generator(batch.z, batch.label)
        seen = self.discriminator_step(batch, fake.detach(), optimizers["discriminator"])
        seen = {**seen, **self.generator_step(batch, fake, optimizers["generator"])}
        self._look(batch, fake, seen)
        return seen

    def discriminator_step(self, batch: Batch, fake: Tensor, optimizer: torch.optim.Optimizer) -> Metrics:
        """Ascend log D(x) + log(1 - D(G(z))); the generator stands still."""
        with self.setting.autocast():
            real_logit = self.discriminator(batch.real, batch.label)
            fake_logit = self.discriminator(fake, batch.label)
        loss = critic_objective(self.config.loss, real_logit, fake_logit)
        descend(loss + self.penalty(batch, fake), optimizer)
        d_real, d_fake = (logit.detach().sigmoid().mean() for logit in (real_logit, fake_logit))
        return {"loss": loss.detach(), "d_real": d_real, "d_fake": d_fake}

    def generator_step(self, batch: Batch, fake: Tensor, optimizer: torch.optim.Optimizer) -> Metrics:
        """Make D(G(z)) larger; the gradient flows through the discriminator, which stands still."""
        loss = self._answer(batch, fake)
        descend(loss, optimizer, inputs=list(self.generator.parameters()))
        return {"generator_loss": loss.detach()}

    def _answer(self, batch: Batch, fake: Tensor) -> Float[Tensor, ""]:
        """The generator's loss against the discriminator as it stands."""
        real_logit = None
        with self.setting.autocast():
            if self.config.loss == "relativistic":  # the only one that compares with real data
                with torch.no_grad():
                    real_logit = self.discriminator(batch.real, batch.label)
            fake_logit = self.discriminator(fake, batch.label)
        return generator_objective(self.config.loss, real_logit, fake_logit)

    def penalty(self, batch: Batch, fake: Tensor) -> Float[Tensor, ""]:
        """What the discriminator pays for its slopes at this step."""
        c, total = self.config, torch.zeros(())
        if batch.step % c.r1_every == 0:  # and pays for the steps without
            if c.r1_gamma:
                total = total + c.r1_every * self.r1(batch.real, batch.label)
            if c.r2_gamma:
                critic = self.discriminator.forward  # a compiled net has no second derivative
                total = total + c.r1_every * squared_slope(critic, fake, batch.label, c.r2_gamma)
        if c.gp_weight:
            assert batch.mix is not None
            between = (batch.real, fake, batch.mix, batch.label)
            total = total + gradient_penalty(self.discriminator.forward, *between, c.gp_weight)
        return total

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

    def _look(self, batch: Batch, fake: Tensor, seen: Metrics) -> None:
        """Say once that the game has gone wrong; note when the samples first come near."""
        c, train = self.config, self.setting.train
        if watching.due(batch.step, train.steps):
            same = watching.variety(fake, batch.real, batch.label) < watching.SAME
            probable = c.loss in ("non_saturating", "saturating")  # else D is no probability
            self._watch.look({"collapsed": same, "won": probable and watching.sure(seen)})
        if self.nearness is not None:
            self.nearness.update(self.generator, train.ema or 0.0)
            self.nearness.measure(self.generator, self.distance_now, c.near, train.steps)

    @torch.no_grad()
    def distance_now(self) -> float:
        """How far samples are from held-out data: Frechet's for images, the energy distance for points."""
        z, label = self._latents(N_NEAR, self.setting.generator("near"))
        with self.setting.autocast():
            samples = self.generator(z, label).float()
        source = self.setting.data
        if self.config.dim:
            return energy_distance(samples, source.held_out(N_NEAR))
        if self._judged is None:
            judge = Judge.load_or_train(source, messages.say)
            chosen = source.test_images[:: max(1, len(source.test_images) // N_REFERENCE)]
            self._judged = judge, moments(judge.features(to_float(chosen)))
        judge, real = self._judged
        return frechet_distance(moments(judge.features(samples)), real)

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
        if self.nearness is not None:
            figures["steps_to_near"] = float(self.nearness.reached) or float(self.setting.train.steps)
        return {**figures, "early_gradient": self.early_gradient()}

    def _evaluate_images(self) -> dict[str, float]:
        z, label = self._latents(N_SAMPLES, self.setting.generator("evaluate"))
        images = self.generator(z, label).float()
        return Judge.load_or_train(self.setting.data, messages.say).score(images, label)

    def _evaluate_points(self) -> dict[str, float]:
        z, _ = self._latents(N_POINTS, self.setting.generator("evaluate"))
        points, source = self.generator(z, None).float(), self.setting.data
        real = source.held_out(N_POINTS)
        figures = {
            "energy_distance": energy_distance(points, real),
            "wasserstein_distance": wasserstein_distance(points[:N_CARRIED], real[:N_CARRIED]),
        }
        if source.modes is not None:
            figures |= mode_figures(points, source.modes, source.std)
        return figures

    def early_gradient(self) -> float:
        """Norm of the generator's gradient, under its own loss, once the discriminator wins.

        Measured at the start of learning, where section 3 makes the argument: fresh weights, and HEAD_START
        steps of the discriminator alone, without R1 or R2, which would keep it unsure. The saturating loss
        leaves a thousandth or less of the other's gradient. Adam rescales what is left: not every run dies.
        """
        setting, config = self.setting, self.config.model_copy(update=NO_PRICE)
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
            loss = novice._answer(batch, fake)
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
