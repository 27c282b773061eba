"""FSQ: bound a few numbers and round each to fixed levels; every combination of levels is a code.

Source:  Mentzer, Minnen, Agustsson, Tschannen 2023, arXiv:2309.15505: section 3.1, appendix A.1. Lookup-free
         quantisation (`quantiser: signs`) is that of Yu et al. 2023, arXiv:2310.05737, eq. 3 to 5.
Shapes:  B batch; h, w the grid; D numbers of a code, L_i levels of number i, K = L_1 ... L_D codes.
Names:   z is the encoder's vector, `bounded` is f(z), and its rounding the code.
Differs: the bound reaches a thousandth beyond the outermost level, where theirs stays as much within it: two
         levels have a shift then as well. The entropies of lookup-free quantisation are taken exactly, over
         all codes, and over the share of the batch that a process has.
Beside:  `quantiser: codebook` is vq-vae's, with as many codes and the same networks.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import torch
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor

from atlas_cli.config import WIDEST
from atlas_cli.systems.autoencoder import vq_vae
from atlas_cli.systems.autoencoder.tokenizer import Quantised, Quantiser, Tokenizer, TokenizerConfig
from atlas_cli.systems.autoencoder.vq_vae import straight_through

EDGE = 1e-3  # by how much the bound reaches beyond the outermost level, as a share


class Config(TokenizerConfig):
    """The `model:` section of an fsq recipe."""

    quantiser: Literal["levels", "signs", "codebook"] = "levels"  # signs: lookup-free; codebook: vq-vae's
    levels: tuple[int, ...] = Field((8, 8, 4), strict=False, min_length=1, max_length=16)  # of each number
    entropy_weight: float = Field(0.1, ge=0)  # of the entropies, with `signs`; the other two have none
    commitment: float = Field(0.25, ge=0)  # holds the encoder near its codes, with `signs` and `codebook`

    @model_validator(mode="after")
    def _levels_make_codes(self) -> Config:
        if min(self.levels) < 2 or math.prod(self.levels) > WIDEST:
            raise ValueError(f"levels: each at least 2, and their product at most {WIDEST}")
        if self.quantiser == "signs" and set(self.levels) != {2}:
            raise ValueError("levels: a sign has two of them, so `quantiser: signs` needs a list of twos")
        return self


# --- rounding ------------------------------------------------------------------------------------------


class Levels(Quantiser):
    """Each number of a vector, bounded and rounded to its levels. There is nothing to learn."""

    levels: Int[Tensor, "D"]

    def __init__(self, levels: tuple[int, ...]) -> None:
        super().__init__(len(levels), math.prod(levels))
        self.register_buffer("levels", torch.tensor(levels), persistent=False)

    @property
    def below(self) -> Int[Tensor, "D"]:
        """Steps from the middle level down to the lowest."""
        return self.levels // 2

    @property
    def basis(self) -> Int[Tensor, "D"]:
        """What a step of each number is worth in the index: 1, L_1, L_1 L_2 ..."""
        return torch.cat([self.levels.new_ones(1), self.levels[:-1].cumprod(0)])

    def bound(self, z: Float[Tensor, "*shape D"]) -> Float[Tensor, "*shape D"]:
        """f(z): smooth, and within half a step of the levels, which are whole numbers around 0.

        An even number of levels has no middle one; there are then as many below 0 as above and at it.
        """
        # exercise: bound
        reach = (self.levels - 1) * (1 + EDGE) / 2
        offset = torch.where(self.levels % 2 == 0, 0.5, 0.0)
        shift = (offset / reach).atanh()  # so that f(0) = 0
        return (z + shift).tanh() * reach - offset
        # end

    def forward(self, z: Float[Tensor, "B D h w"]) -> Quantised:
        bounded = self.bound(z.movedim(1, -1))  # (B, h, w, D)
        rounded = straight_through(bounded, bounded.round())
        return Quantised((rounded / self.below).movedim(-1, 1), self.index(rounded), z.new_zeros(()))

    def index(self, code: Float[Tensor, "*shape D"]) -> Int[Tensor, "*shape"]:
        """The number of a code: its levels, counted from the lowest, as digits."""
        # exercise: index
        return ((code.detach().round().long() + self.below) * self.basis).sum(-1)
        # end

    def vectors(self, indices: Int[Tensor, "B h w"]) -> Float[Tensor, "B D h w"]:
        digits = indices[..., None] // self.basis % self.levels  # (B, h, w, D)
        return ((digits - self.below) / self.below).movedim(-1, 1)


class Signs(Quantiser):
    """Lookup-free quantisation: the sign of each number, and two entropies that keep all codes in use."""

    codes: Float[Tensor, "K D"]

    def __init__(self, bits: int, entropy_weight: float, commitment: float) -> None:
        super().__init__(bits, 2**bits)
        self.entropy_weight, self.commitment = entropy_weight, commitment
        digits = torch.arange(2**bits)[:, None] >> torch.arange(bits) & 1
        self.register_buffer("codes", 2.0 * digits - 1, persistent=False)

    def forward(self, z: Float[Tensor, "B D h w"]) -> Quantised:
        rows = z.movedim(1, -1)  # (B, h, w, D)
        code = torch.where(rows > 0, 1.0, -1.0)
        digits = (code > 0).long() << torch.arange(self.dim, device=z.device)
        penalty = self.entropy_weight * self.entropies(rows.reshape(-1, self.dim))
        penalty = penalty + self.commitment * (rows - code).square().mean()
        return Quantised(straight_through(rows, code).movedim(-1, 1), digits.sum(-1), penalty)

    def entropies(self, z: Float[Tensor, "N D"]) -> Float[Tensor, ""]:
        """Mean entropy of a vector's choice less the entropy of the mean choice (eq. 5).

        The choice is softened: p(code) ~ exp(-|z - code|^2), and all |code| are the same.
        """
        choice = (2 * z @ self.codes.T).softmax(1)  # (N, K)
        each, together = (torch.special.entr(p).sum(-1) for p in (choice, choice.mean(0)))
        return each.mean() - together

    def vectors(self, indices: Int[Tensor, "B h w"]) -> Float[Tensor, "B D h w"]:
        return self.codes[indices].movedim(-1, 1)


# --- the system ----------------------------------------------------------------------------------------


class FSQ(Tokenizer):
    """A tokenizer whose codebook is a fixed grid."""

    compiled: ClassVar[tuple[str, ...]] = ("encoder", "decoder")
    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config, quantiser(config))


def quantiser(config: Config) -> Quantiser:
    """That of the config: the paper's, or one of the two that stand beside it, with as many codes."""
    c = config
    if c.quantiser == "levels":
        return Levels(c.levels)
    if c.quantiser == "signs":
        return Signs(len(c.levels), c.entropy_weight, c.commitment)
    own = {"codes": math.prod(c.levels), "commitment": c.commitment}
    return vq_vae.VectorQuantiser(vq_vae.Config.model_validate(own))
