"""Writing with a model of sequences: one token after another, each chosen from the model's distribution.

Source:  top-p: Holtzman et al. 2019, arXiv:1904.09751, section 3.1. top-k: Fan et al. 2018, arXiv:1805.04833.
Shapes:  B batch, L length, V vocabulary.
A model here is one that offers

    first_state(batch_size) -> state                 nothing read yet
    extend(tokens, state) -> logits, state           tokens (B, L) read after those in the state
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from atlas_cli.config import LONGEST, SystemConfig, sampling

COLDEST = 1e-30  # a temperature below it is 0: logits over it would leave float32


class DecodingConfig(SystemConfig):
    """The fields that steer how a language model writes; `atlas sample --set temperature=0.5`."""

    temperature: float = sampling(0.8, ge=0)  # 0: always the most likely token
    top_k: int = sampling(0, ge=0, le=LONGEST)  # only the k most likely tokens; 0: all
    top_p: float = sampling(1.0, gt=0, le=1)  # only the most likely tokens that together have p
    length: int = sampling(256, gt=0, le=LONGEST)  # tokens written

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """No system may give one of these names another meaning: writing would take it over in silence."""
        taken = set(DecodingConfig.model_fields) & set(cls.__annotations__)
        if taken:
            raise TypeError(f"{cls.__qualname__}: {', '.join(sorted(taken))} steers how text is written")


def beyond_positions(length: int, parent: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong where a text of `length` tokens has more than the parent has learned positions for."""
    rows = max(parent["position_rows"], parent["context_len"])
    if parent["positions"] == "learned" and length > rows:
        yield "length", f"a text of {length} tokens is beyond the {rows} learned positions of the parent"


@runtime_checkable
class Reader(Protocol):
    """What can be read from token by token."""

    def first_state(self, batch_size: int) -> Any: ...

    def extend(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]: ...


def distribution(
    logits: Float[Tensor, "B V"], temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0
) -> Float[Tensor, "B V"]:
    """The probabilities that a token is drawn with: sharpened, cut, and summing to one again."""
    if temperature < COLDEST:
        return torch.zeros_like(logits).scatter_(-1, logits.argmax(-1, keepdim=True), 1.0)
    logits = logits.float() / temperature
    if 0 < top_k < logits.shape[-1]:
        least = logits.topk(top_k).values[:, -1:]
        logits = logits.masked_fill(logits < least, float("-inf"))
    p = logits.softmax(-1)
    if top_p == 1:
        return p
    ordered, index = p.sort(dim=-1, descending=True)
    before = ordered.cumsum(-1) - ordered  # what more likely tokens have; the most likely one always stays
    kept = torch.zeros_like(p).scatter_(-1, index, torch.where(before < top_p, ordered, 0.0))
    return kept / kept.sum(-1, keepdim=True)


def choose(p: Float[Tensor, "B V"], generator: torch.Generator | None = None) -> Int[Tensor, " B"]:
    """One token a row, drawn from its distribution."""
    return torch.multinomial(p, 1, generator=generator).squeeze(-1)


@torch.no_grad()
def write(
    model: Reader,
    prompt: Int[Tensor, "B L"],
    n_tokens: int,
    config: DecodingConfig,
    generator: torch.Generator | None = None,
) -> Iterator[Int[Tensor, " B"]]:
    """Tokens after the prompt, as they are chosen; each costs one `extend` by a single token."""
    logits, state = model.extend(prompt, model.first_state(len(prompt)))
    for i in range(n_tokens):
        p = distribution(logits[:, -1], config.temperature, config.top_k, config.top_p)
        token = choose(p, generator)
        yield token
        if i + 1 < n_tokens:
            logits, state = model.extend(token[:, None], state)


class Utf8Stream:
    """Bytes to text as they come; what is not UTF-8 becomes the replacement character."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def push(self, token: int) -> str:
        """The characters that this byte completes: often one, sometimes none."""
        return self._decoder.decode(bytes([token]))

    def end(self) -> str:
        """What an unfinished character becomes."""
        return self._decoder.decode(b"", final=True)
