"""Pinned networks: the weights of one trained run in eight bits, small enough for a page to compute with.

content/<family>/pinned/<name>.network.json holds them, and what the eight bits cost. A row of a matrix is
whole numbers from -127 to 127 and one factor; a vector is a matrix of one column, which loses nothing.
"""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from atlas_cli import files, paths, shelf
from atlas_cli.diagrams.origins import FOLDER, Origin, damaged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

ENDING = ".network.json"
LEVELS = 127


class Network(NamedTuple):
    """A pinned network.

    Attributes:
        name: By which explorables call it.
        origin: The run.
        config: Its `model:` section.
        figures: What it was measured at with its own weights (`bits_per_byte`), and with these
            (`bits_per_byte_8`).
        tensors: Name, rows and columns of each, in the order of their rows in `numbers` and `factors`.
        numbers: Every row after the other, a signed byte each, deflated, as base64.
        factors: One a row, 32-bit floats with the lowest byte first, as base64.
        digest: Of numbers and factors.
    """

    name: str
    origin: Origin
    config: dict[str, Any]
    figures: dict[str, float]
    tensors: list[tuple[str, int, int]]
    numbers: str
    factors: str
    digest: str

    def as_dict(self) -> dict[str, Any]:
        """What JSON can hold."""
        return {**self._asdict(), "origin": self.origin._asdict()}

    def as_text(self) -> str:
        """As its file holds it."""
        return json.dumps(self.as_dict(), indent=0, ensure_ascii=False) + "\n"


def path(family: str, name: str) -> Path:
    """Where a network lies."""
    return paths.content_dir() / family / FOLDER / f"{name}{ENDING}"


def mark(family: str, name: str) -> str:
    """Changes with the network."""
    return shelf.digest(files.read(path(family, name)))


def read(file: Path) -> Network:
    """The network of a file.

    Raises:
        DataError: there is none, or not as it was written.
    """
    try:
        held = json.loads(files.read(file))
        network = Network(**{**held, "origin": Origin(**held["origin"])})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise damaged(file, str(error)) from error
    if shelf.digest(network.numbers, network.factors) != network.digest:
        raise damaged(file, "its weights are not those that were written")
    return network


def weights(network: Network) -> dict[str, Tensor]:
    """The tensors in float32, as a page computes with them: vectors with one dimension."""
    import numpy as np
    import torch

    numbers = np.frombuffer(zlib.decompress(base64.b64decode(network.numbers)), np.int8)
    factors = np.frombuffer(base64.b64decode(network.factors), "<f4")
    found, row, start = {}, 0, 0
    for name, rows, columns in network.tensors:
        whole = numbers[start : start + rows * columns].reshape(rows, columns).astype(np.float32)
        tensor = torch.from_numpy(whole * factors[row : row + rows, None])
        found[name] = tensor[:, 0] if columns == 1 else tensor
        row, start = row + rows, start + rows * columns
    return found


def packed(name: str, origin: Origin, config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Network:
    """A network of these weights, without figures yet."""
    import numpy as np

    shapes, numbers, factors = [], [], []
    for tensor_name, tensor in tensors.items():
        whole = tensor.detach().float().numpy()
        matrix = whole[:, None] if whole.ndim == 1 else whole
        largest = np.abs(matrix).max(1, keepdims=True)
        factor = (np.where(largest > 0, largest, 1) / LEVELS).astype("<f4")
        shapes.append((tensor_name, *matrix.shape))
        numbers.append(np.rint(matrix / factor).clip(-LEVELS, LEVELS).astype(np.int8).tobytes())
        factors.append(factor.tobytes())
    one = base64.b64encode(zlib.compress(b"".join(numbers), 9)).decode()
    other = base64.b64encode(b"".join(factors)).decode()
    return Network(name, origin, dict(config), {}, shapes, one, other, shelf.digest(one, other))
