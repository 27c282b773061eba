"""What a language model gets for three methods: training, figures, text, answers, log-probabilities."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from atlas_cli import data
from atlas_cli.data.tasks import SequenceSource
from atlas_cli.engine.loop import fit
from atlas_cli.engine.system import SampleRequest, Setting
from atlas_cli.language.figures import figures_of
from atlas_cli.language.model import LanguageConfig, LanguageModel
from atlas_cli.recipe.recipes import TrainConfig

TEXT = data.load({"name": "text", "corpus": "atlas", "context_len": 16})


class Bigram(LanguageModel):
    """The smallest that reads: the last token alone decides, and its state is only a count."""

    def __init__(self, config):
        super().__init__(config)
        self.embed = nn.Embedding(config.vocab_size, config.d_model)
        self.blocks = nn.ModuleList([nn.Linear(config.d_model, config.d_model, bias=False)])
        self.head = nn.Linear(config.d_model, config.vocab_size, bias=False)

    def forward(self, tokens):
        return self.head(self.embed(tokens) + self.blocks[0](self.embed(tokens)))

    def first_state(self, batch_size):
        return torch.zeros(batch_size, dtype=torch.long)

    def extend(self, tokens, state):
        return self(tokens), state + tokens.shape[1]


def bigram(source=TEXT, steps=1, **fields):
    torch.manual_seed(0)
    facts = {"vocab_size": 256, "context_len": 16} if source is TEXT else source.config.facts()
    train = TrainConfig(steps=steps, batch_size=32, lr=1e-2, warmup=0)
    return Bigram(LanguageConfig(**facts, **fields)).attach(Setting(source, train))


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_three_methods_are_enough_to_learn_text(optimizer):
    system = bigram(steps=150, optimizer=optimizer)
    before = system.evaluate()
    fit(system)
    after = system.evaluate()
    assert before["bits_per_byte"] > 8 > 5 > after["bits_per_byte"]
    assert after["bits_below_ngram3"] == pytest.approx(after["ngram3_bits"] - after["bits_per_byte"])
    assert set(system.optimizers()) == ({"main"} if optimizer == "adamw" else {"muon", "main"})


def test_muon_takes_the_matrices_of_the_blocks_and_adamw_all_others():
    system = bigram(optimizer="muon")
    taken = {
        name: [p for g in o.param_groups for p in g["params"]] for name, o in system.optimizers().items()
    }
    assert [id(p) for p in taken["muon"]] == [id(system.blocks[0].weight)]
    assert {id(p) for p in taken["main"]} == {id(system.embed.weight), id(system.head.weight)}


def test_it_writes_what_its_distribution_says():
    """At temperature 0 every byte is the likeliest after the one before it."""
    system, pieces = bigram(temperature=0.0, length=20), []
    artifact = system.sample(SampleRequest(n=1, prompt="a", stream=pieces.append))
    assert system.writes
    text = [ord("a")]
    for _ in range(20):
        text.append(int(system(torch.tensor([[text[-1]]])).argmax()))
    assert artifact.text[0] == bytes(text).decode(errors="replace").strip("\n")
    assert "".join(pieces).strip("\n") == artifact.text[0]
    assert artifact.facts["bytes"] == 20


def test_on_a_task_it_answers_and_is_judged_by_the_task_s_own_figures():
    source = data.load({"name": "selective_copying", "n_tokens": 2, "length": 6, "n_symbols": 4})
    system = bigram(source)
    assert not system.writes
    assert set(system.evaluate()) == {"copy_accuracy"}
    assert system.sample(SampleRequest(n=3)).facts["asked"] == 6


def test_a_task_with_figures_of_its_own_brings_them():
    class Halves(SequenceSource):
        """Says 1 at every place; asks for it in lengths of its own."""

        def batch(self, random):
            raise NotImplementedError

        def _draw(self, random, length):
            tokens = torch.ones(4, length or 3, dtype=torch.long)
            return tokens, tokens

        def figures(self, accuracy):
            return {f"right_at_{length}": accuracy(length) for length in (2, 5)}

    read = []

    def model(tokens):
        read.append(tokens.shape[1])
        return F.one_hot(tokens if tokens.shape[1] == 2 else 1 - tokens, 2).float()

    source = Halves("halves", 2, data.Place(data_dir=None), None)
    assert figures_of(model, source) == {"right_at_2": 1.0, "right_at_5": 0.0}
    assert read == [2, 5]


def test_log_probs_are_those_of_the_loss_and_carry_gradients():
    system = bigram()
    tokens, targets = system.batch(0)
    whole = torch.cat([tokens, targets[:, -1:]], dim=1)
    log_p = system.log_probs(whole)
    loss, _ = system.loss((tokens, targets))
    assert log_p.shape == targets.shape
    torch.testing.assert_close(-log_p.mean(), loss)
    first = system(tokens)[0, 0].softmax(-1)[targets[0, 0]].item()
    assert log_p[0, 0].item() == pytest.approx(math.log(first), rel=1e-5)
    ours = torch.autograd.grad(-log_p.mean(), system.head.weight, retain_graph=True)
    torch.testing.assert_close(ours, torch.autograd.grad(loss, system.head.weight))


def test_what_is_kept_is_counted_after_reading():
    assert bigram().kept_bytes(40) == 8  # one number of eight bytes, however long the text


def test_a_step_counts_its_tokens():
    assert bigram().items_per_step() == 32 * 16
    assert Bigram.unit == "tokens"
