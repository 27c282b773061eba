"""MNIST, Fashion-MNIST and CIFAR-10: from a folder, else downloaded by torchvision.

Files are read here and not by torchvision's data sets, which compare MD5 sums (a subset in the same layout is
data too), run the pickles of CIFAR, and do not say which file is broken.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import os
import shutil
import socket
import sys
import tarfile
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from atlas_cli.config import DataConfig
from atlas_cli.data import Place
from atlas_cli.data.formats import MOST_BYTES, read_cifar_binary, read_cifar_pickle, read_idx
from atlas_cli.data.images import ImageSource, Split, image_source
from atlas_cli.errors import DataError, EnvironmentFault

TIMEOUT_S = 30.0  # without an answer from the server
_STAGING = ".download-"  # what is being downloaded lies in a folder of its own
_ABANDONED_S = 3600.0  # without a byte written


class MnistConfig(DataConfig):
    """MNIST: 70,000 handwritten digits, 28x28 grey."""

    kind: ClassVar[str] = "images"
    name: ClassVar[str] = "mnist"

    def facts(self) -> dict[str, Any]:
        """Shape and classes."""
        return {"image_size": 28, "channels": 1, "n_classes": 10}


class FashionMnistConfig(DataConfig):
    """Fashion-MNIST: 70,000 pieces of clothing, 28x28 grey."""

    kind: ClassVar[str] = "images"
    name: ClassVar[str] = "fashion_mnist"

    def facts(self) -> dict[str, Any]:
        """Shape and classes."""
        return {"image_size": 28, "channels": 1, "n_classes": 10}


class Cifar10Config(DataConfig):
    """CIFAR-10: 60,000 photographs of ten things, 32x32 RGB."""

    kind: ClassVar[str] = "images"
    name: ClassVar[str] = "cifar10"

    def facts(self) -> dict[str, Any]:
        """Shape and classes."""
        return {"image_size": 32, "channels": 3, "n_classes": 10}


#: Source -> its class in torchvision.datasets, which downloads it.
_DOWNLOADERS = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST", "cifar10": "CIFAR10"}
_CLASSES = {
    "mnist": "0 1 2 3 4 5 6 7 8 9",
    "fashion_mnist": "t-shirt trouser pullover dress coat sandal shirt sneaker bag boot",
    "cifar10": "airplane automobile bird cat deer dog frog horse ship truck",
}
_IDX_FILES = [
    f"{split}-{part}"
    for split in ("train", "t10k")
    for part in ("images-idx3-ubyte", "labels-idx1-ubyte")
]  # fmt: skip
_CIFAR_ARCHIVE = "cifar-10-python.tar.gz"
_CIFAR_FILES = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]


def load(config: MnistConfig | FashionMnistConfig | Cifar10Config, place: Place) -> ImageSource:
    """The images of a config, read from `place.data_dir` or downloaded into it."""
    name = config.name
    folder = _find(name, place.data_dir)
    if folder is None and name == "cifar10" and _unpack(place):
        folder = _find(name, place.data_dir)
    if folder is None:
        _download(name, place)
        folder = _find(name, place.data_dir)
    if folder is None:
        raise EnvironmentFault(f"the download of {name} left no data in {place.data_dir}", _OTHER_DATA)
    if name != "cifar10" and folder == place.data_dir:
        place.say(f"taking the files in {folder} for {name}: MNIST and Fashion-MNIST name theirs alike")
    train, test = _read_cifar(folder, place) if name == "cifar10" else _read_mnist(name, folder, place)
    source = image_source(name, train, test, _CLASSES[name].split(), place)
    facts = config.facts()
    wanted = (facts["channels"], facts["image_size"], facts["image_size"])
    if tuple(source.train_images.shape[1:]) != wanted or tuple(source.test_images.shape[1:]) != wanted:
        raise _broken(name, folder, place, f"its images are not {'x'.join(map(str, wanted))}")
    return source


def _find(name: str, data_dir: Path) -> Path | None:
    """The folder with files of the set: as torchvision lays it out below `data_dir`, or `data_dir` itself."""
    if name == "cifar10":
        below, files = ["cifar-10-batches-py", "cifar-10-batches-bin"], _CIFAR_FILES
    else:
        below, files = [f"{_DOWNLOADERS[name]}/raw"], _IDX_FILES
    for folder in (*(data_dir / part for part in below), data_dir):
        if any(_spelled(folder / file) for file in files):
            return folder
    return None


def _spelled(path: Path) -> Path | None:
    """The file under this name, or as another packaging spells it; some put it into a folder of its name."""
    names = [
        name + end for name in (path.name, path.name.replace("-idx", ".idx")) for end in ("", ".gz", ".bin")
    ]
    spellings = (spelled for name in names for spelled in (path.with_name(name), path.parent / name / name))
    return next(filter(Path.is_file, spellings), None)


# --- reading -----------------------------------------------------------------------------------------


def _read_mnist(name: str, folder: Path, place: Place) -> tuple[Split, Split]:
    train_x, train_y, test_x, test_y = (_read(name, folder / file, read_idx, place) for file in _IDX_FILES)
    for file, images, labels in ((_IDX_FILES[1], train_x, train_y), (_IDX_FILES[3], test_x, test_y)):
        if images.ndim != 3 or labels.shape != images.shape[:1]:
            reason = f"labels of shape {labels.shape} do not fit images of shape {images.shape}"
            raise _broken(name, folder / file, place, reason)
        _check_labels(name, folder / file, labels, place)
    return (train_x, train_y), (test_x, test_y)


def _read_cifar(folder: Path, place: Place) -> tuple[Split, Split]:
    batches = []
    for file in _CIFAR_FILES:
        images, labels = _read("cifar10", folder / file, _read_cifar_batch, place)
        _check_labels("cifar10", folder / file, labels, place)
        batches.append((images, labels))
    *train, test = batches
    images, labels = zip(*train, strict=True)
    return (np.concatenate(images), np.concatenate(labels)), test


def _read_cifar_batch(path: Path) -> Split:
    return read_cifar_binary(path) if path.suffix == ".bin" else read_cifar_pickle(path)


def _read(name: str, path: Path, reader: Callable[[Path], Any], place: Place) -> Any:
    found = _spelled(path)
    if found is None:
        raise _broken(name, path, place, "missing, though other files of the set are there")
    try:
        return reader(found)
    except (ValueError, OSError) as error:
        raise _broken(name, found, place, str(error)) from error


def _check_labels(name: str, path: Path, labels: np.ndarray, place: Place) -> None:
    if len(labels) == 0 or labels.min() < 0 or labels.max() > 9:
        raise _broken(name, path, place, "labels must be 0 to 9, and there must be some")


def _broken(name: str, path: Path, place: Place, reason: str) -> DataError:
    folder = path if path.is_dir() else path.parent
    return DataError(
        f"{path}: {reason}",
        f"move {folder} away, then download it again: "
        f"atlas train ddpm --data {name} --data-dir {place.data_dir}",
    )


def _unpack(place: Place) -> bool:
    """Unpack the archive of CIFAR-10 where it lies in the folder already; whether it does."""
    archive = place.data_dir / _CIFAR_ARCHIVE
    if not archive.is_file():
        return False
    place.say(f"unpacking {archive}")
    try:
        with (
            tempfile.TemporaryDirectory(dir=place.data_dir, prefix=".unpack-") as staging,
            tarfile.open(archive) as packed,
        ):
            for member in packed:
                if not member.isfile() or Path(member.name).name not in _CIFAR_FILES:
                    continue
                if member.size > MOST_BYTES:
                    raise _broken("cifar10", archive, place, f"{member.name} is larger than any of its files")
                packed.extract(member, staging, filter="data")
            _move_folders(Path(staging), place.data_dir)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise _broken("cifar10", archive, place, f"not a whole archive: {error}") from error
    except OSError as error:
        raise EnvironmentFault(f"cannot unpack {archive}: {error.strerror or error}", _OTHER_DATA) from error
    return True


# --- downloading -------------------------------------------------------------------------------------

_OTHER_DATA = (
    "train on data that need no download (--data strokes or --data digits), "
    "or name the folder that holds it with --data-dir"
)


def _download(name: str, place: Place) -> None:
    """Download into a folder of its own and rename it into place when it is whole."""
    if place.offline:
        raise EnvironmentFault(
            f"{name} is not in {place.data_dir}, and --offline forbids a download", _OTHER_DATA
        )

    from torchvision import datasets

    place.say(f"downloading {name} to {place.data_dir}")
    try:
        place.data_dir.mkdir(parents=True, exist_ok=True)
        _clear_leftovers(place.data_dir)
        with tempfile.TemporaryDirectory(dir=place.data_dir, prefix=_STAGING) as staging, _tame():
            getattr(datasets, _DOWNLOADERS[name])(staging, download=True)
            _move_folders(Path(staging), place.data_dir)
    # Everything that a network, an archive or a disk may do; a wrong MD5 sum is torchvision's RuntimeError.
    except (
        OSError,
        RuntimeError,
        EOFError,
        http.client.HTTPException,
        tarfile.TarError,
        zlib.error,
    ) as error:
        reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
        raise EnvironmentFault(
            f"{name} is not in {place.data_dir} and cannot be downloaded: {reason}", _OTHER_DATA
        ) from error


def _clear_leftovers(data_dir: Path) -> None:
    """Remove what killed downloads left: a live one writes something, or fails within TIMEOUT_S."""
    for staging in data_dir.glob(f"{_STAGING}*"):
        written = (path.lstat().st_mtime for path in (staging, *staging.rglob("*")))
        with contextlib.suppress(OSError):  # another process was faster
            if time.time() - max(written) > _ABANDONED_S:
                shutil.rmtree(staging)


@contextlib.contextmanager
def _tame() -> Iterator[None]:
    """Keep torchvision's prints off stdout, its progress bar off a pipe, and a dead server from hanging."""
    sink = sys.stderr if sys.stderr.isatty() else io.StringIO()
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT_S)
    try:
        with contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
            yield
    finally:
        socket.setdefaulttimeout(before)


def _move_folders(staging: Path, data_dir: Path) -> None:
    """Move what was unpacked; the archives stay behind and vanish with the staging folder."""
    for archive in staging.rglob("*.gz"):
        archive.unlink()
    for folder in (entry for entry in staging.iterdir() if entry.is_dir()):
        if not (data_dir / folder.name).exists():
            os.replace(folder, data_dir / folder.name)
            continue
        # Another process was faster, or what is there holds no file of the set, or only some of them.
        for file in (entry for entry in folder.rglob("*") if entry.is_file()):
            target = data_dir / file.relative_to(staging)
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                os.replace(file, target)
