"""What a model of sequences is judged by: right answers on the tasks, bits per byte on text.

Shapes:  B batch, L length, V vocabulary. A model is anything that maps tokens (B, L) to logits (B, L, V).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from atlas_cli.data.tasks import IGNORED, SequenceSource
from atlas_cli.data.text import TextSource
from atlas_cli.engine.system import Metrics
from atlas_cli.language.ngram import ByteNgram

EVALUATION_SEQUENCES = 512
EVALUATION_BATCH = 64
EVALUATION_BYTES = 2**18  # of held-out text, in windows of the context length
NGRAM_ORDERS = (3, 4)  # bytes of context

Model = Callable[[Int[Tensor, "B L"]], Float[Tensor, "B L V"]]


def answer_loss(logits: Float[Tensor, "B L V"], targets: Int[Tensor, "B L"]) -> tuple[Tensor, Metrics]:
    """Cross-entropy in nats and share of right answers, wherever an answer is asked for."""
    asked = targets != IGNORED
    everywhere = bool(asked.all())  # as in text: then there is nothing to pick out, and nothing is copied
    logits = logits.flatten(0, 1) if everywhere else logits[asked]  # (N, V)
    answers = targets.flatten() if everywhere else targets[asked]  # (N,)
    return F.cross_entropy(logits, answers), {"accuracy": (logits.argmax(-1) == answers).float().mean()}


def figures_of(model: Model, data: TextSource | SequenceSource) -> dict[str, float]:
    """Of text the bits per byte, the n-grams', and how far below these it is; of a task what it asks for."""
    if not isinstance(data, TextSource):
        return data.figures(lambda length: accuracy(model, data, length))
    bits, ngrams = bits_per_byte(model, data), ngram_bits(data)
    gaps = {f"bits_below_{name.removesuffix('_bits')}": there - bits for name, there in ngrams.items()}
    return {"bits_per_byte": bits, **ngrams, **gaps}


@torch.no_grad()
def accuracy(model: Model, data: SequenceSource, length: int | None = None) -> float:
    """Share of right answers on held-out sequences; `length`: another one than the task's."""
    tokens, targets = data.held_out(EVALUATION_SEQUENCES, length=length)
    answers = torch.cat([model(part).argmax(-1) for part in tokens.split(EVALUATION_BATCH)])
    return float((answers == targets)[targets != IGNORED].float().mean())


@torch.no_grad()
def bits_per_byte(
    model: Model, data: TextSource, length: int | None = None, n_bytes: int = EVALUATION_BYTES
) -> float:
    """Mean of -log2 P(byte) over held-out windows of `length` bytes (default: the context length)."""
    length = length or data.context_len
    tokens, targets = data.held_out(math.ceil(n_bytes / length), length=length)
    nats = 0.0
    batch = max(1, EVALUATION_BATCH * 256 // length)
    for part, wanted in zip(tokens.split(batch), targets.split(batch), strict=True):
        nats += float(F.cross_entropy(model(part).float().flatten(0, 1), wanted.flatten(), reduction="sum"))
    return nats / targets.numel() / math.log(2)


def ngram_bits(data: TextSource) -> dict[str, float]:
    """Bits per byte of the n-grams, fitted on the same training bytes and read on the same windows."""
    tokens, targets = data.held_out(math.ceil(EVALUATION_BYTES / data.context_len))
    rows = torch.cat([tokens, targets[:, -1:]], dim=1).to("cpu", torch.uint8).numpy()
    model = _ngram(data)
    return {f"ngram{n}_bits": float(model.bits(rows, n).mean()) for n in NGRAM_ORDERS}


@lru_cache(maxsize=2)
def _ngram(data: TextSource) -> ByteNgram:
    """Fitted once for a run and its ablation."""
    return ByteNgram(data.train_bytes.cpu().numpy(), max(NGRAM_ORDERS))
