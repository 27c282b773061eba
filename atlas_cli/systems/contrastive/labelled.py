"""The opponents of two towers: the same picture tower, taught by labels in the place of sentences.

`classes` has one output for each thing that the training shows, "red circle" and the like, as classifiers do.
`attributes` answers apart for size, colour, shape and relation: it can name a pair that it never saw.

Shapes:  B batch, C channels, H height, W width, K facts of a scene, M captions.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from atlas_cli.data.captions import COLOURS, RELATIONS, SHAPES, SIZES
from atlas_cli.systems.contrastive.examination import OPEN
from atlas_cli.systems.contrastive.towers import ImageTower, TowersConfig

COUNTS = [len(SIZES), len(COLOURS), len(SHAPES)] * 2 + [len(RELATIONS)]  # answers to each fact
NONE_IN = range(3, 7)  # facts that a scene of one thing has not: one more answer


class Labelled(nn.Module):
    """A picture tower and one softmax a question.

    Args:
        c: How the tower is built.
        pairs: A colour and a shape are one question of twelve answers, not two.
    """

    def __init__(self, c: TowersConfig, pairs: bool) -> None:
        super().__init__()
        self.pairs = pairs
        self.tower = ImageTower(c)
        self.counts = [n + (i in NONE_IN) for i, n in enumerate(COUNTS)]
        if pairs:
            n = len(COLOURS) * len(SHAPES)
            self.counts = [self.counts[0], n, self.counts[3], n + 1, self.counts[6]]
        self.read_out = nn.Linear(c.d_embed, sum(self.counts))

    def questions(self, facts: Int[Tensor, "B K"]) -> Int[Tensor, "B Q"]:
        """Facts as answers to its questions; what is not there is the last answer."""
        if self.pairs:
            first, second = (facts[:, i] * len(SHAPES) + facts[:, i + 1] for i in (1, 4))
            second = second.where(facts[:, 4] != OPEN, OPEN)
            facts = torch.stack([facts[:, 0], first, facts[:, 3], second, facts[:, 6]], 1)
        last = torch.tensor(self.counts, device=facts.device) - 1
        return facts.where(facts != OPEN, last)

    def answers(self, images: Float[Tensor, "B C H W"]) -> list[Float[Tensor, "B A"]]:
        """Log-probabilities of the answers to each question."""
        logits = self.read_out(self.tower(images)).float()
        return [part.log_softmax(1) for part in logits.split(self.counts, dim=1)]

    def loss(self, images: Float[Tensor, "B C H W"], facts: Int[Tensor, "B K"]) -> Float[Tensor, ""]:
        """Cross-entropy, of the mean question."""
        answers, right = self.answers(images), self.questions(facts)
        return torch.stack([F.nll_loss(a, right[:, q]) for q, a in enumerate(answers)]).mean()

    def score(self, images: Float[Tensor, "B C H W"], claims: Int[Tensor, "M K"]) -> Float[Tensor, "B M"]:
        """How probable each caption is, its questions taken apart; what it leaves open counts for nothing."""
        answers, asked = self.answers(images), self.questions(claims)
        sizes = {0: claims[:, 0], (2 if self.pairs else 3): claims[:, 3]}
        alone = claims[:, 4] == OPEN
        total = images.new_zeros(len(images), len(claims))
        for q, answer in enumerate(answers):
            heard = answer[:, asked[:, q]]  # (B, M)
            if q in sizes:
                left_open = (sizes[q] == OPEN) & ~(alone & (q > 0))
                heard = heard.masked_fill(left_open, 0.0)
            total = total + heard
        return total
