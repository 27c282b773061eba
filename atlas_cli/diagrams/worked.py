"""What a trained network put into the boxes of a stepped diagram, on one worked example.

It lies beside the diagram, in content/<family>/diagrams/<name>.data.json, and `python -m atlas_cli.worked`
writes it (`make worked`). A diagram without such a file is drawn without pictures.

    of:     whose network it is: recipe, seed, date, and digests of recipe, code, weights and example
    given:  what it was given
    nodes:  node -> pictures, each from the step on that it names: tiles side by side
    seen:   step -> what is to be seen in the pictures
    digest: of all of that

A tile's shades are one character a cell, of `DIGITS`: 0 for none, Y for all; u, the middle, is nought where
they are signed.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from atlas_cli import files, shelf

ENDING = ".data.json"
DIGITS = string.digits + string.ascii_letters[:51]
TOP = len(DIGITS) - 1
# a picture's brightness; an amount from none to all; a number from minus to plus; amounts as columns; words
Shades = Literal["grey", "amount", "signed", "bars", "words"]
Cloud = tuple[tuple[float, float], ...]


class Tile(NamedTuple):
    """A small picture.

    Attributes:
        shades: What a cell's share of 0 to 1 means.
        rows: The shares, the uppermost row first; one row of "bars"; none of "words".
        label: A word or two below it; of "words", all there is.
        over: One character above each column, or none.
        clouds: Points by the name of what they are, in cells from the upper left corner.
    """

    shades: Shades
    rows: tuple[tuple[float, ...], ...]
    label: str = ""
    over: str = ""
    clouds: tuple[tuple[str, Cloud], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """What JSON can hold."""
        rows = [[round(share, 3) for share in row] for row in self.rows]
        clouds = {name: [list(point) for point in cloud] for name, cloud in self.clouds}
        return {"shades": self.shades, "rows": rows, "label": self.label, "over": self.over, "clouds": clouds}

    @property
    def columns(self) -> int:
        """Cells from left to right."""
        return len(self.rows[0]) if self.rows else 0

    @property
    def is_strip(self) -> bool:
        """Whether its columns are places in a row, which may be drawn wider; an image's are not."""
        return bool(self.over) or self.shades == "bars"


class Picture(NamedTuple):
    """What a box holds from one step on."""

    first: int
    tiles: tuple[Tile, ...]


class Worked(NamedTuple):
    """One example worked through a diagram by a trained network.

    Attributes:
        of: Whose network it is: recipe, seed, date, and digests.
        given: What it was given, as the end of a sentence.
        pictures: By node, in the order of steps.
        seen: By step, what is to be seen in the pictures.
    """

    of: Mapping[str, Any]
    given: str
    pictures: Mapping[str, tuple[Picture, ...]]
    seen: Mapping[int, str]

    @property
    def signed(self) -> bool:
        """Whether numbers below nought are drawn anywhere."""
        tiles = (tile for pictures in self.pictures.values() for p in pictures for tile in p.tiles)
        return any(tile.shades == "signed" for tile in tiles)

    @property
    def says(self) -> str:
        """Whose network, and what it was given."""
        recipe, seed = self.of["recipe"], self.of["seed"]
        trained = f", trained on {self.of['date']}" if "date" in self.of else ""
        return f"In the boxes: the network of {recipe}, seed {seed}{trained}, {self.given}."

    def as_dict(self) -> dict[str, Any]:
        """For `--format json`: shares in place of characters."""
        return {
            "of": dict(self.of),
            "says": self.says,
            "seen": {str(step): seen for step, seen in self.seen.items()},
            "nodes": {
                node: [{"from": p.first, "tiles": [tile.as_dict() for tile in p.tiles]} for p in pictures]
                for node, pictures in self.pictures.items()
            },
        }

    def at(self, node: str, step: int | None) -> Picture | None:
        """What a box holds at a step, nothing before its first; without a step, what it holds first."""
        pictures = self.pictures.get(node, ())
        if step is None:
            return pictures[0] if pictures else None
        return next((picture for picture in reversed(pictures) if picture.first <= step), None)


def path_of(diagram: Path) -> Path:
    """Where the example of a diagram's file lies."""
    return diagram.with_name(diagram.stem + ENDING)


def read(diagram: Path) -> Worked | None:
    """The example of a diagram's file; None where it has none.

    Raises:
        ValueError: the file was changed by hand, or holds something else.
        KeyError: it lacks something.
    """
    import json

    path = path_of(diagram)
    try:
        text = files.read(path)
    except FileNotFoundError:
        return None
    raw: dict[str, Any] = json.loads(text)
    if raw.pop("digest", None) != digest(raw):
        raise ValueError(f"{path.name} is not as it was written: make it anew with `make worked`")
    pictures = {node: tuple(_picture(entry) for entry in raw["nodes"][node]) for node in raw["nodes"]}
    return Worked(raw["of"], raw["given"], pictures, {int(step): seen for step, seen in raw["seen"].items()})


def files_of(content: Path) -> list[Path]:
    """All worked examples."""
    return sorted(content.glob(f"*/diagrams/*{ENDING}"))


def drawn_by(path: Path) -> Path:
    """The module that computes the example of that file."""
    module = path.name.removesuffix(ENDING).replace("-", "_")
    return Path(__file__).parents[1] / "worked" / path.parent.parent.name / f"{module}.py"


def mark_of(module: Path) -> str:
    """Of what a module computes, whatever its comments say."""
    from atlas_cli.engine.staleness import computed

    return shelf.digest(computed(files.read_text(module)))


def stale(path: Path) -> list[str]:
    """Why an example may no longer be what its recipe's network shows; empty if it is."""
    import json

    from atlas_cli.engine.staleness import code_hash
    from atlas_cli.recipe import recipes

    of: dict[str, Any] = json.loads(files.read(path))["of"]
    recipe = recipes.resolve(of["recipe"], [f"train.seed={of['seed']}"])
    reasons = {
        f"{of['recipe']} has changed since": recipe.hash != of["hash"],
        f"the code of {recipe.system} or what it imports has changed since": code_hash(recipe) != of["code"],
        "what it shows has changed since": mark_of(drawn_by(path)) != of["drawn_by"],
    }
    return [reason for reason, holds in reasons.items() if holds]


def digest(document: Mapping[str, Any]) -> str:
    """Of what a file holds beside its digest."""
    import json

    return shelf.digest(json.dumps(document, sort_keys=True, ensure_ascii=False))


def _picture(raw: dict[str, Any]) -> Picture:
    return Picture(int(raw["from"]), tuple(_tile(tile) for tile in raw["tiles"]))


def _tile(raw: dict[str, Any]) -> Tile:
    rows = tuple(tuple(DIGITS.index(digit) / TOP for digit in row) for row in raw.get("rows", ()))
    over = raw.get("over", "")
    clouds = tuple((name, tuple((x, y) for x, y in cloud)) for name, cloud in raw.get("clouds", {}).items())
    tile = Tile(raw["shades"], rows, raw.get("label", ""), over, clouds)
    if tile.shades not in get_args(Shades):
        raise ValueError(f"a tile cannot be {tile.shades}")
    if len({len(row) for row in rows}) > 1 or (over and len(over) != tile.columns):
        raise ValueError(f"a tile's rows differ in length: {raw.get('label', '')!r}")
    return tile
