"""What `atlas sample` shows of a model of sequences: text that it writes, or a task that it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from atlas_cli.data.tasks import IGNORED, SequenceSource
from atlas_cli.data.text import TextSource, encode
from atlas_cli.engine.system import SampleRequest, Setting
from atlas_cli.errors import UsageError
from atlas_cli.language.decoding import Utf8Stream, write
from atlas_cli.present.artifacts.text import Text

UNKNOWN = -1  # an answer wanted whose truth nobody told
WriteOn = Callable[[Int[Tensor, "1 L"], torch.Generator], Iterator[Int[Tensor, " n"]]]
START = "\n"  # what an unprompted text follows


def sample(system: Any, request: SampleRequest) -> Text:
    """Texts that continue the prompt, or held-out sequences of the task with the answers.

    Args:
        system: A language model with `first_state` and `extend` (language/decoding.py).
        request: What is asked for.
    """
    # One token at a time is too little work for bf16 to pay: fp32 writes about twice as fast.
    with torch.autocast(system.setting.device.type, enabled=False):
        if system.setting.kind == TextSource.kind:
            return _texts(system, request)
        return _answers(system, request)


def state_bytes(state: Any) -> int:
    """Bytes of every tensor in a state, however nested."""
    if isinstance(state, Tensor):
        return state.numel() * state.element_size()
    return sum(map(state_bytes, state)) if isinstance(state, list | tuple) else 0


def _texts(system: Any, request: SampleRequest) -> Text:
    config = system.config

    def tokens(prompt: Tensor, generator: torch.Generator) -> Iterator[Tensor]:
        return write(system, prompt, request.length or config.length, config, generator)

    return texts(system, request, tokens)


def texts(system: Any, request: SampleRequest, write_on: WriteOn) -> Text:
    """Continuations of the prompt, shown as they are written.

    Each is drawn from its own stream, so that the first does not depend on how many there are.

    Args:
        system: A language model of bytes.
        request: How many, and what they continue.
        write_on: A prompt (1, L) and a generator -> pieces of one token or more.

    Raises:
        UsageError: the prompt cannot be read, or is too long for the model.
    """
    setting: Setting = system.setting
    prompt = request.prompt or START
    tokens = encode(prompt, setting.device)[None]  # what is wrong with it shows before the first text does
    _require_room(tokens.shape[1], system.config.length, system.longest_text)
    shown = TextSource.decode(tokens[0])
    written, n_bytes = [], 0
    for i in range(request.n):
        text = _say(request, ("\n\n" if i else "") + shown if request.prompt else "\n" * i)
        utf8 = Utf8Stream()
        for piece in write_on(tokens, setting.generator(f"text {i}", request.seed)):
            n_bytes += len(piece)
            text += _say(request, "".join(map(utf8.push, piece.tolist())))
        written.append((text + _say(request, utf8.end())).strip("\n"))
    _say(request, "\n")
    return Text(written, facts={"prompt": shown, "bytes": n_bytes})


def _require_room(prompt: int, length: int, longest: int | None) -> None:
    """Refuse a text whose last token would have no position; the very last one is never read."""
    if longest is not None and prompt + length - 1 > longest:
        raise UsageError(
            f"a prompt of {prompt} tokens and {length} more go beyond the {longest} learned positions",
            f"write at most {max(longest - prompt + 1, 0)}, with --set length=..., or give a shorter prompt",
        )


def _say(request: SampleRequest, piece: str) -> str:
    if request.stream is not None:
        request.stream(piece)
    return piece


def _answers(system: Any, request: SampleRequest) -> Text:
    """Read token by token, which shows that the state is all that a model needs of the past."""
    data: SequenceSource = system.setting.data
    if request.prompt is not None:
        tokens = data.encode(request.prompt)[None]
        targets = torch.where(data.asked(tokens), UNKNOWN, IGNORED)
    else:
        tokens, targets = data.held_out(request.n, seed=request.seed)
    answers, state = read(system, tokens)
    known = targets >= 0
    held = state_bytes(state) // len(tokens)
    caption = f"after {tokens.shape[1]} tokens the state holds {held / 1024:,.1f} KiB"
    if data.key:
        caption = f"the task: {data.key}\n{caption}"
    return Text(
        [_verdict(data, *row) for row in zip(tokens, answers, targets, strict=True)],
        caption=caption,
        facts={
            "right": int((answers == targets)[known].sum()), "asked": int(known.sum()), "state_bytes": held,
        },
    )  # fmt: skip


@torch.no_grad()
def read(system: Any, tokens: Int[Tensor, "B L"]) -> tuple[Int[Tensor, "B L"], Any]:
    """The most likely answer after every token, one token at a time, and the last state."""
    state, answers = system.first_state(len(tokens)), []
    for token in tokens.split(1, dim=1):
        logits, state = system.extend(token, state)
        answers.append(logits.argmax(-1))
    return torch.cat(answers, dim=1), state


def _verdict(data: SequenceSource, tokens: Tensor, answers: Tensor, targets: Tensor) -> str:
    asked = targets != IGNORED
    said = data.decode(answers[asked])
    shown = data.decode(tokens)
    if (targets == UNKNOWN).any():
        return f"{shown}\n  answer {said}"
    truth = data.decode(targets[asked])
    return f"{shown}\n  answer {said}  " + ("right" if said == truth else f"wrong, it was {truth}")
