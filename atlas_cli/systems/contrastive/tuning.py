"""Fine-tuning: an encoder and a linear classifier learn on together, from a few labelled images.

Source:  He et al. 2021, arXiv:2111.06377, appendix A.1.
Shapes:  B batch, C channels, H height, W width; N tokens of an image, D width of a token, K classes.
Differs: one rate for all layers in place of one that decays from layer to layer. The views are those that
         written digits call for.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from atlas_cli.data.backgrounds import over_textures
from atlas_cli.data.images import to_float
from atlas_cli.data.views import View, view
from atlas_cli.draws import BatchRandom, stable_seed
from atlas_cli.engine.decay import decay_groups
from atlas_cli.engine.system import Setting
from atlas_cli.metrics.probe import Labelled, even_shares

VIEWS: tuple[View, ...] = ("crop", "turn", "bend")
WARMUP = 0.1  # share of the steps
WEIGHT_DECAY, BETAS = 0.05, (0.9, 0.999)
AT_ONCE = 250  # images that are classified at once


@dataclass(frozen=True)
class Plan:
    """How an encoder is fine-tuned.

    Attributes:
        steps: Of the optimizer.
        batch_size: Images in each.
        lr: The largest learning rate; it rises in a tenth of the steps and falls as a cosine.
        n_labels: Images whose class is known, classes in equal shares; 0: all.
        textured: Whether each image lies over a texture, another one at every step.
    """

    steps: int
    batch_size: int
    lr: float
    n_labels: int
    textured: bool


class Classifier(nn.Module):
    """An encoder, the mean of its tokens, and a linear layer."""

    def __init__(self, encoder: nn.Module, d_model: int, n_classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.norm, self.linear = nn.LayerNorm(d_model), nn.Linear(d_model, n_classes)
        nn.init.trunc_normal_(self.linear.weight, std=0.02)

    def forward(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B K"]:
        return self.linear(self.norm(self.encoder(images).mean(1)))


class Tuning:
    """The fine-tuning of one encoder, step by step; the encoder that is given stays as it is.

    Args:
        encoder: Images to tokens.
        d_model: D.
        setting: The run's data and seed; its labelled images are drawn by the seed.
        plan: How long, how fast, from how many labels.
    """

    def __init__(self, encoder: nn.Module, d_model: int, setting: Setting, plan: Plan) -> None:
        self.setting, self.plan, source = setting, plan, setting.data
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(stable_seed(setting.train.seed, "classifier"))
            model = Classifier(copy.deepcopy(encoder), d_model, source.n_classes)
        self.model = model.requires_grad_(True).to(setting.device).train()
        n = plan.n_labels or len(source.train_labels)
        self.known = even_shares(source.train_labels, n, draw=setting.train.seed).to(setting.device)

    def batch(self, step: int) -> tuple[Float[Tensor, "B C H W"], Int[Tensor, "B"]]:
        """Views of labelled images, and their classes."""
        source, device = self.setting.data, self.setting.device
        random = BatchRandom(
            self.setting.train.seed, step, self.plan.batch_size, device=device, purpose="tuned"
        )
        index = self.known[random.integers(0, len(self.known))]
        images = to_float(source.train_images[index])
        if self.plan.textured:
            images = over_textures(images, random)
        return view(images, random, VIEWS), source.train_labels[index]

    def loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Cross-entropy of the classes."""
        images, label = batch
        with self.setting.autocast():
            logits = self.model(images)
        return F.cross_entropy(logits.float(), label)

    def run(self) -> Classifier:
        """All steps."""
        optimizer = torch.optim.AdamW(
            decay_groups(self.model.parameters(), WEIGHT_DECAY), lr=self.plan.lr, betas=BETAS, fused=True
        )
        with torch.enable_grad():
            for step in range(self.plan.steps):
                for group in optimizer.param_groups:
                    group["lr"] = self.plan.lr * factor(step, self.plan.steps)
                loss = self.loss(self.batch(step))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        return self.model.eval()


def factor(step: int, steps: int) -> float:
    """Share of the largest learning rate at a step: a linear rise, then a cosine to 0."""
    warm = max(1, round(WARMUP * steps))
    if step < warm:
        return (step + 1) / warm
    return (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm))) / 2


def accuracy(model: Classifier, test: Labelled) -> float:
    """Share of the test images that a classifier reads rightly."""
    with torch.no_grad():
        read = torch.cat([model(part).argmax(1) for part in test.x.split(AT_ONCE)])
    return (read == test.label).float().mean().item()
