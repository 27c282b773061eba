"""A bag of codes: each drawn by how often it stands at its place, and nothing known of the others.

It is what a prior over codes must beat: the best that can be said of an image, given its class, when all of
its codes are independent. Nothing is trained; it is counted.
Shapes:  N images, L tokens of each, V tokens that there are, K classes.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from atlas_cli.systems.autoencoder.prior import guided

SMOOTHING = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)  # times that each token is counted beforehand, to choose from


class Bag:
    """Frequencies of the tokens, place by place and class by class.

    Attributes:
        log_p: ln P of each token at each place of each class.
        log_any: The same of whatever class.
    """

    def __init__(self, log_p: Float[Tensor, "K L V"], log_any: Float[Tensor, "L V"]) -> None:
        self.log_p, self.log_any = log_p, log_any

    @classmethod
    def fitted(
        cls, tokens: Int[Tensor, "N L"], label: Int[Tensor, "N"], n_classes: int, vocab_size: int
    ) -> Bag:
        """Counted on these, each token a little more often than it occurs: unseen ones are not impossible.

        How much more is chosen by leaving each training image out in turn: no held-out image is looked at.
        """
        counts = counted(tokens, label, n_classes, vocab_size)
        alpha = max(SMOOTHING, key=lambda a: left_out(counts, a))
        return cls(
            *(((n + alpha) / (n + alpha).sum(-1, keepdim=True)).log() for n in (counts, counts.sum(0)))
        )

    def nats(self, tokens: Int[Tensor, "N L"], label: Int[Tensor, "N"]) -> Float[Tensor, "N"]:
        """-ln P of each image's tokens: the sum over the places, for they are independent."""
        return -self.log_p[label].gather(-1, tokens[..., None]).squeeze(-1).sum(1)

    def draw(
        self, label: Int[Tensor, "B"], generator: torch.Generator, guidance: float = 1.0
    ) -> Int[Tensor, "B L"]:
        """New tokens of each class, every place by itself, with the class exaggerated as the prior's is."""
        anyone = self.log_any.expand(len(label), -1, -1)
        p = guided(self.log_p[label], anyone, guidance).softmax(-1)  # (B, L, V)
        return torch.multinomial(p.flatten(0, 1), 1, generator=generator).view(p.shape[:2])


def counted(
    tokens: Int[Tensor, "N L"], label: Int[Tensor, "N"], n_classes: int, vocab_size: int
) -> Float[Tensor, "K L V"]:
    """How often each token stands at each place of each class."""
    shape = (n_classes, tokens.shape[1], vocab_size)
    place = torch.arange(shape[1], device=tokens.device)
    index = (label[:, None] * shape[1] + place) * vocab_size + tokens  # (N, L)
    return torch.bincount(index.flatten(), minlength=shape[0] * shape[1] * shape[2]).view(shape).float()


def left_out(counts: Float[Tensor, "K L V"], alpha: float) -> float:
    """ln P of all images, each by the counts of the others: a token seen n times of N has n - 1 of N - 1."""
    n, total = counts, counts.sum(-1, keepdim=True)
    p = (n - 1 + alpha) / (total - 1 + alpha * counts.shape[-1])
    return float((n * p.clamp(min=torch.finfo(p.dtype).tiny).log()).sum())  # n = 0 adds nothing
