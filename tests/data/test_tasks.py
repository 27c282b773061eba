import pytest
import torch

from atlas_cli import data
from atlas_cli.data.tasks import IGNORED
from atlas_cli.draws import BatchRandom
from atlas_cli.errors import UsageError

TASKS = {
    "selective_copying": {"n_tokens": 5, "length": 20, "n_symbols": 7},
    "induction_heads": {"min_length": 3, "max_length": 30, "n_symbols": 6},
    "associative_recall": {"n_pairs": 3, "length": 16, "n_keys": 5, "n_values": 4},
}


def load(name, **fields):
    return data.load({"name": name, **fields})


def test_selective_copying_asks_for_the_scattered_symbols_in_order():
    tokens, targets = load("selective_copying", **TASKS["selective_copying"]).batch(BatchRandom(0, 3, 64))
    noise, marker = 7, 8
    assert tokens.shape == targets.shape == (64, 25)
    for row, target in zip(tokens, targets, strict=True):
        scattered = row[:20][row[:20] != noise]
        assert scattered.tolist() == target[20:].tolist()
        assert row[20:].tolist() == [marker] * 5
        assert target[:20].tolist() == [IGNORED] * 20


def test_selective_copying_scatters_over_the_whole_length():
    tokens, _ = load("selective_copying", **TASKS["selective_copying"]).held_out(2_000)
    share = (tokens[:, :20] < 7).double().mean(0)  # of every position
    # 5 of 20 positions hold data; five standard deviations of the share of 2,000 rows.
    assert (share - 0.25).abs().max() < 5 * (0.25 * 0.75 / 2_000) ** 0.5


def test_induction_heads_asks_for_what_followed_the_special_token():
    source = load("induction_heads", **TASKS["induction_heads"])
    for step in range(20):
        tokens, targets = source.batch(BatchRandom(0, step, 32))
        for row, target in zip(tokens, targets, strict=True):
            first, last = (row == 6).nonzero().flatten().tolist()
            assert first + 1 < last == len(row) - 1
            assert target[-1] == row[first + 1]
            assert target[:-1].eq(IGNORED).all()


def test_associative_recall_asks_each_key_once_for_the_value_beside_it():
    source = load("associative_recall", **TASKS["associative_recall"])
    filler = source.vocab_size - 1
    for tokens, targets in zip(*source.batch(BatchRandom(0, 1, 64)), strict=True):
        pairs = dict(tokens[:6].view(3, 2).tolist())
        assert len(pairs) == 3
        assert all(key < 5 <= value < 9 for key, value in pairs.items())
        asked = targets != IGNORED
        assert not asked[:6].any()
        assert sorted(tokens[asked].tolist()) == sorted(pairs)
        assert targets[asked].tolist() == [pairs[key] for key in tokens[asked].tolist()]
        assert (tokens[6:][~asked[6:]] == filler).all()


def test_a_curriculum_doubles_the_pairs_and_the_length_at_its_steps():
    source = load("associative_recall", n_pairs=8, length=64, curriculum=[10, 20])
    sizes = {}
    for step in (0, 9, 10, 19, 20, 99):
        tokens, targets = source.batch(BatchRandom(0, step, 4))
        sizes[step] = (int((targets[0] != IGNORED).sum()), tokens.shape[1])
    assert sizes == {0: (2, 16), 9: (2, 16), 10: (4, 32), 19: (4, 32), 20: (8, 64), 99: (8, 64)}
    assert source.held_out(2)[0].shape == (2, 64)


@pytest.mark.parametrize("name", TASKS)
def test_every_token_has_its_glyph_and_a_sequence_typed_asks_what_the_task_asks(name):
    source = load(name, **TASKS[name])
    assert len(set(source.glyphs)) == len(source.glyphs) == source.vocab_size
    for tokens, targets in zip(*source.held_out(20), strict=True):
        assert torch.equal(source.encode(source.decode(tokens)), tokens)
        assert torch.equal(source.asked(tokens[None])[0], targets != IGNORED)


@pytest.mark.parametrize("n", [26, 27, 60])
def test_glyphs_go_on_where_the_latin_letters_end(n):
    glyphs = load("associative_recall", n_keys=n, n_values=n).glyphs
    assert len(set(glyphs)) == 2 * n + 1


@pytest.mark.parametrize(
    ("prompt", "word"), [("aAbBa", None), ("aAbB", "asks nothing"), ("aAa!", "'!'"), ("", "asks nothing")]
)
def test_a_typed_recall_asks_by_naming_a_key_again(prompt, word):
    source = load("associative_recall", **TASKS["associative_recall"])
    if word is None:
        tokens = source.encode(prompt)
        assert source.asked(tokens[None])[0].tolist() == [False] * 4 + [True]
    else:
        with pytest.raises(UsageError, match=word):
            source.encode(prompt)


def test_induction_heads_mixes_lengths_over_steps_up_to_both_bounds():
    source = load("induction_heads", min_length=4, max_length=6)
    lengths = {source.batch(BatchRandom(0, step, 2))[0].shape[1] for step in range(60)}
    assert lengths == {4, 5, 6}


@pytest.mark.parametrize("name", TASKS)
def test_two_ranks_see_what_one_process_sees(name):
    source = load(name, **TASKS[name])
    for step in range(5):
        whole = source.batch(BatchRandom(1, step, 8))
        halves = [source.batch(BatchRandom(1, step, 8, rank, 2)) for rank in range(2)]
        for i in range(2):
            assert torch.equal(torch.cat([half[i] for half in halves]), whole[i])


@pytest.mark.parametrize("name", TASKS)
def test_a_batch_is_a_function_of_its_step(name):
    source = load(name)
    tokens, _ = source.batch(BatchRandom(0, 7, 8))
    assert torch.equal(tokens, load(name).batch(BatchRandom(0, 7, 8))[0])
    assert not torch.equal(tokens, source.batch(BatchRandom(0, 8, 8))[0])


@pytest.mark.parametrize("name", TASKS)
def test_held_out_rows_are_no_training_rows(name):
    source = load(name)
    held_out = {tuple(row) for row in source.held_out(256)[0].tolist()}
    trained = {tuple(row) for step in range(20) for row in source.batch(BatchRandom(0, step, 64))[0].tolist()}
    assert len(held_out) == 256
    assert not held_out & trained


@pytest.mark.parametrize("name", TASKS)
def test_held_out_lengths_extrapolate(name):
    source = load(name, **TASKS[name])
    tokens, targets = source.held_out(4, seed=1, length=100)
    assert tokens.shape == targets.shape == (4, 105 if name == "selective_copying" else 100)
    assert torch.equal(tokens, source.held_out(4, seed=1, length=100)[0])
    assert not torch.equal(tokens, source.held_out(4, seed=2, length=100)[0])


@pytest.mark.parametrize("name", TASKS)
def test_facts_bound_the_tokens_and_the_length(name):
    facts = data.config_of(name)(**TASKS[name]).facts()
    source = load(name, **TASKS[name])
    tokens, targets = source.held_out(500)
    assert source.vocab_size == facts["vocab_size"]
    assert set(tokens.unique().tolist()) == set(range(facts["vocab_size"]))
    assert targets.max() < facts["vocab_size"]
    assert tokens.shape[1] == facts["context_len"]


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"name": "selective_copying", "n_tokens": 9, "length": 8}, "n_tokens = 9"),
        ({"name": "induction_heads", "min_length": 9, "max_length": 8}, "min_length = 9"),
        ({"name": "induction_heads", "min_length": 2}, "data.min_length"),
        ({"name": "associative_recall", "n_pairs": 6, "length": 17}, "length = 17"),
        ({"name": "associative_recall", "n_pairs": 8, "n_keys": 7}, "n_keys = 7"),
        ({"name": "associative_recall", "n_pairs": 6, "curriculum": [1, 2]}, "halved 2 times"),
    ],
)
def test_impossible_tasks_are_refused(fields, word):
    with pytest.raises(UsageError) as caught:
        data.load(fields)
    assert word in " ".join(caught.value.details)
