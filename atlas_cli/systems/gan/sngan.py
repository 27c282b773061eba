"""SNGAN: divide each weight of the discriminator by its largest singular value, and train as before.

Source:  Miyato, Kataoka, Koyama, Yoshida 2018, arXiv:1802.05957. Here: eq. 8, section 2.1, Algorithm 1.
         The authors' code: github.com/pfnet-research/sngan_projection.
Names:   W matrix of a layer, sigma its largest singular value, u and v the directions that belong to it.
Shapes:  M rows (outputs), N columns (inputs; of a convolution its channels times its kernel, as in the
         paper), K directions that are followed at once.
Differs: several directions are followed in place of one (`directions`; 1 is the paper's): two singular values
         that lie near each other change places while the weights move, and one direction lags behind. The
         class's embedding is divided as well. Game, players and optimizer are those of `gan`, without R1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from atlas_cli.draws import stable_seed
from atlas_cli.engine.descent import NotFinite
from atlas_cli.engine.system import Metrics, Optimizers
from atlas_cli.systems.gan.gan import GAN, Batch
from atlas_cli.systems.gan.gan import Config as GANConfig

RATES = (0.002, 0.008, 0.016)  # of the short games
N_GAMES = 3  # of each rate
ROUNDS = 150  # of a game
ALIVE = 400.0  # Frechet distance of its samples; games that died lay beyond 490 on the seed it was chosen on
FIRST_ROUNDS = 20  # of power iteration, before the training begins
SMALLEST = 1e-12  # a weight of zeros stays one


class Config(GANConfig):
    """The `model:` section of an sngan recipe; the other fields are gan's."""

    data_kinds: ClassVar[tuple[str, ...]] = ("images",)

    r1_gamma: float = Field(0.0, ge=0)  # the norm stands in its place
    norm: Literal["spectral", "none"] = "spectral"  # of the discriminator's weights
    directions: int = Field(4, gt=0, le=64)  # that power iteration follows at once


# --- the largest stretch of a matrix -----------------------------------------------------------------


def power_iteration(
    W: Float[Tensor, "M N"], v: Float[Tensor, "N"], rounds: int = 1
) -> tuple[Float[Tensor, "M"], Float[Tensor, "N"], Float[Tensor, ""]]:
    """Algorithm 1: follow one direction there and back, again and again.

    Returns:
        u and v, of length one, and the estimate u^T W v of the largest singular value. It is never above it.
    """
    # exercise: power_iteration
    for _ in range(rounds):
        u = F.normalize(W @ v, dim=0)
        v = F.normalize(W.T @ u, dim=0)
    return u, v, u @ W @ v
    # end


def block_iteration(
    W: Float[Tensor, "M N"], V: Float[Tensor, "N K"], rounds: int = 1
) -> tuple[Float[Tensor, "M K"], Float[Tensor, "N K"]]:
    """The same for K directions at once, which QR keeps at right angles; with one it is Algorithm 1."""
    for _ in range(rounds):
        U = torch.linalg.qr(W @ V).Q  # (M, K)
        V = torch.linalg.qr(W.T @ U).Q  # (N, K)
    return U, V


def strongest(
    W: Float[Tensor, "M N"], U: Float[Tensor, "M K"], V: Float[Tensor, "N K"]
) -> tuple[Float[Tensor, "M"], Float[Tensor, "N"]]:
    """Of all directions in the span of V, v, the one that W stretches most into that of U, and u."""
    left, _, right = torch.linalg.svd(U.T @ W @ V)  # (K, K): all that W does between the two
    return U @ left[:, 0], V @ right[0]


def as_matrix(weight: Float[Tensor, "M *rest"]) -> Float[Tensor, "M N"]:
    """A weight as a matrix: of a convolution, a row for each channel that it makes."""
    return weight.flatten(1)


class SpectralNorm(nn.Module):
    """W / sigma(W) (eq. 8), where a layer's weight stands.

    The directions go on from where they were, one round for every pass through the layer, since a step of
    training hardly moves the weights. They are constants for the gradient, which is then eq. 12's.
    """

    U: Tensor
    V: Tensor

    def __init__(self, weight: Float[Tensor, "M *rest"], directions: int) -> None:
        super().__init__()
        W = as_matrix(weight.detach())
        start = torch.linalg.qr(torch.randn(W.shape[1], min(directions, *W.shape), dtype=W.dtype)).Q
        U, V = block_iteration(W, start, FIRST_ROUNDS)
        self.register_buffer("U", U)
        self.register_buffer("V", V)

    def forward(self, weight: Float[Tensor, "M *rest"]) -> Float[Tensor, "M *rest"]:
        kind = "cpu" if weight.is_meta else weight.device.type
        with torch.autocast(kind, enabled=False):  # bf16 has two digits
            W = as_matrix(weight)
            if self.training:
                self._follow(W)
            return weight / self.sigma(W).clamp(min=SMALLEST)

    def sigma(self, W: Float[Tensor, "M N"]) -> Float[Tensor, ""]:
        """The estimate u^T W v; its derivative by W is u v^T."""
        with torch.no_grad():
            u, v = strongest(W, self.U, self.V)
        return u @ W @ v

    @torch.no_grad()
    def _follow(self, W: Float[Tensor, "M N"]) -> None:
        U, V = block_iteration(W, self.V)
        self.U.copy_(U)
        self.V.copy_(V)


def normalise(net: nn.Module, directions: int) -> list[str]:
    """Put the norm on every weight of a net, a class's embedding among them; biases stay.

    Returns:
        The names of the layers.
    """
    layers = {
        name: layer
        for name, layer in net.named_modules()
        if isinstance(layer, (nn.Conv2d, nn.Linear, nn.Embedding))
    }
    for layer in layers.values():
        parametrize.register_parametrization(layer, "weight", SpectralNorm(layer.weight, directions))
    return list(layers)


# --- the system --------------------------------------------------------------------------------------


class SNGAN(GAN):
    """A GAN whose discriminator stretches nothing by more than one, layer by layer."""

    compiled: ClassVar[tuple[str, ...]] = ("generator",)  # the norm writes into its buffers in every pass
    config: Config
    singular: Tensor
    short = False  # a short game may die without a word

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        names = [name for name, layer in self.discriminator.named_modules() if hasattr(layer, "weight")]
        if config.norm == "spectral":
            names = normalise(self.discriminator, config.directions)
        self.layers = names
        self.register_buffer("singular", torch.zeros(len(names)))  # 0: not looked at yet

    def step(self, batch: Batch, optimizers: Optimizers) -> Metrics:
        """A round of the game; at the last one the weights that it was played with are looked at."""
        seen = super().step(batch, optimizers)
        if batch.step == self.setting.train.steps - 1:
            self.singular.copy_(self.singular_values())
        return seen

    def _look(self, batch: Batch, fake: Tensor, seen: Metrics) -> None:
        if not self.short:
            super()._look(batch, fake, seen)

    @torch.no_grad()
    def singular_values(self) -> Float[Tensor, "L"]:
        """Largest singular value of each layer of the discriminator as it stands, exact, by SVD."""
        largest = []
        for name in self.layers:
            layer = self.discriminator.get_submodule(name)
            largest.append(torch.linalg.matrix_norm(as_matrix(standing(layer)).cpu().double(), 2))
        return torch.stack(largest).to(self.singular)

    # --- what the run is judged by --------------------------------------------------------------------

    def evaluate(self) -> Mapping[str, float]:
        figures = self._evaluate_images()
        return {
            **figures,
            "singular_missed": (self.singular - 1).abs().max().item(),
            "singular_largest": self.singular.max().item(),
            **self.survival(),
        }

    def survival(self) -> dict[str, float]:
        """Share of short games that are alive at the end, at each learning rate and at all of them."""
        shares = {
            f"survived_{1000 * rate:.0f}": sum(self.lives(rate, game) for game in range(N_GAMES)) / N_GAMES
            for rate in RATES
        }
        return {**shares, "survived": sum(shares.values()) / len(shares)}

    def lives(self, rate: float, game: int) -> bool:
        """Whether a game of fresh players comes within ALIVE of real images, at a rate that never falls."""
        return self.short_game(rate, game) < ALIVE

    def short_game(self, rate: float, game: int) -> float:
        """Frechet distance of the samples after ROUNDS rounds of fresh players; infinite if it broke off."""
        train = self.setting.train
        seed = stable_seed(train.seed, f"game {game}")
        with torch.random.fork_rng(devices=[]):  # the run's own draws stay as they are
            torch.manual_seed(seed)
            fresh = type(self)(self.config)
        fresh.short = True
        fresh.to(self.setting.device).attach(
            replace(self.setting, train=train.model_copy(update={"seed": seed, "lr": rate, "steps": ROUNDS}))
        )
        optimizers = fresh.optimizers()
        try:
            with torch.enable_grad():
                for step in range(ROUNDS):
                    fresh.step(fresh.batch(step), optimizers)
        except NotFinite:
            return float("inf")
        return fresh.distance_now()


def standing(layer: nn.Module) -> Tensor:
    """The weight that a layer computes with, without another round of its norm."""
    was, _ = layer.training, layer.eval()
    weight = torch.as_tensor(layer.weight).detach()
    layer.train(was)
    return weight
