"""How well a GPT reads tokens: the same network on any vocabulary, trained for the same work, in bits a byte.

Work:    multiply-adds of the forward pass, counted from the shapes: a larger vocabulary makes the last layer
         dearer, so fewer tokens are read for the same work; each of them is several bytes. Backward passes
         cost twice as much again on either side.
Bits:    tokens of different lengths are compared by the bytes that they spell: nats of all tokens over the
         bytes of all tokens. A window begins with one token that is given, and not counted.
Not equal: the weights. A row of the embedding and one of the last layer for every token come on top.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Int
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from atlas_cli.config import DEEPEST, LONGEST, WIDEST, SystemConfig
from atlas_cli.draws import BatchRandom, stable_seed
from atlas_cli.engine.system import Setting
from atlas_cli.systems.autoencoder.merging import Encoder
from atlas_cli.systems.transformer.gpt import GPT
from atlas_cli.systems.transformer.gpt import Config as GPTConfig

HELD_OUT_BYTES = 1 << 18  # of text on which the bits are measured
WARMUP = 0.08  # share of the steps in which the learning rate rises
FINAL_LR = 0.02  # share of it that is left at the end
GRAD_CLIP = 1.0
EVALUATION_BATCH = 64


class ReaderConfig(SystemConfig):
    """Fields of `model:` for a GPT that reads the tokens in the evaluation."""

    reader_cost: float = Field(0.0, ge=0)  # 1e12 multiply-adds of its training, forward; 0: no reader
    reader_context: int = Field(128, gt=1, le=LONGEST)  # tokens that it sees
    reader_batch: int = Field(16, gt=0, le=WIDEST)  # windows of a step
    reader_d_model: int = Field(128, gt=0, le=WIDEST)
    reader_n_layer: int = Field(3, gt=0, le=DEEPEST)
    reader_n_head: int = Field(4, gt=0, le=WIDEST)
    reader_lr: float = Field(6.0e-3, gt=0)


@dataclass(frozen=True)
class Budget:
    """How long a reader is trained.

    Attributes:
        steps: Of descent.
        work: Multiply-adds of a token.
        n_bytes: Of training text that it reads.
    """

    steps: int
    work: int
    n_bytes: float


def figures(encoder: Encoder, setting: Setting, config: ReaderConfig) -> dict[str, float]:
    """Bits a byte of held-out text by a GPT that reads tokens, and what it was given to learn that."""
    data = setting.data
    train = _tokens(encoder, data.train_bytes)
    n_bytes = len(data.train_bytes) / len(train)
    gpt = make_reader(encoder.vocab_size, setting, config)
    work = multiply_adds(gpt)
    a_step = config.reader_batch * config.reader_context
    steps = max(1, round(config.reader_cost * 1e12 / (work * a_step)))
    budget = Budget(steps, work, steps * a_step * n_bytes)
    device = setting.device
    with torch.enable_grad():
        fit(gpt, train.to(device), budget.steps, setting, config)
    held_out = _tokens(encoder, data.held_out_bytes[:HELD_OUT_BYTES])
    lengths = torch.tensor([len(spelling) for spelling in encoder.spellings])
    return {
        "reader_bits_per_byte": bits_per_byte(gpt, held_out, lengths, setting, config.reader_context),
        "reader_steps": float(budget.steps),
        "reader_work": float(budget.work),
        "reader_bytes": budget.n_bytes,
        "reader_parameters": float(sum(p.numel() for p in gpt.parameters())),
    }


def make_reader(vocab_size: int, setting: Setting, config: ReaderConfig) -> GPT:
    """The network before it has read anything, its weights drawn from the run's seed."""
    torch.manual_seed(stable_seed(setting.train.seed, "reader"))
    c = config
    shape: dict[str, Any] = {"d_model": c.reader_d_model, "n_layer": c.reader_n_layer}
    own = GPTConfig(
        vocab_size=vocab_size, context_len=c.reader_context, n_head=c.reader_n_head, optimizer="muon", **shape
    )
    train = setting.train.model_copy(update={"lr": c.reader_lr})
    reader = GPT(own)
    reader.attach(Setting(None, train, setting.device))
    return reader


def multiply_adds(gpt: GPT) -> int:
    """Of one token in the forward pass: a product for each weight of each matrix, and attention's own."""
    matrices = sum(m.weight.numel() for m in gpt.modules() if isinstance(m, torch.nn.Linear))
    seen = (gpt.config.context_len + 1) / 2  # tokens that one looks at, on average: scores, then values
    return round(matrices + gpt.config.n_layer * 2 * gpt.config.d_model * seen)


def fit(gpt: GPT, tokens: Int[Tensor, "N"], steps: int, setting: Setting, config: ReaderConfig) -> None:
    """Plain training: random windows, a rate that rises and falls once."""
    optimizers = gpt.train().optimizers()
    for step in range(steps):
        for optimizer in optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = config.reader_lr * rate(step, steps)
            optimizer.zero_grad(set_to_none=True)
        draws = BatchRandom(
            setting.train.seed, step, config.reader_batch, device=setting.device, purpose="reader"
        )
        windows = _windows(tokens, draws.integers(0, len(tokens) - config.reader_context), config)
        with setting.autocast():
            loss, _ = gpt.loss((windows[:, :-1], windows[:, 1:]))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(gpt.parameters(), GRAD_CLIP)
        for optimizer in optimizers.values():
            optimizer.step()
    gpt.eval()


def rate(step: int, steps: int) -> float:
    """Share of the full learning rate: a straight rise, then half a cosine."""
    warmup = max(1, round(WARMUP * steps))
    if step < warmup:
        return (step + 1) / warmup
    along = (step - warmup) / max(1, steps - warmup)
    return FINAL_LR + (1 - FINAL_LR) * (1 + math.cos(math.pi * along)) / 2


@torch.no_grad()
def bits_per_byte(
    gpt: GPT, tokens: Int[Tensor, "N"], lengths: Int[Tensor, "V"], setting: Setting, context: int
) -> float:
    """-log2 P of all tokens over the bytes that they spell, in windows that follow one another."""
    n = (len(tokens) - 1) // context
    starts = torch.arange(n) * context
    windows = tokens[starts[:, None] + torch.arange(context + 1)]  # (n, context + 1)
    nats = 0.0
    for part in windows.to(setting.device).split(EVALUATION_BATCH):
        with setting.autocast():
            logits = gpt(part[:, :-1]).float().flatten(0, 1)
        nats += float(F.cross_entropy(logits, part[:, 1:].flatten(), reduction="sum"))
    return nats / math.log(2) / int(lengths[windows[:, 1:]].sum())


def _windows(tokens: Tensor, starts: Tensor, config: ReaderConfig) -> Int[Tensor, "B T"]:
    return tokens[starts[:, None] + torch.arange(config.reader_context + 1, device=tokens.device)]


def _tokens(encoder: Encoder, text: Tensor) -> Int[Tensor, "N"]:
    return torch.tensor(encoder.encode(bytes(text.cpu().numpy())))
