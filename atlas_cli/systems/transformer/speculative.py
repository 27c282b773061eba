"""Speculative decoding: a small network guesses ahead, the large one checks all the guesses in one pass.

Source:  Leviathan, Kalman, Matias 2022, arXiv:2211.17192. Here: Algorithm 1, section 2.3 (why the result is
         distributed as the target's). Found at the same time by Chen et al. 2023, arXiv:2302.01318.
Names:   p is the target's distribution of the next token, q the draft's, gamma the number of guesses. (The
         paper calls the target M_p and the draft M_q.)
Reading: `guess_greedily` is the idea for the most likely token, `verdict` and `guess_and_check` are Algorithm
         1, both without a cache. `speculate` does the same with caches, token for token.
Shapes:  one text at a time, B = 1: rows that accept different numbers of guesses would drift apart. L tokens
         known, G guesses (gamma), V tokens that there are.
Trains:  the draft. The target is the gpt recipe named in `from:` and stays as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor, nn

from atlas_cli.config import DEEPEST, LONGEST, PARENT, WIDEST, sampling
from atlas_cli.engine.system import SampleRequest, Setting, System
from atlas_cli.errors import UsageError
from atlas_cli.language import writing
from atlas_cli.language.decoding import DecodingConfig, beyond_positions, choose, distribution, write
from atlas_cli.language.figures import bits_per_byte
from atlas_cli.language.model import LanguageModel
from atlas_cli.metrics.timing import wall_clock
from atlas_cli.nets.attention import KVCache
from atlas_cli.present.artifacts.base import Artifact
from atlas_cli.systems.transformer._trial import Tally, Trial
from atlas_cli.systems.transformer.gpt import GPT
from atlas_cli.systems.transformer.gpt import Config as GPTConfig

if TYPE_CHECKING:
    from atlas_cli.language.decoding import Reader

ROUNDS = 4  # of writing; of each text the fastest counts: the least disturbed by other programs
CALLS = 100  # of a network, in a timing
PROMPTS = 8  # held-out texts that are continued in evaluation
PROMPT_LENGTH, CONTINUATION = 64, 128  # bytes


class Config(DecodingConfig):
    """The `model:` section of a speculative recipe: the draft's size, and how it is used."""

    data_kinds: ClassVar[tuple[str, ...]] = ("text",)
    parents: ClassVar[tuple[str, ...]] = ("gpt",)
    vocab_size: int = Field(256, gt=0, le=LONGEST)  # from the data
    context_len: int = Field(256, gt=0, le=LONGEST)  # from the data
    d_model: int = Field(64, gt=0, le=WIDEST)  # of the draft
    n_layer: int = Field(1, gt=0, le=DEEPEST)  # of the draft
    n_head: int = Field(4, gt=0, le=WIDEST)  # of the draft
    optimizer: Literal["adamw", "muon"] = "muon"  # of the draft, as in gpt
    guesses: int = sampling(4, gt=0, le=WIDEST)  # gamma: tokens that the draft writes before the target looks
    draft: Literal["trained", "random"] = sampling("trained")  # random: guesses any byte alike

    @model_validator(mode="after")
    def _heads_divide(self) -> Config:
        if self.d_model % (2 * self.n_head):
            raise ValueError(f"d_model = {self.d_model} is no even multiple of n_head = {self.n_head}")
        return self

    def misfits(self, parents: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
        """As of every system; the target must keep every token, and have a position for each."""
        yield from super().misfits(parents)
        yield from beyond_positions(self.length, parents[PARENT])
        if parents[PARENT]["window"] is not None:
            yield "", "the parent has a window: a guess that fails could not be taken back from its cache"


Model = Callable[[Tensor], Tensor]  # tokens (1, L) -> logits (1, L, V)


@torch.no_grad()
def guess_greedily(
    target: Model, draft: Model, text: Int[Tensor, "1 L"], n_tokens: int, gamma: int
) -> Int[Tensor, "1 L+{n_tokens}"]:
    """The target's most likely tokens, several a call: guesses stay up to the first that is not its own."""
    end = text.shape[1] + n_tokens
    while text.shape[1] < end:
        known, guessed = text.shape[1], text
        for _ in range(min(gamma, end - known - 1)):  # the draft writes ahead
            guessed = torch.cat([guessed, draft(guessed)[:, -1:].argmax(-1)], dim=1)
        # exercise: greedy
        own = target(guessed)[:, known - 1 :].argmax(-1)  # (1, G+1): the target's at each place, and after
        agreed = (own[0, :-1] == guessed[0, known:]).long().cumprod(0).sum()
        text = torch.cat([text, own[:, : agreed + 1]], dim=1)  # one more token than guesses that stayed
        # end
    return text[:, :end]


def verdict(
    guesses: Int[Tensor, " G"],
    q: Float[Tensor, "G V"],
    p: Float[Tensor, "G+1 V"],
    generator: torch.Generator | None = None,
) -> Int[Tensor, " n"]:
    """The guesses that the target keeps, and one token of its own (Algorithm 1).

    A guess x stays with probability min(1, p(x) / q(x)). Where it falls, the token is drawn from what p has
    more than q: the two ways to arrive at a token add up to p exactly.

    Args:
        guesses: The draft's tokens.
        q: The distributions that they were drawn from.
        p: The target's at the same places, and after the last guess.
        generator: Source of the coin tosses.
    """
    tossed = torch.rand(len(guesses), generator=generator, device=p.device)
    rows = torch.arange(len(guesses), device=p.device)
    # exercise: verdict
    stays = tossed * q[rows, guesses] < p[rows, guesses]
    n = int(stays.long().cumprod(0).sum())  # up to the first that falls
    if n < len(guesses):
        excess = (p[n] - q[n]).clamp(min=0)
        own = choose((excess / excess.sum())[None], generator)
    else:
        own = choose(p[n : n + 1], generator)
    return torch.cat([guesses[:n], own])
    # end


@torch.no_grad()
def guess_and_check(
    target: Model,
    draft: Model,
    text: Int[Tensor, "1 L"],
    n_tokens: int,
    config: Config,
    generator: torch.Generator | None = None,
) -> Int[Tensor, "1 L+{n_tokens}"]:
    """Algorithm 1 until n tokens are written, without a cache: the reference of `speculate`."""
    end = text.shape[1] + n_tokens
    while text.shape[1] < end:
        known, guessed, q = text.shape[1], text, []
        for _ in range(min(config.guesses, end - known - 1)):
            q.append(_drawn_from(draft(guessed)[0, -1:], config))  # (1, V)
            guessed = torch.cat([guessed, choose(q[-1], generator)[None]], dim=1)
        p = _drawn_from(target(guessed)[0, known - 1 :], config)  # (G+1, V)
        kept = verdict(guessed[0, known:], torch.cat([p[:0], *q]), p, generator)
        text = torch.cat([text, kept[None]], dim=1)
    return text[:, :end]


def _drawn_from(logits: Float[Tensor, "G V"], config: Config) -> Float[Tensor, "G V"]:
    return distribution(logits, config.temperature, config.top_k, config.top_p)


class RandomDraft:
    """A draft that knows nothing: every token alike."""

    def __init__(self, vocab_size: int, device: torch.device) -> None:
        self.vocab_size, self.device = vocab_size, device

    def first_state(self, batch_size: int) -> list[KVCache]:
        """It remembers nothing."""
        return []

    def extend(self, tokens: Tensor, state: list[KVCache]) -> tuple[Tensor, list[KVCache]]:
        """The same logit for every token."""
        return torch.zeros(*tokens.shape, self.vocab_size, device=self.device), state


def rolled_back(state: list[KVCache], length: int) -> list[KVCache]:
    """The caches as they were after `length` tokens: guesses that failed were never read."""
    return [KVCache(c.k[:, :, :length], c.v[:, :, :length], length) for c in state]


@torch.no_grad()
def speculate(
    target: Reader,
    draft: Reader,
    prompt: Int[Tensor, "1 L"],
    n_tokens: int,
    config: Config,
    generator: torch.Generator | None = None,
    tally: Tally | None = None,
) -> Iterator[Int[Tensor, " n"]]:
    """Tokens after the prompt in pieces of 1 to gamma + 1, distributed as the target alone would write them.

    Both networks keep a cache that ends before the last token known: the next pass reads that one first.
    """
    tally = Tally() if tally is None else tally
    known, left = prompt, n_tokens
    _, target_state = target.extend(prompt[:, :-1], target.first_state(1))
    _, draft_state = draft.extend(prompt[:, :-1], draft.first_state(1))
    while left > 0:
        length = known.shape[1]
        wanted = min(config.guesses, left - 1)  # the target adds one of its own: no guess is beyond the end
        guesses, q, draft_state = _guess(draft, known, draft_state, wanted, config, generator)
        logits, target_state = target.extend(torch.cat([known[:, -1:], guesses], dim=1), target_state)
        p = _drawn_from(logits[0], config)
        kept = verdict(guesses[0], torch.cat([p[:0], *q]), p, generator)
        tally.count(len(guesses[0]), len(kept))
        known = torch.cat([known, kept[None]], dim=1)
        target_state = rolled_back(target_state, known.shape[1] - 1)
        draft_state = rolled_back(draft_state, min(known.shape[1] - 1, length + wanted - 1))
        yield kept[:left]
        left -= len(kept)


def _guess(
    draft: Reader, known: Int[Tensor, "1 L"], state: Any, n: int, config: Config,
    generator: torch.Generator | None,
) -> tuple[Int[Tensor, "1 G"], list[Float[Tensor, "1 V"]], Any]:  # fmt: skip
    """n tokens of the draft, and the distributions that they were drawn from."""
    read = state[0].length if state else known.shape[1] - 1
    unread, guesses, q = known[:, read:], [known[:, :0]], []
    for _ in range(n):
        logits, state = draft.extend(unread, state)
        q.append(_drawn_from(logits[0, -1:], config))
        unread = choose(q[-1], generator)[None]
        guesses.append(unread)
    return torch.cat(guesses, dim=1), q, state


class Speculative(LanguageModel):
    """A draft that is trained here, and the target that it guesses for."""

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        same = {"vocab_size", "context_len", "d_model", "n_layer", "n_head", "optimizer"}
        self.net = GPT(GPTConfig(**config.model_dump(include=same)))

    @property
    def longest_text(self) -> int | None:
        """The target's: it reads all that is written."""
        return self.target.longest_text

    @property
    def longest_window(self) -> int:
        """A prompt with the guesses after it, or what the draft trains on."""
        return max(self.config.context_len, PROMPT_LENGTH + self.config.guesses + 1)

    def attach(self, setting: Setting) -> System:
        """The draft trains on the data of the setting.

        Raises:
            UsageError: the target forgets: a guess that fails cannot be taken back from its cache.
        """
        super().attach(setting)
        if self.target.config.window is not None:
            raise UsageError(
                "speculative decoding needs a target that keeps every token",
                "build on a gpt recipe without window",
            )
        self.net.attach(setting)
        return self

    @property
    def target(self) -> GPT:
        """The trained network of the recipe's parent."""
        target: GPT = self.setting.parent  # type: ignore[assignment]
        return target

    @property
    def draft(self) -> Reader:
        """The trained draft, or one that knows nothing."""
        if self.config.draft == "random":
            return RandomDraft(self.config.vocab_size, self.setting.device)
        return self.net

    def forward(self, tokens: Int[Tensor, "B L"]) -> Float[Tensor, "B L V"]:
        """Logits of the draft, which is what is trained."""
        return self.net(tokens)

    @property
    def trunk(self) -> nn.Module:
        """The draft's blocks."""
        return self.net.blocks

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """Whether greedy text is the target's own, tokens a call, and the time against writing alone."""
        with torch.autocast(self.setting.device.type, enabled=False):  # a few tokens are too little for bf16
            figures = self._writing() | self._costs()
        return figures | {
            "draft_bits_per_byte": bits_per_byte(self.net, self.setting.data),
            "target_bits_per_byte": bits_per_byte(self.target, self.setting.data),
            "target_parameters": sum(p.numel() for p in self.target.parameters()),
        }

    def _writing(self) -> dict[str, float]:
        """Held-out texts continued with the draft and without, in turns: all meet the same machine."""
        prompts, _ = self.setting.data.held_out(PROMPTS, length=PROMPT_LENGTH)
        greedy = self.config.model_copy(update={"temperature": 0.0})
        greedy_alone, greedy_both = Trial(self._alone, greedy), Trial(self._together, greedy)
        alone, both = Trial(self._alone, self.config), Trial(self._together, self.config)
        for _ in range(ROUNDS):
            for i, prompt in enumerate(prompts):
                for trial in (greedy_alone, greedy_both, alone, both):
                    trial.run(i, prompt[None], self.setting.generator(f"evaluate {i}"))
        same = [(greedy_alone.text[i] == greedy_both.text[i]).float().mean() for i in greedy_alone.text]
        return {
            "greedy_identical": float(torch.stack(same).mean()),
            "greedy_tokens_per_call": greedy_both.tally.tokens / greedy_both.tally.calls,
            "greedy_speedup": greedy_alone.seconds / greedy_both.seconds,
            "tokens_per_call": both.tally.tokens / both.tally.calls,
            "acceptance": both.tally.accepted / both.tally.guessed,
            "speedup": alone.seconds / both.seconds,
        }

    def _costs(self) -> dict[str, float]:
        """What checking the guesses and guessing once cost, in calls of the target for one token."""
        one, checked = (self._seconds_a_call(self.target, n) for n in (1, self.config.guesses + 1))
        return {"checking_cost": checked / one, "draft_cost": self._seconds_a_call(self.draft, 1) / one}

    def _seconds_a_call(self, net: Reader, n_tokens: int) -> float:
        """Reading so many tokens after a prompt, the fastest of many calls."""
        text, _ = self.setting.data.held_out(1, length=PROMPT_LENGTH + n_tokens)
        _, state = net.extend(text[:, :PROMPT_LENGTH], net.first_state(1))
        least = math.inf
        for _ in range(CALLS):
            began = wall_clock(text.device)
            net.extend(text[:, PROMPT_LENGTH:], state)
            least = min(least, wall_clock(text.device) - began)
        return least

    def _alone(
        self, prompt: Tensor, config: Config, generator: torch.Generator, tally: Tally
    ) -> Iterator[Tensor]:
        """The target without a draft."""
        return write(self.target, prompt, CONTINUATION, config, generator)

    def _together(
        self, prompt: Tensor, config: Config, generator: torch.Generator, tally: Tally
    ) -> Iterator[Tensor]:
        """The target with its draft."""
        return speculate(self.target, self.draft, prompt, CONTINUATION, config, generator, tally)

    def sample(self, request: SampleRequest) -> Artifact:
        """Text in the pieces that each call of the target brought."""
        tally = Tally()

        def pieces(prompt: Tensor, generator: torch.Generator) -> Iterator[Tensor]:
            c = self.config
            return speculate(self.target, self.draft, prompt, c.length, c, generator, tally)

        with torch.autocast(self.setting.device.type, enabled=False):  # as in evaluate
            artifact = writing.texts(self, request, pieces)
        per_call = tally.tokens / tally.calls
        return replace(
            artifact,
            caption=f"{per_call:.1f} bytes a call of the target; "
            f"{tally.accepted / max(tally.guessed, 1):.0%} of the guesses kept",
            facts=artifact.facts | {"tokens_per_call": per_call},
        )
