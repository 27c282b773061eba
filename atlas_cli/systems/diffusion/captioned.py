"""A denoiser that reads captions: the ddpm of this family, with a sentence in the place of the class.

Source:  Nichol et al. 2021, arXiv:2112.10741 (GLIDE). Here: section 2.3, guidance by captions, of which
         some are left out in training.
Shapes:  B batch, C channels, H height, W width, L tokens of a caption, D embedding, E width of a token.
Differs: the U-Net sees the caption as one vector beside the time; GLIDE lets its attention layers look at the
         words too. Two shapes and a relation fit into one vector, a page does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from atlas_cli.draws import BatchRandom
from atlas_cli.systems.diffusion.ddpm import DDPM, Config
from atlas_cli.systems.diffusion.sampler import Walk

NONE = 0  # the token of which a caption that says nothing consists: padding


@dataclass(frozen=True)
class Batch:
    """A training batch with all its randomness in it."""

    data: Float[Tensor, "B C H W"]  # images in [-1, 1]
    tokens: Int[Tensor, "B L"]  # all NONE where the caption was left out
    t: Int[Tensor, "B"]
    noise: Float[Tensor, "B C H W"]


class CaptionEncoder(nn.Module):
    """Words at their places, one transformer block, and all places side by side into one vector."""

    def __init__(
        self, vocab_size: int, length: int, d_embed: int, d_token: int = 64, n_head: int = 4
    ) -> None:
        super().__init__()
        self.token = nn.Embedding(vocab_size, d_token)
        self.position = nn.Parameter(torch.randn(length, d_token))
        self.block = nn.TransformerEncoderLayer(
            d_token, n_head, 4 * d_token, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.norm = nn.LayerNorm(d_token)
        self.out = nn.Linear(length * d_token, d_embed)

    def forward(self, tokens: Int[Tensor, "B L"]) -> Float[Tensor, "B D"]:
        h = self.block(self.token(tokens) + self.position)  # (B, L, E)
        return self.out(self.norm(h).flatten(1))  # (B, L*E) -> (B, D)


class Captioned(nn.Module):
    """A DDPM whose condition is a caption.

    Args:
        config: Of the DDPM; its classes and its guidance are not used.
        vocab_size: Tokens that captions consist of.
        length: Tokens of a caption.
    """

    def __init__(self, config: Config, vocab_size: int, length: int) -> None:
        super().__init__()
        self.ddpm = DDPM(config.model_copy(update={"guidance": 1.0}))  # it is `guided` that exaggerates
        net = self.ddpm.net
        net.embed_class = CaptionEncoder(vocab_size, length, net.d_embed)  # in the place of the class

    def batch(self, data: Float[Tensor, "B C H W"], tokens: Int[Tensor, "B L"], random: BatchRandom) -> Batch:
        """Scenes with their noise, and a share of them without their captions."""
        dropped = random.uniform() < self.ddpm.config.label_dropout  # (B,)
        return Batch(
            data=data,
            tokens=torch.where(dropped[:, None], NONE, tokens),
            t=random.integers(0, self.ddpm.config.n_steps),
            noise=random.normal(*data.shape[1:]),
        )

    def loss(self, batch: Batch) -> Tensor:
        """Mean squared error of the prediction."""
        x_t = self.ddpm.add_noise(batch.data, batch.noise, batch.t)
        output = self.predict(x_t, batch.t, batch.tokens)
        return F.mse_loss(output.float(), self.ddpm.target(batch.data, batch.noise, batch.t))

    def predict(
        self, x_t: Float[Tensor, "B C H W"], t: Int[Tensor, "B"], tokens: Int[Tensor, "B L"]
    ) -> Float[Tensor, "B C H W"]:
        """The net's output; it sees time on a scale of 0 to 1000."""
        return self.ddpm.net(x_t, t.float() * (1000 / self.ddpm.config.n_steps), tokens)

    def guided(
        self, x_t: Float[Tensor, "B C H W"], t: Int[Tensor, "B"], tokens: Int[Tensor, "B L"], weight: float
    ) -> Float[Tensor, "B C H W"]:
        """The answer without the caption, and the way from there to the one with it `weight` times."""
        if weight == 1:
            return self.predict(x_t, t, tokens).float()
        both = torch.cat([tokens, torch.full_like(tokens, NONE)])  # (2B, L)
        answers = self.predict(x_t.repeat(2, 1, 1, 1), t.repeat(2), both)
        conditional, unconditional = answers.float().chunk(2)
        return unconditional + weight * (conditional - unconditional)

    def draw(
        self, noise: Float[Tensor, "B C H W"], tokens: Int[Tensor, "B L"], weight: float,
        generator: torch.Generator, walk: Walk | None = None,
    ) -> list[Float[Tensor, "B C H W"]]:  # fmt: skip
        """The walk from these noises to images of these captions, every step of it."""
        unused = torch.zeros(len(tokens), dtype=torch.long, device=tokens.device)  # a class for each image

        def predict(x_t: Tensor, t: Tensor, _: Tensor) -> Tensor:
            return self.guided(x_t, t, tokens, weight)

        return list(self.ddpm.denoise(noise, unused, generator, predict, walk))
