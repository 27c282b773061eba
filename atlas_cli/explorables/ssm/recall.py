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

from atlas_cli.diagrams.frames import Bars, Curves, Explorable, Frame, Heatmap, Knob, Panel, Series

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
SHOWN = 16  # pairs of which the shades are shown


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
def recall_of(n_pairs: int, d_state: int | None) -> float:
    """Share of the asked keys that bring back their own value; None: by attention."""
    chosen, directions = values()
    chosen = chosen[:, :n_pairs]
    keys = keys_of(HEAD if d_state is None else d_state)[:, :n_pairs]
    read = from_attention if d_state is None else from_state
    said = (read(keys, directions[chosen]) @ directions.T).argmax(-1)
    return float((said == chosen).float().mean())


def numbers_kept(n_pairs: int, d_state: int | None) -> int:
    """Numbers that must be kept to answer."""
    return n_pairs * (HEAD + CHANNELS) if d_state is None else d_state * CHANNELS


def held(d_state: int | None) -> int:
    """The most pairs of which at least nine in ten are recalled; 0: not even one."""
    return max((n for n in PAIRS if recall_of(n, d_state) >= LOST), default=0)


def recall(pairs: int, d_state: int) -> Frame:
    """Recall as pairs are added, and what an asked key brings back of every pair."""
    stores = (("state", d_state), ("attention", None))
    kept = {name: numbers_kept(pairs, size) for name, size in stores}
    return Frame(
        (
            (
                _recalled(pairs, d_state),
                Bars("Numbers kept", tuple(kept), tuple(kept.values()), max(kept.values())),
            ),
            _brought_back(pairs, d_state),
        ),
        f"A state adds every value into the same {d_state} x {CHANNELS} numbers. An asked key brings back "
        "its own value, and of each other value as much as the two keys are alike: what is not nought beside "
        f"the diagonal. With {pairs} pairs {recall_of(pairs, d_state):.0%} are recalled. Attention keeps the "
        "pairs apart, and its softmax leaves one of them; for that it keeps "
        f"{HEAD + CHANNELS} numbers more with every pair.",
        {
            "recall of the state": recall_of(pairs, d_state),
            "recall of attention": recall_of(pairs, None),
            "pairs that the state holds": f"{held(d_state)}, nine in ten of them rightly",
            "guessing": 1 / N_VALUES,
        },
    )


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
    """Of the first trial and of its first pairs: rows are the keys asked for, columns the pairs."""
    keys, of_attention = keys_of(d_state)[:1, :pairs], keys_of(HEAD)[:1, :pairs]
    shown = min(pairs, SHOWN)
    ends = ("1", str(shown)) if shown > 1 else ("1",)
    part = f", the first {SHOWN} of {pairs} pairs" if pairs > SHOWN else ""
    shades = (
        ("The state brings back", keys @ keys.mT),
        ("Attention brings back", attention_to(of_attention)),
    )
    state, attention = (
        Heatmap(
            f"{title}{part}",
            weights[0, :shown, :shown],
            -1,
            1,
            "pair",
            "asked key",
            ends,
            ends,
            diverging=True,
            links=("pair", "asked"),
        )
        for title, weights in shades
    )
    return state, attention


EXPLORABLE = Explorable(
    "recall", "ssm", ("jamba", "mamba", "zamba"), "How many pairs a state can hold",
    "How many pairs does a state hold, and what does one twice as large buy?",
    (
        Knob("pairs", "pairs", PAIRS, 8, "slider"),
        Knob("d_state", "states a channel", STATES, 8, "slider"),
    ),
    recall,
    heavy=True,
    place=80,
)  # fmt: skip
