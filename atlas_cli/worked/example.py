"""What a worked example is made of, and the tiles that it is told in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from atlas_cli.diagrams.worked import DIGITS, TOP

if TYPE_CHECKING:
    from torch import Tensor


_BLANKS = {" ": "·", "\n": "↵", "\t": "→"}  # as explorables show them
Raw = dict[str, Any]  # a tile as the file has it


@dataclass
class Telling:
    """What an example found: it is filled box by box.

    Attributes:
        given: What the network was given, to end the sentence that begins with whose it is.
        nodes: Box -> pictures.
        seen: Step -> what is to be seen.
    """

    given: str
    nodes: dict[str, list[Raw]] = field(default_factory=dict)
    seen: dict[int, str] = field(default_factory=dict)

    def show(self, node: str, step: int, *tiles: Raw) -> None:
        """A box holds these tiles from a step on."""
        self.nodes.setdefault(node, []).append({"from": step, "tiles": list(tiles)})


@dataclass(frozen=True)
class Example:
    """A diagram's example.

    Attributes:
        recipe: Whose run fills the boxes.
        tell: From the system, its weights trained or, where it is `fresh`, as they begin, to the pictures.
        fresh: The example trains it itself for as long as it needs: what it shows lies amid the training.
    """

    recipe: str
    tell: Callable[[Any], Telling]
    fresh: bool = False


def signed(matrix: Tensor, label: str = "", over: str = "", most: float | None = None) -> Raw:
    """A matrix of numbers of either sign, as strong as `most` at either end; None: as its largest."""
    most = most or float(matrix.abs().max()) or 1.0
    return _tile("signed", (matrix / most + 1) / 2, label, over)


def amount(matrix: Tensor, label: str = "", over: str = "", most: float | None = None) -> Raw:
    """A matrix of numbers above nought, of which `most` is the strongest; None: its largest."""
    return _tile("amount", matrix / (most or float(matrix.max()) or 1.0), label, over)


def grey(image: Tensor, label: str = "") -> Raw:
    """An image in [-1, 1]."""
    return _tile("grey", (image + 1) / 2, label)


def bars(row: Tensor, label: str = "", over: str = "") -> Raw:
    """Numbers above nought as columns, the largest as high as there is room."""
    return _tile("bars", (row / float(row.max()))[None], label, over)


def words(text: str) -> Raw:
    """A word or a figure."""
    return {"shades": "words", "label": text}


def over_points(tile: Raw, clouds: Mapping[str, Iterable[tuple[float, float]]]) -> Raw:
    """A tile with points on it, in cells from its upper left corner; those outside are left out."""
    high, wide = len(tile["rows"]), len(tile["rows"][0])
    return tile | {
        "clouds": {
            name: [[round(x, 1), round(y, 1)] for x, y in cloud if 0 < x < wide and 0 < y < high]
            for name, cloud in clouds.items()
        }
    }


def _tile(shades: str, shares: Tensor, label: str, over: str = "") -> Raw:
    levels = (shares.detach().float().clamp(0, 1) * TOP).round().int().tolist()
    rows = ["".join(DIGITS[level] for level in row) for row in levels]
    named = {"label": label, "over": over}
    return {"shades": shades, "rows": rows, **{name: text for name, text in named.items() if text}}


def quoted(text: str) -> str:
    """A text one character a token, its blanks to be seen."""
    return "".join(_BLANKS.get(letter, letter) for letter in text)
