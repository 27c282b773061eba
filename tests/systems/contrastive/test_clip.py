"""clip: the loss against open_clip and by hand, what is asked of towers, and what sampling answers."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from atlas_cli.data import captions
from atlas_cli.data.captions import PADDING
from atlas_cli.engine.system import SampleRequest, Setting
from atlas_cli.errors import UsageError
from atlas_cli.present.artifacts.images import Images
from atlas_cli.present.artifacts.scores import Scores
from atlas_cli.recipe.recipes import TrainConfig
from atlas_cli.systems.contrastive import examination as asked
from atlas_cli.systems.contrastive.clip import CLIP, Config, clip_loss
from atlas_cli.systems.contrastive.towers import TextTower, Towers, TowersConfig, of_all_ranks
from tests.systems.contrastive.house import TINY, mean_gradients_of_two_ranks, scenes, units

SOURCE = scenes()


def attached(**fields: object) -> CLIP:
    torch.manual_seed(0)
    system = CLIP(Config(**{**TINY, **fields}))
    system.attach(Setting(SOURCE, TrainConfig(steps=2, batch_size=16, lr=1e-3)))
    return system


# --- the loss -----------------------------------------------------------------------------------------


def test_two_pairs_by_hand() -> None:
    image = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    text = torch.tensor([[0.8, 0.6], [0.6, 0.8]])
    found = clip_loss(image, text, torch.tensor(5.0))
    assert float(found) == pytest.approx(math.log(1 + math.exp(-1)))  # logits 4 and 3, both ways


def test_loss_and_gradients_are_those_of_open_clip() -> None:
    reference = pytest.importorskip("open_clip.loss").ClipLoss()
    ours = [units(7, seed=1), units(7, seed=2), torch.tensor(9.0, dtype=torch.float64)]
    theirs = [x.clone() for x in ours]
    for x in (*ours, *theirs):
        x.requires_grad_()
    mine, other = clip_loss(*ours), reference(*theirs)
    torch.testing.assert_close(mine, other, atol=1e-6, rtol=0)
    pairs = zip(torch.autograd.grad(mine, ours), torch.autograd.grad(other, theirs), strict=True)
    for a, b in pairs:
        torch.testing.assert_close(a, b, atol=1e-6, rtol=0)


def test_equal_vectors_cost_the_log_of_the_batch() -> None:
    same = units(1).expand(16, -1)
    assert float(clip_loss(same, same, torch.tensor(3.0))) == pytest.approx(math.log(16))


def test_captions_that_fit_nothing_make_it_harder_for_pictures_alone() -> None:
    image, text, further = units(4, seed=1), units(4, seed=2), units(4, seed=3)
    scale = torch.tensor(2.0, dtype=torch.float64)
    more = clip_loss(image, text, scale, further) - clip_loss(image, text, scale)
    near, all_ = (scale * image @ other.T for other in (text, torch.cat([text, further])))
    by_hand = (all_.logsumexp(1) - near.logsumexp(1)).mean() / 2
    torch.testing.assert_close(more, by_hand)


def test_two_ranks_with_half_of_the_pairs_have_the_gradients_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    leaves = [units(6, seed=1), units(6, seed=2), torch.tensor(4.0, dtype=torch.float64)]
    whole = [x.clone().requires_grad_() for x in leaves]
    expected = torch.autograd.grad(clip_loss(*whole), whole)

    def loss(rank: int, own: list[torch.Tensor]) -> torch.Tensor:
        mine = slice(3 * rank, 3 * rank + 3)
        return clip_loss(of_all_ranks(own[0][mine]), of_all_ranks(own[1][mine]), own[2])

    for found, right in zip(mean_gradients_of_two_ranks(monkeypatch, leaves, loss), expected, strict=True):
        torch.testing.assert_close(found, right)


# --- the towers ---------------------------------------------------------------------------------------


def test_both_towers_end_in_vectors_of_length_one() -> None:
    towers = Towers(TowersConfig(**TINY))
    for x in (towers.see_all(SOURCE.test.images), towers.read_all(SOURCE.test.tokens)):
        torch.testing.assert_close(x.norm(dim=1), torch.ones(len(x)))


def test_padding_says_nothing() -> None:
    torch.manual_seed(0)
    tower = TextTower(TowersConfig(**TINY))
    short = torch.tensor([captions.tokenize("a red circle")])
    torch.testing.assert_close(tower(short), tower(short[:, :3]))
    assert (short[:, 3:] == PADDING).all()


@pytest.mark.parametrize("word_order", [True, False])
def test_without_positions_a_caption_is_a_bag_of_words(word_order: bool) -> None:
    torch.manual_seed(0)
    tower = TextTower(TowersConfig(**TINY, word_order=word_order))
    said = ["a red circle above a blue square", "a blue square above a red circle"]
    first, second = tower(torch.tensor([captions.tokenize(text) for text in said]))
    assert torch.allclose(first, second, atol=1e-5) == (not word_order)


# --- what is asked of them ----------------------------------------------------------------------------


def test_every_caption_is_true_of_its_own_scene() -> None:
    for part in (SOURCE.test, SOURCE.unseen):
        assert asked.truth(part, part.tokens).diagonal().all()


def tokens(*texts: str) -> torch.Tensor:
    return torch.tensor([captions.tokenize(text) for text in texts])


def test_a_caption_may_leave_out_a_size_and_nothing_else() -> None:
    scenes_ = SOURCE.test
    i = next(i for i, text in enumerate(scenes_.captions) if " above " in text)
    size, colour, shape = (k.tolist() for k in scenes_.things[i].T)
    words = [f"{captions.COLOURS[c]} {captions.SHAPES[s]}" for c, s in zip(colour, shape, strict=True)]
    said, unsaid = captions.SIZES[size[0]], captions.SIZES[1 - size[0]]
    claims = tokens(
        f"a {words[0]} above a {words[1]}", f"a {said} {words[0]} above a {words[1]}",
        f"a {unsaid} {words[0]} above a {words[1]}", f"a {words[0]} left of a {words[1]}", f"a {words[0]}",
    )  # fmt: skip
    assert asked.truth(scenes_[i : i + 1], claims).tolist() == [[True, True, False, False, False]]


def perfect(images: torch.Tensor, claims: torch.Tensor) -> torch.Tensor:
    """Knows what is true of every scene of the source."""
    every = SOURCE.test if (images[0] == SOURCE.test.images).flatten(1).all(1).any() else SOURCE.unseen
    where = [(every.images == image).flatten(1).all(1).nonzero()[0, 0] for image in images]
    held = asked.truth(every[torch.stack(where)], claims).double()
    things, said = every.things[torch.stack(where)], asked.said(claims)
    named = (said[None, :, 1:3] == things[:, None, 0, 1:]).all(2)  # a wording without an article, too
    return held + 0.5 * named


def test_who_knows_the_truth_makes_no_mistake() -> None:
    figures = asked.examine(perfect, SOURCE.test, SOURCE.unseen, captions.LENGTH)
    chance = {name: value for name, value in figures.items() if "chance" in name}
    assert all(value == 1 for name, value in figures.items() if name not in chance), figures
    assert all(value < 0.1 for value in chance.values())


@pytest.mark.parametrize("name", list(asked.CHANGES))
def test_captions_that_nearly_fit_are_never_true(name: str) -> None:
    known = asked.facts(SOURCE.test).numpy()
    true, false, asked_of = asked.CHANGES[name](known)
    assert asked_of.any()
    where = np.flatnonzero(asked_of)
    for claims, right in ((true, True), (false, False)):
        held = asked.truth(SOURCE.test[torch.from_numpy(where)], asked.caption_tokens(claims[where]))
        assert (held.diagonal() == right).all()


def test_swapped_things_are_the_same_words_and_swapped_colours_too() -> None:
    known = asked.facts(SOURCE.test).numpy()
    for name in ("swapped_things", "swapped_colours"):
        true, false, of = asked.CHANGES[name](known)
        a, b = (asked.caption_tokens(claims[of]).sort(1).values for claims in (true, false))
        assert torch.equal(a, b)


def test_a_negative_beside_every_caption_is_untrue() -> None:
    part = SOURCE.test
    false = asked.nearly(asked.facts(part), part.tokens)
    assert not asked.truth(part, false).diagonal().any()


def test_the_average_precision_of_four_pairs_by_hand() -> None:
    scores = torch.tensor([[4.0, 3.0], [2.0, 1.0]])
    true = torch.tensor([[True, False], [True, False]])
    assert asked.average_precision(scores, true) == pytest.approx((1 + 2 / 3) / 2)


def test_the_gap_is_the_distance_of_two_means() -> None:
    class Fixed(Towers):
        def see_all(self, images):
            return torch.tensor([[1.0, 0.0]]).expand(len(images), -1) + 0 * units(len(images), 2).float()

        def read_all(self, tokens):
            return torch.tensor([[0.0, 1.0]]).expand(len(tokens), -1)

    found = asked.gap_figures(Fixed(TowersConfig(**TINY)), SOURCE.test)
    assert found["modality_gap"] == pytest.approx(math.sqrt(2))
    assert found["cosine_of_pairs"] == 0


# --- labels in the place of captions ------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["classes", "attributes"])
def test_labels_answer_every_fact_and_score_the_true_caption_by_it(kind: str) -> None:
    system = attached(learns_from=kind)
    assert system.labelled is not None
    part = SOURCE.test[:8]
    answers = system.labelled.answers(part.data)
    right = system.labelled.questions(asked.facts(part))
    by_hand = torch.stack([a.gather(1, right[:, q : q + 1])[:, 0] for q, a in enumerate(answers)])
    score = system.labelled.score(part.data, asked.facts(part)).diagonal()
    torch.testing.assert_close(score, by_hand.sum(0))
    torch.testing.assert_close(system.labelled.loss(part.data, asked.facts(part)), -by_hand.mean())


def test_what_a_caption_leaves_open_counts_for_nothing() -> None:
    labelled = attached(learns_from="attributes").labelled
    assert labelled is not None
    image = SOURCE.test.data[:1]
    claims = asked.said(tokens("a red circle", "a small red circle", "a large red circle"))
    open_, small, large = labelled.score(image, claims)[0]
    torch.testing.assert_close((small - open_).exp() + (large - open_).exp(), torch.ones(()))


# --- training and sampling ----------------------------------------------------------------------------


def test_shuffled_captions_are_those_of_other_pictures() -> None:
    own, other = (attached(captions=how).batch(0) for how in ("own", "shuffled"))
    assert torch.equal(own.data, other.data)
    assert torch.equal(own.tokens.roll(1, 0), other.tokens)


def test_a_picture_of_the_users_is_held_to_prompts(tmp_path: Path) -> None:
    path = tmp_path / "mine.png"
    Image.new("RGB", (90, 60), "white").save(path)
    prompts = ("a red circle", "a blue square")
    shown = attached().sample(
        SampleRequest(n=4, prompt=prompts[0], further=prompts[1:], extras={"image": path})
    )
    assert isinstance(shown, Scores)
    ((first, second),) = shown.answers
    assert {first[0], second[0]} == set(prompts)
    assert first[1] >= second[1]
    assert first[1] + second[1] == pytest.approx(1)
    many = tuple(f"a {colour} {shape}" for colour, shape in asked.PAIRS)
    shown = attached().sample(SampleRequest(prompt=many[0], further=many[1:], extras={"image": path}))
    assert sorted(words for words, _ in shown.answers[0]) == sorted(many)


def test_prompts_alone_look_pictures_up_a_row_each() -> None:
    system = attached()
    shown = system.sample(SampleRequest(n=3, prompt="a red circle", further=("circle",)))
    assert isinstance(shown, Images)
    assert (len(shown.images), shown.columns) == (6, 3)
    every = torch.cat([SOURCE.test.images, SOURCE.unseen.images])
    best = system.score(every, tokens("a red circle"))[:, 0].argmax()
    assert np.allclose(shown.images[0], every[best].numpy() / 255)


@pytest.mark.parametrize("prompt", ["a pink circle", " ", "a " * 11])
def test_a_prompt_that_is_no_caption_is_refused(prompt: str) -> None:
    with pytest.raises(UsageError):
        attached().sample(SampleRequest(n=1, prompt=prompt))
