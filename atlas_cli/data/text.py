"""Text as bytes: the Python standard library's sources, prose about networks, or any file or folder.

Shapes:  B batch, T = context_len. A token is a byte, so vocab_size is 256 and nothing is unknown.
python:  The standard library as people wrote it: no tests, and no tables or documentation that programs
         wrote. The modules of `HELD_OUT` are held out, a tenth of the bytes: none has more than a tenth of
         these, and under one byte in a hundred lies in 64 or more that stand in a training module too. The
         library differs between versions of Python, so figures compare within one; `measured:` names it.
atlas:   Paragraphs of this atlas's chapters as they stood in November 2026, frozen: later corrections of a
         page change no figure. A sixth is held out, by sections, chosen by a hash of their names.
Files:   Of a user's folder, whole files are held out by a hash of their relative path, a tenth of them; of a
         single file, its last tenth.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import math
import sysconfig
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Int, UInt8
from pydantic import Field, field_validator
from torch import Tensor

from atlas_cli.config import LONGEST, DataConfig
from atlas_cli.data import Place
from atlas_cli.draws import BatchRandom, stable_seed
from atlas_cli.errors import MOST_OF_A_PATH, DataError, UsageError, quoted
from atlas_cli.files import read, size
from atlas_cli.paths import named

VOCAB_SIZE = 256
SHORTEST = 4  # bytes of a window: the n-grams that a model is compared with look back as far
MOST_BYTES = 1 << 31  # of text: three times as many are held while it is read
LONGEST_PROMPT = 1 << 16  # bytes
HELD_OUT_SHARE = 0.1  # of the files, rounded up
_NOT_LIBRARY = {
    "site-packages", "dist-packages", "test", "tests", "idlelib", "lib2to3", "distutils", "ensurepip",
    "turtledemo", "__phello__", "__pycache__",
    "encodings", "msilib", "pydoc_data", "stringprep.py", "token.py",  # written by programs
}  # fmt: skip
_GENERATED = ("_sysconfigdata", "config-")  # their names begin so
#: Chosen by a hash of their names among those that every Python since 3.10 has, that are not too large, and
#: that share few lines with others.
HELD_OUT = {
    "__hello__", "_compat_pickle", "_markupbase", "_osx_support", "_strptime", "_threading_local", "bdb",
    "calendar", "compileall", "configparser", "contextvars", "copy", "copyreg", "curses", "dataclasses",
    "decimal", "dis", "getpass", "hashlib", "json", "opcode", "plistlib", "pty", "re", "reprlib", "secrets",
    "shutil", "stat", "statistics", "string", "struct", "symtable", "tabnanny", "this", "tokenize", "tomllib",
    "traceback", "tty", "venv",
}  # fmt: skip
_PROSE = Path(__file__).with_name("frozen") / "atlas-1.txt.gz"  # its number grows with every change
_MOST_PROSE = 1 << 20  # bytes of it, unpacked

Windows = tuple[Int[Tensor, "B T"], Int[Tensor, "B T"]]  # tokens, and the same one byte later


class TextConfig(DataConfig):
    """Bytes of text, cut into windows."""

    kind: ClassVar[str] = "text"

    corpus: Literal["python", "atlas"] = "python"  # the standard library's sources, or the atlas's prose
    path: str | None = None  # a file or a folder in place of the corpus
    context_len: int = Field(256, ge=SHORTEST, le=LONGEST)

    @field_validator("path")
    @classmethod
    def _in_full(cls, path: str | None) -> str | None:
        """A run is sampled from other folders than it was trained in."""
        try:
            return None if path is None else str(named(path, "path").absolute())
        except UsageError as error:
            raise ValueError(error.what) from error

    def facts(self) -> dict[str, Any]:
        """Bytes."""
        return {"vocab_size": 256, "context_len": self.context_len}


@dataclass(eq=False)
class TextSource:
    """Windows of bytes.

    Attributes:
        train_bytes: The training files, one after the other.
        held_out_bytes: The held-out files, likewise.
        place: Its device is where the bytes lie, its seed that of held-out windows.
    """

    kind: ClassVar[str] = TextConfig.kind

    name: str
    train_bytes: UInt8[Tensor, "N"]
    held_out_bytes: UInt8[Tensor, "M"]
    context_len: int
    place: Place
    vocab_size: int = VOCAB_SIZE

    def batch(self, random: BatchRandom) -> Windows:
        """Training windows (B, T) and their targets, each token's successor."""
        return self._windows(self.train_bytes, random, self.context_len)

    def held_out(self, n: int, seed: int | None = None, length: int | None = None) -> Windows:
        """n windows of held-out text; `length`: another one than context_len."""
        seed = stable_seed("held-out", "text", self.place.seed if seed is None else seed)
        random = BatchRandom(seed, 0, n, device=self.place.device)
        return self._windows(self.held_out_bytes, random, length or self.context_len)

    @staticmethod
    def _windows(data: UInt8[Tensor, "N"], random: BatchRandom, length: int) -> Windows:
        start = random.integers(0, len(data) - length)  # (B,)
        index = start[:, None] + torch.arange(length + 1, device=data.device)  # (B, T + 1)
        window = data[index].long()
        return window[:, :-1], window[:, 1:]

    @cached_property
    def checksum(self) -> str:
        """SHA-256 over both splits: equal text, equal checksum, wherever it came from."""
        digest = hashlib.sha256()
        for part in (self.train_bytes, self.held_out_bytes):
            digest.update(len(part).to_bytes(8, "little") + part.cpu().numpy().tobytes())
        return digest.hexdigest()

    def encode(self, text: str) -> Int[Tensor, "T"]:
        """Text to tokens on the device; see `encode`."""
        return encode(text, self.place.device)

    @staticmethod
    def decode(tokens: Int[Tensor, "T"]) -> str:
        """Tokens to text; bytes that are not UTF-8 become the replacement character."""
        return bytes(tokens.tolist()).decode(errors="replace")


def encode(text: str, device: torch.device | str) -> Int[Tensor, "T"]:
    """Text to tokens on the device; bytes of the command line that are no UTF-8 stay what they were.

    Raises:
        UsageError: it is too long, or holds half a character.
    """
    try:
        data = text.encode(errors="surrogateescape")
    except UnicodeEncodeError as error:
        raise UsageError(
            f"the prompt holds half a character: {quoted(text[error.start])}", "write it anew"
        ) from error
    if len(data) > LONGEST_PROMPT:
        what = f"a prompt of {len(data):,} bytes is too long"
        raise UsageError(what, f"give its last {LONGEST_PROMPT:,} bytes at most")
    return torch.tensor(list(data), dtype=torch.int64, device=device)


def load(config: TextConfig, place: Place) -> TextSource:
    """The text of a config."""
    name, train, held_out = _corpus(config)
    if config.path is not None and Path(name).is_dir():
        _require_parts(name, train, held_out)
    for part, data in (("training", train), ("held-out", held_out)):
        if len(data) <= config.context_len:
            raise DataError(
                f"{name}: {len(data):,} bytes of {part} text are too few for windows of {config.context_len}",
                "name more text with --set data.path=FOLDER, or set a smaller data.context_len",
            )
    return TextSource(
        name, _tensor(train, place.device), _tensor(held_out, place.device), config.context_len, place
    )


def _require_parts(name: str, train: bytes, held_out: bytes) -> None:
    """Refuse a folder of which nothing is left to learn from, or to be judged by."""
    if not held_out:
        raise DataError(f"{name} holds no text", "name a file or folder of text in UTF-8, without zero bytes")
    if not train:
        raise DataError(
            f"the folder {name} holds one file of text, and whole files are held out of a folder",
            "name the file itself: its last tenth is then held out",
        )


def _tensor(data: bytes, device: torch.device | str) -> UInt8[Tensor, "N"]:
    return torch.frombuffer(bytearray(data), dtype=torch.uint8).to(device)


def _corpus(config: TextConfig) -> tuple[str, bytes, bytes]:
    """Name, training bytes and held-out bytes."""
    if config.path is not None:
        path = Path(config.path)
        if path.is_file():
            data = _read(path)
            cut = len(data) - math.ceil(len(data) * HELD_OUT_SHARE)
            return str(path), data[:cut], data[cut:]
        if not path.is_dir():
            raise DataError(
                f"there is no file or folder {quoted(str(path), MOST_OF_A_PATH)}", "correct data.path"
            )
        return str(path), *_split(path, path.rglob("*"))
    if config.corpus == "python":
        root = Path(sysconfig.get_path("stdlib"))
        texts = _texts(root, (file for file in root.rglob("*.py") if not file.name.startswith(_GENERATED)))
        return "python", *_joined(texts, {name for name in texts if _module(name) in HELD_OUT})
    with gzip.GzipFile(fileobj=io.BytesIO(read(_PROSE))) as packed:
        train, _, held_out = packed.read(_MOST_PROSE).partition(b"\f")
    return "atlas", train, held_out


def _module(name: str) -> str:
    """The module or package that a file of the library belongs to: "json/decoder.py" -> "json"."""
    return name.partition("/")[0].removesuffix(".py")


def _split(root: Path, files: Iterable[Path]) -> tuple[bytes, bytes]:
    """Concatenate the text files below root: those of the smallest hashes are held out."""
    texts = _texts(root, files)
    by_hash = sorted(texts, key=lambda name: hashlib.sha256(name.encode()).digest())
    return _joined(texts, set(by_hash[: math.ceil(len(texts) * HELD_OUT_SHARE)]))


def _joined(texts: Mapping[str, bytes], held_out: Collection[str]) -> tuple[bytes, bytes]:
    names = sorted(texts)
    return (
        b"\n".join(texts[name] for name in names if name not in held_out),
        b"\n".join(texts[name] for name in names if name in held_out),
    )


def _texts(root: Path, files: Iterable[Path]) -> dict[str, bytes]:
    """The text files below root by their relative paths."""
    texts: dict[str, bytes] = {}
    room = MOST_BYTES
    for file in files:
        relative = file.relative_to(root)
        hidden = any(part.startswith(".") or part in _NOT_LIBRARY for part in relative.parts)
        if (
            not hidden and file.is_file() and b"\0" not in (data := _read(file, room))
        ):  # a zero byte: not text
            texts[relative.as_posix()] = data
            room -= len(data)
    return texts


def _read(path: Path, room: int = MOST_BYTES) -> bytes:
    try:
        held = size(path)
        if held > room:  # asked before it is read: a file with holes claims what no memory holds
            raise DataError(
                f"{path}: {held:,} bytes are too many; texts of {MOST_BYTES:,} bytes at most are read",
                "name a part of it with data.path",
            )
        return read(path)
    except OSError as error:
        raise DataError(
            f"cannot read {path}: {error.strerror or error}", "correct its permissions"
        ) from error
