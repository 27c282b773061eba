"""Who computes what in a trained mixture of experts, on text that it never learned."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from atlas_cli.diagrams.frames import Bars, Explorable, Frame, Heatmap, Knob, Tokens, Words

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
    names = tuple(str(e + 1) for e in range(n_experts))
    kinds = [shares.taken(layer, kind.members).tolist() for kind in CLASSES]
    load = shares.taken(layer, bytes(range(256)))
    took = int((shares.gates[layer, window, :SHOWN_BYTES, expert] > 0).sum())
    return Frame(
        (
            (Tokens(f"What expert {expert + 1} of layer {layer + 1} adds to each byte, and who was chosen",
                    _told(shares, expert, layer, window)),),
            (
                Heatmap("Share of each kind of byte that an expert takes", kinds, 0, 1, "expert", "", names,
                        tuple(kind.name for kind in CLASSES), links="expert"),
                Bars("Share of all bytes", tuple(f"expert {name}" for name in names), load, 1,
                     links="expert"),
            ),
            (Words("What each takes more often than its share", _favourites(shares, layer)),),
        ),
        f"Expert {expert + 1} of layer {layer + 1} works on {took} of these {SHOWN_BYTES} bytes, and on "
        f"{float(load[expert]):.0%} of all. Nobody told the experts what to work on.",
        {
            "share of all bytes": float(load[expert]),
            "busiest expert": int(load.argmax()) + 1,
            "even share": shares.chosen.shape[-1] / n_experts,
        },
    )  # fmt: skip


def _told(shares: Shares, expert: int, layer: int, window: int) -> tuple[tuple[str, float, str], ...]:
    """Bytes, the gate of one expert at each, and the experts that were chosen."""
    place = (layer, window, slice(SHOWN_BYTES))
    return tuple(
        (_glyph(byte), gate, ",".join(str(e + 1) for e in chosen))
        for byte, gate, chosen in zip(
            shares.tokens[place[1:]].tolist(),
            shares.gates[place][:, expert].tolist(),
            shares.chosen[place].tolist(),
            strict=True,
        )
    )


def _favourites(shares: Shares, layer: int) -> tuple[str, ...]:
    """For each expert the common bytes of which it takes the most, next to what it takes of all."""
    import torch

    counts = torch.bincount(shares.tokens.flatten(), minlength=256)
    taken = torch.zeros(256, shares.gates.shape[-1], dtype=torch.double)
    taken.index_add_(0, shares.tokens.flatten(), (shares.gates[layer] > 0).double().flatten(0, 1))
    share = taken / counts.clamp(min=1).unsqueeze(1)  # (256, E)
    lift = share - taken.sum(0) / counts.sum()
    lift[counts < COMMON] = -1
    lines = []
    for e, best in enumerate(lift.T.sort(descending=True, stable=True).indices[:, :FAVOURITES].tolist()):
        told = (f"{_glyph(b)} {share[b, e]:.0%}" for b in best if lift[b, e] > 0)
        lines.append(f"expert {e + 1}:  " + "   ".join(told))
    return tuple(lines)


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
