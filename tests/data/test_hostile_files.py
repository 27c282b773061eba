"""Data files that claim more than they hold, or hold more than they should: refused in little room."""

import gzip
import pickle
import struct
import tarfile
import time

import numpy as np
import pytest

from atlas_cli import data
from atlas_cli.data.formats import MOST_BYTES, read_cifar_binary, read_cifar_pickle, read_idx
from atlas_cli.errors import DataError, EnvironmentFault
from tests.data.test_torchvision import cifar_arrays, idx


def test_a_bomb_is_not_unpacked(tmp_path):
    """256 MB of zeros behind the header of ten images, which are read within a moment all the same."""
    bomb = tmp_path / "train-images-idx3-ubyte.gz"
    with gzip.open(bomb, "wb", compresslevel=1) as file:
        file.write(idx(np.zeros((10, 28, 28), np.uint8)))
        for _ in range(256):
            file.write(bytes(1 << 20))
    began = time.process_time()
    with pytest.raises(ValueError, match="holds more than 7,840 bytes"):
        read_idx(bomb)
    assert time.process_time() - began < 0.2


def test_a_header_that_promises_gigabytes_is_not_believed(tmp_path):
    path = tmp_path / "images"
    path.write_bytes(bytes([0, 0, 8, 3]) + struct.pack(">3I", 2**32 - 1, 28, 28))
    with pytest.raises(ValueError, match="at most are read"):
        read_idx(path)
    path.write_bytes(
        bytes([0, 0, 8, 1]) + struct.pack(">I", MOST_BYTES)
    )  # all that is allowed, and not there
    with pytest.raises(ValueError, match="holds 0 bytes"):
        read_idx(path)


@pytest.mark.parametrize("reader", [read_cifar_binary, read_cifar_pickle])
def test_a_file_with_a_hole_is_not_read(tmp_path, reader):
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(300 << 30)
    with pytest.raises(ValueError, match="are not read"):
        reader(path)


def test_a_text_with_a_hole_is_not_read(tmp_path):
    path = tmp_path / "sparse.txt"
    with path.open("wb") as file:
        file.truncate(300 << 30)
    with pytest.raises(DataError, match="too many"):
        data.load({"name": "text", "path": str(path)})


@pytest.mark.parametrize("label", [2**70, -1, 300, [1], "1", None, 1.5])
def test_labels_of_cifar_are_small_whole_numbers(tmp_path, label):
    batch = {"data": np.zeros((2, 3072), np.uint8), "labels": [1, label]}
    (tmp_path / "batch").write_bytes(pickle.dumps(batch))
    with pytest.raises(ValueError, match="labels must be"):
        read_cifar_pickle(tmp_path / "batch")


def test_a_pickle_that_numbers_a_thousand_million_objects_is_refused(tmp_path):
    (tmp_path / "batch").write_bytes(
        b"\x80\x02}r\xff\xff\xff\x7f."
    )  # the unpickler would take 32 GB for its memo
    with pytest.raises(ValueError, match="more objects than it can hold"):
        read_cifar_pickle(tmp_path / "batch")


def write_mnist(folder, name, n=(12, 4)):
    for split, count in zip(("train", "t10k"), n, strict=True):
        for part, array in (
            ("images-idx3-ubyte", np.zeros((count, 28, 28), np.uint8)),
            ("labels-idx1-ubyte", np.zeros(count, np.uint8)),
        ):
            path = folder / name(f"{split}-{part}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(idx(array))


@pytest.mark.parametrize("name", [lambda n: n.replace("-idx", ".idx"), lambda n: f"{n}/{n}"])
def test_mnist_is_read_as_other_places_pack_it(tmp_path, name):
    write_mnist(tmp_path, name)
    assert len(data.load({"name": "mnist"}, data_dir=tmp_path, offline=True).train_images) == 12


def test_one_test_image_is_too_few(tmp_path):
    write_mnist(tmp_path, str, (12, 1))
    with pytest.raises(DataError, match="too few test images"):
        data.load({"name": "mnist"}, data_dir=tmp_path, offline=True)


def test_files_that_might_be_another_sets_are_named(tmp_path):
    write_mnist(tmp_path, str)
    said = []
    data.load({"name": "fashion_mnist"}, data_dir=tmp_path, offline=True, say=said.append)
    assert any("name theirs alike" in line for line in said)


def test_the_archive_of_cifar_is_unpacked(tmp_path):
    with tarfile.open(tmp_path / "cifar-10-python.tar.gz", "w:gz") as packed:
        for name, (pixels, labels) in cifar_arrays().items():
            file = tmp_path / name
            file.write_bytes(pickle.dumps({"data": pixels, "labels": labels}))
            packed.add(file, f"cifar-10-batches-py/{name}")
            file.unlink()
    assert len(data.load({"name": "cifar10"}, data_dir=tmp_path, offline=True).train_images) == 20


def test_an_archive_cut_short_is_named(tmp_path):
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(b"\x1f\x8b\x08\0 no archive")
    with pytest.raises((DataError, EnvironmentFault), match="cifar-10-python"):
        data.load({"name": "cifar10"}, data_dir=tmp_path, offline=True)


def test_a_download_fills_a_folder_that_holds_nothing_of_the_set(tmp_path, monkeypatch):
    from torchvision import datasets

    def download(root, download):
        from pathlib import Path

        write_mnist(Path(root) / "MNIST" / "raw", str)

    monkeypatch.setattr(datasets, "MNIST", download)
    (tmp_path / "MNIST" / "raw").mkdir(parents=True)
    assert len(data.load({"name": "mnist"}, data_dir=tmp_path).train_images) == 12


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"one.txt": b"text " * 100}, "holds one file of text"),
        ({"a.txt": "text".encode("utf-16"), "b.txt": "more".encode("utf-16")}, "holds no text"),
        ({}, "holds no text"),
    ],
)
def test_a_folder_without_enough_text_says_what_it_lacks(tmp_path, files, said):
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=said):
        data.load({"name": "text", "path": str(tmp_path), "context_len": 8})
