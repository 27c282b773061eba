"""KV cache: keep the keys and values of what was read, so that a new token costs one token's work.

Source:  Shazeer 2019, arXiv:1911.02150, section 2.4 (incremental decoding and its memory); Pope et al. 2022,
         arXiv:2211.05102, section 2 (what a cache holds). The cache itself is in nets/attention.py.
Shapes:  B batch, L tokens.
Trains:  nothing. The network is that of the gpt recipe named in `from:`; only the way it is read differs.
Bytes:   2 n_layer n_kv_head d_head tokens (bytes a number), whatever the number of query heads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor

from atlas_cli.config import LONGEST, PARENT, sampling
from atlas_cli.engine.system import Optimizers
from atlas_cli.language import writing
from atlas_cli.language.decoding import DecodingConfig, Reader, beyond_positions, write
from atlas_cli.language.model import LanguageModel
from atlas_cli.metrics.timing import wall_clock
from atlas_cli.nets.attention import Attention

if TYPE_CHECKING:
    from atlas_cli.systems.transformer.gpt import GPT

COUNTS = (128, 256, 512)  # tokens written, after which the clock is read
ROUNDS = 4  # of writing; of each token the fastest counts: the least disturbed by other programs
COMPARED = 4  # held-out windows on which cached and recomputed logits are compared


class Config(DecodingConfig):
    """The `model:` section of a kv-cache recipe."""

    data_kinds: ClassVar[tuple[str, ...]] = ("text",)
    parents: ClassVar[tuple[str, ...]] = ("gpt",)
    vocab_size: int = Field(256, gt=0, le=LONGEST)  # from the data
    context_len: int = Field(256, gt=0, le=LONGEST)  # from the data
    cache: bool = sampling(True)  # False: every new token reads the whole text again

    def misfits(self, parents: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
        """As of every system; the parent must have a position for every token that is written or timed."""
        yield from super().misfits(parents)
        yield from beyond_positions(max(self.length, *COUNTS), parents[PARENT])


def cache_bytes(tokens: int, n_layer: int, n_kv_head: int, d_head: int, bytes_a_number: int = 4) -> int:
    """Bytes of keys and values that one text of so many tokens needs."""
    # exercise: cache_bytes
    return 2 * n_layer * n_kv_head * d_head * tokens * bytes_a_number
    # end


class Recomputing:
    """A reader without a cache: its state is the text itself, and every token reads all of it again."""

    def __init__(self, model: GPT) -> None:
        self.model = model

    def first_state(self, batch_size: int) -> Int[Tensor, "B L"]:
        """No text yet."""
        return torch.zeros(batch_size, 0, dtype=torch.long, device=self.model.setting.device)

    def extend(
        self, tokens: Int[Tensor, "B L"], state: Int[Tensor, "B S"]
    ) -> tuple[Float[Tensor, "B L vocab"], Int[Tensor, "B S+L"]]:
        """Logits after each new token, at the price of the whole text."""
        text = torch.cat([state, tokens], dim=1)
        return self.model(text)[:, -tokens.shape[1] :], text


class KVCached(LanguageModel):
    """A trained GPT that writes with its cache, or without."""

    config: Config

    @property
    def base(self) -> GPT:
        """The trained network of the recipe's parent."""
        base: GPT = self.setting.parent  # type: ignore[assignment]
        return base

    @property
    def reader(self) -> Reader:
        """The base, which keeps a cache, or the same without one."""
        return self.base if self.config.cache else Recomputing(self.base)

    @property
    def longest_text(self) -> int | None:
        """The base's."""
        return self.base.longest_text

    def forward(self, tokens: Int[Tensor, "B L"]) -> Float[Tensor, "B L vocab"]:
        """Logits at every position: at once, no cache is needed."""
        return self.base(tokens)

    def first_state(self, batch_size: int) -> Any:
        """Nothing read yet."""
        return self.reader.first_state(batch_size)

    def extend(self, tokens: Int[Tensor, "B L"], state: Any) -> tuple[Float[Tensor, "B L vocab"], Any]:
        """Logits after each of L more tokens, and the new state."""
        return self.reader.extend(tokens, state)

    def optimizers(self) -> Optimizers:
        return {}  # nothing is trained

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """Tokens a second, the distance to recomputed logits, and the bytes held beside the formula."""
        with torch.autocast(self.setting.device.type, enabled=False):  # one token is too little for bf16
            return self._figures()

    def _figures(self) -> dict[str, float]:
        seconds = self.seconds_after(max(COUNTS))
        figures = {f"tokens_per_second_{n}": n / float(seconds[n - 1]) for n in COUNTS}
        figures["logit_error"] = self.logit_error()
        longest = COUNTS[-1]
        for name, n_kv_head in self.kinds_of_heads().items():
            figures[f"cache_bytes_{name}"] = self.measured_bytes(n_kv_head, longest)
            figures[f"formula_bytes_{name}"] = self.formula_bytes(n_kv_head, longest)
        return figures

    def seconds_after(self, count: int) -> Float[Tensor, " count"]:
        """Seconds after which each of `count` tokens is written, one text at a time, after one byte."""
        prompt = self.setting.data.encode(writing.START)[None]
        greedy = self.config.model_copy(update={"temperature": 0.0})
        least = torch.full((count,), float("inf"), dtype=torch.float64)  # seconds for each token alone
        for _ in range(ROUNDS):
            clock = [wall_clock(prompt.device)]
            for token in write(self, prompt, count, greedy):
                token.item()  # as printing it would
                clock.append(wall_clock(prompt.device))
            least = least.minimum(torch.tensor(clock, dtype=torch.float64).diff())
        return least.cumsum(0)

    def logit_error(self) -> float:
        """How far logits read token by token are from those of the whole text at once, over the largest.

        Both add the same numbers in another order; what that changes grows with the numbers, hence the ratio.
        """
        tokens, _ = self.setting.data.held_out(COMPARED)
        state, read = self.first_state(COMPARED), []
        for token in tokens.split(1, dim=1):
            logits, state = self.extend(token, state)
            read.append(logits)
        at_once = self.base(tokens)
        return float((torch.cat(read, dim=1) - at_once).abs().max() / at_once.abs().max())

    def kinds_of_heads(self) -> dict[str, int]:
        """Heads of keys and values: as many as of queries, half as many, one."""
        n_head = self.base.config.n_head
        return {"mha": n_head, "gqa": max(1, n_head // 2), "mqa": 1}

    def measured_bytes(self, n_kv_head: int, tokens: int) -> int:
        """Held by the caches of all layers of a net of the base's size after so many tokens."""
        c = self.base.config
        attention = Attention(c.d_model, c.n_head, n_kv_head).to(self.setting.device)
        _, cache = attention.extend(
            torch.zeros(1, tokens, c.d_model, device=self.setting.device), attention.first_state(1)
        )
        return c.n_layer * cache.n_bytes

    def formula_bytes(self, n_kv_head: int, tokens: int) -> int:
        """What they should hold."""
        c = self.base.config
        return cache_bytes(tokens, c.n_layer, n_kv_head, c.d_model // c.n_head)
