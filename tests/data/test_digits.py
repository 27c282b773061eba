import numpy as np
import pytest
import torch

from atlas_cli import data
from atlas_cli.data import strokes
from atlas_cli.data.images import to_float
from atlas_cli.draws import BatchRandom


@pytest.fixture
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("ATLAS_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def pen(monkeypatch):
    """Count how often digits are drawn."""
    calls = []
    draw = strokes.draw

    def counted(n, seed):
        calls.append((n, seed))
        return draw(n, seed)

    monkeypatch.setattr(strokes, "draw", counted)
    return calls


def load_strokes():
    return data.load({"name": "strokes", "n_train": 40, "n_test": 20})


def test_bytes_span_minus_one_to_one():
    assert to_float(torch.tensor([0, 255], dtype=torch.uint8)).tolist() == [-1.0, 1.0]


def test_digits_are_all_of_scikit_learns_and_each_once():
    from sklearn.datasets import load_digits

    source = data.load({"name": "digits"})
    assert (len(source.train_images), len(source.test_images)) == (1_497, 300)
    ours = torch.cat([source.train_images, source.test_images]).flatten(1)
    theirs = load_digits().data
    assert sorted(map(tuple, (ours.double() / 255 * 16).round().int().tolist())) == sorted(
        map(tuple, theirs.astype(int).tolist())
    )
    assert source.train_images.max() == 255
    counts = source.test_labels.bincount(minlength=10)
    assert counts.min() >= 15  # every class in the test


def test_strokes_are_drawn_once_and_then_read_back_equal(home, pen):
    first, second = load_strokes(), load_strokes()
    assert len(pen) == 2  # train and test, of the first load
    assert pen[0][1] != pen[1][1]
    assert first.checksum == second.checksum
    assert first.train_images.shape == (40, 1, 28, 28)
    assert len(list((home / "strokes").iterdir())) == 2


def test_a_damaged_cache_is_drawn_again(home, pen):
    checksum = load_strokes().checksum
    for file in (home / "strokes").iterdir():
        file.write_bytes(file.read_bytes()[:100])
    assert load_strokes().checksum == checksum
    assert len(pen) == 4


def test_a_cache_with_a_pickle_in_it_is_not_unpickled(home, pen):
    checksum = load_strokes().checksum
    for file in (home / "strokes").iterdir():
        np.savez(file, images=np.array([print] * 40, dtype=object), labels=np.zeros(40))
    assert load_strokes().checksum == checksum


def test_no_drawn_test_image_is_a_training_image(home):
    source = load_strokes()
    train = {image.numpy().tobytes() for image in source.train_images}
    assert len(train) == 40
    assert not train & {image.numpy().tobytes() for image in source.test_images}


def test_batches_are_training_images_with_their_labels():
    source = data.load({"name": "digits"})
    images, labels = source.batch(BatchRandom(0, 1, 32))
    assert images.shape == (32, 1, 8, 8)
    for image, label in zip(images, labels, strict=True):
        same = (to_float(source.train_images) == image).flatten(1).all(1)
        assert label in source.train_labels[same]


def test_two_ranks_see_what_one_process_sees():
    source = data.load({"name": "digits"})
    whole = source.batch(BatchRandom(0, 1, 32))
    halves = [source.batch(BatchRandom(0, 1, 32, rank, 2)) for rank in range(2)]
    for i in range(2):
        assert torch.equal(torch.cat([half[i] for half in halves]), whole[i])


def test_test_gives_the_first_test_images():
    source = data.load({"name": "digits"})
    images, labels = source.test(7)
    assert torch.equal(images, to_float(source.test_images[:7]))
    assert torch.equal(labels, source.test_labels[:7])
    assert len(source.test()[0]) == 300


def test_the_checksum_sees_one_changed_pixel():
    one, other = data.load({"name": "digits"}), data.load({"name": "digits"})
    other.test_images[5, 0, 3, 3] ^= 1
    assert one.checksum != other.checksum
