"""Readers of the files in which MNIST and CIFAR come; none of them runs what a file says.

Raises:
    ValueError: from every reader, when the bytes are not what the format says. The caller names the file.
"""

from __future__ import annotations

import gzip
import io
import math
import pickle
import pickletools
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from atlas_cli import files

MOST_BYTES = 1 << 30  # of one file; MNIST has 47 MB, CIFAR-10 31 MB
_PIECE = 1 << 20
CIFAR_SHAPE = (3, 32, 32)


def read_idx(path: Path) -> np.ndarray:
    """An array of unsigned bytes in IDX format, plain or gzipped (name ends in .gz).

    Layout: two zero bytes, the type (8: unsigned byte), the number of axes, each axis as a big-endian
    32-bit integer, then the data.
    """
    if path.suffix != ".gz":
        with files.opened(path) as file:
            return _read_idx(file)
    try:
        with files.opened(path) as packed, gzip.open(packed, "rb") as file:
            return _read_idx(file)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"not a whole gzip file: {error}") from error


def _read_idx(file: Any) -> np.ndarray:
    """The array of a stream of which no more is read than its header promises: a bomb is never unpacked."""
    start = file.read(4)
    if len(start) < 4 or start[:3] != b"\0\0\x08" or not 1 <= start[3] <= 4:
        raise ValueError("not an IDX file of bytes")
    sizes = file.read(4 * start[3])
    if len(sizes) < 4 * start[3]:
        raise ValueError("cut off in its header")
    shape = struct.unpack(f">{start[3]}I", sizes)
    promised = math.prod(shape)
    if promised > MOST_BYTES:
        raise ValueError(f"its header says {promised:,} bytes of data; {MOST_BYTES:,} at most are read")
    data = _read_up_to(file, promised + 1)
    if len(data) != promised:
        held = f"{len(data):,}" if len(data) < promised else f"more than {promised:,}"
        raise ValueError(f"holds {held} bytes of data, its header says {promised:,}")
    return np.frombuffer(data, np.uint8).reshape(shape)


def _read_up_to(file: Any, n: int) -> bytes:
    """The next n bytes or fewer, piece by piece: what is only promised is not set aside."""
    pieces: list[bytes] = []
    while n > 0 and (piece := file.read(min(n, _PIECE))):
        pieces.append(piece)
        n -= len(piece)
    return b"".join(pieces)


def _whole(path: Path) -> bytes:
    """All bytes of a file that is no larger than any of its kind."""
    size = files.size(path)
    if size > MOST_BYTES:
        raise ValueError(f"{size:,} bytes; more than {MOST_BYTES:,} are not read")
    return files.read(path)


def read_cifar_binary(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, 3, 32, 32) and labels (N,) of CIFAR-10's binary version: a label byte, then the pixels."""
    record = 1 + math.prod(CIFAR_SHAPE)
    data = np.frombuffer(_whole(path), np.uint8)
    if len(data) == 0 or len(data) % record:
        raise ValueError(f"holds {len(data):,} bytes, not a multiple of {record:,}")
    rows = data.reshape(-1, record)
    return rows[:, 1:].reshape(-1, *CIFAR_SHAPE), rows[:, 0].astype(np.int64)


def read_cifar_pickle(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, 3, 32, 32) and labels (N,) of CIFAR-10's Python version, read without running its pickle."""
    data = _whole(path)
    try:
        _require_small_memo(data)
        batch = _ArraysOnly(io.BytesIO(data), encoding="latin1").load()
    except pickle.UnpicklingError as error:
        raise ValueError(str(error)) from error
    except Exception as error:  # a damaged pickle raises whatever its garbage leads to
        raise ValueError(f"not a whole pickle: {type(error).__name__}: {error}") from error
    # Python 2 wrote text keys; a batch written by Python 3 may have them as bytes.
    batch = {_text(key): value for key, value in batch.items()} if isinstance(batch, dict) else {}
    pixels, labels = batch.get("data"), batch.get("labels")
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or not isinstance(labels, list):
        raise ValueError("not a CIFAR-10 batch: it needs `data`, an array of bytes, and `labels`, a list")
    if pixels.shape != (len(labels), math.prod(CIFAR_SHAPE)):
        raise ValueError(f"{len(labels)} labels do not fit data of shape {pixels.shape}")
    if not all(isinstance(label, int) and 0 <= label <= 255 for label in labels):
        raise ValueError("labels must be whole numbers from 0 to 9")
    return pixels.reshape(-1, *CIFAR_SHAPE), np.array(labels, dtype=np.int64)


def _require_small_memo(data: bytes) -> None:
    """Refuse a pickle that numbers what it remembers beyond its own length: such a memo fills the memory."""
    for opcode, argument, _ in pickletools.genops(data):
        stored = opcode.name in ("PUT", "BINPUT", "LONG_BINPUT")
        if stored and not (isinstance(argument, int) and 0 <= argument <= len(data)):
            raise pickle.UnpicklingError("it numbers more objects than it can hold")


def _text(key: Any) -> Any:
    return key.decode("latin1") if isinstance(key, bytes) else key


class _ArraysOnly(pickle.Unpickler):
    """Builds numbers, text, lists, dicts and numpy arrays; every other name in the pickle is refused."""

    def find_class(self, module: str, name: str) -> Any:
        """Called for every global that the pickle asks for."""
        if (module, name) == ("_codecs", "encode"):  # how protocol 2 spells bytes
            return _latin1_bytes
        if module == "numpy" and name in ("ndarray", "dtype"):
            return getattr(np, name)
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == "_reconstruct":
            return _empty_array
        if module in ("numpy.core.numeric", "numpy._core.numeric") and name == "_frombuffer":
            return _from_buffer
        raise pickle.UnpicklingError(f"it asks to run {module}.{name}, which a data file has no need of")


def _latin1_bytes(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes in encoding {encoding}")
    return text.encode("latin1")


def _empty_array(_type: Any, _shape: Any, _dtype: Any) -> np.ndarray:
    """What numpy's `_reconstruct` makes for every array: empty, to be filled by the state that follows."""
    return np.ndarray((0,), np.uint8)


def _from_buffer(buffer: Any, dtype: np.dtype[Any], shape: tuple[int, ...], order: Any) -> np.ndarray:
    return np.frombuffer(buffer, dtype).reshape(shape, order=order)
