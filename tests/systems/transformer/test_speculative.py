"""Speculative decoding writes what the target would: the same text, or the same distribution."""

from __future__ import annotations

import pytest
import torch
from scipy import stats

from atlas_cli.engine.system import SampleRequest, Setting
from atlas_cli.language.decoding import write
from atlas_cli.metrics import timing
from atlas_cli.systems.transformer import speculative
from atlas_cli.systems.transformer._trial import Tally, Trial
from atlas_cli.systems.transformer.speculative import (
    Config,
    RandomDraft,
    Speculative,
    guess_and_check,
    guess_greedily,
    rolled_back,
    speculate,
    verdict,
)

from .house import SOURCE, TRAIN, gpt

PROMPT = torch.tensor([[3, 1, 2, 0, 1]])


def config(**fields):
    return Config(**{"vocab_size": 256, "context_len": 48, **fields})


def said(target, draft, c, n=30, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.cat(list(speculate(target, draft, PROMPT, n, c, generator)))


@pytest.mark.parametrize("guesses", [1, 3, 6])
@pytest.mark.parametrize("draft", ["itself", "another", "random"])
def test_greedy_text_is_the_target_s_own(draft, guesses):
    target = gpt(vocab_size=5)
    drafts = {
        "itself": target,
        "another": gpt(seed=7, vocab_size=5, n_layer=1),
        "random": RandomDraft(5, torch.device("cpu")),
    }
    c = config(temperature=0.0, guesses=guesses)
    alone = torch.cat(list(write(target, PROMPT, 30, c)))
    assert said(target, drafts[draft], c).tolist() == alone.tolist()


@pytest.mark.parametrize("guesses", [1, 4])
def test_greedily_without_a_cache_it_is_the_target_s_text_too(guesses):
    target, draft = gpt(vocab_size=5), gpt(seed=7, vocab_size=5, n_layer=1)
    alone = torch.cat(list(write(target, PROMPT, 20, config(temperature=0.0))))
    written = guess_greedily(target, draft, PROMPT, 20, guesses)
    assert written.tolist() == [PROMPT[0].tolist() + alone.tolist()]


def test_greedily_a_good_draft_saves_calls_and_a_bad_one_costs_none():
    target, calls = gpt(vocab_size=5), []

    def counted(tokens):
        calls.append(tokens.shape[1])
        return target(tokens)

    guess_greedily(counted, target, PROMPT, 20, 4)
    assert len(calls) == 4  # 20 tokens, 4 guesses and one of its own a call
    calls.clear()
    guess_greedily(counted, lambda tokens: -target(tokens), PROMPT, 20, 4)
    assert len(calls) == 20


@pytest.mark.parametrize("guesses", [1, 4])
@pytest.mark.parametrize(
    "settings", [{"temperature": 0.0}, {"temperature": 1.0}, {"temperature": 0.7, "top_p": 0.8}]
)
def test_with_a_cache_it_writes_the_same_tokens_as_without(settings, guesses):
    """The same coins, token for token: what is kept, what falls, what is drawn in its place."""
    target, draft = gpt(vocab_size=5), gpt(seed=7, vocab_size=5, n_layer=1)
    c = config(guesses=guesses, **settings)
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        plain = guess_and_check(target, draft, PROMPT, 30, c, generator)
        assert said(target, draft, c, seed=seed).tolist() == plain[0, PROMPT.shape[1] :].tolist()


def test_a_draft_that_is_the_target_is_always_believed():
    target, tally = gpt(vocab_size=5), Tally()
    c = config(temperature=1.0, guesses=4)
    list(speculate(target, target, PROMPT, 50, c, torch.Generator().manual_seed(0), tally))
    assert (tally.tokens, tally.calls) == (50, 10)
    assert tally.accepted == tally.guessed == 40


@pytest.mark.parametrize("settings", [{"temperature": 1.0}, {"temperature": 0.7, "top_p": 0.8}])
def test_tokens_are_distributed_as_the_target_s(settings):
    """Chi-square over pairs of the second and third token, exact probabilities from the target."""
    from atlas_cli.language.decoding import distribution

    vocab, draws = 4, 1000
    target, draft = gpt(vocab_size=vocab, n_layer=1), gpt(seed=9, vocab_size=vocab, n_layer=1)
    c = config(guesses=2, **settings)

    def next_token(text):
        with torch.no_grad():
            return distribution(target(text)[:, -1], c.temperature, c.top_k, c.top_p)[0].double()

    exact = torch.zeros(vocab, vocab, dtype=torch.float64)  # of the second and third token written
    first = next_token(PROMPT)
    for a in range(vocab):
        with_a = torch.cat([PROMPT, torch.tensor([[a]])], dim=1)
        second = next_token(with_a)
        for b in range(vocab):
            third = next_token(torch.cat([with_a, torch.tensor([[b]])], dim=1))
            exact[b] += first[a] * second[b] * third
    seen = torch.zeros_like(exact)
    generator = torch.Generator().manual_seed(0)
    for _ in range(draws):
        _, b, third = torch.cat(list(speculate(target, draft, PROMPT, 3, c, generator)))
        seen[b, third] += 1
    possible = exact > 0
    assert seen[~possible].sum() == 0
    expected = draws * exact[possible]
    assert stats.chisquare(seen[possible], expected * (draws / expected.sum())).pvalue > 0.01


def test_taking_every_guess_would_be_noticed():
    """The same test sees a draft that is believed blindly."""
    q, p = torch.tensor([[0.5, 0.5]]), torch.tensor([[0.9, 0.1], [0.5, 0.5]])
    generator = torch.Generator().manual_seed(0)
    first = torch.stack(
        [verdict(torch.multinomial(q, 1, generator=generator)[0], q, p, generator)[0] for _ in range(2000)]
    )
    kept = torch.bincount(first, minlength=2)
    assert stats.chisquare(kept, [1800, 200]).pvalue > 0.01
    blind = torch.bincount(torch.multinomial(q, 2000, replacement=True, generator=generator)[0], minlength=2)
    assert stats.chisquare(blind, [1800, 200]).pvalue < 1e-6


def test_a_guess_stays_with_the_ratio_of_the_probabilities():
    q, p = torch.tensor([[0.8, 0.2]]), torch.tensor([[0.2, 0.8], [0.5, 0.5]])
    generator = torch.Generator().manual_seed(0)
    kept = [len(verdict(torch.tensor([0]), q, p, generator)) - 1 for _ in range(4000)]
    assert sum(kept) / 4000 == pytest.approx(0.25, abs=0.03)  # p / q
    always = [len(verdict(torch.tensor([1]), q, p, generator)) - 1 for _ in range(50)]
    assert sum(always) == 50  # the target likes it better than the draft did


def test_what_was_never_read_is_forgotten():
    target = gpt(vocab_size=5)
    with torch.no_grad():
        _, state = target.extend(torch.randint(0, 5, (1, 9)), target.first_state(1))
        back = rolled_back(state, 6)
        assert [(layer.k.shape[2], layer.v.shape[2], layer.length) for layer in back] == [(6, 6, 6)] * 2
        token = torch.tensor([[2]])
        ahead, _ = target.extend(token, back)
    assert ahead.shape == (1, 1, 5)


def test_a_target_with_a_window_is_refused():
    from atlas_cli.errors import UsageError

    with pytest.raises(UsageError):
        Speculative(config(d_model=16, n_head=2)).attach(Setting(SOURCE, TRAIN, parent=gpt(window=8)))


class Clocked:
    """A reader whose every call takes so many seconds, and so many more for each token."""

    def __init__(self, reader, clock, a_call, a_token=0.0):
        self.reader, self.clock, self.a_call, self.a_token = reader, clock, a_call, a_token

    def first_state(self, batch_size):
        return self.reader.first_state(batch_size)

    def extend(self, tokens, state):
        self.clock[0] += self.a_call + self.a_token * tokens.shape[1]
        return self.reader.extend(tokens, state)


@pytest.fixture
def clocked(monkeypatch):
    """A target of 10 seconds a call and 1 a token, and a draft that is its equal and takes 2 a call."""
    clock = [0.0]
    monkeypatch.setattr(timing.time, "perf_counter", lambda: clock[0])
    for name, value in {
        "PROMPTS": 2,
        "PROMPT_LENGTH": 10,
        "CONTINUATION": 20,
        "ROUNDS": 2,
        "CALLS": 2,
    }.items():
        monkeypatch.setattr(speculative, name, value)
    base = gpt()
    system = Speculative(config(d_model=16, n_head=2, guesses=4)).attach(Setting(SOURCE, TRAIN, parent=base))
    monkeypatch.setattr(Speculative, "target", property(lambda _: Clocked(base, clock, 10.0, 1.0)))
    monkeypatch.setattr(Speculative, "draft", property(lambda _: Clocked(base, clock, 2.0)))
    return system


def test_costs_are_in_calls_of_the_target_for_one_token(clocked):
    with torch.no_grad():
        assert clocked._costs() == {
            "checking_cost": pytest.approx(15 / 11),
            "draft_cost": pytest.approx(2 / 11),
        }


def test_the_speedup_is_the_time_alone_over_the_time_together(clocked):
    with torch.no_grad():
        figures = clocked._writing()
    alone = (10 + 10) + 19 * 11  # the prompt, and each token but the last
    together = (10 + 9) + 2 + 4 * (15 + 4 * 2)  # all of the prompt but its last token, by both; four calls
    assert figures["speedup"] == figures["greedy_speedup"] == pytest.approx(alone / together)
    assert figures["tokens_per_call"] == figures["greedy_tokens_per_call"] == 5
    assert figures["acceptance"] == figures["greedy_identical"] == 1


def test_of_each_text_the_fastest_round_counts(monkeypatch):
    clock = iter([0.0, 5.0, 10.0, 13.0, 20.0, 29.0, 30.0, 37.0])
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))

    def way(prompt, config, generator, tally):
        tally.count(guessed=4, kept=3)
        yield prompt[0]

    trial = Trial(way, config())
    for i in (0, 1, 0, 1):
        trial.run(i, torch.tensor([[i]]), torch.Generator())
    assert trial.seconds == 5.0 + 3.0
    assert trial.tally == Tally(tokens=6, calls=2, guessed=8, accepted=4)  # of one round, not of both


def test_the_sample_says_what_a_call_brought():
    system = Speculative(config(d_model=16, n_head=2, length=24, temperature=1.0))
    system.attach(Setting(SOURCE, TRAIN, parent=gpt()))
    pieces = []
    artifact = system.sample(SampleRequest(n=2, prompt="An ", stream=pieces.append))
    assert "".join(pieces).startswith("An ")
    assert artifact.facts["bytes"] == 48
    assert 1 <= artifact.facts["tokens_per_call"] <= 5
    assert "bytes a call" in artifact.caption
