"""What every model that writes shares: the seam's verbs for tokens, once.

A language model says how it reads, in three methods, and has all verbs from here:

    forward(tokens) -> logits                        every position at once: how it is trained
    first_state(batch_size) -> state                 nothing read yet
    extend(tokens, state) -> logits, state           more tokens, after those in the state: how it writes

Both ways to read must say the same. Systems are LanguageModels by inheriting from it, or from one that does
and that their page names under `builds_on`; a method whose training is another (a router's losses, a frozen
base) overrides the verb where it differs.
Shapes:  B batch, L length, V vocabulary (256 bytes for text).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn

from atlas_cli.config import DEEPEST, LONGEST, WIDEST
from atlas_cli.data.tasks import SequenceSource
from atlas_cli.data.text import TextSource
from atlas_cli.engine.optimizers import muon_and_adamw
from atlas_cli.engine.system import Metrics, Optimizers, SampleRequest, Setting, System
from atlas_cli.errors import DataError
from atlas_cli.language import writing
from atlas_cli.language.decoding import DecodingConfig
from atlas_cli.language.figures import answer_loss, figures_of
from atlas_cli.present.artifacts.base import Artifact

GLIMPSE_LENGTH = 120  # bytes of text that are looked at while it trains: two lines


class LanguageConfig(DecodingConfig):
    """Fields of `model:` that every language model has which is trained from nothing."""

    data_kinds: ClassVar[tuple[str, ...]] = ("text", "sequences")
    vocab_size: int = Field(gt=0, le=LONGEST)  # from the data
    context_len: int = Field(gt=0, le=LONGEST)  # from the data
    d_model: int = Field(64, gt=0, le=WIDEST)
    n_layer: int = Field(2, gt=0, le=DEEPEST)
    embed_std: float = Field(1.0, gt=0)
    tie_embeddings: bool = False
    optimizer: Literal["adamw", "muon"] = "adamw"  # muon: for the matrices of the blocks; the rest by adamw


class LanguageModel(System):
    """A system that predicts, at every position of a sequence, the next token or the answer of a task."""

    unit: ClassVar[str] = "tokens"
    steers: ClassVar[frozenset[str]] = frozenset({"prompt"})
    sample_count: ClassVar[int] = 2
    glimpse_count: ClassVar[int] = 1

    # --- what a language model says about itself -------------------------------------------------------

    def forward(self, tokens: Int[Tensor, "B L"]) -> Float[Tensor, "B L V"]:
        """Logits at every position, all positions at once; none sees a later one."""
        raise NotImplementedError

    def first_state(self, batch_size: int) -> Any:
        """The state before the first token: tensors, in lists or tuples."""
        raise NotImplementedError

    def extend(self, tokens: Int[Tensor, "B L"], state: Any) -> tuple[Float[Tensor, "B L V"], Any]:
        """Logits after each of L more tokens, and the state that they leave."""
        raise NotImplementedError

    @property
    def longest_window(self) -> int:
        """Bytes of the longest window of held-out text that `evaluate` reads."""
        length: int = self.config.context_len
        return length

    @property
    def longest_text(self) -> int | None:
        """Tokens after which the model can read no more; None: there is no such end."""
        return None

    @property
    def trunk(self) -> nn.Module:
        """What lies between embedding and head: its matrices are Muon's where the config asks for it."""
        blocks: nn.Module = self.blocks  # type: ignore[assignment]  # a name that nn.Module looks up
        return blocks

    def attach(self, setting: Setting) -> System:
        """As every system.

        Raises:
            DataError: the text held out, where it is open, is shorter than what the model is judged by.
        """
        attached = super().attach(setting)
        data = setting.source
        if isinstance(data, TextSource) and len(data.held_out_bytes) <= self.longest_window:
            raise DataError(
                f"{data.name}: {len(data.held_out_bytes):,} bytes of held-out text are too few for the "
                f"windows of {self.longest_window} by which the model is judged",
                "name more text with --set data.path=FOLDER, or set a smaller data.context_len",
            )
        return attached

    # --- the verbs ---------------------------------------------------------------------------------------

    def batch(self, step: int) -> tuple[Int[Tensor, "B L"], Int[Tensor, "B L"]]:
        """Tokens, and the targets at their positions."""
        return self.setting.data.batch(self.setting.random(step))

    def loss(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Metrics]:
        """Cross-entropy in nats of the next byte, or wherever a task asks for an answer."""
        tokens, targets = batch
        return answer_loss(self(tokens), targets)

    def optimizers(self) -> Optimizers:
        """One AdamW; or Muon for the matrices of the blocks, which turns all their directions alike."""
        return super().optimizers() if self.config.optimizer == "adamw" else muon_and_adamw(self, self.trunk)

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """Bits per byte of held-out text and how far below the n-grams that is, or a task's own figures."""
        return figures_of(self, self.setting.data)

    def sample(self, request: SampleRequest) -> Artifact:
        """Text, one byte after another, or held-out sequences of the task with the answers."""
        return writing.sample(self, request)

    def held_out(self, step: int) -> tuple[Int[Tensor, "B L"], Int[Tensor, "B L"]]:
        """Windows of held-out text, or held-out sequences of the task."""
        windows: tuple[Tensor, Tensor] = self.setting.data.held_out(self.setting.train.batch_size)
        return windows

    def logged_as(self) -> Mapping[str, str]:
        """The share of right answers, which every task calls by a name of its own."""
        data = self.setting.data
        return {data.figure: "accuracy"} if isinstance(data, SequenceSource) else {}

    def glimpse(self, seed: int) -> Artifact:
        """A line or two of text, or one sequence with the answer to it."""
        return self.sample(SampleRequest(n=self.glimpse_count, seed=seed, length=GLIMPSE_LENGTH))

    # --- for the engine, and for those that build on a language model -------------------------------------

    @property
    def writes(self) -> bool:
        """See System: whether it was trained on text."""
        return self.setting.kind == TextSource.kind

    @property
    def steering_fields(self) -> frozenset[str]:
        """See System: the answers to a task are the likeliest tokens, whatever the fields say of writing."""
        return super().steering_fields if self.writes else frozenset()

    def items_per_step(self) -> int:
        """Tokens of one training step, over all ranks."""
        return self.setting.train.batch_size * self.config.context_len

    def log_probs(self, tokens: Int[Tensor, "B L"]) -> Float[Tensor, "B L-1"]:
        """ln P of every token but the first, given those before it; in fp32, with gradients."""
        log_p = self(tokens[:, :-1]).float().log_softmax(dim=-1)  # (B, L-1, V)
        return log_p.gather(-1, tokens[:, 1:, None]).squeeze(-1)

    @torch.no_grad()
    def kept_bytes(self, length: int) -> int:
        """Bytes of the state after a text of so many tokens, counted and not calculated."""
        tokens = torch.zeros(1, length, dtype=torch.long, device=next(self.parameters()).device)
        return writing.state_bytes(self.extend(tokens, self.first_state(1))[1])
