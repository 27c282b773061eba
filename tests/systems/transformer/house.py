"""A small GPT on the atlas's own pages, for those that build on one."""

from __future__ import annotations

import torch

from atlas_cli import data
from atlas_cli.engine.system import Setting
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.transformer.gpt import GPT, Config

TRAIN = TrainConfig(steps=1, batch_size=4, lr=1e-2)
SOURCE = data.load({"name": "text", "corpus": "atlas", "context_len": 48})


def gpt(seed: int = 0, **fields: object) -> GPT:
    """Random weights that say more than nothing: logits differ by about one."""
    torch.manual_seed(seed)
    sizes = {"vocab_size": 256, "context_len": 48, "d_model": 32, "n_layer": 2, "n_head": 4, "embed_std": 1.0}
    system = GPT(Config(**{**sizes, **fields}))
    return system.attach(Setting(SOURCE, TRAIN))  # type: ignore[return-value]
