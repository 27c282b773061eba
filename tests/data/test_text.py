import pytest
import torch

from atlas_cli import data
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
