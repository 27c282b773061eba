"""VQ-VAE: put the nearest entry of a learned codebook in place of each vector; an image becomes integers.

Source:  van den Oord, Vinyals, Kavukcuoglu 2017, arXiv:1711.00937. Here: eq. 1 and 2 (the choice), eq. 3
         (commitment), appendix A.1 (codes as moving averages). Dead codes are put on vectors of the batch as
         in Jukebox (Dhariwal et al. 2020, arXiv:2005.00341); residual stages as in SoundStream (Zeghidour et
         al. 2021, arXiv:2107.03312).
Shapes:  B batch; h, w the grid; D numbers of a vector; N = B h w vectors of a batch; K codes; S stages.
Names:   z is the encoder's vector, `codes` the codebook e, `share` the running share of the vectors that
         choose each code (their N over the batch).
Differs: the running mean is kept as code and share rather than as sum and count; it is the same mean, and a
         code that nothing chooses keeps its place exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
import torch.distributed as dist
import torch.nn.functional as F
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn

from atlas_cli.config import WIDEST
from atlas_cli.systems.autoencoder.patches import Patches
from atlas_cli.systems.autoencoder.tokenizer import (
    FACTOR,
    Quantised,
    Quantiser,
    Tokenizer,
    TokenizerConfig,
    error_figures,
)  # fmt: skip

# What a ModuleList holds is a Module to the type checker, and not the Codebook that it is.
# mypy: disable-error-code="operator, index"
NOTHING = 1e-12  # a share below which there is nothing to divide by


class Config(TokenizerConfig):
    """The `model:` section of a vq-vae recipe."""

    codes: int = Field(256, gt=1, le=WIDEST)  # K, of each stage
    dim: int = Field(16, gt=0, le=WIDEST)  # D
    stages: int = Field(1, gt=0, le=4)  # S; each further one quantises what the ones before left over
    commitment: float = Field(0.25, ge=0)  # weight of the term that holds the encoder near its codes
    decay: float = Field(0.99, ge=0, lt=1)  # of the running means
    spread: float = Field(1.0, gt=0)  # standard deviation of the numbers that codes begin with
    rare: float = Field(0.1, ge=0, lt=1)  # a code with less than this of an even share is revived; 0: none is


def straight_through(
    z: Float[Tensor, "*shape"], quantised: Float[Tensor, "*shape"]
) -> Float[Tensor, "*shape"]:
    """The value of `quantised`, with the gradient of z: as if nothing had been chosen or rounded."""
    # exercise: straight_through
    return z + (quantised - z).detach()
    # end


# --- one codebook --------------------------------------------------------------------------------------


class Codebook(nn.Module):
    """K codes, each the running mean of the vectors that chose it."""

    codes: Float[Tensor, "K D"]
    share: Float[Tensor, "K"]

    def __init__(self, size: int, dim: int, decay: float, rare: float, spread: float = 1.0) -> None:
        super().__init__()
        self.decay, self.rare = decay, rare
        self.register_buffer("codes", spread * torch.randn(size, dim))
        self.register_buffer("share", torch.full((size,), 1 / size))

    def nearest(self, z: Float[Tensor, "N D"]) -> Int[Tensor, "N"]:
        """k = argmin_j |z - e_j| (eq. 1)."""
        return torch.cdist(z, self.codes).argmin(1)

    @torch.no_grad()
    def follow(self, z: Float[Tensor, "N D"], chosen: Int[Tensor, "N"]) -> None:
        """Move each code towards the mean of the vectors that chose it, on all ranks alike."""
        picked = F.one_hot(chosen, len(self.codes)).to(z)  # (N, K)
        total = summed(z.new_tensor(len(z)))
        n, m = summed(picked.sum(0)) / total, summed(picked.T @ z) / total
        codes, share = moved(self.codes, self.share, n, m, self.decay)
        self.codes.copy_(codes)
        self.share.copy_(share)

    @torch.no_grad()
    def revive(self, offered: Float[Tensor, "B D"]) -> None:
        """Put codes that hardly anything chooses on vectors of the batch, one each, with an even share."""
        even = 1 / len(self.codes)
        dead = (self.share < self.rare * even).nonzero().flatten()[: len(offered)]
        self.codes[dead] = offered[: len(dead)]
        self.share[dead] = even


def moved(
    codes: Float[Tensor, "K D"], share: Float[Tensor, "K"], n: Float[Tensor, "K"], m: Float[Tensor, "K D"],
    decay: float,
) -> tuple[Float[Tensor, "K D"], Float[Tensor, "K"]]:  # fmt: skip
    """Codes and shares after a step of the running means (appendix A.1).

    A code is the running sum of its vectors over its running share. Sum and share both keep g, the decay, of
    what they were: (g s e + (1 - g) m) / s' with s' = g s + (1 - g) n, and so e gains (1 - g) (m - n e) / s'.

    Args:
        n: Share of the batch's vectors that chose each code.
        m: Their sum over the number of all vectors.
    """
    # exercise: moved
    share = decay * share + (1 - decay) * n
    gained = (1 - decay) * (m - n[:, None] * codes)
    return codes + gained / share.clamp(min=NOTHING)[:, None], share
    # end


class VectorQuantiser(Quantiser):
    """Codebooks in a row: each quantises what the ones before it left over, and a code is the sum."""

    def __init__(self, config: Config) -> None:
        c = config
        super().__init__(c.dim, c.codes, c.stages)
        self.commitment = c.commitment
        books = (Codebook(c.codes, c.dim, c.decay, c.rare, c.spread) for _ in range(c.stages))
        self.books = nn.ModuleList(books)

    def forward(self, z: Float[Tensor, "B D h w"]) -> Quantised:
        b, _, h, w = z.shape
        flat = rows(z)  # (N, D)
        rest, choices, penalty = flat, [], z.new_zeros(())
        for book in self.books:
            chosen = book.nearest(rest)
            code = book.codes[chosen]  # (N, D)
            penalty = penalty + F.mse_loss(rest, code)  # the code is a buffer: only the encoder moves
            rest = rest - code
            choices.append(chosen)
        quantised = straight_through(flat, flat - rest)
        indices = self.join(choices).view(b, h, w)
        return Quantised(grid(quantised, h, w), indices, self.commitment * penalty)

    def vectors(self, indices: Int[Tensor, "B h w"]) -> Float[Tensor, "B D h w"]:
        parts = [book.codes[c] for book, c in zip(self.books, self.split(indices), strict=True)]
        return torch.stack(parts).sum(0).permute(0, 3, 1, 2)

    @torch.no_grad()
    def follow(self, z: Float[Tensor, "B D h w"], spots: Int[Tensor, "B"]) -> None:
        """Every codebook follows its vectors; every image offers one of its own to the dead codes."""
        rest = rows(z)
        each = torch.arange(len(z), device=z.device) * (len(rest) // len(z)) + spots  # rows that are offered
        for book in self.books:
            chosen = book.nearest(rest)
            left = rest - book.codes[chosen]
            book.follow(rest, chosen)
            if book.rare:
                book.revive(gathered(rest[each]))
            rest = left


def rows(z: Float[Tensor, "B D h w"]) -> Float[Tensor, "N D"]:
    """The vectors of a grid, one a row."""
    return z.permute(0, 2, 3, 1).reshape(-1, z.shape[1])


def grid(z: Float[Tensor, "N D"], h: int, w: int) -> Float[Tensor, "B D h w"]:
    """The inverse of `rows`."""
    return z.view(-1, h, w, z.shape[1]).permute(0, 3, 1, 2)


def summed(x: Tensor) -> Tensor:
    """Over all ranks: every process must move its codes alike."""
    if dist.is_available() and dist.is_initialized():
        dist.all_reduce(x)
    return x


def gathered(x: Tensor) -> Tensor:
    """The rows of all ranks, in their order."""
    if not (dist.is_available() and dist.is_initialized()):
        return x
    parts = [torch.empty_like(x) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, x.contiguous())
    return torch.cat(parts)


# --- the system ----------------------------------------------------------------------------------------


class VQVAE(Tokenizer):
    """A tokenizer with a learned codebook, beside k-means on patches of pixels."""

    compiled: ClassVar[tuple[str, ...]] = ("encoder", "decoder")
    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config, VectorQuantiser(config))

    @torch.no_grad()
    def evaluate(self) -> Mapping[str, float]:
        """The figures of a tokenizer, and those of k-means on patches with as many codes and stages."""
        figures, source = dict(super().evaluate()), self.setting.data
        patches = Patches.fitted(
            source, FACTOR, self.config.codes, self.config.stages, self.setting.generator("patches")
        )
        images, _ = source.test()
        theirs = error_figures(images, patches.rebuild(images)) | self.judged(patches.rebuild)
        figures["error_over_patches"] = figures["reconstruction_mse"] / theirs["reconstruction_mse"]
        return figures | {f"patches_{name.removeprefix('reconstruction_')}": v for name, v in theirs.items()}
