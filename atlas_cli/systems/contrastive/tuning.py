"""Fine-tuning: an encoder and a linear classifier learn on together from a few labelled images.

Source:  He et al. 2021, arXiv:2111.06377, appendix A.1; a rate that decays from layer to layer: Clark et al.
         2020, arXiv:2003.10555, table 7, and Bao et al. 2021, arXiv:2106.08254.
Shapes:  B batch, C channels, H height, W width, K classes.
"""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from atlas_cli.data.backgrounds import over_textures
from atlas_cli.data.images import to_float
from atlas_cli.data.views import View, view
from atlas_cli.draws import BatchRandom, generator
from atlas_cli.engine.decay import decay_groups
from atlas_cli.engine.system import Setting
from atlas_cli.metrics.probe import Labelled, even_shares

VIEWS: tuple[View, ...] = ("crop", "turn", "bend")
WARMUP, WEIGHT_DECAY = 0.1, 0.05  # share of the steps
AT_ONCE = 250  # images


class Classifier(nn.Module):
    def __init__(self, encoder: nn.Module, d: int, k: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.norm = nn.LayerNorm(d)
        self.linear = nn.Linear(d, k)
        nn.init.trunc_normal_(self.linear.weight, std=0.02)

    def forward(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B K"]:
        return self.linear(self.norm(self.encoder(images).mean(1)))


def groups(model: Classifier, lr: float, decay: float) -> list[dict[str, Any]]:
    blocks = model.encoder.stack.blocks
    n = len(blocks)
    found = []
    layers = [(0, [*model.encoder.embed.parameters()])]
    layers += [(i + 1, [*b.parameters()]) for i, b in enumerate(blocks)]
    layers += [(n + 1, [*model.encoder.stack.norm.parameters(), *model.norm.parameters(), *model.linear.parameters()])]
    for depth, parameters in layers:
        for group in decay_groups(parameters, WEIGHT_DECAY):
            found.append({**group, "lr": lr * decay ** (n + 1 - depth)})
    return found


def tune(encoder: nn.Module, c: Any, setting: Setting, log: Any = None) -> Classifier:
    source, seed = setting.data, setting.train.seed
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed + 1)
        model = Classifier(copy.deepcopy(encoder), c.d_model, c.n_classes).to(setting.device).train()
    known = even_shares(source.train_labels, c.n_labels or len(source.train_labels), draw=seed).to(setting.device)
    opt = torch.optim.AdamW(groups(model, c.tune_lr, c.layer_decay), betas=(0.9, 0.999), fused=True)
    full = [g["lr"] for g in opt.param_groups]
    warm = max(1, int(WARMUP * c.tune_steps))
    with torch.enable_grad():
        for p in model.parameters():
            p.requires_grad_(True)
        for step in range(c.tune_steps):
            factor = (step + 1) / warm if step < warm else 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, c.tune_steps - warm)))
            for g, lr in zip(opt.param_groups, full):
                g["lr"] = lr * factor
            random = BatchRandom(seed, step, c.tune_batch, device=setting.device, purpose="tuned")
            index = known[random.integers(0, len(known))]
            x = to_float(source.train_images[index])
            if c.textured:
                x = over_textures(x, random)
            x = view(x, random, VIEWS)
            loss = F.cross_entropy(model(x), source.train_labels[index])
            opt.zero_grad(); loss.backward(); opt.step()
    return model.eval()


def accuracy(model: nn.Module, test: Labelled) -> float:
    with torch.no_grad():
        right = [(model(x).argmax(1) == y) for x, y in zip(test.x.split(AT_ONCE), test.label.split(AT_ONCE))]
    return torch.cat(right).float().mean().item()
