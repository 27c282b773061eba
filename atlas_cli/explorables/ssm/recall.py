"""An associative memory that fills up: why a state of fixed size loses pairs, and attention does not.

Source:  Schlag, Irie, Schmidhuber 2021, arXiv:2102.11174, section 4 (what a sum of products can hold). The
         task is that of Arora et al. 2023, arXiv:2312.04927: pairs of a key and a value, then keys alone.
Memory:  written and read by the project's own scan, with delta 1 and nothing fading: h = sum of value key',
         read by a key. Attention compares the key with every key that it has kept.
Shapes:  T trials, K pairs, N states a channel (the width of a key), C channels (the width of a value).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from atlas_cli.diagrams.frames import Bars, Curves, Explorable, Frame, Heatmap, Knob, Panel, Series, Tokens

if TYPE_CHECKING:
    from torch import Tensor

N_TRIALS = 64
CHANNELS = 16
N_VALUES = 32  # values that an answer is chosen from
HEAD = 16  # width of a key of attention
SHARPNESS = 20.0  # its softmax weighs a key by exp(sharpness * cosine)
PAIRS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
STATES = (2, 4, 8, 16, 32, 64)  # N
LOST = 0.9  # recall below which a memory counts as full
SHOWN = 16  # pairs that are shown, the first of the first trial
NAMES = "abcdefghijklmnop"  # of their keys; values have numbers


@cache
def keys_of(width: int) -> Tensor:
    """Random directions, (T, most pairs, width)."""
    import torch

    random = torch.Generator().manual_seed(width)
    keys = torch.randn(N_TRIALS, PAIRS[-1], width, generator=random)
    return keys / keys.norm(dim=-1, keepdim=True)


@cache
def values() -> tuple[Tensor, Tensor]:
    """Which value belongs to each key, (T, most pairs), and the direction of every value, (N_VALUES, C)."""
    import torch

    random = torch.Generator().manual_seed(0)
    chosen = torch.randint(N_VALUES, (N_TRIALS, PAIRS[-1]), generator=random)
    directions = torch.randn(N_VALUES, CHANNELS, generator=random)
    return chosen, directions / directions.norm(dim=-1, keepdim=True)


def from_state(keys: Tensor, written: Tensor) -> Tensor:
    """What each key brings back, (T, K, C), of all pairs written into one state: the scan of Mamba."""
    import torch

    from atlas_cli.nets.scan import selective_scan

    nothing = torch.zeros_like(keys)
    x = torch.cat([written, torch.zeros_like(written)], dim=1)  # first K writes, then K questions
    write, read = torch.cat([keys, nothing], dim=1), torch.cat([nothing, keys], dim=1)
    y = selective_scan(x, torch.ones_like(x), torch.zeros(CHANNELS, keys.shape[-1]), write, read)
    return y[:, keys.shape[1] :]


def from_attention(keys: Tensor, written: Tensor) -> Tensor:
    """What each key brings back, (T, K, C), when every pair is kept."""
    return attention_to(keys) @ written


def attention_to(keys: Tensor) -> Tensor:
    """The weight of each pair, (T, K, K), when a key asks: attention as the transformers compute it."""
    import torch

    from atlas_cli.nets.attention import attention_weights

    n_pairs, width = keys.shape[1:]
    everything = torch.ones(n_pairs, n_pairs, dtype=torch.bool)
    queries = SHARPNESS * width**0.5 * keys
    return attention_weights(queries[:, None], keys[:, None], everything)[:, 0]


@cache
def answers(n_pairs: int, d_state: int | None) -> Tensor:
    """The value that each asked key brings back, (T, K); None: by attention."""
    chosen, directions = values()
    keys = keys_of(HEAD if d_state is None else d_state)[:, :n_pairs]
    read = from_attention if d_state is None else from_state
    return (read(keys, directions[chosen[:, :n_pairs]]) @ directions.T).argmax(-1)


def recall_of(n_pairs: int, d_state: int | None) -> float:
    """Share of the asked keys that bring back their own value; None: by attention."""
    return float((answers(n_pairs, d_state) == values()[0][:, :n_pairs]).float().mean())


def numbers_kept(n_pairs: int, d_state: int | None) -> int:
    """Numbers that must be kept to answer."""
    return n_pairs * (HEAD + CHANNELS) if d_state is None else d_state * CHANNELS


def held(d_state: int | None) -> int:
    """The most pairs of which at least nine in ten are recalled; 0: not even one."""
    return max((n for n in PAIRS if recall_of(n, d_state) >= LOST), default=0)


def recall(pairs: int, d_state: int) -> Frame:
    """What is answered to each key, whose values get into the answer, and the share that is right."""
    stores = (("state", d_state), ("attention", None))
    kept = {name: numbers_kept(pairs, size) for name, size in stores}
    shown, wrong = min(pairs, SHOWN), _mistaken(pairs, d_state)
    one_or_all = "1 key" if pairs == 1 else f"{pairs} keys"
    of = f"the first {shown} of {one_or_all}" if pairs > SHOWN else one_or_all
    return Frame(
        (
            (_answered(f"A state of {d_state} x {CHANNELS}, asked for {of}", pairs, d_state),),
            (_answered("Attention, asked for the same", pairs, None),),
            _brought_back(pairs, d_state),
            (_recalled(pairs, d_state),),
            (Bars("Numbers kept", tuple(kept), tuple(kept.values()), max(kept.values())),),
        ),
        f"Of {of} the state answers {_listed(wrong)} It adds every value into the same "
        f"{d_state} x {CHANNELS} numbers: a key brings back its own value, and of each other value as much "
        "as the two keys are alike. The more pairs there are, the more strangers speak along with the "
        f"right one. Attention keeps the pairs apart, for {HEAD + CHANNELS} numbers more with each. Over "
        f"{N_TRIALS} such lists the state recalls {recall_of(pairs, d_state):.0%}.",
        {
            "recall of the state": recall_of(pairs, d_state),
            "recall of attention": recall_of(pairs, None),
            "pairs that the state holds": f"{held(d_state)}, nine in ten of them rightly",
            "guessing": 1 / N_VALUES,
        },
    )


def _mistaken(pairs: int, d_state: int) -> list[str]:
    """Names of the shown keys that bring back another value than their own."""
    said, meant = answers(pairs, d_state)[0, :SHOWN], values()[0][0, :pairs][:SHOWN]
    return [NAMES[i] for i, same in enumerate((said == meant).tolist()) if not same]


def _listed(wrong: list[str]) -> str:
    return f"{len(wrong)} wrongly: {', '.join(wrong)}." if wrong else "none wrongly."


def _answered(title: str, pairs: int, d_state: int | None) -> Tokens:
    """Each shown pair, strong where its key brings back its value, and else what came instead."""
    said, meant = answers(pairs, d_state)[0, :SHOWN].tolist(), values()[0][0, :pairs][:SHOWN].tolist()
    told = [
        (f"{name}={own + 1}", float(own == other), "right" if own == other else f"says {other + 1}")
        for name, own, other in zip(NAMES, meant, said, strict=False)
    ]
    return Tokens(title, tuple(told), links="asked")


def _recalled(pairs: int, d_state: int) -> Panel:
    shown = [(f"state of {d_state}", d_state, "line"), ("attention", None, "dashed")]
    if 2 * d_state in STATES:
        shown.append((f"state of {2 * d_state}", 2 * d_state, "points"))
    lines = tuple(
        Series(label, PAIRS, tuple(recall_of(n, size) for n in PAIRS), style)  # type: ignore[arg-type]
        for label, size, style in shown
    )
    return Curves("Values recalled", lines, "pairs", "share", log_x=True, marker=pairs, drag="pairs")


def _brought_back(pairs: int, d_state: int) -> tuple[Panel, Panel]:
    """Of the shown pairs: rows are the keys asked for, columns the pairs."""
    keys, of_attention = keys_of(d_state)[:1, :pairs], keys_of(HEAD)[:1, :pairs]
    shown = min(pairs, SHOWN)
    names = tuple(NAMES[:shown])
    shades = (
        ("How much of each value the state brings back", keys @ keys.mT),
        ("How much attention does", attention_to(of_attention)),
    )
    state, attention = (
        Heatmap(
            title,
            weights[0, :shown, :shown],
            -1,
            1,
            "value of",
            "asked for",
            names,
            names,
            diverging=True,
            links=("asked", "asked"),
        )
        for title, weights in shades
    )
    return state, attention


EXPLORABLE = Explorable(
    "recall", "ssm", ("jamba", "mamba", "zamba"), "How many pairs a state can hold",
    "At how many pairs does the first answer go wrong, and which larger state mends it?",
    (
        Knob("pairs", "pairs", PAIRS, 8, "slider"),
        Knob("d_state", "states a channel", STATES, 8, "slider"),
    ),
    recall,
    heavy=True,
    place=80,
)  # fmt: skip
