import sysconfig
from pathlib import Path

import pytest
import torch

from atlas_cli import data
from atlas_cli.data import text
from atlas_cli.draws import BatchRandom
from atlas_cli.errors import DataError


@pytest.fixture
def folder(tmp_path):
    """Forty files, each of its own letter pair, one hidden, one binary."""
    for i in range(40):
        (tmp_path / f"{i:02}.txt").write_text(f"<{i:02}>" * 20)
    (tmp_path / ".hidden").write_text("secret" * 20)
    (tmp_path / "picture.bin").write_bytes(b"\x00\x01" * 50)
    return tmp_path


def load(path, **fields):
    return data.load({"name": "text", "path": str(path), "context_len": 16, **fields})


def test_targets_are_the_tokens_one_byte_later(folder):
    source = load(folder)
    text = bytes(source.train_bytes.tolist())
    tokens, targets = source.batch(BatchRandom(0, 0, 8))
    assert tokens.shape == targets.shape == (8, 16)
    assert tokens.dtype == torch.int64
    assert torch.equal(tokens[:, 1:], targets[:, :-1])
    for row, target in zip(tokens.tolist(), targets.tolist(), strict=True):
        assert bytes([*row, target[-1]]) in text


def test_a_tenth_of_the_files_is_held_out_whole(folder):
    source = load(folder)
    train, held_out = (bytes(part.tolist()) for part in (source.train_bytes, source.held_out_bytes))
    for i in range(40):
        content = (f"<{i:02}>" * 20).encode()
        assert (content in train) != (content in held_out)
    assert len(held_out.split(b"\n")) == 4
    assert b"secret" not in train + held_out
    assert b"\0" not in train + held_out


def test_the_split_depends_on_names_and_not_on_the_place(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    for file in sorted(folder.glob("*.txt"), reverse=True):
        (other / file.name).write_bytes(file.read_bytes())
    assert torch.equal(load(folder).held_out_bytes, load(other).held_out_bytes)


def test_a_single_file_keeps_its_last_tenth(tmp_path):
    (tmp_path / "one.txt").write_bytes(bytes(range(1, 201)))
    source = load(tmp_path / "one.txt")
    assert source.train_bytes.tolist() == list(range(1, 181))
    assert source.held_out_bytes.tolist() == list(range(181, 201))


def test_two_ranks_see_what_one_process_sees(folder):
    source = load(folder)
    whole = source.batch(BatchRandom(3, 1, 8))
    halves = [source.batch(BatchRandom(3, 1, 8, rank, 2)) for rank in range(2)]
    for i in range(2):
        assert torch.equal(torch.cat([half[i] for half in halves]), whole[i])


def test_held_out_windows_are_seeded_and_reach_the_last_byte(tmp_path):
    (tmp_path / "one.txt").write_bytes(bytes(range(1, 201)))
    source = load(tmp_path / "one.txt")
    tokens, targets = source.held_out(200, seed=1)
    assert torch.equal(tokens, source.held_out(200, seed=1)[0])
    assert set(tokens[:, 0].tolist()) == {181, 182, 183, 184}  # 20 bytes hold four windows of 17
    assert targets.max() == 200
    assert source.held_out(3, length=19)[0].shape == (3, 19)


def test_text_survives_the_round_trip(folder):
    source = load(folder)
    assert source.decode(source.encode("naïve λ → ∞")) == "naïve λ → ∞"
    assert source.decode(torch.tensor([255, 65])) == "\ufffdA"


def test_the_standard_library_is_there_without_site_packages():
    source = data.load({"name": "text"})
    train = bytes(source.train_bytes.tolist())
    assert len(train) > 5_000_000
    assert b"Copyright Facebook" not in train
    assert 0.03 < len(source.held_out_bytes) / len(train) < 0.3


@pytest.mark.parametrize("content", ["", "too short"])
def test_too_little_text_is_refused(tmp_path, content):
    (tmp_path / "short.txt").write_text(content)
    with pytest.raises(DataError, match="too few for windows of 16"):
        load(tmp_path / "short.txt")


def test_a_missing_path_is_named(tmp_path):
    with pytest.raises(DataError, match=r"there is no file or folder .*nowhere"):
        load(tmp_path / "nowhere")


@pytest.mark.parametrize("corpus", ["python", "atlas"])
def test_what_is_held_out_stands_nowhere_in_the_training_text(corpus: str):
    """Of the held-out lines, under one in a hundred begins 64 bytes that a training line begins too."""
    source = data.load({"name": "text", "corpus": corpus, "context_len": 64})
    known = set(pieces(source.train_bytes))
    held_out = pieces(source.held_out_bytes)
    assert len(held_out) > 150
    assert sum(piece in known for piece in held_out) < 0.01 * len(held_out)
    assert 0.08 < len(source.held_out_bytes) / (len(source.train_bytes) + len(source.held_out_bytes)) < 0.2


def test_a_copy_in_the_held_out_text_would_be_found():
    source = data.load({"name": "text", "corpus": "atlas", "context_len": 64})
    known = set(pieces(source.train_bytes))
    planted = torch.cat([source.held_out_bytes, source.train_bytes[:2000]])
    assert sum(piece in known for piece in pieces(planted)) >= 0.01 * len(pieces(planted))


def pieces(text: torch.Tensor) -> list[bytes]:
    """64 bytes from the beginning of each line that is not blank, the ends of lines among them."""
    whole = text.numpy().tobytes()
    starts = [0, *(i + 1 for i, byte in enumerate(whole) if byte == 10)]
    found = (whole[start : start + 64] for start in starts)
    return [piece for piece in found if len(piece) == 64 and piece.strip() and piece[:1] != b"\n"]


def test_no_module_has_more_than_a_tenth_of_the_held_out_library_and_none_is_split():
    root = Path(sysconfig.get_path("stdlib"))
    texts = text._texts(root, root.rglob("*.py"))
    held_out = {name: len(one) for name, one in texts.items() if text._module(name) in text.HELD_OUT}
    assert max(held_out.values()) <= 0.1 * sum(held_out.values())
    assert not {"pydoc_data", "encodings", "msilib"} & {text._module(name) for name in texts}
    assert {text._module(name) for name in held_out} == text.HELD_OUT


def test_of_the_library_just_the_named_modules_are_held_out():
    """By their bytes: neither is one of them trained on, nor is another one kept back."""
    source = data.load({"name": "text"})
    root = Path(sysconfig.get_path("stdlib"))
    library = (f for f in root.rglob("*.py") if not f.name.startswith(text._GENERATED))
    texts = text._texts(root, library)
    kept = [one for name, one in texts.items() if text._module(name) in text.HELD_OUT]
    between = len(texts) - len(kept) - 1, len(kept) - 1  # a line end between two files
    assert len(source.held_out_bytes) == sum(map(len, kept)) + between[1]
    assert len(source.train_bytes) == sum(map(len, texts.values())) - sum(map(len, kept)) + between[0]
    held_out = source.held_out_bytes.numpy().tobytes()
    assert all(one in held_out for one in kept)


def test_the_prose_is_frozen():
    source = data.load({"name": "text", "corpus": "atlas", "context_len": 64})
    assert (len(source.train_bytes), len(source.held_out_bytes)) == (95876, 19839)
    assert source.checksum.startswith("86c04ea7")
