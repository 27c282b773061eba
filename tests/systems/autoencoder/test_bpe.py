"""The plain method by hand, and the tokenizer as a system."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import torch

from atlas_cli.data import Place
from atlas_cli.data.text import TextConfig, load
from atlas_cli.engine.loop import fit
from atlas_cli.engine.system import SampleRequest, Setting
from atlas_cli.errors import UsageError
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.autoencoder import bpe
from atlas_cli.systems.autoencoder.bpe import BPE, Config
from atlas_cli.systems.autoencoder.merging import Learner
from atlas_cli.systems.autoencoder.pieces import TOKENS, cut, spelled

SOURCE = load(TextConfig(corpus="atlas", context_len=64), Place(Path()))


def made(steps: int = 4, seed: int = 0, **fields: object) -> BPE:
    train = TrainConfig(steps=steps, batch_size=4, lr=1.0, seed=seed, threads=1)
    system = BPE(Config(**{"context_len": 64, "n_merges": 40, **fields}))
    system.attach(Setting(SOURCE, train))
    return system


def trained(**fields: object) -> BPE:
    system = made(**fields)
    fit(system)
    return system


LOW, LOWER, NEWEST = (spelled(word) for word in (b"low", b"lower", b"newest"))


def test_the_first_merges_by_hand() -> None:
    """low twice, lower once, newest three times: "we" stands four times, "lo", "ow" and "es" three."""
    words = {LOW: 2, LOWER: 1, NEWEST: 3}
    counts = bpe.count_pairs(words)
    assert counts[spelled(b"we")] == 4
    assert counts[spelled(b"lo")] == counts[spelled(b"ow")] == counts[spelled(b"es")] == 3
    merges = bpe.learn(words, 2)
    assert merges == [spelled(b"we"), (TOKENS[ord("e")], 256)]  # e we stands as often as lo: a tie


def test_learning_ends_where_no_pair_is_left() -> None:
    assert bpe.learn({spelled(b"ab"): 1}, 5) == [spelled(b"ab")]


def test_a_step_makes_its_share_of_the_merges_and_the_last_one_ends_them() -> None:
    system, seen = made(steps=3, n_merges=40), []
    for step in range(3):
        system.step(system.batch(step), {})
        seen.append(int(system.learned))
    assert seen == [14, 28, 40]


def test_a_run_learns_what_the_plain_method_learns() -> None:
    words = {
        spelled(piece): count for piece, count in Counter(cut(bytes(SOURCE.train_bytes), "gpt2")).items()
    }
    assert [tuple(pair) for pair in trained().merges.tolist()] == bpe.learn(words, 40)


def test_the_loss_is_tokens_a_byte_and_falls() -> None:
    system = made(n_merges=300)
    batch = system.held_out(0)
    assert system.loss(batch)[0] == 1
    fit(system)
    tokens = sum(len(system.encoder.encode(bytes(window))) for window in batch.tolist())
    assert float(system.loss(batch)[0]) == pytest.approx(tokens / batch.numel())
    assert tokens < 0.7 * batch.numel()


def test_without_merges_every_byte_is_a_token() -> None:
    system = trained(n_merges=0)
    assert system.encoder.vocab_size == 256
    assert system.loss(system.held_out(0))[0] == 1


def test_pairs_counted_once_are_pairs_of_bytes() -> None:
    system = trained(rule="once")
    assert int(system.merges.max()) < 256
    counts = Learner(system.pieces).pairs
    assert counts[tuple(system.merges[0].tolist())] == max(counts.values())


def test_random_pairs_follow_the_seed() -> None:
    one, again, other = (trained(rule="random", seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one.merges, again.merges)
    assert not torch.equal(one.merges, other.merges)


def test_the_most_frequent_pairs_need_no_seed() -> None:
    assert torch.equal(trained(seed=1).merges, trained(seed=2).merges)


def test_too_many_merges_leave_rows_unused_and_do_no_harm() -> None:
    data = load(TextConfig(corpus="atlas", context_len=64), Place(Path()))
    data.train_bytes = torch.tensor(list(b"abc abc abc"), dtype=torch.uint8)
    system = BPE(Config(context_len=64, n_merges=9))
    system.attach(Setting(data, TrainConfig(steps=1, batch_size=1, lr=1.0)))
    system.step(torch.tensor([list(b"abc abc")]), {})
    assert int(system.learned) == 3  # bc, a bc, blank abc
    assert system.encoder.encode(b"abc abc") == [257, 258]


def test_a_prompt_is_shown_in_tokens_and_comes_back() -> None:
    system = trained(n_merges=300)
    prompt = "the naïve \udcff 日本"  # a byte of the command line that is no UTF-8, too
    artifact = system.sample(SampleRequest(prompt=prompt))
    (row,) = artifact.rows
    assert b"".join(spelling for spelling, _ in row) == prompt.encode(errors="surrogateescape")
    assert [number for _, number in row] == system.encoder.encode(prompt.encode(errors="surrogateescape"))
    assert artifact.facts["came_back"] == 1
    assert artifact.facts["tokens"] == len(row)


def test_half_a_character_is_refused() -> None:
    with pytest.raises(UsageError, match="half a character"):
        trained(n_merges=0).sample(SampleRequest(prompt="\ud800"))


def test_figures_of_a_reader_come_where_it_is_asked_for() -> None:
    small = {"reader_context": 16, "reader_batch": 2, "reader_d_model": 16, "reader_n_layer": 1}
    figures = trained(reader_cost=1e-6, reader_n_head=2, **small).evaluate()
    assert 0 < figures["reader_bits_per_byte"] < 9
    assert "reader_bits_per_byte" not in trained().evaluate()
