"""Who computes what in a trained mixture of experts, on text that it never learned."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from atlas_cli.diagrams.frames import Bars, Drag, Explorable, Frame, Heatmap, Knob, Link, Tokens

if TYPE_CHECKING:
    from torch import Tensor

    from atlas_cli.systems.transformer.moe import MoETransformer

WINDOWS = 48  # of held-out text, over which shares are taken
SHOWN = 6  # windows to choose from
SHOWN_BYTES = 48  # of the window
FAVOURITES = 8  # bytes that an expert is told by
COMMON = 40  # times that a byte must stand in the windows to be told of
GLYPHS = {10: "↵", 32: "·"}  # of the bytes that are blank


class Classes(NamedTuple):
    """A kind of byte, and the bytes of that kind."""

    name: str
    members: bytes


CLASSES = (
    Classes("blank", b" "),
    Classes("new line", b"\n"),
    Classes("small letter", bytes(range(97, 123))),
    Classes("capital", bytes(range(65, 91))),
    Classes("digit", bytes(range(48, 58))),
    Classes("_", b"_"),
    Classes("bracket", b"()[]{}"),
    Classes("quote", b"\"'`"),
    Classes("other sign", b".,:;=+-*/%<>!&|^~@#$?\\"),
)


class Shares(NamedTuple):
    """Who took what, over all windows of held-out text."""

    tokens: Tensor  # (windows, L)
    gates: Tensor  # (layers, windows, L, E): 0 where the expert was not chosen
    chosen: Tensor  # (layers, windows, L, k): the best first

    def taken(self, layer: int, members: bytes) -> Tensor:
        """Share of the bytes of a kind that each expert works on, (E,)."""
        import torch

        these = torch.isin(self.tokens, torch.tensor(list(members)))
        return (self.gates[layer, these] > 0).double().sum(0) / max(1, int(these.sum()))


def experts(system: MoETransformer, expert: int, layer: int, window: int) -> Frame:
    """A stretch of text with the part that one expert has in each byte, and what it takes elsewhere."""
    shares = _shares(system)
    layer = min(layer, len(shares.gates)) - 1
    n_experts = shares.gates.shape[-1]
    expert = (expert - 1) % n_experts
    numbers = tuple(range(1, n_experts + 1))
    names = tuple(map(str, numbers))
    kinds = [shares.taken(layer, kind.members).tolist() for kind in CLASSES]
    load = shares.taken(layer, bytes(range(256)))
    gates = shares.gates[layer, window, :SHOWN_BYTES]  # (L, E)
    took = int((gates[:, expert] > 0).sum())
    labels, values = _favourites(shares, layer, expert)
    share = float(load[expert])
    return Frame(
        (
            (Tokens(f"What part expert {expert + 1} of layer {layer + 1} has in each byte, in %",
                    _told(shares, expert, layer, window), links="byte"),),
            (Heatmap("Who has which part in the same bytes, one row for each expert", gates.T, 0, 1, "byte",
                     "expert", (), names, links=(Link("byte"), Link("expert", "y")),
                     drag=Drag("expert", "y", numbers, range(n_experts))),),
            (
                Heatmap("Share of each kind of byte that an expert takes", kinds, 0, 1, "expert", "", names,
                        tuple(kind.name for kind in CLASSES), links="expert",
                        drag=Drag("expert", "x", numbers, range(n_experts))),
                Bars(f"What expert {expert + 1} takes most above its {share:.0%}: share of a byte", labels,
                     values, 1),
            ),
        ),
        f"Expert {expert + 1} of layer {layer + 1} works on {took} of these {SHOWN_BYTES} bytes, and on "
        f"{share:.0%} of all; an even share would be {shares.chosen.shape[-1] / n_experts:.0%}. Nobody told "
        "the experts what to work on.",
        {
            "share of all bytes": share,
            "busiest expert": int(load.argmax()) + 1,
            "even share": shares.chosen.shape[-1] / n_experts,
        },
    )  # fmt: skip


def _told(shares: Shares, expert: int, layer: int, window: int) -> tuple[tuple[str, float, str], ...]:
    """Bytes, and the gate of one expert at those that it works on."""
    gates = shares.gates[layer, window, :SHOWN_BYTES, expert].tolist()
    return tuple(
        (_glyph(byte), gate, f"{100 * gate:.0f}" if gate else "")
        for byte, gate in zip(shares.tokens[window, :SHOWN_BYTES].tolist(), gates, strict=True)
    )


def _favourites(shares: Shares, layer: int, expert: int) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """The common bytes of which an expert takes most beside what it takes of all, and how much of each."""
    import torch

    counts = torch.bincount(shares.tokens.flatten(), minlength=256)
    taken = torch.zeros(256, dtype=torch.double)
    taken.index_add_(0, shares.tokens.flatten(), (shares.gates[layer, ..., expert] > 0).double().flatten())
    share = taken / counts.clamp(min=1)  # (256,)
    lift = share - taken.sum() / counts.sum()
    lift[counts < COMMON] = -1
    best = [b for b in lift.sort(descending=True, stable=True).indices[:FAVOURITES].tolist() if lift[b] > 0]
    return tuple(map(_glyph, best)), tuple(share[best].tolist())


def _glyph(byte: int) -> str:
    return GLYPHS.get(byte, chr(byte) if 32 < byte < 127 else "?")


@cache
def _shares(system: MoETransformer) -> Shares:
    import torch

    length = max(SHOWN_BYTES, system.config.context_len)
    tokens, _ = system.setting.data.held_out(WINDOWS, seed=0, length=length)
    routings = system.read(tokens)[1]
    gates = [torch.zeros_like(r.probabilities).scatter_(1, r.chosen, r.gates.float()) for r in routings]
    return Shares(
        tokens,
        torch.stack(gates).unflatten(1, tokens.shape),
        torch.stack([r.chosen for r in routings]).unflatten(1, tokens.shape),
    )


EXPLORABLE = Explorable(
    "experts", "transformer", ("moe",), "What the experts of a net work on",
    "Is there an expert whose bytes you can name in a word? In which layers?",
    (
        Knob("expert", "expert", tuple(range(1, 9)), 1, "slider"),
        Knob("layer", "layer", (1, 2, 3, 4), 1, "choice"),
        Knob("window", "text", tuple(range(SHOWN)), 0, "slider"),
    ),
    None, from_run=experts, systems=("moe",),
)  # fmt: skip
