import gzip
import os
import pickle
import struct
import time
import urllib.error

import numpy as np
import pytest

from atlas_cli import data
from atlas_cli.data import torchvision
from atlas_cli.data.formats import read_cifar_pickle
from atlas_cli.errors import DataError, EnvironmentFault

RNG = np.random.default_rng(0)
SPLITS = {"train": 30, "t10k": 10}


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.fixture
def mnist(tmp_path):
    """A small MNIST in torchvision's layout; returns the data folder."""
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for split, n in SPLITS.items():
        images = RNG.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        labels = RNG.integers(0, 10, n, dtype=np.uint8)
        (raw / f"{split}-images-idx3-ubyte").write_bytes(idx(images))
        (raw / f"{split}-labels-idx1-ubyte").write_bytes(idx(labels))
    return tmp_path


CIFAR_BATCHES = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]


def cifar_arrays():
    return {
        name: (RNG.integers(0, 256, (4, 3072), dtype=np.uint8), RNG.integers(0, 10, 4).tolist())
        for name in CIFAR_BATCHES
    }


@pytest.fixture
def cifar(tmp_path):
    """A small CIFAR-10 in its Python layout; returns the data folder."""
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for name, (pixels, labels) in cifar_arrays().items():
        batch = {"data": pixels, "labels": labels, "batch_label": name, "filenames": ["a.png"] * 4}
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
    return tmp_path


def load(name, folder, **options):
    return data.load({"name": name}, data_dir=folder, offline=True, **options)


def test_mnist_is_read_as_torchvision_reads_it(mnist):
    from torchvision.datasets import MNIST

    source = load("mnist", mnist)
    for train, images, labels in (
        (True, source.train_images, source.train_labels),
        (False, source.test_images, source.test_labels),
    ):
        theirs = MNIST(mnist, train=train)
        assert images[:, 0].equal(theirs.data)
        assert labels.equal(theirs.targets)
    assert source.class_names == [str(digit) for digit in range(10)]


def test_gzipped_files_and_the_raw_folder_itself_do_as_well(mnist):
    checksum = load("mnist", mnist).checksum
    raw = mnist / "MNIST" / "raw"
    for file in list(raw.iterdir()):
        file.with_name(file.name + ".gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    assert load("mnist", raw).checksum == checksum


def test_fashion_mnist_has_a_folder_of_its_own(mnist):
    (mnist / "MNIST").rename(mnist / "FashionMNIST")
    assert load("fashion_mnist", mnist).class_names[9] == "boot"
    with pytest.raises(EnvironmentFault, match="mnist is not in"):
        load("mnist", mnist)


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (lambda raw: raw[:-1], "its header says"),
        (lambda raw: raw[:6], "cut off in its header"),
        (lambda raw: b"", "not an IDX file"),
        (lambda raw: b"<html>not found</html>", "not an IDX file"),
    ],
)
@pytest.mark.parametrize("file", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
def test_a_broken_idx_file_is_named_with_the_command_that_fetches_it(mnist, file, damage, word):
    path = mnist / "MNIST" / "raw" / file
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError) as caught:
        load("mnist", mnist)
    assert caught.value.code == 3
    assert str(path) in caught.value.what
    assert word in caught.value.what
    assert f"--data mnist --data-dir {mnist}" in caught.value.hint


def test_a_cut_off_gzip_file_is_named(mnist):
    path = mnist / "MNIST" / "raw" / "train-images-idx3-ubyte"
    path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes())[:-20])
    path.unlink()
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz: not a whole gzip file"):
        load("mnist", mnist)


def test_a_missing_file_among_others_is_named_and_nothing_is_downloaded_over_them(mnist):
    (mnist / "MNIST" / "raw" / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="t10k-labels-idx1-ubyte: missing"):
        data.load({"name": "mnist"}, data_dir=mnist)


def test_labels_that_do_not_fit_are_named(mnist):
    raw = mnist / "MNIST" / "raw"
    (raw / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(7, np.uint8)))
    with pytest.raises(DataError, match="do not fit"):
        load("mnist", mnist)
    (raw / "train-labels-idx1-ubyte").write_bytes(idx(np.full(30, 11, np.uint8)))
    with pytest.raises(DataError, match="labels must be 0 to 9"):
        load("mnist", mnist)


def test_images_of_another_size_are_refused(mnist):
    for split, n in SPLITS.items():
        images = np.zeros((n, 14, 14), np.uint8)
        (mnist / "MNIST" / "raw" / f"{split}-images-idx3-ubyte").write_bytes(idx(images))
    with pytest.raises(DataError, match="not 1x28x28"):
        load("mnist", mnist)


def test_cifar_batches_are_joined_in_order(cifar):
    source = load("cifar10", cifar)
    assert source.train_images.shape == (20, 3, 32, 32)
    assert source.test_images.shape == (4, 3, 32, 32)
    for i, name in enumerate(CIFAR_BATCHES[:5]):
        batch = pickle.loads((cifar / "cifar-10-batches-py" / name).read_bytes())
        ours = source.train_images[4 * i : 4 * i + 4].flatten(1)  # red plane, green plane, blue plane
        assert ours.numpy().tobytes() == batch["data"].tobytes()
        assert source.train_labels[4 * i : 4 * i + 4].tolist() == batch["labels"]


def test_cifar_in_its_binary_layout_is_the_same_data(cifar):
    checksum = load("cifar10", cifar).checksum
    python, binary = cifar / "cifar-10-batches-py", cifar / "cifar-10-batches-bin"
    binary.mkdir()
    for name in CIFAR_BATCHES:
        batch = pickle.loads((python / name).read_bytes())
        rows = np.concatenate([np.array(batch["labels"], np.uint8)[:, None], batch["data"]], axis=1)
        (binary / f"{name}.bin").write_bytes(rows.tobytes())
        (python / name).unlink()
    assert load("cifar10", cifar).checksum == checksum
    (binary / "test_batch.bin").write_bytes(b"\0" * 3072)
    with pytest.raises(DataError, match=r"test_batch\.bin: holds 3,072 bytes"):
        load("cifar10", cifar)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("key", [str, str.encode])
def test_every_pickle_protocol_is_read(tmp_path, protocol, key):
    pixels, labels = cifar_arrays()["test_batch"]
    batch = {key("data"): pixels, key("labels"): labels, key("batch_label"): b"testing"}
    (tmp_path / "batch").write_bytes(pickle.dumps(batch, protocol=protocol))
    images, found = read_cifar_pickle(tmp_path / "batch")
    assert images.reshape(4, 3072).tobytes() == pixels.tobytes()
    assert found.tolist() == labels


def test_a_pickle_of_python_2_is_read(tmp_path):
    """CIFAR-10 was written by Python 2, which pickled the pixels as a text of bytes."""
    pixels = np.arange(3072, dtype=np.uint8)
    state = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
    kind = b"cnumpy\ndtype\n(S'u1'\nI0\nI1\ntR(I3\nS'|'\nNNNI-1\nI-1\nI0\ntb"
    data_ = (
        state + b"(I1\n(I1\nI3072\nt" + kind + b"I00\nT" + struct.pack("<I", 3072) + pixels.tobytes() + b"tb"
    )
    (tmp_path / "batch").write_bytes(b"(dS'data'\n" + data_ + b"sS'labels'\n(lI6\nas.")
    images, labels = read_cifar_pickle(tmp_path / "batch")
    assert images.tobytes() == pixels.tobytes()
    assert labels.tolist() == [6]


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_a_pickle_that_runs_code_is_refused_unrun(cifar):
    fuse = cifar / "fuse"
    (cifar / "cifar-10-batches-py" / "data_batch_3").write_bytes(pickle.dumps(Bomb(str(fuse)), protocol=2))
    with pytest.raises(DataError, match=r"data_batch_3: it asks to run .*open"):
        load("cifar10", cifar)
    assert not fuse.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a pickle",
        pickle.dumps([1, 2]),
        pickle.dumps({"data": np.zeros((2, 5), np.uint8), "labels": [1, 2]}),
        pickle.dumps({"data": np.zeros((2, 3072)), "labels": [1, 2]}),
        pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": [1]}),
        pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": [1, "x"]}),
        pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": [1, 2]})[:-50],
    ],
)
def test_a_broken_cifar_batch_is_named(cifar, content):
    path = cifar / "cifar-10-batches-py" / "test_batch"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        load("cifar10", cifar)
    assert str(path) in caught.value.what
    assert f"--data cifar10 --data-dir {cifar}" in caught.value.hint


def test_offline_names_the_sources_that_need_no_download(tmp_path, monkeypatch):
    def no_network(*_, **__):
        raise AssertionError("the network was touched")

    monkeypatch.setattr("urllib.request.urlopen", no_network)
    for name in ("mnist", "fashion_mnist", "cifar10"):
        with pytest.raises(EnvironmentFault) as caught:
            load(name, tmp_path)
        assert caught.value.code == 4
        assert "--data strokes" in caught.value.hint
        assert "--data digits" in caught.value.hint


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_a_dead_network_is_an_environment_fault_and_leaves_nothing_behind(
    tmp_path, monkeypatch, capsys, name
):
    def no_network(*_, **__):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr("urllib.request.urlopen", no_network)
    with pytest.raises(EnvironmentFault, match="no route to host") as caught:
        data.load({"name": name}, data_dir=tmp_path / "sets")
    assert "--data strokes" in caught.value.hint
    assert list((tmp_path / "sets").iterdir()) == []
    assert capsys.readouterr().out == ""


def test_what_killed_downloads_left_is_cleared_and_a_live_one_is_not(tmp_path):
    for name, age_s in (("killed", 7200), ("live", 60)):
        staging = tmp_path / f".download-{name}"
        (staging / "raw").mkdir(parents=True)
        (staging / "raw" / "part").write_text("")
        for path in (staging / "raw" / "part", staging / "raw", staging):
            os.utime(path, (time.time() - age_s, time.time() - age_s))
    os.utime(tmp_path / ".download-live", (0, 0))  # a download writes further in
    torchvision._clear_leftovers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".download-live"]


def test_a_download_is_moved_into_place_whole(mnist, tmp_path, monkeypatch):
    """A stand-in for torchvision's download copies the files; its archives must not be kept."""
    import shutil

    from torchvision import datasets

    def download(root, download):
        assert download
        shutil.copytree(mnist / "MNIST", f"{root}/MNIST")
        (type(mnist)(root) / "MNIST" / "raw" / "train-images-idx3-ubyte.gz").write_bytes(b"archive")

    monkeypatch.setattr(datasets, "MNIST", download)
    said = []
    source = data.load({"name": "mnist"}, data_dir=tmp_path / "sets", say=said.append)
    assert source.checksum == load("mnist", mnist).checksum
    assert [p.name for p in (tmp_path / "sets").iterdir()] == ["MNIST"]
    assert len(list((tmp_path / "sets" / "MNIST" / "raw").iterdir())) == 4
    assert "downloading mnist" in said[0]
