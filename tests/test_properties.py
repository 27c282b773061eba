"""Whatever is typed, written or drawn: an answer or an AtlasError, in bounded time, and nothing else.

ATLAS_EXAMPLES says how many inputs each property is tried on (500 where it is not set).
"""

from __future__ import annotations

import io
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from atlas_cli import catalog, paths
from atlas_cli.data import captions
from atlas_cli.data.digits import _read as read_cached
from atlas_cli.data.drawing import read_drawing
from atlas_cli.data.formats import read_cifar_binary, read_cifar_pickle, read_idx
from atlas_cli.errors import AtlasError
from atlas_cli.recipe import recipes
from atlas_cli.runs.find import open_run
from tests.data.test_torchvision import idx

EXAMPLES = int(os.environ.get("ATLAS_EXAMPLES", "500"))
LIMIT_MS = 5_000  # for one input, on a busy machine
tried = settings(
    max_examples=EXAMPLES, deadline=LIMIT_MS, derandomize=True, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip

ANY_TEXT = st.text(st.characters(), max_size=200)  # lone surrogates and control characters included
SHIPPED = sorted(paths.recipes_dir().glob("*/*.yaml"))
SYSTEMS = sorted({path.parent.name for path in SHIPPED})
FIELDS = [
    "width", "n_steps", "multipliers", "patch", "schedule", "beta_end", "n_test", "data.n_train", "data.name",
    "train.steps", "train.betas", "train.seed", "train.lr", "train.batch_size", "ablate.clip", "expect.loss",
    "measured.loss", "from", "base", "system", "data", "model", "train", "model.width.deep", "train.betas.0",
]  # fmt: skip


def caught(kind, call, *arguments):
    """What the call gives, and the error that it raises of that kind; any other error fails the test."""
    try:
        return call(*arguments), None
    except kind as error:
        return None, error


def only_atlas_errors(call, *arguments):
    """What the call gives; None where it says what is wrong in the atlas's own words."""
    made, error = caught(AtlasError, call, *arguments)
    if error is not None:
        assert error.what
        assert error.code in (2, 3, 4)
        assert len(error.details) <= 21
    return made


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("properties")


# --- recipes -----------------------------------------------------------------------------------------

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | st.sampled_from(SYSTEMS)
KEYS = st.sampled_from(["system", "base", "from", "data", "model", "train", "ablate", "expect", "name"])
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.sampled_from(FIELDS) | ANY_TEXT, inner)
    ),
    max_leaves=20,
)


def resolve(place, text):
    path = place / "own.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    return only_atlas_errors(recipes.resolve, path)


@tried
@given(tree=st.dictionaries(KEYS | ANY_TEXT, TREES, max_size=8))
def test_any_tree_is_a_recipe_or_refused(place, tree):
    resolve(place, yaml.dump(tree, allow_unicode=True))


@st.composite
def mutated(draw, whole: bytes, alphabet=st.binary(max_size=8)):
    """Bytes with some of them cut out, doubled or replaced."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, max(len(whole) - 1, 0)))
        end = start + draw(st.integers(0, 16))
        whole = whole[:start] + draw(st.sampled_from([b"", whole[start:end] * 2]) | alphabet) + whole[end:]
    return whole


YAML_BITS = st.sampled_from(
    [bit.encode("latin1") for bit in (
        "", "\n", ": ", "- ", "{", "}", "[", "]", "&a", "*a", "!!python/object", "'", '"', "#", "\t", "null",
        "1e99", "-1", "0", "99999999999999999999", ".nan", "\xff", "\0", "../", "~", "|",
    )]
)  # fmt: skip


@tried
@given(data=st.data(), shipped=st.sampled_from(SHIPPED))
def test_a_shipped_recipe_gone_wrong_is_a_recipe_or_refused(place, data, shipped):
    resolve(place, data.draw(mutated(shipped.read_bytes(), YAML_BITS)))


NUMBERS = st.integers().map(str) | st.floats().map(str)
VALUES = ANY_TEXT | NUMBERS | TREES.map(lambda tree: yaml.dump(tree, default_flow_style=True))


@tried
@given(
    texts=st.lists(st.tuples(st.sampled_from(FIELDS) | ANY_TEXT, VALUES).map("=".join) | ANY_TEXT, max_size=3)
)
def test_any_set_is_obeyed_or_refused(texts):
    only_atlas_errors(recipes.resolve, "ddpm/smoke", texts)


@tried
@given(
    name=ANY_TEXT
    | st.sampled_from(SYSTEMS).flatmap(lambda s: st.text("/. -_a\u202e\0~").map(lambda t: s + t))
)
def test_any_name_finds_something_or_nothing(place, name):
    for find in (catalog.resolve, catalog.resolve_any, catalog.resolve_family, recipes.find, paths.data_dir):
        only_atlas_errors(find, name)
    only_atlas_errors(open_run, name, place)
    only_atlas_errors(open_run, name + "a" * 300, place)


# --- data files --------------------------------------------------------------------------------------

IDX = idx(np.arange(60, dtype=np.uint8).reshape(3, 4, 5))
BATCHES = [
    pickle.dumps({b"data": np.zeros((2, 3072), np.uint8), "labels": [1, 2], "x": {"y": (1, None)}}, protocol)
    for protocol in range(5)
]


def refused_or_read(reader, path, content):
    path.write_bytes(content)
    read, error = caught(ValueError, reader, path)
    assert error is None or str(error)
    return read


@tried
@given(content=mutated(IDX) | st.binary(max_size=64))
def test_any_idx_file_is_read_or_refused(place, content):
    array = refused_or_read(read_idx, place / "images", content)
    assert array is None or array.dtype == np.uint8


@tried
@given(data=st.data(), whole=st.sampled_from(BATCHES))
def test_any_batch_of_cifar_is_read_or_refused(place, data, whole):
    read = refused_or_read(
        read_cifar_pickle, place / "batch", data.draw(mutated(whole) | st.binary(max_size=64))
    )
    assert read is None or (read[0].shape[1:] == (3, 32, 32) and len(read[0]) == len(read[1]))
    refused_or_read(read_cifar_binary, place / "batch.bin", data.draw(st.binary(max_size=64)))


@pytest.fixture(scope="module")
def archive():
    file = io.BytesIO()
    np.savez_compressed(file, images=np.zeros((2, 28, 28), np.uint8), labels=np.zeros(2, np.int64))
    return file.getvalue()


@tried
@given(data=st.data())
def test_any_file_in_the_cache_is_read_or_drawn_again(place, archive, data):
    path: Path = place / "cached.npz"
    path.write_bytes(data.draw(mutated(archive)))
    read = read_cached(path, 2)
    assert read is None or len(read[0]) == 2


# --- prompts and pictures ------------------------------------------------------------------------------


@tried
@given(prompt=ANY_TEXT | st.lists(st.sampled_from([*captions.WORDS, "a red circle"])).map(" ".join))
def test_any_prompt_is_read_or_refused(prompt):
    from atlas_cli.data.text import TextSource

    source = TextSource("text", None, None, 8, place=Here())
    tokens = only_atlas_errors(source.encode, prompt)
    assert tokens is None or TextSource.decode(tokens) is not None
    only_atlas_errors(captions.parse, prompt)


class Here:
    device = "cpu"


def picture(kind, **options):
    page = np.full((24, 24, 3), 255, np.uint8)
    page[6:18, 11:13] = 0
    file = io.BytesIO()
    Image.fromarray(page).save(file, kind, **options)
    return file.getvalue()


def with_note():
    exif = Image.Exif()
    exif[0x0112], exif[0x011A], exif[0x010E] = 6, 72.0, "drawn by hand"
    return exif


PICTURES = [
    picture("PNG"), picture("JPEG", exif=with_note()), picture("GIF"), picture("BMP"), picture("TIFF"),
    picture("PNG", exif=with_note()), picture("WEBP", exif=with_note()),
]  # fmt: skip


@tried
@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, about notes that it does not understand
@given(data=st.data(), whole=st.sampled_from(PICTURES))
def test_any_picture_is_read_or_refused(place, data, whole):
    path = place / "drawing"
    path.write_bytes(data.draw(mutated(whole) | st.binary(max_size=64)))
    ink = only_atlas_errors(read_drawing, path, 8)
    assert ink is None or (ink.shape == (8, 8) and np.isfinite(ink).all())
